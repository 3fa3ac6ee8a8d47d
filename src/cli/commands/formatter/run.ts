// `floe formatter run`: `floe fmt` in more words.

import { Command } from 'clipanion';
import { FormatCommand } from '../../format-command.ts';

export class FormatterRunCommand extends FormatCommand {
  static override paths = [['formatter', 'run']];
  static override usage = Command.Usage({
    description: 'reformat your code in the standard style',
    examples: [
      ['Everything in this flake', 'floe formatter run'],
      ['Two files', 'floe formatter run ./flake.nix ./package.nix'],
    ],
  });
}
