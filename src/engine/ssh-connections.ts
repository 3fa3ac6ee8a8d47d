// How a store on another machine is reached: `nix-store --serve` (ssh://) or `nix-daemon --stdio` (ssh-ng://) started over there by the
// `ssh` program, with the user's own ssh configuration and NIX_SSHOPTS; for the host "localhost" (alone, as in Nix's own tests) the program
// is started right here. libstore/ssh.cc, legacy-ssh-store.cc, ssh-store.cc.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { unreachable } from '../base/assert.ts';
import { FloeError, ProtocolError, UsageError } from '../base/errors.ts';
import { type RemoteConnection, ServeStore } from '../store/remote/serve-store.ts';
import { WorkerStore } from '../store/remote/worker-store.ts';
import { DEFAULT_STORE_DIR } from '../model/store-path.ts';
import type { Engine } from './engine.ts';

/** Where and how; parameters of the URL. */
export interface SshStoreReference {
  /** Spoken to as a daemon is (ssh-ng://). */
  readonly isDaemon: boolean;
  /** "user@host". */
  readonly destination: string;
  readonly host: string;
  readonly port: string | undefined;
  readonly parameters: ReadonlyMap<string, string>;
  /** As the user wrote it. */
  readonly uri: string;
}

const PARAMETERS = [
  'ssh-key',
  'base64-ssh-public-host-key',
  'compress',
  'remote-store',
  'remote-program',
  'max-connections',
  'max-connection-age',
  'log-fd',
  'store',
];
const COMMON_PARAMETERS = ['require-sigs', 'priority', 'trusted', 'want-mass-query', 'system-features', 'path-info-cache-size'];

/** Whether a store URL is one of these. */
export function isSshUrl(url: string): boolean {
  return /^ssh(?:-ng)?:\/\//.test(url);
}

/** Reads "user@host:port". UsageError where ssh would take it for something else. */
export function parseSshAuthority(authority: string): Pick<SshStoreReference, 'destination' | 'host' | 'port'> {
  const match = /^(?:([^@]*)@)?(\[[^\]]*\]|[^:]*)(?::([0-9]+))?$/.exec(authority);
  const wrong = (reason: string): UsageError => new UsageError(`invalid SSH authority: '${authority}': ${reason}`);
  if (match === null) throw wrong('it is not of the form user@host:port');
  const [, user, bracketed, port] = match;
  const host = bracketed!.replace(/^\[|\]$/g, '');
  if (user === '') throw wrong('user name must not be empty');
  if (user?.startsWith('-') === true) throw wrong(`user name '${user}' must not start with '-'`);
  if (host === '') throw wrong('host name must not be empty');
  if (host.startsWith('-')) throw wrong(`host name '${host}' must not start with '-'`);
  return { destination: user === undefined ? host : `${user}@${host}`, host, port };
}

/** Reads an ssh:// or ssh-ng:// URL. */
export function parseSshUrl(url: string, warn: (message: string) => void): SshStoreReference {
  const question = url.indexOf('?');
  const scheme = url.slice(0, url.indexOf('://'));
  const authority = decodeURIComponent(url.slice(scheme.length + '://'.length, question < 0 ? undefined : question)).replace(/\/$/, '');
  const parameters = new Map(new URLSearchParams(question < 0 ? '' : url.slice(question + 1)));
  for (const name of parameters.keys())
    if (![...PARAMETERS, ...COMMON_PARAMETERS].includes(name)) warn(`unknown setting '${name}' of store '${scheme}://${authority}'`);
  return { ...parseSshAuthority(authority), isDaemon: scheme === 'ssh-ng', parameters, uri: url };
}

/** What paths of a store elsewhere print under. */
export const storeDirOf = (parameters: ReadonlyMap<string, string>, env: Engine['env']): string =>
  parameters.get('store') || env['NIX_STORE_DIR'] || env['NIX_STORE'] || DEFAULT_STORE_DIR;

/** Opens an ssh:// store; nothing is started before it is asked something. */
export function openSshStore({ env }: Pick<Engine, 'env'>, reference: SshStoreReference, onLine?: LineListener): ServeStore {
  const { host, uri, parameters } = reference;
  return new ServeStore({ storeDir: storeDirOf(parameters, env), uri, host, connect: () => startServer(reference, env, onLine) });
}

/** Opens an ssh-ng:// store. The other side keeps its own settings. */
export function openSshDaemonStore({ env, progress }: Pick<Engine, 'env' | 'progress'>, reference: SshStoreReference): WorkerStore {
  return new WorkerStore({
    storeDir: storeDirOf(reference.parameters, env),
    uri: reference.uri,
    progress,
    connect: () => startServer(reference, env),
    maxConnections: Math.max(1, Number(reference.parameters.get('max-connections') || 1)),
  });
}

/** The store of an ssh URL. What the program over there says beside the older protocol goes to `onLine`, else to the user as it is. */
export function openSshUrl(
  engine: Pick<Engine, 'env' | 'progress'>,
  url: string,
  onLine?: LineListener,
): { store: ServeStore | WorkerStore; trusted: boolean } {
  const reference = parseSshUrl(url, (message) => engine.progress.log('warn', message));
  const store = reference.isDaemon ? openSshDaemonStore(engine, reference) : openSshStore(engine, reference, onLine);
  return { store, trusted: reference.parameters.get('trusted') === 'true' };
}

/** The words that start the program over there. */
function serverWords({ isDaemon, parameters }: SshStoreReference): string[] {
  const store = parameters.get('remote-store') ?? '';
  const program = (parameters.get('remote-program') || (isDaemon ? 'nix-daemon' : 'nix-store'))
    .split(/[ \t]+/)
    .filter((word) => word !== '');
  return [...program, ...(isDaemon ? ['--stdio'] : ['--serve', '--write']), ...(store === '' ? [] : ['--store', store])];
}

/** Options that all calls of ssh for one host get. `keyFile` is where a host key that the URL gives may be written. */
function sshOptions({ host, port, parameters }: SshStoreReference, env: Engine['env'], keyFile: string): string[] {
  const hostKey = parameters.get('base64-ssh-public-host-key');
  if (hostKey !== undefined && hostKey !== '') fs.writeFileSync(keyFile, `${host} ${Buffer.from(hostKey, 'base64').toString('latin1')}\n`);
  const key = parameters.get('ssh-key');
  return [
    ...splitOptions(env['NIX_SSHOPTS'] ?? ''),
    ...(key ? ['-i', key] : []),
    ...(hostKey ? [`-oUserKnownHostsFile=${keyFile}`] : []),
    ...(parameters.get('compress') === 'true' ? ['-C'] : []),
    ...(port === undefined ? [] : [`-p${port}`]),
    // ssh says so when the connection stands, before the program over there says anything.
    '-oPermitLocalCommand=yes',
    '-oLocalCommand=echo started',
  ];
}

async function startServer(reference: SshStoreReference, env: Engine['env'], onLine?: LineListener): Promise<RemoteConnection> {
  const { destination, port } = reference;
  const words = serverWords(reference);
  if (destination === 'localhost' && port === undefined) return startProgram(words, env, false, { onLine });
  const folder = fs.mkdtempSync(join(tmpdir(), 'floe-ssh-'));
  try {
    const options = sshOptions(reference, env, join(folder, 'host-key'));
    const isShared =
      spawnSync('ssh', ['-O', 'check', destination, ...options], { stdio: 'ignore', env: env as NodeJS.ProcessEnv }).status === 0;
    const onClose = (): void => fs.rmSync(folder, { recursive: true, force: true });
    return await startProgram(['ssh', destination, '-x', ...options, '--', ...words], env, !isShared, { onLine, onClose });
  } catch (error) {
    fs.rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Gets a line that a program said on standard error. */
type LineListener = (text: string) => void;

/** Starts a program that is spoken to over its standard input and output. */
export async function startProgram(
  [program, ...args]: readonly string[],
  env: Engine['env'],
  saysStarted: boolean,
  { onLine, onClose = () => {} }: { readonly onLine?: LineListener | undefined; readonly onClose?: () => void } = {},
): Promise<RemoteConnection> {
  // ssh runs its local command in $SHELL.
  const child = spawn(program!, args, {
    stdio: ['pipe', 'pipe', onLine === undefined ? 'inherit' : 'pipe'],
    env: { ...env, SHELL: '/bin/sh' } as NodeJS.ProcessEnv,
  });
  try {
    await once(child, 'spawn');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is not installed' : (error as Error).message;
    throw new FloeError('FLOE_EXECUTE', `unable to execute '${program}': ${why}`, {
      data: { program },
      cause: error,
      hint:
        program === 'ssh'
          ? 'stores over ssh:// need the program ssh'
          : `a store on 'localhost' needs '${program}' in PATH (a link to floe will do)`,
    });
  }
  if (onLine !== undefined) createInterface({ input: child.stderr! }).on('line', onLine);
  if (child.stdin === null || child.stdout === null) unreachable('pipes were asked for');
  const { stdin, stdout } = child;
  let failure: Error | undefined;
  stdin.on('error', (error) => (failure = error));
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  return {
    saysStarted,
    output: stdout,
    async write(chunk) {
      if (failure !== undefined)
        throw new ProtocolError(`the connection was lost: ${failure.message}`, { data: { isEndOfFile: true }, cause: failure });
      if (!stdin.write(chunk)) await Promise.race([once(stdin, 'drain'), ended]);
    },
    async close() {
      stdin.end();
      stdout.destroy();
      await ended;
      onClose();
    },
  };
}

/** Words as a shell splits them: quotes of both kinds, backslashes. */
export function splitOptions(text: string): string[] {
  const words: string[] = [];
  for (const match of text.matchAll(/(?:'[^']*'|"(?:[^"\\]|\\[^])*"|\\[^]|[^\s'"\\])+/g)) {
    words.push(
      match[0].replace(
        /'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])/g,
        (_, single: string | undefined, double: string | undefined, escaped: string | undefined) =>
          single ?? double?.replace(/\\([$`"\\])/g, '$1') ?? escaped ?? '',
      ),
    );
  }
  const rest = text.replaceAll(/(?:'[^']*'|"(?:[^"\\]|\\[^])*"|\\[^]|[^\s'"\\])+/g, '').trim();
  if (rest !== '') throw new UsageError(`unterminated quote in NIX_SSHOPTS '${text}'`);
  return words;
}
