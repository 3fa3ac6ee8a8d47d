// How two closures differ: packages that came, went or changed their version or size, a line each. nix/diff-closures.cc.

import { printSize } from '../base/byte-size.ts';
import { compareStrings, utf8ToByteString } from '../base/bytes.ts';
import { type StorePath, storePathName } from '../model/store-path.ts';
import { printVersions, splitPackageName } from '../profile/package-versions.ts';
import type { Engine } from './engine.ts';
import { StoreQueries } from './store-queries.ts';

/** Colours for sizes that grew and shrank. */
export interface SizeStyle {
  readonly grown: (text: string) => string;
  readonly shrunk: (text: string) => string;
}

/** Version -> bytes, for one package. */
type Versions = Map<string, number>;

/** NIX: what looks like the name of an output is taken off, "unstable" and its like with it. */
const WITH_OUTPUT = /^(.*)-(?:[a-z]+|lib32|lib64)$/;
const LEAST_SIZE_SHOWN = 8 * 1024;
const ARROW = utf8ToByteString('→');

async function packagesOf(queries: StoreQueries, root: StorePath): Promise<Map<string, Versions>> {
  const packages = new Map<string, Versions>();
  for (const path of await queries.closure([root])) {
    const full = storePathName(path);
    const { name, version } = splitPackageName(WITH_OUTPUT.exec(full)?.[1] ?? full);
    const versions = packages.get(name) ?? new Map<string, number>();
    packages.set(name, versions.set(version, (versions.get(version) ?? 0) + queries.info(path).narSize));
  }
  return packages;
}

const NOTHING: Versions = new Map();

function totalOf(versions: Versions): number {
  return [...versions.values()].reduce((sum, size) => sum + size, 0);
}

/** Lines (byte strings) for the packages that differ, in the order of their names. */
export async function closureDiff(engine: Engine, before: StorePath, after: StorePath, style: SizeStyle): Promise<string[]> {
  const queries = new StoreQueries(engine);
  const [old, young] = [await packagesOf(queries, before), await packagesOf(queries, after)];
  const lines: string[] = [];
  for (const name of [...new Set([...old.keys(), ...young.keys()])].sort(compareStrings)) {
    const [was, is] = [old.get(name) ?? NOTHING, young.get(name) ?? NOTHING];
    const removed = [...was.keys()].filter((version) => !is.has(version));
    const added = [...is.keys()].filter((version) => !was.has(version));
    const delta = totalOf(is) - totalOf(was);
    const items: string[] = [];
    if (removed.length > 0 || added.length > 0) items.push(`${printVersions(removed)} ${ARROW} ${printVersions(added)}`);
    if (Math.abs(delta) >= LEAST_SIZE_SHOWN) items.push((delta > 0 ? style.grown : style.shrunk)(printSize(delta)));
    if (items.length > 0) lines.push(`${name}: ${items.join(', ')}`);
  }
  return lines;
}
