// `floe completion`: the script that makes a shell ask floe what may come next.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../base/errors.ts';
import { BaseCommand } from '../base-command.ts';
import { completionScript, COMPLETION_SHELLS } from '../completion-scripts.ts';
import { programName } from '../launch.ts';

export class CompletionCommand extends BaseCommand {
  static override paths = [['completion']];
  static override usage = Command.Usage({
    description: 'print the script that completes command lines in bash, zsh or fish',
    examples: [
      ['For bash, in ~/.bashrc', 'source <(floe completion bash)'],
      ['For zsh, in ~/.zshrc behind compinit', 'source <(floe completion zsh)'],
      ['For fish', 'floe completion fish > ~/.config/fish/completions/floe.fish'],
    ],
  });

  readonly shell = Option.String({ name: 'shell' });

  async execute(): Promise<void> {
    const script = completionScript(this.shell, programName(this.session.launch));
    if (script === undefined) throw new UsageError(`floe completes in ${COMPLETION_SHELLS.join(', ')}, not in '${this.shell}'`);
    this.write(script);
  }
}
