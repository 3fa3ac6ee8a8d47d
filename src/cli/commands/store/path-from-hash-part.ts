// `floe store path-from-hash-part`: the store path that a hash part begins.

import { Command, Option } from 'clipanion';
import { FloeError, FormatError } from '../../../base/errors.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';

const HASH_PART_LENGTH = 32;

export class StorePathFromHashPartCommand extends BaseCommand {
  static override paths = [['store', 'path-from-hash-part']];
  static override usage = Command.Usage({
    description: 'get a store path from its hash part',
    examples: [
      ['A path', 'floe store path-from-hash-part 0i2jd68mp5g6h2sa5k9c85rb80sn8hi9'],
      ['In another store', 'floe store path-from-hash-part --store /mnt 0i2jd68mp5g6h2sa5k9c85rb80sn8hi9'],
    ],
  });

  readonly hashPart = Option.String({ name: 'hash-part' });

  async execute(): Promise<void> {
    if (this.hashPart.length !== HASH_PART_LENGTH) throw new FormatError('invalid hash part');
    const engine = openEngine(this);
    try {
      const path = await engine.store.queryPathFromHashPart(this.hashPart);
      if (path === undefined) throw new FloeError('FLOE_NO_PATH', `there is no store path corresponding to '${this.hashPart}'`);
      this.print(`${engine.storeDir}/${path}`);
    } finally {
      await engine.close();
    }
  }
}
