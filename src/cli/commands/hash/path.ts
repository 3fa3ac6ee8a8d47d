// `floe hash path`: the hash of a file or folder as the store would hold it.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import { parseHashAlgorithm } from '../../../base/hash.ts';
import { requireFeature } from '../../../engine/features.ts';
import { hashPath, type HashMode } from '../../../engine/hash-files.ts';
import { BaseCommand } from '../../base-command.ts';
import { chosenFormat, digestOptions, readHashFormat, showHash } from '../../hash-options.ts';

export class HashPathCommand extends BaseCommand {
  static override paths = [['hash', 'path']];
  static override usage = Command.Usage({
    description: 'print the cryptographic hash of the NAR of a path',
    examples: [
      ['Hash a folder', 'floe hash path ./src'],
      ['The same in base 32 with SHA-512', 'floe hash path --format nix32 --algo sha512 ./src'],
    ],
  });

  readonly digest = digestOptions();
  readonly algo = Option.String('--algo', { description: 'Hash algorithm: blake3, md5, sha1, sha256 or sha512. {hash-algo}' });
  readonly format = Option.String('--format', { description: 'Hash format: base16, nix32, base64 or sri. {hash-format}' });
  readonly mode = Option.String('--mode', 'nar', {
    description: 'What is hashed: nar (the tree), flat (the bytes of a file) or git (the tree, as git does). {file-ingestion-method}',
  });
  readonly targets = Option.Rest({ name: 'paths' });

  async execute(): Promise<void> {
    const algorithm = parseHashAlgorithm(this.algo ?? this.digest.type);
    const format = this.format === undefined ? chosenFormat(this.digest) : readHashFormat(this.format, (text) => this.warn(text));
    const mode = readMode(this.mode);
    if (mode === 'git') requireFeature(this.session.settings, 'git-hashing');
    for (const path of this.targets)
      this.print(showHash(hashPath(path, mode, algorithm, this.session.settings.get('use-case-hack')), format));
  }
}

function readMode(text: string): HashMode {
  if (text === 'nar' || text === 'flat' || text === 'git') return text;
  throw new UsageError(`Unknown file ingestion method '${text}', expect \`flat\`, \`nar\`, or \`git\``);
}
