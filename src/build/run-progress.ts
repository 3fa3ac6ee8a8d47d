// The figures of a run for whoever shows progress: builds and substitutions done, expected, running and failed, as C++ Nix's worker
// tells them.

import { ACTIVITY_TYPES, type Activity, type Progress } from '../base/progress.ts';

/** One kind of work. */
class Tally {
  readonly #activity: Activity;
  #done = 0;
  #expected = 0;
  #running = 0;
  #failed = 0;

  constructor(activity: Activity) {
    this.#activity = activity;
  }

  #tell(): void {
    this.#activity.result('progress', [this.#done, this.#done + this.#expected, this.#running, this.#failed]);
  }

  /** One more is to come; call what it gives when that has ended. */
  expect(): (outcome: 'done' | 'failed' | 'dropped') => void {
    this.#expected++;
    this.#tell();
    return (outcome) => {
      this.#expected--;
      if (outcome === 'done') this.#done++;
      if (outcome === 'failed') this.#failed++;
      this.#tell();
    };
  }

  /** One has begun; call what it gives when it has ended. */
  run(): () => void {
    this.#running++;
    this.#tell();
    return () => {
      this.#running--;
      this.#tell();
    };
  }

  stop(): void {
    this.#activity.stop();
  }
}

/** The tallies of one run. */
export class RunProgress {
  readonly builds: Tally;
  readonly substitutions: Tally;
  readonly #all: Activity;
  #download = 0;
  #nar = 0;

  constructor(progress: Progress) {
    this.#all = progress.start('realise', '', { level: 'error' });
    this.builds = new Tally(progress.start('builds', '', { level: 'error', parent: this.#all }));
    this.substitutions = new Tally(progress.start('copy-paths', '', { level: 'error', parent: this.#all }));
  }

  /** More bytes that substitution will transfer and unpack. */
  expectBytes(download: number, nar: number): void {
    this.#download += download;
    this.#nar += nar;
    this.#all.result('set-expected', [ACTIVITY_TYPES['file-transfer'], this.#download]);
    this.#all.result('set-expected', [ACTIVITY_TYPES['copy-path'], this.#nar]);
  }

  stop(): void {
    this.builds.stop();
    this.substitutions.stop();
    this.#all.stop();
  }
}
