// What the four `hash to-*` commands share: they differ in the format alone.

import { Option } from 'clipanion';
import { type HashFormat, parseHash, parseHashAlgorithm } from '../base/hash.ts';
import { BaseCommand } from './base-command.ts';
import { showHash } from './hash-options.ts';

/** Converts each argument to one format. */
export abstract class ConvertToCommand extends BaseCommand {
  protected abstract readonly to: HashFormat;
  readonly type = Option.String('--type', { description: 'Hash algorithm, where the hash does not name it. {hash-algo}' });
  readonly strings = Option.Rest({ name: 'strings' });

  async execute(): Promise<void> {
    this.warn('The old format conversion subcommands of `nix hash` were deprecated in favor of `nix hash convert`.');
    for (const text of this.strings) {
      this.print(showHash(parseHash(text, this.type === undefined ? undefined : parseHashAlgorithm(this.type)), this.to));
    }
  }
}
