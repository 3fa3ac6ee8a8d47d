// `nix-shell`: a shell with the environment of a derivation, or with packages; also the interpreter of scripts that say so.

import { Command, Option } from 'clipanion';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { byteStringOf, utf8ToByteString } from '../../../base/bytes.ts';
import { UsageError } from '../../../base/errors.ts';
import type { SourceChoice } from '../../../engine/engine.ts';
import type { OlderShellTask } from '../../../engine/kept-older-shell.ts';
import { OlderShell, packagesExpression } from '../../../engine/older-shell.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions } from '../../options.ts';
import { readNixShellScript, type Script } from '../../shebang.ts';
import { shellTaskOption } from '../../shell-task.ts';

export class NixShellCommand extends BaseCommand {
  static override paths = [['nix-shell']];
  static override usage = Command.Usage({
    description: 'start an interactive shell based on a Nix expression',
    examples: [
      ['Enter the environment that ./shell.nix (or ./default.nix) describes', '$0'],
      ['Run one command with two packages of <nixpkgs>', '$0 -p jq curl --run "curl -s https://example.org | jq ."'],
      ['In a script: interpreter and packages', '#! /usr/bin/env nix-shell\n    #! nix-shell -i python3 -p python3'],
    ],
  });

  static override readonly keepsOutput = true;

  readonly options = evalOptions();
  readonly packages = Option.Boolean('--packages,-p', false, { description: 'The arguments are packages of <nixpkgs>.' });
  readonly fromStdin = Option.Boolean('-', false, { description: 'Read an expression from standard input.' });
  readonly fromArguments = Option.Boolean('--expr,-E', false, { description: 'The arguments are expressions, not files.' });
  readonly attrs = Option.Array('--attr,-A', [], { description: 'Take an attribute of the expression. {attr-path}' });
  readonly task = shellTaskOption();
  readonly pure = Option.Boolean('--pure', false, { description: 'Keep only a few variables of the environment.' });
  readonly keep = Option.Array('--keep', [], { description: 'With --pure: keep this variable too. {name}' });
  readonly exclude = Option.Array('--exclude', [], { description: 'Do not build inputs whose paths match. {regex}' });
  readonly dryRun = Option.Boolean('--dry-run', false, { description: 'Show what would be built or fetched without doing it.' });
  readonly check = Option.Boolean('--check', false, { description: 'Build again what is built, and compare.' });
  readonly obsolete = Option.Boolean('--add-drv-link,--indirect,--run-env,--no-out-link,--no-link', false, {
    description: 'Has no effect.',
  });
  readonly link = Option.Array('--drv-link,--out-link,-o', [], { description: 'Has no effect. {path}' });
  readonly files = Option.Rest({ name: 'files' });

  private script: Script | undefined;

  override replaceWords(words: readonly string[], cwd: string): readonly string[] {
    this.script = readNixShellScript(words, cwd);
    return this.script?.words ?? words;
  }

  async execute(): Promise<void> {
    const { script, session } = this;
    if (this.packages && this.fromArguments) throw new UsageError("'-p' and '-E' are mutually exclusive");
    const isRelative = script !== undefined && session.settings.get('nix-shell-shebang-arguments-relative-to-script');
    session.reads?.setsVariable('IN_NIX_SHELL');
    this.session = {
      ...session,
      env: { ...session.env, IN_NIX_SHELL: this.pure ? 'pure' : 'impure' },
      wordsFolder: isRelative ? script.folder : session.cwd,
    };
    const sources = this.sources();
    const engine = openEvaluatingEngine(this, this.options);
    try {
      await new OlderShell(engine).run({
        sources,
        attrPaths: this.attrs.length === 0 ? [''] : this.attrs,
        takesPackages: this.packages,
        isPure: this.pure,
        keep: this.keep,
        exclude: this.exclude,
        task: this.shellTask(),
        mode: this.options.repair ? 'repair' : this.check ? 'check' : 'normal',
        dryRun: this.dryRun,
      });
    } finally {
      await engine.close();
    }
  }

  private sources(): SourceChoice[] {
    const { script, session, files } = this;
    const expression = (text: string, label?: string): SourceChoice => ({ kind: 'expression', text, label });
    if (this.packages) return [expression(utf8ToByteString(packagesExpression(files)))];
    if (this.fromStdin) return [expression(byteStringOf(session.stdin.readAll()), '«stdin»')];
    if (this.fromArguments) return files.map((text) => expression(utf8ToByteString(text)));
    const isNamed = files.length > 0;
    if (!isNamed && script === undefined && !['shell.nix', 'default.nix'].some((name) => existsSync(resolve(session.cwd, name))))
      throw new UsageError("no argument specified and no 'shell.nix' or 'default.nix' file found in the working directory");
    const folder = script?.folder ?? session.cwd;
    const place = (word: string): string => (/^(<.*>|[a-z]+:.*)$/.test(word) ? word : resolve(folder, word));
    return (isNamed ? files : ['.']).map((word): SourceChoice => ({ kind: 'file', path: place(word) }));
  }

  private shellTask(): OlderShellTask {
    const { task, script, session } = this;
    const isTerminal = session.stdin.isTerminal && session.stderr.isTerminal;
    if (task?.kind === 'interpreter') {
      if (script === undefined) throw new UsageError("unrecognised flag '-i'");
      return { kind: 'interpreter', program: task.text, script: script.path, args: script.args };
    }
    if (task !== undefined) return { kind: 'command', text: task.text, isInteractive: isTerminal && !task.isBatch };
    return isTerminal ? { kind: 'interactive' } : { kind: 'command', text: '', isInteractive: false };
  }
}
