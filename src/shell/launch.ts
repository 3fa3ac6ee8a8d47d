// The last step into a shell or program: this process becomes it (execve), so that terminal, signals, process id and exit code are the
// program's own. Where the store physically lies elsewhere, it is first mounted at its place in a mount namespace of the program's
// own: everything else of the machine stays as it is, ids included. util-linux does that without leaving a process in between;
// bubblewrap is the second choice, for machines that allow namespaces to it alone.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { FloeError } from '../base/errors.ts';

/** Where the store's folder really is, and where programs must see it: "/home/u/.local/share/floe/root/nix" at "/nix". */
export interface StoreMount {
  readonly physical: string;
  readonly at: string;
}

/** What a launch comes with that has nothing to do with the program. */
export interface LaunchManner {
  /** Soft limit of the stack that the program gets, in KiB or "unlimited"; undefined to leave it. */
  readonly stackLimit?: string | undefined;
  /** Done at the last moment, when nothing is known any more that could be in the way. */
  readonly beforehand?: (() => void) | undefined;
}

export interface LaunchRequest extends LaunchManner {
  /** A path, or a name that `env`'s PATH leads to. */
  readonly program: string;
  /** Arguments, the program's own name not among them. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly mount?: StoreMount | undefined;
  /** The system whose programs run, where that asks for another personality (32 bits). */
  readonly system?: string | undefined;
}

/** What is to be executed. */
export interface LaunchPlan {
  readonly file: string;
  /** The name of the program first. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const SHELL = '/bin/sh';
const FIXED_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Where a path that programs will see lies now. */
function pathNow(path: string, mount: StoreMount | undefined): string {
  return mount !== undefined && `${path}/`.startsWith(`${mount.at}/`) ? mount.physical + path.slice(mount.at.length) : path;
}

/** Whether a file of the store or the machine can be executed, symbolic links followed as the program will see them. */
function canExecute(path: string, mount: StoreMount | undefined, depth = 0): boolean {
  const now = pathNow(path, mount);
  if (mount === undefined || now === path || depth > 40) return isExecutableFile(now);
  try {
    if (!lstatSync(now).isSymbolicLink()) return isExecutableFile(now);
    const target = readlinkSync(now);
    return canExecute(target.startsWith('/') ? target : join(dirname(path), target), mount, depth + 1);
  } catch {
    return isExecutableFile(now);
  }
}

/** The path of a program as it will be seen; FloeError in Nix's words where there is none. */
export function findProgram(program: string, path: string | undefined, mount: StoreMount | undefined): string {
  if (program.includes('/')) {
    if (canExecute(program, mount)) return program;
  } else {
    for (const folder of (path ?? '/bin:/usr/bin').split(':')) {
      const candidate = join(folder === '' ? '.' : folder, program);
      if (canExecute(candidate, mount)) return candidate;
    }
  }
  const reason = program.includes('/') && existsSync(pathNow(program, mount)) ? 'Permission denied' : 'No such file or directory';
  throw new FloeError('FLOE_EXECUTE', `unable to execute '${program}': ${reason}`);
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A tool of the machine, wherever PATH leads. */
function findTool(name: string): string | undefined {
  const folders = [...FIXED_FOLDERS, ...(process.env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'))];
  return folders.map((folder) => join(folder, name)).find(isExecutableFile);
}

function succeeds(file: string, args: readonly string[]): boolean {
  return spawnSync(file, args, { stdio: 'ignore', env: {} }).status === 0;
}

/** What becomes of one entry of the machine's root folder in the new one. */
interface RootEntry {
  readonly path: string;
  readonly kind: 'folder' | 'file' | 'link';
  readonly linkTarget: string;
}

/** The machine's root folder, without what is mounted there. */
function readRoot(target: string): RootEntry[] {
  const result: RootEntry[] = [];
  for (const entry of readdirSync('/', { withFileTypes: true })) {
    const path = `/${entry.name}`;
    if (`${target}/`.startsWith(`${path}/`)) continue;
    if (entry.isSymbolicLink()) result.push({ path, kind: 'link', linkTarget: readlinkSync(path) });
    else result.push({ path, kind: entry.isDirectory() ? 'folder' : 'file', linkTarget: '' });
  }
  return result;
}

/** Words for fstab(5). */
function fstabWord(path: string): string {
  return path.replace(/[ \t\n\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

interface UtilLinux {
  readonly unshare: string;
  /** Options that make namespaces in which this user may mount. */
  readonly namespaces: readonly string[];
  /** Whether ids must be mapped back before the program runs. */
  readonly mapsIds: boolean;
}

/** How util-linux can make a mount namespace here; undefined where it cannot. */
function findUtilLinux(): UtilLinux | undefined {
  const unshare = findTool('unshare');
  const hasOthers = ['mount', 'umount', 'pivot_root'].every((name) => findTool(name) !== undefined);
  if (unshare === undefined || !hasOthers) return undefined;
  const isRoot = process.getuid!() === 0;
  const asUser = ['--user', '--map-root-user', '--mount'];
  if (isRoot && succeeds(unshare, ['--mount', '--', SHELL, '-c', ':'])) return { unshare, namespaces: ['--mount'], mapsIds: false };
  return succeeds(unshare, [...asUser, '--', SHELL, '-c', ':']) ? { unshare, namespaces: asUser, mapsIds: !isRoot } : undefined;
}

/** Shell code that mounts the store in a namespace of its own, given that this user may. */
function mountScript(mount: StoreMount, cwd: string): string[] {
  const tool = (name: string): string => quote(findTool(name)!);
  if (existsSync(mount.at)) return [`${tool('mount')} -n --rbind ${quote(mount.physical)} ${quote(mount.at)}`, `cd ${quote(cwd)}`];
  // The place does not exist, and is not made: a root folder of our own shows what the machine's shows, and the store.
  const root = join(dirname(mount.physical), '.mount');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const entries = readRoot(mount.at);
  const inRoot = (paths: readonly string[]): string => paths.map((path) => quote(root + path)).join(' ');
  const bound = entries.filter(({ kind }) => kind !== 'link').map(({ path }) => [path, root + path]);
  const files = entries.filter(({ kind }) => kind === 'file').map(({ path }) => path);
  const table = [...bound, [mount.physical, root + mount.at]].map(([from, to]) => `${fstabWord(from!)} ${fstabWord(to!)} none rbind 0 0`);
  return [
    `${tool('mount')} -n -t tmpfs -o mode=0755 none ${quote(root)}`,
    `mkdir -p ${inRoot([...entries.filter(({ kind }) => kind === 'folder').map(({ path }) => path), mount.at, '/.floe-old-root'])}`,
    ...files.map((path) => `: > ${inRoot([path])}`),
    ...entries.filter(({ kind }) => kind === 'link').map(({ path, linkTarget }) => `ln -s ${quote(linkTarget)} ${inRoot([path])}`),
    // PERF: one mount for all binds; each would cost a process.
    `printf '%s\\n' ${table.map(quote).join(' ')} > ${quote(`${root}/.floe-mounts`)}`,
    `${tool('mount')} -n -a -T ${quote(`${root}/.floe-mounts`)}`,
    `${tool('pivot_root')} ${quote(root)} ${quote(`${root}/.floe-old-root`)}`,
    `${tool('umount')} -n -l /.floe-old-root`,
    'rm -d /.floe-old-root /.floe-mounts',
    `cd ${quote(cwd)}`,
  ];
}

/** The program with what must hold for it alone: stack limit and personality. */
function programWords(request: LaunchRequest, program: string): { before: string[]; words: string[] } {
  const { stackLimit, system } = request;
  const setarch = system === 'i686-linux' && process.arch === 'x64' ? findTool('setarch') : undefined;
  return {
    before: stackLimit === undefined ? [] : [`ulimit -S -s ${quote(stackLimit)}`],
    words: [...(setarch === undefined ? [] : [setarch, 'i686']), program, ...request.args],
  };
}

function planWithUtilLinux(request: LaunchRequest, program: string, mount: StoreMount, tools: UtilLinux): LaunchPlan {
  const { before, words } = programWords(request, program);
  const back = tools.mapsIds ? [tools.unshare, '--user', `--map-user=${process.getuid!()}`, `--map-group=${process.getgid!()}`, '--'] : [];
  const script = [
    'set -e',
    // `cd` would leave its own trace in the environment.
    'old=${OLDPWD-}; had=${OLDPWD+yes}; here=${PWD-}',
    ...mountScript(mount, request.cwd),
    'if [ "$had" ]; then OLDPWD=$old; else unset OLDPWD; fi',
    'if [ "$here" ] && [ "$here" -ef . ] 2>/dev/null; then PWD=$here; fi',
    ...before,
    'exec "$@"',
  ].join('\n');
  return {
    file: tools.unshare,
    args: ['unshare', ...tools.namespaces, '--', SHELL, '-c', script, 'floe', ...back, ...words],
    env: request.env,
  };
}

function planWithBubblewrap(request: LaunchRequest, program: string, mount: StoreMount, bwrap: string): LaunchPlan {
  const { before, words } = programWords(request, program);
  const binds = existsSync(mount.at)
    ? ['--dev-bind', '/', '/']
    : readRoot(mount.at).flatMap(({ path, kind, linkTarget }) =>
        kind === 'link' ? ['--symlink', linkTarget, path] : ['--dev-bind', path, path],
      );
  const command = before.length === 0 ? words : [SHELL, '-c', `${before.join('; ')}; exec "$@"`, 'floe', ...words];
  return {
    file: bwrap,
    args: ['bwrap', ...binds, '--bind', mount.physical, mount.at, '--die-with-parent', '--chdir', request.cwd, '--', ...command],
    env: request.env,
  };
}

/** How to start a program; FloeError where it cannot be, with what is missing. */
export function planLaunch(request: LaunchRequest): LaunchPlan {
  const { mount } = request;
  const program = findProgram(request.program, request.env['PATH'], mount);
  if (mount !== undefined) {
    const tools = findUtilLinux();
    if (tools !== undefined) return planWithUtilLinux(request, program, mount, tools);
    const bwrap = findTool('bwrap');
    if (bwrap !== undefined && succeeds(bwrap, ['--dev-bind', '/', '/', '--', SHELL, '-c', ':'])) {
      return planWithBubblewrap(request, program, mount, bwrap);
    }
    throw new FloeError(
      'FLOE_NAMESPACE',
      `the store in '${mount.physical}' cannot be shown at '${mount.at}': this system lets this user make no user namespace`,
      {
        hint: "Allow them (sysctl kernel.unprivileged_userns_clone=1, or an AppArmor profile for bwrap), or install bubblewrap or util-linux's unshare.",
      },
    );
  }
  const { before, words } = programWords(request, program);
  if (before.length === 0) return { file: words[0]!, args: words, env: request.env };
  // A limit that cannot be set back is no reason not to run.
  return { file: SHELL, args: ['sh', '-c', `${before.join('; ')} 2>/dev/null; exec "$@"`, 'floe', ...words], env: request.env };
}

/** Becomes the program. Standard streams stay, everything else of this process ends. */
export function launch(request: LaunchRequest): never {
  const plan = planLaunch(request);
  process.chdir(request.cwd);
  request.beforehand?.();
  // Node ignores these two, and what is ignored stays so across execve; what is caught goes back to its default.
  for (const signal of ['SIGPIPE', 'SIGXFSZ'] as const) process.on(signal, () => {});
  process.execve!(plan.file, plan.args, { ...plan.env });
  throw new FloeError('FLOE_EXECUTE', `unable to execute '${request.program}'`);
}
