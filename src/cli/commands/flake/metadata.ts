// `floe flake metadata`: where a flake is, what it is locked to, and its inputs.

import { Command } from 'clipanion';
import { MetadataCommand } from '../../metadata-command.ts';

export class FlakeMetadataCommand extends MetadataCommand {
  static override paths = [['flake', 'metadata']];
  static override usage = Command.Usage({
    description: 'show flake metadata',
    examples: [
      ['Show what the flake in this folder is locked to', 'floe flake metadata'],
      ['The same as JSON', 'floe flake metadata --json ./flake-examples/c-project'],
    ],
  });
}
