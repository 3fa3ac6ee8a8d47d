// `floe flake prefetch-inputs`: the sources of all inputs of a flake, in the store.

import { Command, Option } from 'clipanion';
import { prefetchInputs } from '../../../engine/flake-sources.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockNamedFlake } from '../../lock-choices.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions, flakeOptions } from '../../options.ts';

export class FlakePrefetchInputsCommand extends BaseCommand {
  static override paths = [['flake', 'prefetch-inputs']];
  static override usage = Command.Usage({
    description: 'fetch the inputs of a flake',
    examples: [
      ['Those of the flake in this folder, for work without a network', 'floe flake prefetch-inputs'],
      ['Those of another one', 'floe flake prefetch-inputs ./flake-examples/hello-app'],
    ],
  });

  readonly options = { ...evalOptions(), ...flakeOptions() };
  readonly flakeUrl = Option.String({ required: false });

  async execute(): Promise<number> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locked = await lockNamedFlake(this, engine, this.options, this.flakeUrl);
      const failed = await prefetchInputs(engine, locked, (error) => this.session.report.error(error));
      return failed === 0 ? 0 : 1;
    } finally {
      await engine.close();
    }
  }
}
