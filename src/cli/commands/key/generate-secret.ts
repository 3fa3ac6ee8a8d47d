// `floe key generate-secret`: a new secret key for signing store paths.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import { generateSecretKey } from '../../../engine/key-texts.ts';
import { BaseCommand } from '../../base-command.ts';

export class KeyGenerateSecretCommand extends BaseCommand {
  static override paths = [['key', 'generate-secret']];
  static override usage = Command.Usage({
    description: 'generate a secret key for signing store paths',
    examples: [
      ['Into a file that only you can read', '(umask 077; floe key generate-secret --key-name cache.example.org-1 > ./secret-key)'],
      ['And its public half', 'floe key convert-secret-to-public < ./secret-key'],
    ],
  });

  readonly keyName = Option.String('--key-name', { description: 'Name of the key, such as cache.example.org-1. {name}' });

  async execute(): Promise<void> {
    if (this.keyName === undefined) throw new UsageError("required argument '--key-name' is missing");
    this.write(generateSecretKey(this.keyName));
  }
}
