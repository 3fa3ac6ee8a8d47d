// `floe registry resolve`: what references stand for.

import { Command, Option } from 'clipanion';
import { resolveReference } from '../../../engine/registries.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';

export class RegistryResolveCommand extends BaseCommand {
  static override paths = [['registry', 'resolve']];
  static override usage = Command.Usage({
    description: 'resolve flake references using the registry',
    examples: [
      ['What nixpkgs is', 'floe registry resolve nixpkgs'],
      ['A branch of it', 'floe registry resolve nixpkgs/nixos-25.11'],
    ],
  });

  readonly urls = Option.Rest({ name: 'flake-refs' });

  async execute(): Promise<void> {
    const engine = openEngine(this);
    try {
      for (const url of this.urls) this.writeByteString(`${resolveReference(engine, url)}\n`);
    } finally {
      await engine.close();
    }
  }
}
