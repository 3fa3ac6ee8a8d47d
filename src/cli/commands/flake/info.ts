// `floe flake info`: the older name of `flake metadata`.

import { Command } from 'clipanion';
import { MetadataCommand } from '../../metadata-command.ts';

export class FlakeInfoCommand extends MetadataCommand {
  static override paths = [['flake', 'info']];
  static override usage = Command.Usage({
    description: "show flake metadata (deprecated: use 'flake metadata')",
    examples: [
      ['Show what the flake in this folder is locked to', 'floe flake info'],
      ['The same with its newer name', 'floe flake metadata'],
    ],
  });

  override async execute(): Promise<void> {
    this.warn("'nix flake info' is a deprecated alias for 'nix flake metadata'");
    await super.execute();
  }
}
