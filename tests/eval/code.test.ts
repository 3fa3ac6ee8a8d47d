// The compiled form: what is read back from a pack evaluates like what was parsed, lazily, and with the same messages.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FloeError } from '../../src/base/errors.ts';
import { CodePack, type CodeStore } from '../../src/eval/code-pack.ts';
import { Evaluator } from '../../src/eval/evaluator.ts';
import { BUILTINS } from '../../src/eval/builtins/index.ts';
import { printAmbiguous } from '../../src/eval/print.ts';
import { DiskHost } from '../support/eval-host.ts';

const folder = mkdtempSync(join(tmpdir(), 'floe-code-'));
after(() => rmSync(folder, { recursive: true }));

class MemoryStore implements CodeStore {
  pack = new CodePack(undefined);
  hits = 0;
  get(path: string): string | undefined {
    const form = this.pack.get(path)?.form;
    if (form !== undefined) this.hits++;
    return form;
  }
  put(path: string, _content: string, form: string): void {
    this.pack.put(path, form, String);
  }
  /** As another run would find it. */
  reopen(): void {
    this.pack = new CodePack(this.pack.print());
  }
}

function run(file: string, store: CodeStore): string {
  const evaluator = new Evaluator({ host: new DiskHost(), builtins: BUILTINS, codeStore: store, settings: { showTrace: true } });
  try {
    const value = evaluator.evalFile(file);
    evaluator.forceDeep(value);
    return printAmbiguous(value);
  } catch (error) {
    assert.ok(error instanceof FloeError);
    return JSON.stringify([error.message, error.position, error.frames]);
  }
}

const PROGRAMS = [
  '{ a = 1; b = -9223372036854775807; c = 1.5e-3; d = "é\\n\\${"; e = ./x; f = ~/x; g = null; h = [ 1 [ ] { } ]; }',
  'let f = x: y: { inherit x y; }; g = { a, b ? a + 1, ... }@args: [ a b args ]; in [ (f 1 2) (g { a = 1; c = 3; }) (map (f 1) [ 2 3 ]) ]',
  'let a = 1; b = { inherit a; c = a + 1; }; in with b; with { d = c; }; [ a c d (b ? c) (b ? q.r) (b.q or "none") b.${"a"} ]',
  'rec { a = 1; b = a + c; c = let d = a; in let e = d; in with { f = e; }; f; inherit (builtins) add; ${"x" + "y"} = b; }.xy',
  'let s = x: assert x == 1; let y = x; in if y > 0 && true || false -> !false then "${toString y}-" + "z" else abort "no"; in s 1',
  'let x = { a = throw "deep"; }; in x.a',
  'let f = x: y: assert ./a == x; y; in f 1 2',
  'builtins.map (a: b: c: a) [ 1 ] == [ ] || __curPos.line == 1',
  `{ ${Array.from({ length: 300 }, (_, i) => `k${i} = let a = ${i}; in a;`).join(' ')} }.k299`,
];

test('a file evaluates alike parsed, and from a pack', () => {
  PROGRAMS.forEach((program, i) => {
    const file = join(folder, `${i}.nix`);
    writeFileSync(file, program);
    const store = new MemoryStore();
    const parsed = run(file, store);
    store.reopen();
    assert.equal(run(file, store), parsed);
    assert.equal(store.hits, 1, program);
  });
});

test('a pack that does not read is an empty one', () => {
  const cut = new CodePack(undefined).print().replace('02\n[]', '11\n[["a",0,5]]');
  for (const text of ['', 'floe-code-pack', 'floe-code-pack 0 0000000002\n[]', cut]) {
    assert.equal(new CodePack(text).get('a'), undefined);
  }
});

test('what is added counts before what was read', () => {
  const pack = new CodePack(undefined);
  pack.put('a', 'one', String);
  pack.put('b', 'two', String);
  const again = new CodePack(pack.print());
  assert.equal(again.isWorthWriting, false);
  again.put('a', 'three', () => 'n');
  assert.deepEqual(again.get('a'), { form: 'three', note: 'n' });
  assert.deepEqual(new CodePack(again.print()).get('a'), { form: 'three', note: 'n' });
  assert.equal(new CodePack(again.print()).get('b')?.form, 'two');
});
