// `floe registry pin`: holds a name at what it is now.

import { Command, Option } from 'clipanion';
import { RegistryFile } from '../../../engine/registries.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions } from '../../options.ts';

export class RegistryPinCommand extends BaseCommand {
  static override paths = [['registry', 'pin']];
  static override usage = Command.Usage({
    description: 'pin a flake to its current version or to the current version of a flake URL',
    examples: [
      ['Keep nixpkgs as it is today', 'floe registry pin nixpkgs'],
      ['Keep it at a branch as that is today', 'floe registry pin nixpkgs github:NixOS/nixpkgs/nixos-25.11'],
    ],
  });

  readonly options = evalOptions();
  readonly registry = Option.String('--registry', { description: 'The registry to operate on. {registry}' });
  readonly url = Option.String({ name: 'url' });
  readonly locked = Option.String({ name: 'locked', required: false });

  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      await new RegistryFile(engine, this.registry).pin(this.url, this.locked);
    } finally {
      await engine.close();
    }
  }
}
