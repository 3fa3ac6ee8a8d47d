// Fills a store without end, for crash.test.ts to kill: imports of trees, batches of texts, root links, optimising, collecting.

import { bytesOf } from '../../src/base/bytes.ts';
import { hashBytes } from '../../src/base/hash.ts';
import { makeTextPath } from '../../src/model/content-address.ts';
import { narOfFile } from '../../src/model/nar.ts';
import { openLocalStore } from '../../src/store/local/local-store.ts';
import type { PendingObject } from '../../src/store/local/pending-objects.ts';
import { objectOf, sourceOf } from '../conformance/store.ts';
import { chrootStoreOptions } from '../support/local-stores.ts';
import type { TestTree } from '../support/trees.ts';

const [root, seed] = process.argv.slice(2) as [string, string];
const store = openLocalStore({ ...chrootStoreOptions(root), autoOptimise: () => true });
process.stdout.write('ready\n');
for (let round = 0; ; round++) {
  const files = Array.from({ length: 30 }, (_, i): [string, TestTree] => [
    `f${String(i).padStart(2, '0')}`,
    { contents: `${seed} ${round} ${'x'.repeat(i * 500)}`, executable: i % 2 === 0 },
  ]);
  const { info, nar } = objectOf(`tree-${seed}-${round}`, new Map([['sub', new Map(files)]]), store.storeDir);
  await store.addToStore(info, sourceOf(nar, 4096));
  const batch = Array.from({ length: 40 }, (_, i): PendingObject => {
    const text = `${seed} ${round} ${i}`;
    const contentAddress = { method: 'text' as const, hash: hashBytes('sha256', text) };
    const path = makeTextPath(`text-${i}`, contentAddress.hash, [], store.storeDir);
    return { path, references: [], contentAddress, text, writeNar: (sink) => narOfFile(bytesOf(text)).forEach(sink) };
  });
  store.addPendingObjects(batch);
  await store.addRootLink(info.path, `${root}/links/${round % 3}`);
  if (round % 5 === 4) await store.collectGarbage({ action: 'delete-dead' });
}
