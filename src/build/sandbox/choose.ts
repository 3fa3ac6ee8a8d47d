// Which sandbox a build gets: the `sandbox` setting and the derivation's own wishes on one side, what the machine can do on the other.
// The machine is tried out when the first build asks, once for each chooser, and what is missing is said once.

import { FloeError } from '../../base/errors.ts';
import { type ExternalBuilder, ExternalSandbox } from './external.ts';
import { LinuxSandbox } from './linux.ts';
import {
  type BubblewrapAbility,
  canDropGroups,
  describeMissing,
  findSandboxPrograms,
  type Isolation,
  NO_ISOLATION,
  probeBubblewrap,
  probeUtilLinux,
  type SandboxPrograms,
} from './machine.ts';
import { NoSandbox } from './none.ts';
import type { Sandbox, SandboxSettings } from './sandbox.ts';

/** How builds are to be isolated. */
export interface SandboxPolicy extends SandboxSettings {
  readonly sandbox: 'true' | 'relaxed' | 'false';
  /** `sandbox-fallback`: whether to build without what the machine cannot isolate, or to fail. */
  readonly sandboxFallback: boolean;
  /** `require-drop-supplementary-groups`: whether to fail where builders would keep the groups of floe's own process. */
  readonly requireDropGroups: boolean;
  /** Where bubblewrap is; undefined to look on PATH, "" to do without. */
  readonly bubblewrap: string | undefined;
}

/** What the choice goes by. */
export interface SandboxWish {
  /** Printed store path of the derivation. */
  readonly derivation: string;
  /** `__noChroot`. */
  readonly noChroot: boolean;
  /** Whether the derivation's content is not known beforehand. */
  readonly isolated: boolean;
  /** Whether store objects lie elsewhere than at their store paths; builders then need a mount namespace to see them. */
  readonly divertedStore: boolean;
}

const isFull = (isolation: Isolation) => isolation.files && isolation.processes && isolation.network;

/** Chooses sandboxes for the builds of one run. */
export class SandboxChooser {
  readonly #policy: SandboxPolicy;
  readonly #warn: (message: string) => void;
  readonly #searchPath: string;
  #programs: SandboxPrograms | undefined;
  #utilLinux: Isolation | undefined;
  #linux: { readonly sandbox: Sandbox | undefined; readonly missing: string } | undefined;
  #none: Sandbox | undefined;
  #warned = false;

  constructor(policy: SandboxPolicy, searchPath: string, warn: (message: string) => void) {
    this.#policy = policy;
    this.#searchPath = searchPath;
    this.#warn = warn;
  }

  /** Hands the build to another program. */
  external(builder: ExternalBuilder, env: ReadonlyMap<string, string>): Sandbox {
    return new ExternalSandbox(builder, this.#plain(), env);
  }

  choose(wish: SandboxWish): Sandbox {
    if (!this.#wantsSandbox(wish)) return this.#plain();
    const { sandbox, missing } = (this.#linux ??= this.#tryLinux());
    if (missing !== '' && !this.#policy.sandboxFallback) {
      throw new FloeError(
        'FLOE_NO_SANDBOX',
        `this system does not support the kernel namespaces that are required for sandboxing; use '--no-sandbox' to disable sandboxing`,
        { hint: `Missing here: ${missing}.` },
      );
    }
    if (missing !== '' && !this.#warned) {
      this.#warned = true;
      this.#warn(sandbox === undefined ? `builds run without a sandbox: ${missing}` : `builds are not fully isolated: ${missing}`);
    }
    if (sandbox !== undefined) return sandbox;
    if (wish.divertedStore) {
      throw new FloeError(
        'FLOE_NO_SANDBOX',
        `cannot build '${wish.derivation}': its store does not lie at its own path, and builders could not see it`,
        {
          hint: `Builds in such a store need namespaces. Missing here: ${missing}.`,
        },
      );
    }
    return this.#plain();
  }

  #wantsSandbox({ derivation, noChroot, isolated, divertedStore }: SandboxWish): boolean {
    const { sandbox } = this.#policy;
    if (sandbox === 'true' && noChroot) {
      throw new FloeError(
        'FLOE_NO_CHROOT',
        `derivation '${derivation}' has '__noChroot' set, but that's not allowed when 'sandbox' is 'true'`,
      );
    }
    return divertedStore || sandbox === 'true' || (sandbox === 'relaxed' && isolated && !noChroot);
  }

  #found(): SandboxPrograms {
    return (this.#programs ??= findSandboxPrograms(this.#searchPath, this.#policy.bubblewrap));
  }

  #plain(): Sandbox {
    return (this.#none ??= new NoSandbox(this.#found(), this.#policy));
  }

  #tryUtilLinux(): Isolation {
    const { unshare, mount, env, perl } = this.#found();
    if (unshare === undefined || mount === undefined || (env === undefined && perl === undefined)) return NO_ISOLATION;
    return (this.#utilLinux ??= probeUtilLinux(unshare, mount));
  }

  #tryLinux(): { sandbox: Sandbox | undefined; missing: string } {
    if (process.platform !== 'linux') return { sandbox: undefined, missing: `floe has no sandbox for ${process.platform} yet` };
    const programs = this.#found();
    let bubblewrap: BubblewrapAbility | undefined = programs.bwrap === undefined ? undefined : probeBubblewrap(programs.bwrap);
    let isolation = bubblewrap?.isolation ?? NO_ISOLATION;
    if (!isFull(isolation)) {
      const other = this.#tryUtilLinux();
      if (isFull(other) || !isolation.files) {
        bubblewrap = undefined;
        isolation = other;
      }
    }
    const missing = describeMissing(isolation, programs);
    if (!isolation.files) return { sandbox: undefined, missing };
    const isRoot = process.geteuid?.() === 0;
    const dropsGroups = isRoot && canDropGroups(programs);
    if (!dropsGroups && this.#policy.requireDropGroups) {
      throw new FloeError(
        'FLOE_SETGROUPS',
        'setgroups failed. Set the require-drop-supplementary-groups option to false to skip this step.',
        { hint: programs.setpriv === undefined ? "Missing here: the program 'setpriv' of util-linux." : undefined },
      );
    }
    const tools = { programs, bubblewrap, utilLinux: () => this.#tryUtilLinux(), isRoot, dropsGroups };
    return { sandbox: new LinuxSandbox(tools, this.#policy), missing };
  }
}
