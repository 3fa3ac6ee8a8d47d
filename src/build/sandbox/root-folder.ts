// The folder that becomes a sandboxed builder's root: what C++ Nix 2.34.8 puts there as plain files and folders (with the same modes),
// and mount points for everything that is bound from the machine.

import { chmodSync, existsSync, lstatSync, mkdirSync, readlinkSync, realpathSync, type Stats, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FloeError } from '../../base/errors.ts';
import { deleteTree } from '../delete-tree.ts';
import type { SandboxPrograms } from './machine.ts';
import type { SandboxPath, SandboxRequest, SandboxSettings } from './sandbox.ts';
import { assembleSyscallFilter } from './seccomp.ts';

/** The build user inside sandboxes. */
export const BUILD_UID = 1000;
/** The build user's group inside sandboxes. */
export const BUILD_GID = 100;

/** One sandboxed build on its way. */
export interface SandboxJob {
  readonly request: SandboxRequest;
  readonly settings: SandboxSettings;
  readonly programs: SandboxPrograms;
  /** The folder that becomes the builder's root. */
  readonly root: string;
  /** What is bound beside the inputs. */
  readonly paths: readonly SandboxPath[];
  /** File with the system-call filter. */
  readonly filter: string | undefined;
}

/** Creates the root folder with all that is plain files in it; modes as C++ Nix leaves them. */
export function makeRoot(request: SandboxRequest, settings: SandboxSettings): string {
  const { folder, storeDir, network } = request;
  deleteTree(folder);
  const root = `${folder}/root`;
  mkdirSync(folder, { mode: 0o700 });
  mkdirSync(root, { mode: 0o750 });
  const makeFolder = (path: string, mode: number) => {
    mkdirSync(root + path, { recursive: true, mode: 0o755 });
    chmodSync(root + path, mode);
  };
  makeFolder('/tmp', 0o1777);
  makeFolder('/etc', 0o755);
  makeFolder('/proc', 0o755);
  makeFolder('/dev', 0o755);
  makeFolder(settings.sandboxBuildDir, 0o755);
  makeFolder(storeDir, 0o1775);
  const write = (name: string, text: string) => writeFileSync(`${root}/etc/${name}`, text, { mode: 0o644 });
  const user = (name: string, uid: number, gid: number) => `${name}:x:${uid}:${gid}:Nix build user:${settings.sandboxBuildDir}:/noshell\n`;
  write('passwd', `${user('root', 0, 0)}${user('nixbld', BUILD_UID, BUILD_GID)}nobody:x:65534:65534:Nobody:/:/noshell\n`);
  write('group', `root:x:0:\nnixbld:!:${BUILD_GID}:\nnogroup:x:65534:\n`);
  if (network) write('nsswitch.conf', 'hosts: files dns\nservices: files\n');
  else write('hosts', '127.0.0.1 localhost\n::1 localhost\n');
  return root;
}

/** All that is bound from the machine apart from inputs and devices, with mount points made. */
export function gatherPaths(request: SandboxRequest, settings: SandboxSettings, root: string): SandboxPath[] {
  const paths = new Map<string, SandboxPath>();
  const add = (path: SandboxPath) => void paths.set(path.target, path);
  request.extraPaths.forEach(add);
  add({ target: settings.sandboxBuildDir, source: request.buildDir, optional: false });
  if (request.network) {
    for (const file of ['/etc/resolv.conf', '/etc/services', '/etc/hosts']) {
      if (existsSync(file) && !paths.has(file)) add({ target: file, source: realpathSync(file), optional: false });
    }
    const bundle = '/etc/ssl/certs/ca-certificates.crt';
    if (settings.sslCertFile !== undefined && existsSync(settings.sslCertFile) && !paths.has(bundle)) {
      add({ target: bundle, source: realpathSync(settings.sslCertFile), optional: true });
    }
  }
  const inStore = (path: string) => path.startsWith(`${request.storeDir}/`);
  return [...paths.values()].filter((path) => {
    const stats = statsOf(path.source);
    if (stats === undefined) {
      if (path.optional) return false;
      throw new FloeError('FLOE_SANDBOX_PATH', `sandbox path '${path.source}' does not exist`, {
        hint: "change 'sandbox-paths', or mark the path as optional with a '?' at its end",
      });
    }
    if (inStore(path.target) && request.inputs.some((input) => `${request.storeDir}/${input}` === path.target)) return false;
    return makeMountPoint(root + path.target, path.source, stats);
  });
}

function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Makes the place that `source` is bound to. A symbolic link cannot be bound: it is copied, and false returned. */
function makeMountPoint(target: string, source: string, stats: Stats): boolean {
  if (stats.isDirectory()) {
    mkdirSync(target, { recursive: true, mode: 0o755 });
    return true;
  }
  mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  if (stats.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
  else writeFileSync(target, '');
  return !stats.isSymbolicLink();
}

/** Writes the system-call filter into the sandbox's folder. */
export function writeFilter(folder: string, settings: SandboxSettings): string | undefined {
  const program = settings.filterSyscalls ? assembleSyscallFilter(process.arch) : undefined;
  if (program === undefined) return undefined;
  const file = `${folder}/filter`;
  writeFileSync(file, program, { mode: 0o600 });
  return file;
}

/** Mount points of the inputs; gives those that are bound, as [source, target]. */
export function makeInputMountPoints({ request, root }: SandboxJob, sourceDir: string): (readonly [source: string, target: string])[] {
  return request.inputs.flatMap((input) => {
    const real = `${request.realStoreDir}/${input}`;
    const target = `${root}${request.storeDir}/${input}`;
    return makeMountPoint(target, real, lstatSync(real)) ? [[`${sourceDir}/${input}`, target] as const] : [];
  });
}
