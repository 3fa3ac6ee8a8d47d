// `floe hash convert`: one textual form of a hash into another.

import { Command, Option } from 'clipanion';
import { FormatError } from '../../../base/errors.ts';
import { type HashFormat, HASH_SIZES, parseHash, parseHashAlgorithm } from '../../../base/hash.ts';
import { BaseCommand } from '../../base-command.ts';
import { readHashFormat, showHash } from '../../hash-options.ts';

export class HashConvertCommand extends BaseCommand {
  static override paths = [['hash', 'convert']];
  static override usage = Command.Usage({
    description: 'convert between hash formats',
    examples: [
      ['To SRI', 'floe hash convert --hash-algo sha256 0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'],
      ['From SRI to base 16', 'floe hash convert --to base16 sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='],
    ],
  });

  readonly from = Option.String('--from', { description: 'The format that is given: base16, nix32, base64 or sri. {hash-format}' });
  readonly to = Option.String('--to', 'sri', { description: 'The format that is wanted: base16, nix32, base64 or sri. {hash-format}' });
  readonly algo = Option.String('--hash-algo', { description: 'Hash algorithm, where the hash does not name it. {hash-algo}' });
  readonly hashes = Option.Rest({ name: 'hashes' });

  async execute(): Promise<void> {
    const warn = (text: string) => this.warn(text);
    const from = this.from === undefined ? undefined : readHashFormat(this.from, warn);
    const to = readHashFormat(this.to, warn);
    for (const text of this.hashes) {
      const hash = parseHash(text, this.algo === undefined ? undefined : parseHashAlgorithm(this.algo));
      const given = formatOf(text, HASH_SIZES[hash.algorithm]);
      if (from !== undefined && from !== given)
        throw new FormatError(`input hash '${text}' has format '${given}', but '--from ${from}' was specified`);
      this.print(showHash(hash, to));
    }
  }
}

/** The form of a text that is known to be a hash of that many bytes. */
function formatOf(text: string, size: number): HashFormat {
  const colon = text.indexOf(':');
  if (colon < 0 && text.includes('-')) return 'sri';
  const { length } = text.slice(colon + 1);
  return length === size * 2 ? 'base16' : length === Math.ceil(size / 3) * 4 ? 'base64' : 'nix32';
}
