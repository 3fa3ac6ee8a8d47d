// `floe why-depends`: why a package has another in its closure.

import { Command, Option } from 'clipanion';
import { whyDepends } from '../../engine/why-depends.ts';
import { BaseCommand } from '../base-command.ts';
import { lockChoices } from '../lock-choices.ts';
import { openEvaluatingEngine, sourceChoice } from '../open-engine.ts';
import { installableOptions } from '../options.ts';

export class WhyDependsCommand extends BaseCommand {
  static override paths = [['why-depends']];
  static override usage = Command.Usage({
    description: 'show why a package has another package in its closure',
    examples: [
      ['A shortest way', 'floe why-depends debpkgs#git debpkgs#zlib'],
      ['All ways, with the files that make them', 'floe why-depends --all --precise debpkgs#git debpkgs#zlib'],
    ],
  });

  readonly options = installableOptions();
  readonly derivation = Option.Boolean('--derivation', false, { description: 'Work on the derivations, not on their outputs.' });
  readonly all = Option.Boolean('--all,-a', false, { description: 'Show all ways, not only a shortest one.' });
  readonly precise = Option.Boolean('--precise', false, { description: 'For each step show the files that make it.' });
  readonly package = Option.String({ name: 'package' });
  readonly dependency = Option.String({ name: 'dependency' });

  async execute(): Promise<void> {
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const [target, dependency] = await engine.targets([this.package, this.dependency], 'build', source, locking);
      const lines = await whyDepends(engine, target!, dependency!, this);
      if (lines === undefined) return this.session.report.log('error', `'${target!.what}' does not depend on '${dependency!.what}'`);
      for (const line of lines) this.writeByteString(`${line}\n`);
    } finally {
      await engine.close();
    }
  }
}
