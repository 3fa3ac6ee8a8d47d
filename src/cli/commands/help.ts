// `help`: the same as `--help` behind a command.

import { Option } from 'clipanion';
import { ALIASES } from '../aliases.ts';
import { BaseCommand } from '../base-command.ts';
import { programName } from '../launch.ts';

/** Prints help about everything or about one command. */
export class HelpCommand extends BaseCommand {
  static override paths = [['help']];
  static override usage = BaseCommand.Usage({
    description: 'show help about floe or one of its commands',
    examples: [
      ['Show all commands:', '$0 help'],
      ["Show help about 'flake lock':", '$0 help flake lock'],
    ],
  });

  words = Option.Rest({ name: 'subcommand' });

  override async execute(): Promise<void> {
    const { printHelp } = await import('../help.ts');
    const words = this.words.length === 1 ? (ALIASES[this.words[0]!]?.words ?? this.words) : this.words;
    this.write(await printHelp(programName(this.session.launch), words.join(' ')));
  }
}
