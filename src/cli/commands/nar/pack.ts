// `floe nar pack`: the NAR of a file or folder on standard output.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import { packNar } from '../../../engine/nar-files.ts';
import { BaseCommand } from '../../base-command.ts';

export class NarPackCommand extends BaseCommand {
  static override paths = [['nar', 'pack']];
  static override usage = Command.Usage({
    description: 'serialise a path to standard output in NAR format',
    examples: [
      ['A folder', 'floe nar pack ./src > src.nar'],
      ['And what is in it', 'floe nar ls --recursive ./src.nar /'],
    ],
  });

  readonly target = Option.String({ name: 'path' });

  async execute(): Promise<void> {
    if (this.session.stdout.isTerminal) throw new UsageError('refusing to write NAR to a terminal');
    packNar(this.session.cwd, this.target, (chunk) => this.write(chunk));
  }
}
