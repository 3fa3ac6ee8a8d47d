// `floe nar ls`: what lies inside a NAR file.

import { Command, Option } from 'clipanion';
import { bytesOf } from '../../../base/bytes.ts';
import { printJson } from '../../../base/canonical-json.ts';
import { UsageError } from '../../../base/errors.ts';
import { listFiles } from '../../../engine/file-listing.ts';
import { NarTree } from '../../../engine/nar-files.ts';
import { BaseCommand } from '../../base-command.ts';
import { jsonOptions } from '../../options.ts';

export class NarLsCommand extends BaseCommand {
  static override paths = [['nar', 'ls']];
  static override usage = Command.Usage({
    description: 'show information about a path inside a NAR file',
    examples: [
      ['A folder in an archive', 'floe nar ls --long ./hello.nar /bin'],
      ['Everything in it, as JSON', 'floe nar ls --json --recursive ./hello.nar /'],
    ],
  });

  readonly json = jsonOptions();
  readonly recursive = Option.Boolean('--recursive,-R', false, { description: 'List folders inside folders too.' });
  readonly long = Option.Boolean('--long,-l', false, { description: 'Show modes, sizes and where links lead.' });
  readonly directory = Option.Boolean('--directory,-d', false, { description: 'Show folders, not what is in them.' });
  readonly nar = Option.String({ name: 'nar' });
  readonly target = Option.String({ name: 'path' });

  async execute(): Promise<void> {
    if (this.json.json && this.directory) throw new UsageError("'--directory' is useless with '--json'");
    const tree = new NarTree(this.session.cwd, this.nar, this.target);
    if (this.json.json) return this.write(bytesOf(`${printJson(tree.toJson(this.recursive))}\n`));
    for (const line of listFiles(tree, this)) this.writeByteString(`${line}\n`);
  }
}
