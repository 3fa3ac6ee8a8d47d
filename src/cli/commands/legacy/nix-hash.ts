// `nix-hash`: hashes of files and trees, and other forms of hashes.

import { Command, Option } from 'clipanion';
import { type Hash, type HashFormat, parseHash, parseHashAlgorithm } from '../../../base/hash.ts';
import { hashPath } from '../../../engine/hash-files.ts';
import { compressHash } from '../../../model/store-path.ts';
import { BaseCommand } from '../../base-command.ts';
import { showHash } from '../../hash-options.ts';

const TRUNCATED_SIZE = 20;

export class NixHashCommand extends BaseCommand {
  static override paths = [['nix-hash']];
  static override usage = Command.Usage({
    description: 'compute the cryptographic hash of a path',
    examples: [
      ['Of a folder, as the store would hold it', '$0 --type sha256 --base32 ./src'],
      ['Another form of a hash', '$0 --type sha256 --to-sri 0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'],
    ],
  });

  readonly flat = Option.Boolean('--flat', false, { description: "Hash a file's bytes, not its NAR." });
  readonly base16 = Option.Boolean('--base16', false, { description: 'Print the hash in base 16.' });
  readonly base32 = Option.Boolean('--base32', false, { description: "Print the hash in Nix's base 32." });
  readonly base64 = Option.Boolean('--base64', false, { description: 'Print the hash in base 64.' });
  readonly sri = Option.Boolean('--sri', false, { description: 'Print the hash in SRI format.' });
  readonly truncate = Option.Boolean('--truncate', false, { description: 'Fold the hash to 160 bits.' });
  readonly type = Option.String('--type', {
    description: 'Hash algorithm: blake3, md5 (unless said), sha1, sha256 or sha512. {hash-algo}',
  });
  readonly toBase16 = Option.Boolean('--to-base16', false, { description: 'The arguments are hashes: print them in base 16.' });
  readonly toBase32 = Option.Boolean('--to-base32', false, { description: 'The same in base 32.' });
  readonly toBase64 = Option.Boolean('--to-base64', false, { description: 'The same in base 64.' });
  readonly toSri = Option.Boolean('--to-sri', false, { description: 'The same in SRI format.' });
  readonly words = Option.Rest({ name: 'paths' });

  async execute(): Promise<void> {
    const algorithm = this.type === undefined ? undefined : parseHashAlgorithm(this.type);
    const to: HashFormat | undefined = this.toSri
      ? 'sri'
      : this.toBase64
        ? 'base64'
        : this.toBase32
          ? 'nix32'
          : this.toBase16
            ? 'base16'
            : undefined;
    if (to !== undefined) {
      for (const text of this.words) this.print(showHash(parseHash(text, algorithm), to));
      return;
    }
    const format: HashFormat = this.sri ? 'sri' : this.base64 ? 'base64' : this.base32 ? 'nix32' : 'base16';
    for (const path of this.words) {
      const hash = hashPath(path, this.flat ? 'flat' : 'nar', algorithm ?? 'md5', this.session.settings.get('use-case-hack'));
      this.print(showHash(this.truncate ? truncated(hash) : hash, format));
    }
  }
}

function truncated(hash: Hash): Hash {
  return hash.bytes.length > TRUNCATED_SIZE ? { ...hash, bytes: compressHash(hash.bytes, TRUNCATED_SIZE) } : hash;
}
