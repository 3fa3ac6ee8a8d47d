// `floe store cat`: a file of the store on standard output.

import { Command, Option } from 'clipanion';
import { StoreTree } from '../../../engine/store-files.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';

export class StoreCatCommand extends BaseCommand {
  static override paths = [['store', 'cat']];
  static override usage = Command.Usage({
    description: 'print the contents of a file in the store on standard output',
    examples: [
      ['A file', 'floe store cat /nix/store/...-hello/share/info/hello.info'],
      ['Of another store', 'floe store cat --store /mnt /nix/store/...-hello/bin/hello'],
    ],
  });

  readonly target = Option.String({ name: 'path' });

  async execute(): Promise<void> {
    const engine = openEngine(this);
    try {
      (await StoreTree.open(engine, this.target)).read((chunk) => this.write(chunk));
    } finally {
      await engine.close();
    }
  }
}
