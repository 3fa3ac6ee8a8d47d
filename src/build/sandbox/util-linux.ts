// Starting a builder with util-linux alone: `unshare` makes namespaces in which this user is root, one `mount -a` fills the root folder,
// and enter-root.ts (or, without perl, `unshare` again) goes into it as the build user.

import { FloeError } from '../../base/errors.ts';
import { exists, makeFolder, makeLink, readFile, writeFile } from '../host-files.ts';
import { canEnterRoot, ENTER_ROOT_PROGRAM, printEnterRootPlan } from './enter-root.ts';
import { type Isolation, unshareNamespaces } from './machine.ts';
import { BUILD_GID, BUILD_UID, makeInputMountPoints, type SandboxJob } from './root-folder.ts';
import { checkEnvName, personalityWords, processLimits, quoteShell, runScript } from './run-script.ts';
import type { BuilderCommand, RunningBuilder } from './sandbox.ts';

/** Spaces and backslashes as fstab(5) wants them. */
function fstabWord(path: string): string {
  return path.replace(/[ \t\n\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** Options of the mount that holds `path` which a user namespace may not drop when it mounts the same again. */
function lockedMountOptions(path: string): string[] {
  let best: string[] = [];
  let bestLength = 0;
  for (const line of readFile('/proc/self/mountinfo').toString('latin1').split('\n')) {
    const [, , , , point = '', options = ''] = line.split(' ');
    const place = point.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
    if (place.length < bestLength || !(path === place || path.startsWith(place === '/' ? '/' : `${place}/`))) continue;
    bestLength = place.length;
    best = options.split(',');
  }
  return best.filter((option) => /^(nosuid|nodev|noexec|noatime|nodiratime|relatime)$/.test(option));
}

const DEVICES = ['full', 'null', 'random', 'tty', 'urandom', 'zero'];

/** /dev as C++ Nix makes it, as far as it is files; gives the devices to bind. */
function makeDevices({ request, root }: SandboxJob): string[] {
  for (const folder of ['shm', 'pts']) makeFolder(`${root}/dev/${folder}`, 0o755);
  for (const [name, target] of [
    ['fd', '/proc/self/fd'],
    ['stdin', '/proc/self/fd/0'],
    ['stdout', '/proc/self/fd/1'],
    ['stderr', '/proc/self/fd/2'],
  ] as const) {
    makeLink(target, `${root}/dev/${name}`);
  }
  makeLink('/dev/pts/ptmx', `${root}/dev/ptmx`);
  const devices = [...DEVICES, ...(request.kvm ? ['kvm'] : [])].filter((name) => exists(`/dev/${name}`));
  for (const name of devices) writeFile(`${root}/dev/${name}`, '');
  return devices;
}

/** What `mount -a` mounts, in order. */
function mountTable(job: SandboxJob, inputSource: string, level: Isolation, devices: readonly string[], isRoot: boolean): string[] {
  const { settings, root, paths } = job;
  const line = (source: string, target: string, type: string, options: string) =>
    `${fstabWord(source)} ${fstabWord(target)} ${type} ${options} 0 0`;
  const bind = (source: string, target: string) => line(source, target, 'none', 'rbind');
  return [
    ...makeInputMountPoints(job, inputSource).map(([source, target]) => line(source, target, 'none', 'bind')),
    ...paths.map(({ target, source }) => bind(source, root + target)),
    ...devices.map((name) => line(`/dev/${name}`, `${root}/dev/${name}`, 'none', 'bind')),
    level.processes ? line('none', `${root}/proc`, 'proc', 'defaults') : bind('/proc', `${root}/proc`),
    // A builder that is root outside could otherwise change the machine's own settings: the files there belong to it.
    ...(isRoot && level.processes
      ? ['sys', 'sysrq-trigger', 'irq', 'bus']
          .filter((name) => exists(`/proc/${name}`))
          .map((name) => line(`${root}/proc/${name}`, `${root}/proc/${name}`, 'none', 'bind,ro'))
      : []),
    line('none', `${root}/dev/shm`, 'tmpfs', `size=${settings.sandboxShmSize}`),
    line('none', `${root}/dev/pts`, 'devpts', 'newinstance,mode=0620,ptmxmode=0666'),
  ];
}

/** Runs the builder of a prepared job; `isRoot` says whether this user is root outside. */
export function startUtilLinux(job: SandboxJob, available: Isolation, isRoot: boolean, command: BuilderCommand): RunningBuilder {
  const { request, settings, programs, root } = job;
  const level = { ...available, network: available.network && !request.network };
  const inputs = `${request.folder}/inputs`;
  makeFolder(inputs, 0o700);
  const table = `${request.folder}/mounts`;
  writeFile(table, `${mountTable(job, inputs, level, makeDevices(job), isRoot).join('\n')}\n`, 0o600);
  const mount = `${quoteShell(programs.mount!)} -n`;
  const store = `${quoteShell(request.realStoreDir)} ${quoteShell(inputs)}`;
  const locked = ['bind', 'ro', ...lockedMountOptions(request.realStoreDir)].join(',');
  const prepare = [
    'set -e',
    `${mount} --bind ${quoteShell(root)} ${quoteShell(root)}`,
    // Binds made from a read-only mount are read-only themselves, so one remount does for all inputs.
    `${mount} -o ${locked} ${store} 2>/dev/null || ${mount} --bind ${store}`,
    `${mount} -a -T ${quoteShell(table)}`,
    ...(programs.hostname === undefined ? [] : [`${quoteShell(programs.hostname)} localhost`]),
    `cd ${quoteShell(root)}`,
  ];
  const enter = `${request.folder}/enter`;
  writeFile(enter, [...prepare, ...lastStep(job, level, command)].join('\n'), 0o600);
  const words = [
    ...(programs.setpriv === undefined
      ? []
      : [programs.setpriv, '--pdeathsig', 'KILL', ...(job.dropsGroups ? ['--clear-groups'] : []), '--']),
    ...personalityWords(programs, request.system, settings.impersonateLinux26),
    ...[programs.unshare!, ...unshareNamespaces(level), '--', '/bin/sh', enter],
  ].map(quoteShell);
  const script = [...processLimits(settings), `exec ${words.join(' ')}`];
  return runScript(request.folder, programs, script, (status) => status.includes('started'));
}

/** From the prepared namespaces into the builder. */
function lastStep(job: SandboxJob, level: Isolation, command: BuilderCommand): string[] {
  const { request, settings, programs, root } = job;
  if (programs.perl !== undefined && canEnterRoot(process.arch)) {
    const plan = printEnterRootPlan(
      {
        pivot: true,
        loopback: level.network,
        filter: job.filter,
        noNewPrivileges: !settings.allowNewPrivileges,
        ids: { uid: BUILD_UID, gid: BUILD_GID },
        folder: settings.sandboxBuildDir,
        env: command.env,
        program: command.program,
        args: command.args,
      },
      process.arch,
    );
    writeFile(`${request.folder}/plan`, plan, 0o600);
    writeFile(`${request.folder}/enter.pl`, ENTER_ROOT_PROGRAM, 0o600);
    return [`exec ${quoteShell(programs.perl)} ${quoteShell(`${request.folder}/enter.pl`)} ${quoteShell(`${request.folder}/plan`)}`];
  }
  // Without perl a chroot has to do: there is no filter, and the builder cannot create user namespaces.
  const loader = [...command.env].filter(([name]) => name.startsWith('LD_'));
  if (loader.length > 0 && !exists(`${root}/bin/sh`)) {
    throw new FloeError('FLOE_SANDBOX', `the variable ${loader[0]![0]} of this build would reach the machine's own loader`, {
      hint: "install bubblewrap or perl, or name a static shell as '/bin/sh' in 'sandbox-paths'",
    });
  }
  const variables = [...command.env]
    .filter(([name]) => !name.startsWith('LD_'))
    .map(([name, value]) => quoteShell(`${checkEnvName(name)}=${value}`));
  const exports = loader.map(([name, value]) => `export ${name}=${quoteShell(value)}; `).join('');
  const builder = [command.program, ...command.args];
  const words = [
    ...(programs.setpriv === undefined || settings.allowNewPrivileges ? [] : [programs.setpriv, '--no-new-privs', '--']),
    ...[
      programs.unshare!,
      '--user',
      `--map-user=${BUILD_UID}`,
      `--map-group=${BUILD_GID}`,
      '--root=.',
      `--wd=${settings.sandboxBuildDir}`,
      '--',
    ],
    ...(loader.length > 0 ? ['/bin/sh', '-c', `${exports}exec "$@"`, 'sh'] : []),
    ...builder,
  ].map(quoteShell);
  return [
    ...(level.network && programs.ip !== undefined ? [`${quoteShell(programs.ip)} link set lo up`] : []),
    'echo started >&3',
    `exec ${quoteShell(programs.env!)} -i ${variables.join(' ')} ${words.join(' ')} 3>&-`,
  ];
}
