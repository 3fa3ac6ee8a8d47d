// `floe nar dump-path`: the older name of `nar pack`.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import { packNar } from '../../../engine/nar-files.ts';
import { BaseCommand } from '../../base-command.ts';

export class NarDumpPathCommand extends BaseCommand {
  static override paths = [['nar', 'dump-path']];
  static override usage = Command.Usage({
    description: "serialise a path to standard output in NAR format (deprecated: use 'nar pack')",
    examples: [
      ['A folder', 'floe nar dump-path ./src > src.nar'],
      ['The same with its newer name', 'floe nar pack ./src > src.nar'],
    ],
  });

  readonly target = Option.String({ name: 'path' });

  async execute(): Promise<void> {
    this.warn("'nix nar dump-path' is a deprecated alias for 'nix nar pack'");
    if (this.session.stdout.isTerminal) throw new UsageError('refusing to write NAR to a terminal');
    packNar(this.session.cwd, this.target, (chunk) => this.write(chunk));
  }
}
