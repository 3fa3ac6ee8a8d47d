import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { KeptResults } from './kept-results.ts';
import { checkReads } from './reads-check.ts';
import { isProof, type KeptReads, type Look, ReadLog, statOf } from './reads.ts';

const root = fs.mkdtempSync(join(tmpdir(), 'floe-kept-results-'));
after(() => fs.rmSync(root, { recursive: true }));

const NONE: KeptReads = new ReadLog().keep()!;

function looked(changedMs: number, lookedMs: number, nanoseconds = 1n): Look {
  return { ctimeNs: BigInt(changedMs) * 1_000_000n + nanoseconds, lookedMs } as Look;
}

test('times prove that content is the same only where it changed long before the look, on a clock that is fine enough', () => {
  assert.equal(isProof(looked(1_000_000, 1_005_000)), true);
  assert.equal(isProof(looked(1_000_000, 1_000_050)), false);
  assert.equal(isProof(looked(1_000_000, 999_000)), false, 'a clock that went back');
  assert.equal(isProof(looked(1_000_000, 1_005_000, 0n)), false, 'whole seconds');
});

test('content that was read just after it changed is compared, and the times are taken over', () => {
  const file = join(root, 'fresh');
  fs.writeFileSync(file, 'one');
  const log = new ReadLog();
  log.content(file, statOf(file), 'one');
  const kept = log.keep()!;
  assert.equal(kept.paths[0]![1].p, undefined);
  const later = checkReads(kept, {});
  assert.ok(later.holds);
  fs.writeFileSync(file, 'two');
  assert.equal(checkReads(kept, {}).holds, false);
});

test('a file that moved under the reader keeps nothing', () => {
  const file = join(root, 'moving');
  fs.writeFileSync(file, 'one');
  const log = new ReadLog();
  log.content(file, statOf(file), 'one');
  fs.writeFileSync(file, 'another');
  log.content(file, statOf(file), 'another');
  assert.match(log.refused ?? '', /changed meanwhile/);
  assert.equal(log.keep(), undefined);
});

test('variables, missing files, links, folders and time limits', () => {
  const folder = join(root, 'folder');
  fs.mkdirSync(folder);
  fs.symlinkSync('folder', join(root, 'link'));
  const holds = (note: (log: ReadLog) => void, change: () => void, env: Record<string, string> = {}): [boolean, boolean] => {
    const log = new ReadLog();
    note(log);
    const kept = log.keep()!;
    const before = checkReads(kept, env).holds;
    change();
    return [before, checkReads(kept, env).holds];
  };
  const env: Record<string, string> = {};
  assert.deepEqual(
    holds(
      (log) => log.variable('A', undefined),
      () => (env['A'] = ''),
      env,
    ),
    [true, false],
  );
  const missing = join(root, 'missing');
  assert.deepEqual(
    holds(
      (log) => log.look(missing, statOf(missing)),
      () => fs.writeFileSync(missing, ''),
    ),
    [true, false],
  );
  assert.deepEqual(
    holds(
      (log) => log.link(join(root, 'link'), 'folder'),
      () => {
        fs.rmSync(join(root, 'link'));
        fs.symlinkSync('missing', join(root, 'link'));
      },
    ),
    [true, false],
  );
  assert.deepEqual(
    holds(
      (log) => log.content(folder, statOf(folder), ''),
      () => fs.writeFileSync(join(folder, 'x'), ''),
    ),
    [true, false],
  );
  const log = new ReadLog();
  log.expires(1000);
  assert.equal(checkReads(log.keep()!, {}, 999).holds, true);
  assert.equal(checkReads(log.keep()!, {}, 1000).holds, false);
});

test('an answer is found under its question, by its owner, and only whole', () => {
  const folder = join(root, 'results');
  const results = new KeptResults(folder);
  assert.equal(results.find('q', {}), undefined);
  results.keep('q', NONE, { text: 'answer \xe9' });
  assert.deepEqual(results.find('q', {}), { text: 'answer \xe9' });
  assert.equal(results.find('another', {}), undefined);
  assert.equal(fs.statSync(folder).mode & 0o777, 0o700);
  const [name] = fs.readdirSync(folder);
  const file = join(folder, name!);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  const whole = fs.readFileSync(file);
  for (let at = 0; at < whole.length; at++) {
    const broken = Buffer.from(whole);
    broken[at]! ^= 4;
    fs.writeFileSync(file, broken);
    assert.equal(results.find('q', {}), undefined, `byte ${at}`);
    fs.writeFileSync(file, whole.subarray(0, at));
    assert.equal(results.find('q', {}), undefined, `${at} bytes`);
  }
  fs.writeFileSync(file, whole);
  assert.ok(results.find('q', {}));
  fs.chmodSync(file, 0o622);
  assert.equal(results.find('q', {}), undefined, 'others may write it');
});

test('what is kept does not grow without end, and what was used last stays', () => {
  const folder = join(root, 'many');
  const results = new KeptResults(folder);
  for (let i = 0; i < 1100; i++) results.keep(`q${i}`, NONE, i);
  assert.ok(fs.readdirSync(folder).length <= 1024);
  assert.equal(results.find('q1099', {}), 1099);
});
