// `floe registry add`: a name for a flake.

import { Command, Option } from 'clipanion';
import { RegistryFile } from '../../../engine/registries.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions } from '../../options.ts';

export class RegistryAddCommand extends BaseCommand {
  static override paths = [['registry', 'add']];
  static override usage = Command.Usage({
    description: 'add/replace flake in user flake registry',
    examples: [
      ['A shorter name', 'floe registry add work git+ssh://git@example.org/work.git'],
      ['Another branch of nixpkgs under its name', 'floe registry add nixpkgs github:NixOS/nixpkgs/nixos-25.11'],
    ],
  });

  readonly options = evalOptions();
  readonly registry = Option.String('--registry', { description: 'The registry to operate on. {registry}' });
  readonly fromUrl = Option.String({ name: 'from-url' });
  readonly toUrl = Option.String({ name: 'to-url' });

  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      new RegistryFile(engine, this.registry).add(this.fromUrl, this.toUrl);
    } finally {
      await engine.close();
    }
  }
}
