// The store object that a profile's generation is: links to all files of its packages, and the manifest beside them. The same packages
// give the same store path as in C++ Nix. nix/profile.cc (ProfileManifest::build).

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareStrings, utf8ToByteString } from '../base/bytes.ts';
import { printJson } from '../base/canonical-json.ts';
import { startDigest } from '../base/sha.ts';
import { buildEnv } from '../build/build-env.ts';
import { resolveAsBuilder } from '../build/builtin-builders.ts';
import { setMode, writeFile } from '../build/host-files.ts';
import { makeContentPath } from '../model/content-address.ts';
import type { StorePath } from '../model/store-path.ts';
import type { MachineStore } from '../store/local/machine-store.ts';
import { deleteTree, dumpTree } from '../store/local/nar-files.ts';
import type { ProfileManifest } from './manifest.ts';

/** Makes the tree of a manifest and adds it to the store. FLOE_BUILDENV_CONFLICT where packages collide. */
export async function buildUserEnv(store: MachineStore, manifest: ProfileManifest, warn: (message: string) => void): Promise<StorePath> {
  const { storeDir } = store;
  const elements = manifest.elements.map(([, element]) => element);
  const packages = elements.flatMap(({ storePaths, active, priority }) => {
    return active ? storePaths.map((path) => ({ path: `${storeDir}/${path}`, active, priority })) : [];
  });
  const references = [...new Set(elements.flatMap(({ storePaths }) => storePaths))].sort(compareStrings);
  await store.addTempRoots(references);
  const folder = utf8ToByteString(mkdtempSync(join(tmpdir(), 'floe-profile-')));
  try {
    setMode(folder, 0o755);
    const files = { resolve: (path: string) => resolveAsBuilder(path, { storeDir, toRealPath: (one) => store.toRealPath(one) }) };
    buildEnv(folder, packages, files, warn);
    writeFile(`${folder}/manifest.json`, printJson(manifest.toJson(storeDir)));
    const digest = startDigest('sha256');
    dumpTree(folder, (chunk) => void digest.update(chunk));
    const contentAddress = { method: 'nar', hash: { algorithm: 'sha256', bytes: digest.digest() } } as const;
    const path = makeContentPath('profile', contentAddress, { others: references, self: false }, storeDir);
    store.addPendingObjects([{ path, references, contentAddress, writeNar: (sink) => void dumpTree(folder, sink) }]);
    return path;
  } finally {
    deleteTree(folder);
  }
}
