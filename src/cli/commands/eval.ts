// `floe eval`: the value of a flake output, an attribute or an expression.

import { Command, Option } from 'clipanion';
import { bytesOf, utf8ToByteString } from '../../base/bytes.ts';
import { UsageError } from '../../base/errors.ts';
import type { Engine, SourceChoice } from '../../engine/engine.ts';
import type { LockChoices } from '../../engine/flakes.ts';
import { BaseCommand } from '../base-command.ts';
import { lockChoices } from '../lock-choices.ts';
import { openEvaluatingEngine, sourceChoice } from '../open-engine.ts';
import { installableOptions, jsonOptions, readOnlyOptions } from '../options.ts';

export class EvalCommand extends BaseCommand {
  static override paths = [['eval']];
  static override usage = Command.Usage({
    description: 'evaluate a Nix expression',
    examples: [
      ['Evaluate an expression', "floe eval --expr '1 + 2'"],
      ['Print an output of a flake as JSON', 'floe eval --json .#packages'],
    ],
  });

  static override readonly keepsOutput = true;

  readonly options = installableOptions();
  readonly json = jsonOptions();
  readonly mode = readOnlyOptions();
  readonly raw = Option.Boolean('--raw', false, { description: 'Print strings without quotes or escapes.' });
  readonly apply = Option.String('--apply', { description: 'Apply a function to the value. {expr}' });
  readonly writeTo = Option.String('--write-to', { description: 'Write a string or a set of strings to a path. {path}' });
  readonly installable = Option.String({ required: false });

  async execute(): Promise<void> {
    if (this.raw && this.json.json) throw new UsageError('--raw and --json are mutually exclusive');
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      await this.printValue(engine, source, locking);
      if (!this.mode.readOnly) engine.builds.flushAll();
    } finally {
      await engine.close();
    }
  }

  private async printValue(engine: Engine, source: SourceChoice | undefined, locking: LockChoices) {
    const [target] = await engine.targets([this.installable ?? '.'], 'build', source, locking);
    const { printing } = engine;
    const { apply } = this;
    const take = () => (apply === undefined ? target!.value().value : printing.apply(utf8ToByteString(apply), target!.value().value));
    if (this.writeTo !== undefined) {
      this.session.reads?.refuse('files were written');
      printing.writeTo(this.writeTo, take());
    } else if (this.raw) this.write(bytesOf(printing.raw(take(), 'while generating the eval command output')));
    else if (this.json.json) this.printJsonText(await printing.sharedJson(take, !this.mode.readOnly, false), this.json);
    else this.write(bytesOf(`${printing.forced(take())}\n`));
  }
}
