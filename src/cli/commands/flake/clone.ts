// `floe flake clone`: a working copy of a flake's source.

import { Command, Option } from 'clipanion';
import { FloeError } from '../../../base/errors.ts';
import { cloneFlake } from '../../../engine/flake-sources.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions, flakeOptions } from '../../options.ts';

export class FlakeCloneCommand extends BaseCommand {
  static override paths = [['flake', 'clone']];
  static override usage = Command.Usage({
    description: 'clone flake repository',
    examples: [
      ['A repository', 'floe flake clone github:NixOS/patchelf --dest ./patchelf'],
      ['What a registry entry stands for', 'floe flake clone nix --dest ./nix'],
    ],
  });

  readonly options = { ...evalOptions(), ...flakeOptions() };
  readonly dest = Option.String('--dest,-f', { description: 'Where to make the copy. {path}' });
  readonly flakeUrl = Option.String({ required: false });

  async execute(): Promise<void> {
    if (this.dest === undefined) throw new FloeError('FLOE_USAGE', "missing flag '--dest'");
    const engine = openEvaluatingEngine(this, this.options);
    try {
      await cloneFlake(engine, engine.flakes.parse(this.flakeUrl ?? '.'), this.dest);
    } finally {
      await engine.close();
    }
  }
}
