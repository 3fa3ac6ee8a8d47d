// The folder that becomes a sandboxed builder's root: what C++ Nix 2.34.8 puts there as plain files and folders (with the same modes),
// and mount points for everything that is bound from the machine.

import type { Stats } from 'node:fs';
import { byteStringToUtf8 } from '../../base/bytes.ts';
import { FloeError } from '../../base/errors.ts';
import { deleteTree } from '../../store/local/nar-files.ts';
import { exists, makeFolder, makeFolders, makeLink, readLink, resolveLinks, setMode, statOf, writeFile } from '../host-files.ts';
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
  /** The builder is freed of the groups of this process. */
  readonly dropsGroups: boolean;
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
  makeFolder(folder, 0o700);
  makeFolder(root, 0o750);
  for (const [path, mode] of [
    ['/tmp', 0o1777],
    ['/etc', 0o755],
    ['/proc', 0o755],
    ['/dev', 0o755],
    [settings.sandboxBuildDir, 0o755],
    [storeDir, 0o1775],
  ] as const) {
    makeFolders(root + path);
    setMode(root + path, mode);
  }
  const user = (name: string, uid: number, gid: number) => `${name}:x:${uid}:${gid}:Nix build user:${settings.sandboxBuildDir}:/noshell\n`;
  writeFile(`${root}/etc/passwd`, `${user('root', 0, 0)}${user('nixbld', BUILD_UID, BUILD_GID)}nobody:x:65534:65534:Nobody:/:/noshell\n`);
  writeFile(`${root}/etc/group`, `root:x:0:\nnixbld:!:${BUILD_GID}:\nnogroup:x:65534:\n`);
  if (network) writeFile(`${root}/etc/nsswitch.conf`, 'hosts: files dns\nservices: files\n');
  else writeFile(`${root}/etc/hosts`, '127.0.0.1 localhost\n::1 localhost\n');
  return root;
}

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** All that is bound from the machine apart from inputs and devices, with mount points made. */
export function gatherPaths(request: SandboxRequest, settings: SandboxSettings, root: string): SandboxPath[] {
  const paths = new Map(request.extraPaths.map((path) => [path.target, path]));
  const offer = (target: string, source: string) => {
    if (!paths.has(target) && exists(source)) paths.set(target, { target, source: resolveLinks(source), optional: true });
  };
  paths.set(settings.sandboxBuildDir, { target: settings.sandboxBuildDir, source: request.buildDir, optional: false });
  if (request.network) {
    for (const file of ['/etc/resolv.conf', '/etc/services', '/etc/hosts']) offer(file, file);
    if (settings.sslCertFile !== undefined) offer(CERTIFICATES, settings.sslCertFile);
  }
  for (const input of request.inputs) paths.delete(`${request.storeDir}/${input}`);
  return [...paths.values()].filter((path) => {
    const stats = statOf(path.source);
    if (stats !== undefined) return makeMountPoint(root + path.target, path.source, stats);
    if (path.optional) return false;
    throw new FloeError('FLOE_SANDBOX_PATH', `sandbox path '${byteStringToUtf8(path.source)}' does not exist`, {
      hint: "change 'sandbox-paths', or mark the path as optional with a '?' at its end",
    });
  });
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** Makes the place that `source` is bound to. A symbolic link cannot be bound: it is copied, and false returned. */
function makeMountPoint(target: string, source: string, stats: Stats): boolean {
  if (stats.isDirectory()) {
    makeFolders(target);
    return true;
  }
  makeFolders(folderOf(target));
  if (stats.isSymbolicLink()) makeLink(readLink(source), target);
  else writeFile(target, '');
  return !stats.isSymbolicLink();
}

/** Writes the system-call filter into the sandbox's folder. */
export function writeFilter(folder: string, settings: SandboxSettings): string | undefined {
  const program = settings.filterSyscalls ? assembleSyscallFilter(process.arch) : undefined;
  if (program === undefined) return undefined;
  const file = `${folder}/filter`;
  writeFile(file, program, 0o600);
  return file;
}

/** Mount points of the inputs; gives those that are bound, as [source, target]. */
export function makeInputMountPoints({ request, root }: SandboxJob, sourceDir: string): (readonly [source: string, target: string])[] {
  return request.inputs.flatMap((input) => {
    const real = `${request.realStoreDir}/${input}`;
    const stats = statOf(real);
    if (stats === undefined) {
      throw new FloeError('FLOE_MISSING_INPUT', `'${request.storeDir}/${input}' is registered as valid, but missing from the store`, {
        hint: "'floe store verify --repair' restores it",
      });
    }
    const target = `${root}${request.storeDir}/${input}`;
    return makeMountPoint(target, real, stats) ? [[`${sourceDir}/${input}`, target] as const] : [];
  });
}
