// What `floe daemon` and `nix-daemon` share: everything but their words. The daemon listens in this process; each client is served by a
// process of the same words that has the connection as its standard input and output (`--serve-connection`). nix/unix/daemon.cc.

import { spawn } from 'node:child_process';
import process from 'node:process';
import { Option } from 'clipanion';
import { UsageError } from '../base/errors.ts';
import { ClientInput } from '../daemon/client-input.ts';
import { DaemonConnection } from '../daemon/connection.ts';
import { listen } from '../daemon/listen.ts';
import { Tunnel } from '../daemon/tunnel.ts';
import { EngineDaemonHost } from '../engine/daemon-host.ts';
import { requireFeature } from '../engine/features.ts';
import { BaseCommand } from './base-command.ts';
import { openEngine } from './open-engine.ts';

/** Listens, or serves one client. */
export abstract class DaemonCommand extends BaseCommand {
  readonly stdio = Option.Boolean('--stdio', false, { description: 'Serve one client on standard input and output.' });
  readonly forceTrusted = Option.Boolean('--force-trusted', false, { description: 'Trust all clients.' });
  readonly forceUntrusted = Option.Boolean('--force-untrusted', false, { description: 'Trust no client.' });
  readonly defaultTrust = Option.Boolean('--default-trust', false, { description: 'Trust whom the settings say (the default).' });
  readonly processOps = Option.Boolean('--process-ops', false, {
    description: 'Work on requests here though the store is behind another daemon (always so).',
  });
  readonly connection = Option.String('--serve-connection', {
    hidden: true,
    description: 'Serve a client that the listening process let in. {trust}',
  });

  async execute(): Promise<number | void> {
    const { settings } = this.session;
    if (this.forceTrusted || this.forceUntrusted || this.defaultTrust) requireFeature(settings, 'daemon-trust-override');
    if (this.processOps) requireFeature(settings, 'mounted-ssh-store');
    if (this.forceTrusted && this.forceUntrusted) throw new UsageError("'--force-trusted' and '--force-untrusted' are exclusive");
    const forced = this.forceTrusted ? true : this.forceUntrusted ? false : undefined;
    if (this.connection !== undefined) return this.serve(this.connection === 'trusted');
    // Who is at the other end of a pipe nobody can see; whoever let him in answers for him.
    if (this.stdio) return this.serve(forced ?? true);
    return this.listen(forced);
  }

  private async listen(forced: boolean | undefined): Promise<void> {
    const { settings, env, report } = this.session;
    const engine = openEngine(this);
    const { stateDir } = engine.storeAccess.placement;
    await engine.close();
    const end = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end.abort());
    const words = [...process.execArgv, process.argv[1]!, ...process.argv.slice(2)];
    await listen(
      {
        socketPath: env['NIX_DAEMON_SOCKET_PATH'] || `${stateDir}/daemon-socket/socket`,
        progress: report,
        forced,
        trust: {
          trustedUsers: settings.get('trusted-users'),
          allowedUsers: settings.get('allowed-users'),
          buildUsersGroup: settings.get('build-users-group'),
        },
        serve: (connection, isTrusted) =>
          spawn(process.execPath, [...words, '--serve-connection', isTrusted ? 'trusted' : 'untrusted'], {
            stdio: [connection, connection, 'inherit'],
            detached: true,
            env: { ...env, NODE_OPTIONS: undefined },
          }),
      },
      end.signal,
    );
  }

  private async serve(isTrusted: boolean): Promise<void> {
    const { stdout } = this.session;
    const send = (bytes: Uint8Array): void => stdout.write(bytes);
    const tunnel = new Tunnel(send, process.pid);
    const engine = openEngine(this, undefined, tunnel);
    const host = new EngineDaemonHost(engine);
    const input = new ClientInput(process.stdin);
    // What cannot be told to stop is written so that it may stop anywhere.
    const onLost = (): never => process.exit(1);
    try {
      await new DaemonConnection({ input, send, host, tunnel, isTrusted, onLost }).run();
    } finally {
      process.stdin.destroy();
      await engine.close();
    }
  }
}
