// One place at which floe and a real Nix take turns: the same store and the same words, so that paths, messages and registrations can be
// compared to the byte. FLOE_ORACLE names the command before `nix-build` and the like.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './local-stores.ts';

/** Why comparisons are skipped; false where they are not. */
export const withoutOracle: string | false = process.env['FLOE_ORACLE'] === undefined ? 'FLOE_ORACLE names no Nix to compare with' : false;

export type Who = 'floe' | 'oracle';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder for files, and in it the store, which can be emptied. */
export class ComparedStore {
  readonly folder = temporaryFolder();
  readonly #root = `${this.folder}/s`;
  readonly #config: string;

  /** `config`: lines of nix.conf. */
  constructor(config: string) {
    this.#config = `sandbox = false\nsubstituters =\nbuild-users-group =\n${config}`;
    mkdirSync(`${this.folder}/bin`);
    const floe = fileURLToPath(new URL('../../bin/floe', import.meta.url));
    for (const name of ['nix', 'nix-build', 'nix-env', 'nix-instantiate', 'nix-store']) symlinkSync(floe, `${this.folder}/bin/${name}`);
  }

  get storeDir(): string {
    return `${this.#root}/store`;
  }

  run(who: Who, command: string, ...args: string[]): Ran {
    const env = {
      ...process.env,
      HOME: this.folder,
      NIX_REMOTE: '',
      NIX_STORE_DIR: this.storeDir,
      NIX_STATE_DIR: `${this.#root}/var`,
      NIX_LOG_DIR: `${this.#root}/log`,
      NIX_CONFIG: who === 'floe' ? `${this.#config}\nhints = false` : this.#config,
    };
    const words = who === 'floe' ? `${this.folder}/bin/` : `${process.env['FLOE_ORACLE']!} `;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', `exec ${words}${command} "$@"`, 'sh', ...args], {
      encoding: 'utf8',
      env,
      cwd: this.folder,
    });
    return { status, stdout, stderr };
  }

  empty(): void {
    if (existsSync(this.#root)) spawnSync('chmod', ['-R', 'u+w', this.#root]);
    rmSync(this.#root, { recursive: true, force: true });
    mkdirSync(this.#root);
  }

  /** What the store knows, without times. */
  facts(): unknown[] {
    const db = new DatabaseSync(`${this.#root}/var/db/db.sqlite`, { readOnly: true });
    const read = (query: string): unknown[] => db.prepare(query).all();
    try {
      const hasRealisations = read("select 1 from sqlite_master where name = 'Realisations'").length > 0;
      return [
        read('select path, hash, deriver, narSize, ultimate, ca from ValidPaths order by path'),
        read(
          'select a.path, b.path as reference from Refs join ValidPaths a on a.id = referrer join ValidPaths b on b.id = reference order by 1, 2',
        ),
        hasRealisations
          ? read('select drvPath, outputName, path from Realisations join ValidPaths v on v.id = outputPath order by 1, 2')
          : [],
        read('select v.path, d.id, d.path from DerivationOutputs d join ValidPaths v on v.id = d.drv order by 1, 2'),
      ];
    } finally {
      db.close();
    }
  }

  /** The same for both: the words, one after the other, in a store that is empty at first, and what it knows in the end. */
  compare(lines: readonly (readonly string[])[]): Record<Who, { readonly runs: readonly Ran[]; readonly facts: unknown[] }> {
    const of = (who: Who) => {
      this.empty();
      const runs = lines.map(([command, ...args]) => this.run(who, command!, ...args));
      return { runs, facts: this.facts() };
    };
    return { floe: of('floe'), oracle: of('oracle') };
  }
}
