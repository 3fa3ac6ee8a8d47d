// What `path-info` tells of store paths, as columns and as JSON. nix/path-info.cc.

import type { Json } from '../base/canonical-json.ts';
import { compareStrings } from '../base/bytes.ts';
import { InvalidPathError } from '../base/errors.ts';
import { printContentAddress } from '../model/content-address.ts';
import { type NarInfo, narInfoToJson } from '../model/narinfo.ts';
import { type PathInfo, pathInfoToJson, type PathInfoJsonFormat } from '../model/path-info.ts';
import type { StorePath } from '../model/store-path.ts';
import { queryClosure } from '../store/closure.ts';
import type { Store } from '../store/store.ts';
import type { Engine } from './engine.ts';

export interface PathDescription {
  readonly narSize: number;
  /** Undefined where nobody asked. */
  readonly closureSize: number | undefined;
  /** Why the path is trusted: "ultimate", "ca:...", signatures. */
  readonly signatures: readonly string[];
}

/** Sizes of all that a path needs; what of it caches transfer, where they say. */
async function sizesOfClosure(store: Store, path: StorePath): Promise<{ closureSize: number; closureDownloadSize: number | undefined }> {
  const infos = [...(await queryClosure(store, [path])).values()] as (PathInfo | NarInfo)[];
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const downloads = infos.flatMap((info) => ('url' in info ? [info.fileSize] : []));
  return {
    closureSize: sum(infos.map(({ narSize }) => narSize)),
    closureDownloadSize: downloads.length === 0 ? undefined : sum(downloads),
  };
}

/** One path. InvalidPathError where it is not valid. */
export async function describePath(engine: Engine, path: StorePath, withClosure: boolean): Promise<PathDescription> {
  const store = engine.store;
  const info = await store.queryPathInfo(path);
  if (info === undefined) throw new InvalidPathError(`path '${engine.storeDir}/${path}' is not valid`, { data: { path } });
  engine.reads?.valid(path);
  const { narSize, ultimate, contentAddress, signatures } = info;
  return {
    narSize,
    closureSize: withClosure ? (await sizesOfClosure(store, path)).closureSize : undefined,
    signatures: [
      ...(ultimate ? ['ultimate'] : []),
      ...(contentAddress ? [`ca:${printContentAddress(contentAddress)}`] : []),
      ...signatures,
    ],
  };
}

/** Binary caches also tell how a path is packed. */
function describe(info: PathInfo | NarInfo, storeDir: string, format: PathInfoJsonFormat): { [key: string]: Json } {
  return 'url' in info ? (narInfoToJson(info, storeDir, format) as { [key: string]: Json }) : pathInfoToJson(info, storeDir, format);
}

/** All paths in one value; null for those that are not valid. */
export async function pathInfosJson(
  engine: Engine,
  paths: readonly StorePath[],
  format: PathInfoJsonFormat,
  withClosure: boolean,
): Promise<Json> {
  // Times, derivers and signatures may change while a path is valid.
  engine.reads?.refuse('it was asked what the store knows of paths');
  const { storeDir } = engine;
  const store = engine.store;
  const all = new Map<string, Json>();
  for (const path of [...paths].sort(compareStrings)) {
    const info = await store.queryPathInfo(path);
    const json = info === undefined ? null : describe(info, storeDir, format);
    if (json !== null && withClosure) {
      const { closureSize, closureDownloadSize } = await sizesOfClosure(store, path);
      json['closureSize'] = closureSize;
      if (closureDownloadSize !== undefined) json['closureDownloadSize'] = closureDownloadSize;
    }
    all.set(format === 1 ? `${storeDir}/${path}` : path, json);
  }
  return format === 1 ? all : { info: all, storeDir, version: format };
}
