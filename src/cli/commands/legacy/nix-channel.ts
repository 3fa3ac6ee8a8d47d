// `nix-channel`: names for archives of Nix expressions that are kept up to date by hand.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import { Channels, prepareDefaultExpression } from '../../../engine/channels.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';
import { printGenerations } from '../../print-generations.ts';

type Action = 'add' | 'remove' | 'list' | 'update' | 'list-generations' | 'rollback';

export class NixChannelCommand extends BaseCommand {
  static override paths = [['nix-channel']];
  static override usage = Command.Usage({
    description: 'manage Nix channels',
    examples: [
      ['Add a channel', '$0 --add https://example.org/channels/packages packages'],
      ['Download the newest expressions of all channels', '$0 --update'],
    ],
  });

  readonly add = Option.Boolean('--add', false, { description: 'Add a channel: its URL, and a name unless the URL ends in one.' });
  readonly remove = Option.Boolean('--remove', false, { description: 'Take a channel out, by name.' });
  readonly list = Option.Boolean('--list', false, { description: 'Print names and URLs.' });
  readonly update = Option.Boolean('--update', false, { description: 'Download channels, all or those named.' });
  readonly listGenerations = Option.Boolean('--list-generations', false, { description: 'Print past states of the channels.' });
  readonly rollback = Option.Boolean('--rollback', false, {
    description: 'Go back to the state before the last update, or to one by number.',
  });
  readonly words = Option.Rest({ name: 'arguments' });

  private action(): Action {
    // The last one counts in C++ Nix; two at once are a mistake here.
    const given = { add: this.add, remove: this.remove, list: this.list, update: this.update, rollback: this.rollback };
    const chosen = Object.entries({ ...given, 'list-generations': this.listGenerations }).filter(([, isGiven]) => isGiven);
    if (chosen.length === 0) throw new UsageError('no command specified');
    if (chosen.length > 1) throw new UsageError('only one command may be specified');
    return chosen[0]![0] as Action;
  }

  async execute(): Promise<void> {
    const action = this.action();
    const { words } = this;
    const expect = (isRight: boolean, message: string): void => {
      if (!isRight) throw new UsageError(message);
    };
    this.session.settings.set('pure-eval', false);
    const engine = openEngine(this);
    try {
      const channels = new Channels(engine);
      if (action === 'add') {
        expect(words.length === 1 || words.length === 2, "'--add' requires one or two arguments");
        channels.add(words[0]!, words[1]);
      } else if (action === 'remove') {
        expect(words.length === 1, "'--remove' requires one argument");
        prepareDefaultExpression(engine);
        await channels.remove(words[0]!);
      } else if (action === 'list') {
        expect(words.length === 0, "'--list' expects no arguments");
        for (const [name, url] of channels.list()) this.print(`${name} ${url}`);
      } else if (action === 'update') await channels.update(new Set(words));
      else if (action === 'list-generations') {
        expect(words.length === 0, "'--list-generations' expects no arguments");
        this.write(await printGenerations(channels.profile));
      } else {
        expect(words.length <= 1, "'--rollback' has at most one argument");
        await channels.rollback(words[0]);
      }
    } finally {
      await engine.close();
    }
  }
}
