// What every operation of `nix-store` gets and how it refuses words.

import { UsageError } from '../../base/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import { StoreQueries } from '../../engine/store-queries.ts';
import type { BaseCommand } from '../base-command.ts';
import type { RootLinks } from '../root-links.ts';
import type { Session } from '../session.ts';

/** One run of one operation. */
export class OperationRun {
  readonly engine: Engine;
  readonly session: Session;
  readonly flags: readonly string[];
  readonly args: readonly string[];
  readonly roots: RootLinks;
  /** False with --no-output. */
  readonly printsResults: boolean;
  readonly queries: StoreQueries;

  constructor(
    command: BaseCommand,
    engine: Engine,
    line: {
      readonly flags: readonly string[];
      readonly args: readonly string[];
      readonly roots: RootLinks;
      readonly printsResults: boolean;
    },
  ) {
    this.engine = engine;
    this.session = command.session;
    this.flags = line.flags;
    this.args = line.args;
    this.roots = line.roots;
    this.printsResults = line.printsResults;
    this.queries = new StoreQueries(engine);
  }

  get store(): Engine['store'] {
    return this.engine.store;
  }

  /** A line on standard output. */
  print(text: string): void {
    this.write(`${text}\n`);
  }

  /** Text, or bytes as they are. */
  write(text: string | Uint8Array): void {
    this.session.report.suspend(() => this.session.stdout.write(text));
  }

  /** Which of these flags are there; any other is an error. */
  readFlags(...known: string[]): Set<string> {
    const unknown = this.flags.find((flag) => !known.includes(flag));
    if (unknown !== undefined) throw new UsageError(`unknown flag '${unknown}'`);
    return new Set(this.flags);
  }

  /** For operations without flags of their own. */
  refuseFlags(words = 'unknown flag'): void {
    if (this.flags.length > 0) throw new UsageError(words);
  }

  refuseArguments(): void {
    if (this.args.length > 0) throw new UsageError('no arguments expected');
  }
}

/** An operation; the exit code, 0 where there is none. */
export type Operation = (run: OperationRun) => Promise<number | void>;
