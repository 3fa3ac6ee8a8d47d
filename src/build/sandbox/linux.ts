// Sandboxed builds on Linux, as C++ Nix 2.34.8 sets them up (libstore/unix/build/linux-derivation-builder.cc): a root folder that holds
// nothing but the inputs, a few devices, /etc with the build user, /tmp, /build and an empty store to write outputs to; namespaces of
// its own; uid 1000 and gid 100. Two tools can do it: bubblewrap (bubblewrap.ts), and util-linux (util-linux.ts).
// Each build gets a folder `<drv>.chroot` beside its derivation, a name that C++ Nix's garbage collector knows and leaves alone.

import { FloeError } from '../../base/errors.ts';
import { deleteTree } from '../../store/local/nar-files.ts';
import { setMode } from '../host-files.ts';
import { startBubblewrap } from './bubblewrap.ts';
import type { BubblewrapAbility, Isolation, SandboxPrograms } from './machine.ts';
import { gatherPaths, makeRoot, type SandboxJob, writeFilter } from './root-folder.ts';
import type { PreparedSandbox, Sandbox, SandboxRequest, SandboxSettings } from './sandbox.ts';
import { startUtilLinux } from './util-linux.ts';

/**
 * PERF: bubblewrap reads the mount table for every bind (28 ms for 100 binds, 1.35 s for 1,000); one `mount -a` makes 1,000 in 0.14 s,
 * but util-linux starts 20 ms slower.
 */
const MAX_BUBBLEWRAP_BINDS = 100;

/** Everything about this machine that the Linux sandbox goes by. */
export interface LinuxSandboxTools {
  readonly programs: SandboxPrograms;
  readonly bubblewrap: BubblewrapAbility | undefined;
  /** Tried out only when first needed. */
  readonly utilLinux: () => Isolation;
  readonly isRoot: boolean;
  /** Builders can be, and so are, freed of the groups of this process. */
  readonly dropsGroups: boolean;
}

/** The Linux sandbox. */
export class LinuxSandbox implements Sandbox {
  readonly kind: string;
  readonly hidesStore = true;
  readonly #tools: LinuxSandboxTools;
  readonly #settings: SandboxSettings;

  constructor(tools: LinuxSandboxTools, settings: SandboxSettings) {
    this.#tools = tools;
    this.#settings = settings;
    this.kind = tools.bubblewrap?.isolation.files ? 'bubblewrap' : 'util-linux';
  }

  buildDirInside(): string {
    return this.#settings.sandboxBuildDir;
  }

  prepare(request: SandboxRequest): PreparedSandbox {
    const { bubblewrap, programs, dropsGroups } = this.#tools;
    const settings = this.#settings;
    if (`${request.storeDir}/`.startsWith(`${settings.sandboxBuildDir}/`)) {
      throw new FloeError('FLOE_SANDBOX_BUILD_DIR', '`sandbox-build-dir` must not contain the storeDir');
    }
    const root = makeRoot(request, settings);
    const paths = gatherPaths(request, settings, root);
    setMode(`${root}/etc`, 0o555);
    const binds = paths.length + request.inputs.length;
    const useBubblewrap = bubblewrap?.isolation.files === true && (binds <= MAX_BUBBLEWRAP_BINDS || !this.#tools.utilLinux().files);
    const job: SandboxJob = { request, settings, programs, dropsGroups, root, paths, filter: writeFilter(request.folder, settings) };
    return {
      hostPath: (path) => root + path,
      start: useBubblewrap
        ? (command) => startBubblewrap(job, bubblewrap, command)
        : (command) => startUtilLinux(job, this.#tools.utilLinux(), this.#tools.isRoot, command),
      dispose: () => deleteTree(request.folder),
    };
  }
}
