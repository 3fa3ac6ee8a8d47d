// The /bin/sh of build sandboxes. Build scripts that come with sources (`./configure`) name it, and Nix's sandbox has one: a static
// shell, because nothing else of the machine is in there. floe takes the machine's where there is one, and otherwise the seed of the
// embedded packages, a static busybox that it can unpack itself.

import { readFileSync } from 'node:fs';
import { parseSri } from '../base/hash.ts';
import { findStaticShell } from '../build/sandbox/machine.ts';
import { printATerm } from '../model/aterm.ts';
import { makeContentPath, NO_REFERENCES } from '../model/content-address.ts';
import { type Derivation, type DerivationOutput, makeDerivationPath } from '../model/derivation.ts';

import { printStorePath, type StoreDir, type StorePath } from '../model/store-path.ts';
import { packageFolder } from './package-folder.ts';

/** src/debpkgs/seed.json. */
interface Seed {
  readonly version: string;
  /** Path of the .deb below a mirror of Debian's archive. */
  readonly deb: string;
  /** SHA-256 of the .deb, SRI. */
  readonly debHash: string;
  /** Path of the program in the package. */
  readonly member: string;
  /** Of the unpacked tree, SRI. */
  readonly narHash: string;
}

/** Where the shell is, and what has to be built first where it is not there yet. */
export interface SandboxShell {
  /** Path as builders would name it: of the machine, or in the store. */
  readonly program: string;
  /** The store object it lies in, with the derivations that make it, inputs first. */
  readonly seed?: { readonly path: StorePath; readonly derivations: readonly { path: StorePath; derivation: Derivation; aterm: string }[] };
}

/** Undefined where this installation lacks the embedded packages and the machine has no static shell. */
export function findSandboxShell(storeDir: StoreDir): SandboxShell | undefined {
  const program = findStaticShell();
  if (program !== undefined) return { program };
  const folder = packageFolder('src/debpkgs');
  if (folder === undefined || process.arch !== 'x64') return undefined;
  const seed = JSON.parse(readFileSync(`${folder}/seed.json`, 'utf8')) as Seed;
  const debName = seed.deb.slice(seed.deb.lastIndexOf('/') + 1).replace(/[^0-9a-zA-Z+\-._?=]/g, '-');
  const url = `mirror://debian/${seed.deb}`;
  const deb = fixedDerivation(debName, 'builtin:fetchurl', 'flat', seed.debHash, { url, urls: url }, [], storeDir);
  const debPath = printStorePath(outputOf(deb), storeDir);
  const name = `busybox-static-${seed.version}`;
  const tree = fixedDerivation(name, 'builtin:unpack-deb', 'nar', seed.narHash, { src: debPath, members: seed.member }, [deb], storeDir);
  const made = [deb, tree].map((derivation) => {
    const aterm = printATerm(derivation, storeDir);
    return { path: makeDerivationPath(derivation, aterm, storeDir), derivation, aterm };
  });
  const path = outputOf(tree);
  return { program: `${printStorePath(path, storeDir)}/${seed.member}`, seed: { path, derivations: made } };
}

function outputOf(derivation: Derivation): StorePath {
  return (derivation.outputs.get('out') as DerivationOutput & { readonly path: StorePath }).path;
}

function fixedDerivation(
  name: string,
  builder: string,
  method: 'flat' | 'nar',
  hash: string,
  env: Readonly<Record<string, string>>,
  inputs: readonly Derivation[],
  storeDir: StoreDir,
): Derivation {
  const address = { method, hash: parseSri(hash) };
  const path = makeContentPath(name, address, NO_REFERENCES, storeDir);
  const variables = {
    ...env,
    builder,
    name,
    out: printStorePath(path, storeDir),
    outputHash: hash,
    outputHashAlgo: 'sha256',
    outputHashMode: method === 'nar' ? 'recursive' : 'flat',
    preferLocalBuild: '1',
    system: 'builtin',
  };
  return {
    name,
    outputs: new Map([['out', { kind: 'fixed', path, address }]]),
    inputDerivations: new Map(inputs.map((input) => [makeDerivationPath(input, printATerm(input, storeDir), storeDir), ['out']])),
    inputSources: [],
    system: 'builtin',
    builder,
    args: [],
    env: new Map(Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
