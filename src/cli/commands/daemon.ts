// `floe daemon`: looks after the store for users who may not write to it, as Nix's daemon does.

import { Command } from 'clipanion';
import { DaemonCommand } from '../daemon-command.ts';

export class FloeDaemonCommand extends DaemonCommand {
  static override paths = [['daemon']];
  static override usage = Command.Usage({
    description: 'daemon to perform store operations on behalf of non-root clients',
    examples: [
      ['Listen on the usual socket', 'floe daemon'],
      ['Serve one client, started by ssh', 'floe daemon --stdio'],
    ],
  });
}
