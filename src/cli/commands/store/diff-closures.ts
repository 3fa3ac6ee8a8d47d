// `floe store diff-closures`: which packages and versions two closures differ in.

import { Command, Option } from 'clipanion';
import { closureDiff } from '../../../engine/closure-diff.ts';
import { singleStorePath } from '../../../engine/store-paths.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine, sourceChoice } from '../../open-engine.ts';
import { installableOptions } from '../../options.ts';
import { SIZE_STYLE } from '../../size-style.ts';

export class StoreDiffClosuresCommand extends BaseCommand {
  static override paths = [['store', 'diff-closures']];
  static override usage = Command.Usage({
    description: 'show what packages and versions were added and removed between two closures',
    examples: [
      ['Two generations of a profile', 'floe store diff-closures ./tools-1-link ./tools-2-link'],
      ['What an update of a flake would bring', 'floe store diff-closures ./result .'],
    ],
  });

  readonly options = installableOptions();
  readonly derivation = Option.Boolean('--derivation', false, { description: 'Compare the derivations, not their outputs.' });
  readonly before = Option.String({ name: 'before' });
  readonly after = Option.String({ name: 'after' });

  async execute(): Promise<void> {
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const paths = [];
      for (const word of [this.before, this.after]) {
        const [target] = await engine.targets([word], 'build', source, locking);
        paths.push(await singleStorePath(engine, target!, this.derivation));
      }
      for (const line of await closureDiff(engine, paths[0]!, paths[1]!, SIZE_STYLE)) this.writeByteString(`${line}\n`);
    } finally {
      await engine.close();
    }
  }
}
