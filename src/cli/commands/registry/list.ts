// `floe registry list`: all entries of all registries.

import { Command } from 'clipanion';
import { registryLines } from '../../../engine/registries.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';

export class RegistryListCommand extends BaseCommand {
  static override paths = [['registry', 'list']];
  static override usage = Command.Usage({
    description: 'list available Nix flakes',
    examples: [
      ['Which names stand for what', 'floe registry list'],
      ['With the entries of another global registry', 'floe registry list --flake-registry /etc/registry.json'],
    ],
  });

  async execute(): Promise<void> {
    const engine = openEngine(this);
    try {
      for (const line of registryLines(engine)) this.writeByteString(`${line}\n`);
    } finally {
      await engine.close();
    }
  }
}
