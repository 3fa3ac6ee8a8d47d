// `nix-daemon`: the older name of `floe daemon`, which ssh-ng:// stores start on other machines.

import { Command, Option } from 'clipanion';
import { DaemonCommand } from '../../daemon-command.ts';

export class NixDaemonCommand extends DaemonCommand {
  static override paths = [['nix-daemon']];
  static override usage = Command.Usage({
    description: 'daemon to perform store operations on behalf of non-root clients',
    examples: [
      ['Listen on the usual socket', '$0'],
      ['Serve one client, started by ssh', '$0 --stdio'],
    ],
  });

  readonly daemon = Option.Boolean('--daemon', false, { description: 'Has no effect.' });
}
