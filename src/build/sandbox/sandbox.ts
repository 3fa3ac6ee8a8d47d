// The Sandbox interface: one way to run a builder. What a builder sees (folders, ids, devices, network, limits) is the sandbox's
// affair; what runs in it and what becomes of its outputs is local-builder.ts's. Nix manual, "sandbox" and "Building a derivation";
// libstore/unix/build for the details a build can observe. All texts that reach a builder are byte strings.

import type { Readable } from 'node:stream';
import type { StorePath } from '../../model/store-path.ts';

/** A path of the machine that builders see: `sandbox-paths`, devices, certificates. */
export interface SandboxPath {
  /** Where builders see it. */
  readonly target: string;
  readonly source: string;
  /** Nothing happens where the source does not exist; otherwise that is an error. */
  readonly optional: boolean;
}

/** What a sandbox must know before the builder runs. */
export interface SandboxRequest {
  /** The derivation's system, for the personality of 32-bit builds. */
  readonly system: string;
  /** A folder beside the derivation's store path that belongs to this build alone; the sandbox creates and removes it. */
  readonly folder: string;
  readonly storeDir: string;
  /** Where the store's objects really lie. */
  readonly realStoreDir: string;
  /** The closure of the inputs: all that builders see of the store. */
  readonly inputs: readonly StorePath[];
  readonly extraPaths: readonly SandboxPath[];
  /** The build's temporary folder on this machine; it exists. */
  readonly buildDir: string;
  /** Fixed outputs may use the network: their content is known beforehand. */
  readonly network: boolean;
  /** Whether /dev/kvm is offered. */
  readonly kvm: boolean;
  /** Output name -> the store path that the builder writes. */
  readonly outputs?: ReadonlyMap<string, string> | undefined;
}

/** What is run. */
export interface BuilderCommand {
  readonly program: string;
  /** Arguments after the program's own name, which is the base name of `program`. */
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
}

/** How a builder ended. */
export type BuilderExit =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: string }
  /** The builder never ran; what went wrong stands in the output. */
  | { readonly kind: 'not-started' };

/** A builder at work. */
export interface RunningBuilder {
  /** Standard output and standard error together; ends when all who can write to it have ended. */
  readonly output: Readable;
  readonly exit: Promise<BuilderExit>;
  /** Ends the builder and everything it started, at once. */
  kill(): void;
}

/** A sandbox made ready for one build. */
export interface PreparedSandbox {
  /** Where on this machine a path lies that the builder has written, such as an output. */
  hostPath(path: string): string;
  start(command: BuilderCommand): RunningBuilder;
  /** Removes everything the sandbox created; the builder must have ended. */
  dispose(): void;
}

/** Settings that every sandbox obeys; named as Nix names them. */
export interface SandboxSettings {
  /** `sandbox-build-dir`: where builders see their temporary folder. */
  readonly sandboxBuildDir: string;
  /** `sandbox-dev-shm-size`, as mount(8) takes it. */
  readonly sandboxShmSize: string;
  readonly filterSyscalls: boolean;
  readonly allowNewPrivileges: boolean;
  readonly impersonateLinux26: boolean;
  /** Certificates that fixed outputs see at /etc/ssl/certs/ca-certificates.crt. */
  readonly sslCertFile: string | undefined;
  /** Soft stack limit of builders, in KiB or "unlimited", where floe's own was raised. */
  readonly childStackLimit: string | undefined;
}

/** One way to run builders. */
export interface Sandbox {
  /** For messages and tests: "bubblewrap", "util-linux", "none". */
  readonly kind: string;
  /**
   * Whether builders write to a store of their own. Where not, outputs that are valid already cannot be hidden from them, and a
   * rebuild must go to other paths and be rewritten.
   */
  readonly hidesStore: boolean;
  /** Where builders see the folder that is `buildDir` on this machine. */
  buildDirInside(buildDir: string): string;
  prepare(request: SandboxRequest): PreparedSandbox;
}

/** The sandbox's own words for how a builder ended, as C++ Nix prints them. */
export function describeExit(exit: BuilderExit): string {
  switch (exit.kind) {
    case 'exited':
      return exit.code === 0 ? 'succeeded' : `failed with exit code ${exit.code}`;
    case 'signalled': {
      const [number, description] = SIGNALS[exit.signal] ?? [0, exit.signal];
      return `failed due to signal ${number} (${description})`;
    }
    case 'not-started':
      return 'could not be started';
  }
}

/** Number and description (strsignal) of the signals that end builders. */
const SIGNALS: Readonly<Record<string, readonly [number, string]>> = {
  SIGHUP: [1, 'Hangup'],
  SIGINT: [2, 'Interrupt'],
  SIGQUIT: [3, 'Quit'],
  SIGILL: [4, 'Illegal instruction'],
  SIGTRAP: [5, 'Trace/breakpoint trap'],
  SIGABRT: [6, 'Aborted'],
  SIGBUS: [7, 'Bus error'],
  SIGFPE: [8, 'Floating point exception'],
  SIGKILL: [9, 'Killed'],
  SIGUSR1: [10, 'User defined signal 1'],
  SIGSEGV: [11, 'Segmentation fault'],
  SIGUSR2: [12, 'User defined signal 2'],
  SIGPIPE: [13, 'Broken pipe'],
  SIGALRM: [14, 'Alarm clock'],
  SIGTERM: [15, 'Terminated'],
  SIGXCPU: [24, 'CPU time limit exceeded'],
  SIGXFSZ: [25, 'File size limit exceeded'],
  SIGSYS: [31, 'Bad system call'],
};
