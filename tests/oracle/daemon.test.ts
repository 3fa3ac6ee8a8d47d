// floe as a client of C++ Nix's daemon: its store does what every store does.

import { test } from 'node:test';
import { testStore } from '../conformance/store.ts';
import { startTestDaemon } from '../support/daemons.ts';
import { temporaryFolder } from '../support/local-stores.ts';

const oracle = process.env['FLOE_ORACLE'];
const folder = temporaryFolder();

if (oracle === undefined) test("C++ Nix's daemon", { skip: 'FLOE_ORACLE names no Nix' }, () => {});
else {
  // NIX: 2.34.8's daemon crashes now and then (a null pointer in its child) when connections come at the same moment.
  const open = async () => (await startTestDaemon(folder, `${oracle} nix-daemon`)).open(1);
  testStore("C++ Nix's daemon", open, { errorsAreText: true });
}
