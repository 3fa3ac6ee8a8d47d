// Which of several machines gets a build: the one with the lowest load for its speed that has a place free. Places are locks in the state
// directory, which every Nix of this machine takes, so that all of them together keep to what a machine allows. How a machine is reached
// and told to build is the engine's to say (`connect`). nix/build-remote/build-remote.cc at 2.34.8.

import * as fs from 'node:fs';
import { hashBytes, printHash } from '../base/hash.ts';
import { FloeError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { type Machine, machineSuits } from '../model/machines.ts';
import { lockDescriptors, openLockFile } from '../store/local/locks.ts';
import type { BuildJob, BuildOutcome } from './builder.ts';

/** A machine that has answered. */
export interface ConnectedMachine {
  build(job: BuildJob, signal: AbortSignal): Promise<BuildOutcome>;
  close(): Promise<void>;
}

export interface RemoteBuilderOptions {
  readonly machines: readonly Machine[];
  readonly stateDir: string;
  readonly progress: Progress;
  /** FloeError where the machine cannot be reached. */
  readonly connect: (machine: Machine) => Promise<ConnectedMachine>;
}

/** A machine with a place for one build. */
export interface Claim extends ConnectedMachine {
  readonly machine: Machine;
}

const MAX_NAME = 200;

/** Chooses among machines. */
export class RemoteBuilder {
  readonly #options: RemoteBuilderOptions;
  readonly #folder: string;
  /** Those that could not be reached in this run. */
  readonly #lost = new Set<Machine>();

  constructor(options: RemoteBuilderOptions) {
    this.#options = options;
    this.#folder = `${options.stateDir}/current-load`;
  }

  #suiting(system: string, features: readonly string[]): Machine[] {
    return this.#options.machines.filter((machine) => !this.#lost.has(machine) && machineSuits(machine, system, features));
  }

  /** Whether some machine could build that. */
  suits(system: string, features: readonly string[]): boolean {
    return this.#suiting(system, features).length > 0;
  }

  /** A place; "busy" where all that could build it have none, undefined where none is left that could. */
  async claim(system: string, features: readonly string[]): Promise<Claim | 'busy' | undefined> {
    fs.mkdirSync(this.#folder, { recursive: true });
    for (;;) {
      const suiting = this.#suiting(system, features);
      if (suiting.length === 0) return undefined;
      const place = await this.#takePlace(suiting);
      if (place === undefined) return 'busy';
      const { machine, lock } = place;
      try {
        const connected = await this.#options.connect(machine);
        return {
          machine,
          build: (job, signal) => connected.build(job, signal),
          async close() {
            fs.closeSync(lock);
            await connected.close();
          },
        };
      } catch (error) {
        fs.closeSync(lock);
        if (!(error instanceof FloeError)) throw error;
        this.#options.progress.log('error', `cannot build on '${machine.uri}': ${error.message}`);
        this.#lost.add(machine);
      }
    }
  }

  /** Locks a place of the best machine that has one. */
  async #takePlace(machines: readonly Machine[]): Promise<{ machine: Machine; lock: number } | undefined> {
    const main = openLockFile(`${this.#folder}/main-lock`);
    try {
      await lockDescriptors([{ fd: main, mode: 'exclusive', wait: true }]);
      let best: { machine: Machine; lock: number; load: number } | undefined;
      for (const machine of machines) {
        const { lock, load } = await this.#freePlace(machine);
        if (lock === undefined) continue;
        if (best === undefined || isBetter({ machine, load }, best)) {
          if (best !== undefined) fs.closeSync(best.lock);
          best = { machine, lock, load };
        } else fs.closeSync(lock);
      }
      return best;
    } finally {
      fs.closeSync(main);
    }
  }

  /** The first free place of a machine, and how many are taken. */
  async #freePlace(machine: Machine): Promise<{ lock: number | undefined; load: number }> {
    const fds = Array.from({ length: machine.maxJobs }, (_, slot) => openLockFile(`${this.#folder}/${fileNameOf(machine.uri)}-${slot}`));
    const locked = await Promise.all(fds.map(async (fd) => (await lockDescriptors([{ fd, mode: 'exclusive', wait: false }]))[0] === true));
    const first = locked.indexOf(true);
    fds.forEach((fd, index) => {
      if (index !== first) fs.closeSync(fd);
    });
    return { lock: fds[first], load: locked.filter((one) => !one).length };
  }

  /** Uploads to a machine one after the other. */
  async withUploadLock<T>(machine: Machine, upload: () => Promise<T>): Promise<T> {
    const lock = openLockFile(`${this.#folder}/${fileNameOf(machine.uri)}.upload-lock`);
    try {
      await lockDescriptors([{ fd: lock, mode: 'exclusive', wait: true }]);
      return await upload();
    } finally {
      fs.closeSync(lock);
    }
  }
}

function fileNameOf(uri: string): string {
  const name = uri.replaceAll('/', '_');
  return name.length <= MAX_NAME ? name : printHash(hashBytes('md5', uri), 'base16');
}

interface Loaded {
  readonly machine: Machine;
  readonly load: number;
}

/** Lower load for its speed, then faster, then less loaded. */
function isBetter(one: Loaded, other: Loaded): boolean {
  const [mine, theirs] = [one.load / one.machine.speedFactor, other.load / other.machine.speedFactor];
  if (mine !== theirs) return mine < theirs;
  if (one.machine.speedFactor !== other.machine.speedFactor) return one.machine.speedFactor > other.machine.speedFactor;
  return one.load < other.load;
}
