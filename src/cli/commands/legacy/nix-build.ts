// `nix-build`: builds what Nix expressions (or derivations in the store) stand for, and links the results into the working folder.

import { Command, Option } from 'clipanion';
import { resolve } from 'node:path';
import { buildWanted, linkResults, type Wanted, wantedOf } from '../../../engine/older-build.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions } from '../../options.ts';
import { programSources } from '../../program-sources.ts';

export class NixBuildCommand extends BaseCommand {
  static override paths = [['nix-build']];
  static override usage = Command.Usage({
    description: 'build a Nix expression',
    examples: [
      ['Build one attribute of ./default.nix; ./result is a link to it', '$0 -A hello'],
      ['Build without a link', "$0 --no-out-link -E '(import <nixpkgs> { }).hello'"],
    ],
  });

  static override readonly keepsOutput = true;

  readonly options = evalOptions();
  readonly fromStdin = Option.Boolean('-', false, { description: 'Read an expression from standard input.' });
  readonly fromArguments = Option.Boolean('--expr,-E', false, { description: 'The arguments are expressions, not files.' });
  readonly attrs = Option.Array('--attr,-A', [], { description: 'Take an attribute of each expression. {attr-path}' });
  readonly outLink = Option.String('--out-link,-o', './result', { description: 'Name of the link to the result. {path}' });
  readonly noOutLink = Option.Boolean('--no-out-link,--no-link', false, { description: 'Make no link to the result.' });
  readonly dryRun = Option.Boolean('--dry-run', false, { description: 'Show what would be built or fetched without doing it.' });
  readonly check = Option.Boolean('--check', false, { description: 'Build again what is built, and compare.' });
  readonly obsolete = Option.Boolean('--add-drv-link,--indirect,--pure', false, { description: 'Has no effect.' });
  readonly drvLink = Option.String('--drv-link', { description: 'Has no effect. {path}' });
  readonly exclude = Option.Array('--exclude', [], { description: 'Has no effect. {regex}' });
  readonly files = Option.Rest({ name: 'files' });

  /** Of `--out-link` and `--no-out-link` the last one counts. */
  private get wantsLink(): boolean {
    const last = (flags: RegExp): number => this.session.launch.words.findLastIndex((word) => flags.test(word));
    return !this.noOutLink || last(/^(?:--out-link|-o)(?:=|$)/) > last(/^--no-(?:out-)?link$/);
  }

  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const attrPaths = this.attrs.length === 0 ? [''] : this.attrs;
      const wanted: Wanted[] = await wantedOf(engine, programSources(this, this.files, this), attrPaths);
      const mode = this.options.repair ? 'repair' : this.check ? 'check' : 'normal';
      const paths = await buildWanted(engine, wanted, { mode, dryRun: this.dryRun });
      if (this.dryRun) return;
      if (this.wantsLink) await linkResults(engine, wanted, resolve(engine.cwd, this.outLink));
      for (const path of paths) this.print(`${engine.storeDir}/${path}`);
    } finally {
      await engine.close();
    }
  }
}
