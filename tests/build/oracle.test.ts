// The same derivations built by floe and by C++ Nix (FLOE_ORACLE), at the same store paths, sandboxed: NAR hashes, references, content
// addresses and derivers must be equal, whatever tool makes floe's sandbox. And the two must be able to share one store at one time.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SILENT } from '../../src/base/progress.ts';
import { type BuildSettings, DEFAULT_BUILD_SETTINGS } from '../../src/build/settings.ts';
import { findSandboxPrograms } from '../../src/build/sandbox/machine.ts';
import { tryRealise } from '../../src/build/realise.ts';
import { nodeIo } from '../../src/io/node.ts';
import type { DerivedPath } from '../../src/model/derived-path.ts';
import { parseStorePath } from '../../src/model/store-path.ts';
import { openLocalStore } from '../../src/store/local/local-store.ts';
import { deleteTree } from '../../src/store/local/nar-files.ts';
import { findStaticBusybox } from '../support/static-busybox.ts';

const oracle = process.env['FLOE_ORACLE'];
const busybox = oracle === undefined ? undefined : findStaticBusybox();
const skip = oracle === undefined ? 'FLOE_ORACLE names no C++ Nix' : busybox === undefined ? 'no static busybox' : false;
const CASES = join(import.meta.dirname, 'cases/equal.nix');

/** A folder in which both have their store at the same path, one after the other. */
class Place {
  readonly root = mkdtempSync(join(tmpdir(), 'floe-test-'));
  readonly store = `${this.root}/here/store`;
  readonly state = `${this.root}/here/var/nix`;
  readonly env = {
    ...process.env,
    NIX_STORE_DIR: this.store,
    NIX_STATE_DIR: this.state,
    NIX_LOG_DIR: `${this.root}/here/log`,
    PEER_SANDBOX: 'true',
    FLOE_TEST_IMPURE: 'imp ure',
  };

  constructor() {
    // Names in built trees need not be text.
    after(() => void deleteTree(this.root));
    mkdirSync(`${this.root}/seed/bin`, { recursive: true });
    cpSync(busybox!, `${this.root}/seed/bin/busybox`);
  }

  oracle(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    const [command, ...words] = `${oracle!}`.split(' ');
    return spawnSync(command!, [...words, ...args], { env: this.env, encoding: 'utf8', timeout: 300_000 });
  }

  /** Writes the derivations of a file; gives their paths. */
  instantiate(file: string, attributes: readonly string[] = []): string[] {
    const { stdout, stderr, status } = this.oracle([
      'nix-instantiate',
      file,
      '--arg',
      'seed',
      `${this.root}/seed`,
      ...attributes.flatMap((name) => ['-A', name]),
    ]);
    assert.equal(status, 0, stderr);
    return [
      ...new Set(
        stdout
          .trim()
          .split('\n')
          .map((line) => line.replace(/!.*/, '')),
      ),
    ];
  }

  /** All that a store's database says of its paths. */
  registrations(): string[] {
    const db = new DatabaseSync(`${this.state}/db/db.sqlite`);
    const rows = db
      .prepare(
        `select path, hash, narSize, ca, ultimate, deriver,
                (select group_concat(p, ' ') from (select b.path p from Refs join ValidPaths b on reference = b.id where referrer = a.id order by p)) refs
         from ValidPaths a order by path`,
      )
      .all();
    db.close();
    return rows.map((row) => Object.values(row).join(' | '));
  }

  /** Makes room for the other one. */
  setAside(name: string): void {
    renameSync(`${this.root}/here`, `${this.root}/${name}`);
  }

  async floe(derivations: readonly string[], settings: Partial<BuildSettings>): Promise<number> {
    process.env['FLOE_TEST_IMPURE'] = 'imp ure';
    const store = openLocalStore({ storeDir: this.store, stateDir: this.state });
    const requests = derivations.map((text): DerivedPath => ({
      kind: 'built',
      derivation: parseStorePath(text, this.store),
      outputs: 'all',
    }));
    const { exitStatus } = await tryRealise(requests, {
      store,
      io: nodeIo(),
      progress: SILENT,
      settings: {
        ...DEFAULT_BUILD_SETTINGS,
        sandboxFallback: false,
        requireDropGroups: false,
        keepGoing: true,
        maxJobs: 2,
        sandboxPaths: [{ target: '/bin/sh', source: busybox!, optional: false }],
        ...settings,
      },
    });
    await store.close();
    return exitStatus;
  }
}

test('the outputs of some forty derivations are those of C++ Nix', { skip }, async () => {
  const place = new Place();
  const derivations = place.instantiate(CASES);
  const { status, stderr } = place.oracle(['nix-store', '--keep-going', '-j2', '--realise', ...derivations]);
  assert.equal(status, 102, stderr); // Three have wrong hashes on purpose.
  const expected = place.registrations();
  assert.ok(expected.length > 80);
  place.setAside('of-oracle');
  const hidden = findSandboxPrograms(process.env['PATH'] ?? '').bwrap === undefined ? [''] : [undefined, ''];
  for (const bubblewrap of hidden) {
    place.instantiate(CASES);
    assert.equal(await place.floe(derivations, { bubblewrap }), 102);
    assert.deepEqual(place.registrations(), expected);
    const verified = place.oracle(['nix-store', '--verify', '--check-contents']);
    assert.equal(verified.status, 0, verified.stderr);
    assert.doesNotMatch(verified.stderr, /modified|disappeared|error/);
    place.setAside(`of-floe-${bubblewrap ?? 'bwrap'}`);
  }
});

test('C++ Nix checks what floe built, and floe what C++ Nix built', { skip }, async () => {
  const place = new Place();
  const derivations = place.instantiate(CASES, ['outputs', 'structured', 'env', 'usesLink']);
  assert.equal(await place.floe(derivations, {}), 0);
  const checked = place.oracle(['nix-store', '--realise', '--check', ...derivations]);
  assert.equal(checked.status, 0, checked.stderr);
});

test('floe and C++ Nix wait for each other', { skip }, async () => {
  const place = new Place();
  const file = `${place.root}/slow.nix`;
  writeFileSync(
    file,
    '{ seed }: let bb = "${builtins.path { path = seed; name = "seed"; }}/bin/busybox"; in derivation { name = "slow"; system = "x86_64-linux"; builder = bb; args = [ "sh" "-c" "${bb} sleep 2; echo $$ > $out; ${bb} date +%N >> $out" ]; }',
  );
  const [derivation] = place.instantiate(file);
  const [command, ...words] = `${oracle!}`.split(' ');
  const other = spawn(command!, [...words, 'nix-store', '--realise', derivation!], { env: place.env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  other.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((resolve) => other.on('exit', resolve));
  for (let tries = 0; tries < 200 && !said.includes('building'); tries++) await sleep(50);
  assert.equal(await place.floe([derivation!], {}), 0);
  assert.equal(await ended, 0);
  const outputs = place.registrations().filter((line) => line.includes('-slow |'));
  assert.equal(outputs.length, 1);
  assert.equal(place.oracle(['nix-store', '--verify', '--check-contents']).status, 0);
});
