// `floe fmt`: runs the formatter of the flake around the working folder.

import { Command } from 'clipanion';
import { FormatCommand } from '../format-command.ts';

export class FmtCommand extends FormatCommand {
  static override paths = [['fmt']];
  static override usage = Command.Usage({
    description: 'reformat your code in the standard style',
    examples: [
      ['Everything in this flake', 'floe fmt'],
      ['Two files', 'floe fmt ./flake.nix ./package.nix'],
    ],
  });
}
