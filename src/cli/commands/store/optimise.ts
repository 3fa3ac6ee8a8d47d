// `floe store optimise`: equal files of the store become hard links to one.

import { Command } from 'clipanion';
import { printSize } from '../../../base/byte-size.ts';
import { StoreCare } from '../../../engine/store-care.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';

export class StoreOptimiseCommand extends BaseCommand {
  static override paths = [['store', 'optimise']];
  static override usage = Command.Usage({
    description: 'replace identical files in the store by hard links',
    examples: [
      ['The usual store', 'floe store optimise'],
      ['Do so with everything that is added from now on', 'floe build --auto-optimise-store .#default'],
    ],
  });

  async execute(): Promise<void> {
    const engine = openEngine(this);
    try {
      const stats = await new StoreCare(engine).optimise();
      if (stats === undefined) return;
      const { filesLinked, bytesFreed } = stats;
      this.session.report.log('info', `${printSize(bytesFreed)} freed by hard-linking ${filesLinked} files`);
    } finally {
      await engine.close();
    }
  }
}
