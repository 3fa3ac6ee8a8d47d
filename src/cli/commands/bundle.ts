// `floe bundle`: makes of an app or package something that works outside of the store, with a function that another flake offers.

import { Command, Option } from 'clipanion';
import { resolve } from 'node:path';
import { bundle, DEFAULT_BUNDLER } from '../../engine/bundle.ts';
import { BaseCommand } from '../base-command.ts';
import { lockChoices } from '../lock-choices.ts';
import { openEvaluatingEngine, sourceChoice } from '../open-engine.ts';
import { installableOptions } from '../options.ts';

export class BundleCommand extends BaseCommand {
  static override paths = [['bundle']];
  static override usage = Command.Usage({
    description: 'bundle an application so that it works outside of the Nix store',
    examples: [
      ["Bundle this flake's default app", 'floe bundle'],
      ["Bundle a package with a bundler of this flake's", 'floe bundle --bundler .#toArchive -o jq-bundle debpkgs#jq'],
    ],
    details: 'A bundler is a function from what is bundled to a derivation: bundlers.<system>.<name> of a flake.',
  });

  readonly options = installableOptions();
  readonly bundler = Option.String('--bundler', DEFAULT_BUNDLER, { description: 'The flake (and name) of the bundler. {flake-url}' });
  readonly outLink = Option.String('--out-link,-o', { description: 'Name of the link to the result; that of the derivation. {path}' });
  readonly installable = Option.String({ required: false });

  async execute(): Promise<void> {
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const [target] = await engine.targets([this.installable ?? '.'], 'run', source, locking);
      const { outPath, name } = await bundle(engine, target!, this.bundler);
      await engine.store.addRootLink(outPath, resolve(engine.cwd, this.outLink ?? name));
    } finally {
      await engine.close();
    }
  }
}
