// `floe key convert-secret-to-public`: the public half of a secret key that comes on standard input.

import { Command } from 'clipanion';
import { publicKeyText } from '../../../engine/key-texts.ts';
import { BaseCommand } from '../../base-command.ts';

export class KeyConvertSecretToPublicCommand extends BaseCommand {
  static override paths = [['key', 'convert-secret-to-public']];
  static override usage = Command.Usage({
    description: 'generate a public key for verifying store paths from a secret key read from standard input',
    examples: [
      ['The public half of a key', 'floe key convert-secret-to-public < ./secret-key'],
      ['Both halves', 'floe key generate-secret --key-name test-1 | tee ./secret-key | floe key convert-secret-to-public'],
    ],
  });

  async execute(): Promise<void> {
    this.write(publicKeyText(Buffer.from(this.session.stdin.readAll()).toString('utf8')));
  }
}
