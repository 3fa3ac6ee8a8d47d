// The store in memory keeps what the Store interface promises.

import { MemoryStore } from '../../src/store/memory-store.ts';
import { testStore } from '../conformance/store.ts';

testStore('memory store', async () => new MemoryStore());
