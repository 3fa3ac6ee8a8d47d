// What every fetcher must do, written once and run over each input type (tests/fetch/*.test.ts): give the tree, attributes that lock it,
// and hold what was promised. The sample's tree is SAMPLE_FILES.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FetchError, HashMismatchError } from '../../src/base/errors.ts';
import { printHash } from '../../src/base/hash.ts';
import type { FetchContext } from '../../src/fetch/fetcher.ts';
import { fetchInput } from '../../src/fetch/fetchers.ts';
import { listTree, narHashOfTree } from '../../src/fetch/source-tree.ts';
import { checkInputAttrs, type InputAttrs, inputStorePath, isLockedInput, printInput, withAttrs } from '../../src/model/input-scheme.ts';
import { parseUrl } from '../../src/model/url.ts';
import { parseInputUrl } from '../../src/model/input-scheme.ts';

/** Path -> text; a path ending in `*` is executable, one with `@` a link. */
export const SAMPLE_FILES = {
  'flake.nix': '{ outputs = _: { }; }\n',
  'dir/file': 'one\n',
  'run*': '#!/bin/sh\n',
  'link@': 'dir/file',
} as const;

const LISTING = [
  { path: '/dir/file', kind: 'regular' },
  { path: '/flake.nix', kind: 'regular' },
  { path: '/link', kind: 'symlink' },
  { path: '/run', kind: 'regular' },
];

export interface FetcherSample {
  readonly attrs: InputAttrs;
  readonly context: FetchContext;
}

/** `make` sets up a source with SAMPLE_FILES; `checks` are attributes that the fetcher finds out and that may be promised. */
export function testFetcher(
  kind: string,
  make: () => Promise<FetcherSample> | FetcherSample,
  checks: { readonly promised: readonly string[] },
): void {
  test(`${kind}: the tree, and attributes that lock it`, async () => {
    const { attrs, context } = await make();
    const fetched = await fetchInput(checkInputAttrs(attrs), context);
    assert.deepEqual(listTree(fetched.tree), LISTING);
    assert.equal(fetched.tree.readFile('/dir/file'), 'one\n');
    assert.equal(fetched.tree.readLink('/link'), 'dir/file');
    assert.ok(fetched.tree.isExecutable('/run') && !fetched.tree.isExecutable('/dir/file'));
    assert.equal(fetched.tree.kind('/nothing'), undefined);
    assert.throws(() => fetched.tree.readFile('/nothing'));
    assert.equal(fetched.attrs['__final'], true);
    assert.ok(isLockedInput(fetched.attrs));
    const narHash = printHash(narHashOfTree(fetched.tree), 'sri');
    assert.equal(fetched.attrs['narHash'], narHash);
    assert.equal(fetched.storePath, inputStorePath(fetched.attrs, context.store.storeDir));
    for (const name of checks.promised) assert.ok(fetched.attrs[name] !== undefined, name);
  });

  test(`${kind}: fetched again from its locked attributes`, async () => {
    const { attrs, context } = await make();
    const first = await fetchInput(checkInputAttrs(attrs), context);
    const locked = withAttrs(first.attrs, { __final: undefined });
    for (const again of [first.attrs, checkInputAttrs(locked)]) {
      const second = await fetchInput(again, context);
      assert.deepEqual(second.attrs, first.attrs);
      assert.deepEqual(listTree(second.tree), LISTING);
    }
  });

  test(`${kind}: a locked input reads the same as URL and as attributes`, async () => {
    const { attrs, context } = await make();
    const { attrs: locked } = await fetchInput(checkInputAttrs(attrs), context);
    const read = parseInputUrl(parseUrl(printInput(locked)), true);
    for (const [name, value] of Object.entries(read)) assert.deepEqual(locked[name], value, name);
  });

  test(`${kind}: another hash than promised`, async () => {
    const { attrs, context } = await make();
    const wrong = { ...attrs, narHash: 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' };
    await assert.rejects(
      async () => fetchInput(checkInputAttrs(wrong), context),
      (error) => {
        assert.ok(error instanceof HashMismatchError);
        assert.match(error.message, /^NAR hash mismatch in input '.*', expected 'sha256-47DEQpj8HBSa.*' but got 'sha256-/s);
        assert.equal(error.data['wanted'], wrong.narHash);
        return true;
      },
    );
  });

  for (const name of checks.promised) {
    test(`${kind}: another ${name} than promised`, async () => {
      const { attrs, context } = await make();
      const { attrs: locked } = await fetchInput(checkInputAttrs(attrs), context);
      const wrong = typeof locked[name] === 'string' ? '0123456789012345678901234567890123456789' : 7;
      const final = withAttrs(locked, { [name]: wrong, narHash: undefined });
      await assert.rejects(async () => fetchInput(final, context), FetchError);
    });
  }
}
