// `floe registry remove`: forgets a name.

import { Command, Option } from 'clipanion';
import { RegistryFile } from '../../../engine/registries.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';

export class RegistryRemoveCommand extends BaseCommand {
  static override paths = [['registry', 'remove']];
  static override usage = Command.Usage({
    description: 'remove flake from user flake registry',
    examples: [
      ['Forget a name', 'floe registry remove work'],
      ['In a file of your own', 'floe registry remove --registry ./registry.json work'],
    ],
  });

  readonly registry = Option.String('--registry', { description: 'The registry to operate on. {registry}' });
  readonly url = Option.String({ name: 'url' });

  async execute(): Promise<void> {
    const engine = openEngine(this);
    try {
      new RegistryFile(engine, this.registry).remove(this.url);
    } finally {
      await engine.close();
    }
  }
}
