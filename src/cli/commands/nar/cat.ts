// `floe nar cat`: a file of a NAR on standard output.

import { Command, Option } from 'clipanion';
import { readNarFile } from '../../../engine/nar-files.ts';
import { BaseCommand } from '../../base-command.ts';

export class NarCatCommand extends BaseCommand {
  static override paths = [['nar', 'cat']];
  static override usage = Command.Usage({
    description: 'print the contents of a file inside a NAR file on standard output',
    examples: [
      ['A file', 'floe nar cat ./hello.nar /share/info/hello.info'],
      ['Into a file', 'floe nar cat ./hello.nar /bin/hello > hello'],
    ],
  });

  readonly nar = Option.String({ name: 'nar' });
  readonly target = Option.String({ name: 'path' });

  async execute(): Promise<void> {
    readNarFile(this.session.cwd, this.nar, this.target, (chunk) => this.write(chunk));
  }
}
