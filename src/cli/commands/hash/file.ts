// `floe hash file`: the hash of a file's bytes.

import { Command, Option } from 'clipanion';
import { parseHashAlgorithm } from '../../../base/hash.ts';
import { hashPath } from '../../../engine/hash-files.ts';
import { BaseCommand } from '../../base-command.ts';
import { chosenFormat, digestOptions, showHash } from '../../hash-options.ts';

export class HashFileCommand extends BaseCommand {
  static override paths = [['hash', 'file']];
  static override usage = Command.Usage({
    description: 'print the cryptographic hash of a regular file',
    examples: [
      ['Hash an archive', 'floe hash file ./hello-2.12.tar.gz'],
      ['The same in base 16', 'floe hash file --base16 ./hello-2.12.tar.gz'],
    ],
  });

  readonly digest = digestOptions();
  readonly targets = Option.Rest({ name: 'paths' });

  async execute(): Promise<void> {
    const algorithm = parseHashAlgorithm(this.digest.type);
    for (const path of this.targets) this.print(showHash(hashPath(path, 'flat', algorithm), chosenFormat(this.digest)));
  }
}
