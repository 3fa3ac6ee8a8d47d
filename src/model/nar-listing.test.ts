import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findDebugInfo, type NarListing } from './nar-listing.ts';

const file: NarListing = { type: 'regular', executable: false, size: 4, narOffset: 96 };
const folder = (entries: Record<string, NarListing>): NarListing => ({ type: 'directory', entries: new Map(Object.entries(entries)) });

test('files of debug information are found by the names of their folders', () => {
  const rest = `${'a'.repeat(38)}.debug`;
  const ids = folder({ '02': folder({ [rest]: file, 'short.debug': file }), xyz: folder({ [rest]: file }), '03': file });
  const listing = folder({ lib: folder({ debug: folder({ '.build-id': ids }) }) });
  assert.deepEqual(findDebugInfo(listing), [{ member: `lib/debug/.build-id/02/${rest}`, buildId: `02${rest}` }]);
  assert.deepEqual(findDebugInfo(folder({ lib: file })), []);
});
