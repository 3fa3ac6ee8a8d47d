// `floe derivation add`: a derivation that comes as JSON on standard input, into the store.

import { Command } from 'clipanion';
import { addDerivation } from '../../../engine/add-derivation.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';
import { dryRunOptions } from '../../options.ts';

export class DerivationAddCommand extends BaseCommand {
  static override paths = [['derivation', 'add']];
  static override usage = Command.Usage({
    description: 'add a store derivation',
    examples: [
      ['A derivation in the form of `derivation show`', 'floe derivation add < hello.json'],
      ['Only its path', 'floe derivation add --dry-run < hello.json'],
    ],
  });

  readonly dry = dryRunOptions();

  async execute(): Promise<void> {
    const engine = openEngine(this);
    try {
      const path = addDerivation(engine, this.session.stdin.readAll(), this.dry.dryRun || engine.readOnly);
      this.print(`${engine.storeDir}/${path}`);
    } finally {
      await engine.close();
    }
  }
}
