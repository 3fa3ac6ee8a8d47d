// `floe hash to-base64`: the older word for `hash convert --to base64`.

import { Command } from 'clipanion';
import { ConvertToCommand } from '../../hash-to.ts';

export class HashToBase64Command extends ConvertToCommand {
  static override paths = [['hash', 'to-base64']];
  static override usage = Command.Usage({
    description: "convert a hash to base 64 (deprecated, use 'floe hash convert' instead)",
    examples: [
      ['Convert a hash', 'floe hash to-base64 sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'],
      ['Name the algorithm apart', 'floe hash to-base64 --type sha256 0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'],
    ],
  });
  protected readonly to = 'base64';
}
