// What every operation of `nix-env` gets.

import { Profile } from '../../engine/profiles.ts';
import type { Engine } from '../../engine/engine.ts';
import { PackageSources } from '../../engine/package-sources.ts';
import { UserEnvironments } from '../../engine/user-environments.ts';
import type { Session } from '../session.ts';
import type { EnvLine } from './line.ts';

/** Options of all operations. */
export interface EnvChoices {
  readonly profile: string | undefined;
  readonly file: string | undefined;
  readonly systemFilter: string;
  readonly dryRun: boolean;
  readonly prebuiltOnly: boolean;
  readonly forceName: string | undefined;
  readonly repair: boolean;
}

/** One run of one operation. */
export class EnvRun {
  readonly engine: Engine;
  readonly session: Session;
  readonly flags: EnvLine['flags'];
  readonly args: readonly string[];
  readonly choices: EnvChoices;
  readonly profile: Profile;
  readonly sources: PackageSources;

  constructor(session: Session, engine: Engine, flags: EnvLine['flags'], args: readonly string[], choices: EnvChoices) {
    this.session = session;
    this.engine = engine;
    this.flags = flags;
    this.args = args;
    this.choices = choices;
    this.profile = new Profile(engine, choices.profile ?? (session.env['NIX_PROFILE'] || undefined));
    this.sources = new PackageSources(engine, choices);
  }

  get environments(): UserEnvironments {
    return new UserEnvironments(this.engine, this.profile, this.sources, this.choices);
  }

  /** Text, or bytes as they are, on standard output. */
  write(text: string | Uint8Array): void {
    this.session.report.suspend(() => this.session.stdout.write(text));
  }
}

/** An operation. */
export type EnvOperation = (run: EnvRun) => Promise<void>;
