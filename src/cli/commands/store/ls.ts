// `floe store ls`: what lies inside a store object.

import { Command, Option } from 'clipanion';
import { bytesOf } from '../../../base/bytes.ts';
import { printJson } from '../../../base/canonical-json.ts';
import { UsageError } from '../../../base/errors.ts';
import { listFiles } from '../../../engine/file-listing.ts';
import { StoreTree } from '../../../engine/store-files.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';
import { jsonOptions } from '../../options.ts';

export class StoreLsCommand extends BaseCommand {
  static override paths = [['store', 'ls']];
  static override usage = Command.Usage({
    description: 'show information about a path in the store',
    examples: [
      ['A folder of a package', 'floe store ls --long /nix/store/...-hello/bin'],
      ['Everything in it, as JSON', 'floe store ls --json --recursive /nix/store/...-hello'],
    ],
  });

  readonly json = jsonOptions();
  readonly recursive = Option.Boolean('--recursive,-R', false, { description: 'List folders inside folders too.' });
  readonly long = Option.Boolean('--long,-l', false, { description: 'Show modes, sizes and where links lead.' });
  readonly directory = Option.Boolean('--directory,-d', false, { description: 'Show folders, not what is in them.' });
  readonly target = Option.String({ name: 'path' });

  async execute(): Promise<void> {
    const engine = openEngine(this);
    try {
      const tree = await StoreTree.open(engine, this.target);
      if (this.json.json) {
        if (this.directory) throw new UsageError("'--directory' is useless with '--json'");
        return this.write(bytesOf(`${printJson(tree.toJson(this.recursive))}\n`));
      }
      for (const line of listFiles(tree, this)) this.writeByteString(`${line}\n`);
    } finally {
      await engine.close();
    }
  }
}
