// What all commands share: the session and printing. A command is a class of its own file with `paths`, `usage` (with two examples),
// options as fields and an `execute()` of at most 40 lines that calls the engine and prints.

import { Command } from 'clipanion';
import { bytesOf } from '../base/bytes.ts';
import { type Json, parseJson, printJson } from '../base/canonical-json.ts';
import type { GlobalChoices } from './globals.ts';
import type { Session } from './session.ts';

/** The root of all commands. Fields are filled before `execute` runs. */
export abstract class BaseCommand extends Command {
  /** True for commands that evaluate impurely unless a setting says otherwise. */
  static readonly forcesImpure: boolean = false;
  /** True for commands whose exit status tells how a build failed, as that of all older commands does; the others exit with 1. */
  static readonly exitsWithBuildStatus: boolean = false;

  /** True for commands that only print, and whose output is kept with what it rests on. */
  static readonly keepsOutput: boolean = false;

  /** What runs, where. Nothing global is touched past it. */
  session!: Session;
  /** The global options. */
  choices!: GlobalChoices;

  /** The words in place of those that were typed, before options are read: `nix-shell` takes a script's. */
  replaceWords(words: readonly string[], _cwd: string): readonly string[] {
    return words;
  }

  /** Does it. The exit code; none is 0. */
  abstract override execute(): Promise<number | void>;

  /** A line of ordinary text on standard output. */
  protected print(text: string): void {
    this.write(`${text}\n`);
  }

  /** A byte string (what the language and the model hold) on standard output, as it is. */
  protected writeByteString(text: string): void {
    this.write(Buffer.from(text, 'latin1'));
  }

  /** Text or bytes on standard output, as they are. */
  protected write(text: string | Uint8Array): void {
    this.session.report.suspend(() => this.session.stdout.write(text));
  }

  /** A value as Nix prints JSON, strings in it being byte strings: over several lines on a terminal or where `--pretty` says so. */
  protected printJson(value: Json, options: { readonly pretty: boolean; readonly noPretty: boolean }): void {
    const isPretty = !options.noPretty && (options.pretty || this.session.stdout.isTerminal);
    this.writeByteString(`${printJson(value, isPretty ? 2 : undefined)}\n`);
  }

  /** JSON that is a byte string already. */
  protected printJsonText(text: string, options: { readonly pretty: boolean; readonly noPretty: boolean }): void {
    const isPretty = options.noPretty ? false : options.pretty || this.session.stdout.isTerminal;
    this.write(bytesOf(`${isPretty ? printJson(parseJson(text, 'the value'), 2) : text}\n`));
  }

  protected warn(text: string): void {
    this.session.report.warn(text);
  }
}
