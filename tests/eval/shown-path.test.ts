// Messages name a file by what its host says it is called: the file of a flake's work tree, not the store path it is evaluated at.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FloeError } from '../../src/base/errors.ts';
import { BUILTINS } from '../../src/eval/builtins/index.ts';
import { Evaluator } from '../../src/eval/evaluator.ts';
import { MemoryHost } from '../../src/eval/memory-host.ts';

class WorkTreeHost extends MemoryHost {
  showPath(path: string): string {
    return path.replace('/nix/store/abc-source', '/home/me/project');
  }
}

test('frames and positions name the file of the work tree', () => {
  const files = { '/nix/store/abc-source/a.nix': 'throw "no"' };
  const evaluator = new Evaluator({ host: new WorkTreeHost({ files }), builtins: BUILTINS });
  const run = () => evaluator.guard(() => void evaluator.evalText('import /nix/store/abc-source/a.nix', '/'));
  assert.throws(run, (error) => {
    assert.ok(error instanceof FloeError);
    const texts = error.frames.map(({ text }) => text);
    assert.ok(texts.includes("while evaluating the file '/home/me/project/a.nix':"), texts.join('; '));
    assert.equal(error.frames[0]?.position?.file, '/home/me/project/a.nix');
    return true;
  });
});
