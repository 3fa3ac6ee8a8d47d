// `floe hash to-sri`: the older word for `hash convert --to sri`.

import { Command } from 'clipanion';
import { ConvertToCommand } from '../../hash-to.ts';

export class HashToSriCommand extends ConvertToCommand {
  static override paths = [['hash', 'to-sri']];
  static override usage = Command.Usage({
    description: "convert a hash to SRI (deprecated, use 'floe hash convert' instead)",
    examples: [
      ['Convert a hash', 'floe hash to-sri sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'],
      ['Name the algorithm apart', 'floe hash to-sri --type sha256 0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'],
    ],
  });
  protected readonly to = 'sri';
}
