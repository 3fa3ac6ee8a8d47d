// `floe hash to-base32`: the older word for `hash convert --to nix32`.

import { Command } from 'clipanion';
import { ConvertToCommand } from '../../hash-to.ts';

export class HashToBase32Command extends ConvertToCommand {
  static override paths = [['hash', 'to-base32']];
  static override usage = Command.Usage({
    description: "convert a hash to base 32 (deprecated, use 'floe hash convert' instead)",
    examples: [
      ['Convert a hash', 'floe hash to-base32 sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'],
      ['Name the algorithm apart', 'floe hash to-base32 --type sha256 0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'],
    ],
  });
  protected readonly to = 'nix32';
}
