// What `path-info` tells of store paths, as columns and as JSON. nix/path-info.cc.

import type { Json } from '../base/canonical-json.ts';
import { compareStrings } from '../base/bytes.ts';
import { printContentAddress } from '../model/content-address.ts';
import { pathInfoToJson, type PathInfoJsonFormat } from '../model/path-info.ts';
import type { StorePath } from '../model/store-path.ts';
import type { Engine } from './engine.ts';
import { StoreQueries } from './store-queries.ts';

export interface PathDescription {
  readonly narSize: number;
  /** Undefined where nobody asked. */
  readonly closureSize: number | undefined;
  /** Why the path is trusted: "ultimate", "ca:...", signatures. */
  readonly signatures: readonly string[];
}

async function sizeOfClosure(queries: StoreQueries, path: StorePath): Promise<number> {
  let size = 0;
  for (const one of await queries.closure([path])) size += queries.info(one).narSize;
  return size;
}

/** One path. InvalidPathError where it is not valid. */
export async function describePath(engine: Engine, path: StorePath, withClosure: boolean): Promise<PathDescription> {
  const queries = new StoreQueries(engine);
  const { narSize, ultimate, contentAddress, signatures } = queries.info(path);
  return {
    narSize,
    closureSize: withClosure ? await sizeOfClosure(queries, path) : undefined,
    signatures: [
      ...(ultimate ? ['ultimate'] : []),
      ...(contentAddress ? [`ca:${printContentAddress(contentAddress)}`] : []),
      ...signatures,
    ],
  };
}

/** All paths in one value; null for those that are not valid. */
export async function pathInfosJson(
  engine: Engine,
  paths: readonly StorePath[],
  format: PathInfoJsonFormat,
  withClosure: boolean,
): Promise<Json> {
  const { store, storeDir } = engine;
  const queries = new StoreQueries(engine);
  const all = new Map<string, Json>();
  for (const path of [...paths].sort(compareStrings)) {
    const info = store.queryPathInfoSync(path);
    const json = info === undefined ? null : pathInfoToJson(info, storeDir, format);
    if (json !== null && withClosure) json['closureSize'] = await sizeOfClosure(queries, path);
    all.set(format === 1 ? `${storeDir}/${path}` : path, json);
  }
  return format === 1 ? all : { info: all, storeDir, version: format };
}
