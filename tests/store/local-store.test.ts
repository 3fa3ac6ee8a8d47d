// The local store keeps what the Store interface promises, with and without linking equal files.

import { temporaryFolder, openTestStore } from '../support/local-stores.ts';
import { testStore } from '../conformance/store.ts';

const folder = temporaryFolder();
testStore('local store', async () => openTestStore(folder));
testStore('local store that links equal files', async () => openTestStore(folder, { autoOptimise: () => true }));
