// Sources of flakes as `flake archive`, `flake prefetch` and `flake clone` bring them here: into the store, or as a working copy.
// nix/flake.cc; libfetchers/git.cc for clones.

import * as fs from 'node:fs';
import { resolve } from 'node:path';
import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import type { Json } from '../base/canonical-json.ts';
import { FetchError, FloeError } from '../base/errors.ts';
import { printHash } from '../base/hash.ts';
import type { FetchedInput } from '../fetch/fetcher.ts';
import { fetchInput } from '../fetch/fetchers.ts';
import { writeTreeNar } from '../fetch/source-tree.ts';
import { nodeIo } from '../io/node.ts';
import { type FlakeRef, flakeRefAttrs, printFlakeRef } from '../model/flake-ref.ts';
import {
  type InputAttrs,
  inputStorePath,
  inputType,
  printInput,
  refOf,
  relativePathOf,
  revOf,
  stringAttr,
  withAttrs,
} from '../model/input-scheme.ts';
import { type LockNode, sortedInputs } from '../model/lock-file.ts';
import { NarReader } from '../model/nar.ts';
import type { StorePath } from '../model/store-path.ts';
import { deleteTree, NarRestorer } from '../store/local/nar-files.ts';
import type { Engine } from './engine.ts';
import type { LockedFlake } from './flakes.ts';
import { pinnedAttrs, resolveRef } from './registries.ts';

/** Puts a fetched tree into the store. */
function keep(engine: Engine, { storePath, tree, narHash }: FetchedInput): StorePath {
  const { host } = engine.evaluation();
  host.addMountedTree(storePath, tree, { method: 'nar', hash: narHash });
  host.flush([storePath]);
  return storePath;
}

/** What `flake archive` prints, and the paths that it is about. */
export interface Archived {
  readonly json: Json;
  readonly paths: readonly StorePath[];
}

/** The flake's own tree. A folder is read again where its lock file was written just now: it is not what it was any more. */
async function topSource(engine: Engine, { top, plan }: LockedFlake): Promise<FetchedInput> {
  const { fetched, resolved } = top.tree;
  if (plan.kind === 'keep' || inputType(resolved) !== 'path') return fetched;
  return fetchInput(resolved, engine.flakes.fetcher.machine.context);
}

/** Brings a flake and all its inputs into the store; with `dryRun` only tells where they would be. */
export async function archiveFlake(engine: Engine, flake: LockedFlake, dryRun: boolean): Promise<Archived> {
  const { storeDir } = engine;
  const fetched = await topSource(engine, flake);
  const paths = new Set<StorePath>([dryRun ? fetched.storePath : keep(engine, fetched)]);
  const place = async (input: InputAttrs): Promise<StorePath> => {
    if (dryRun) return inputStorePath(input, storeDir);
    return keep(engine, (await engine.flakes.fetcher.fetch(input, 'no')).fetched);
  };
  const inputsOf = async (node: LockNode): Promise<Json> => {
    const inputs = new Map<string, Json>();
    for (const [name, edge] of sortedInputs(node)) {
      if (edge.kind === 'follows') continue;
      const { input } = edge.node.lockedRef;
      const path = relativePathOf(input) === undefined ? await place(input) : undefined;
      if (path !== undefined) paths.add(path);
      inputs.set(name, { path: path && `${storeDir}/${path}`, inputs: await inputsOf(edge.node) });
    }
    return inputs;
  };
  const json = { path: `${storeDir}/${fetched.storePath}`, inputs: await inputsOf(flake.result.lockFile.root) };
  return { json, paths: [...paths] };
}

/** Brings the trees of all inputs into the store; says how many could not be had, each after `onError` has heard why. */
export async function prefetchInputs(engine: Engine, flake: LockedFlake, onError: (error: FloeError) => void): Promise<number> {
  const seen = new Set<LockNode>();
  let failed = 0;
  const visit = async (node: LockNode): Promise<void> => {
    for (const [, edge] of sortedInputs(node)) {
      if (edge.kind === 'follows' || seen.has(edge.node)) continue;
      seen.add(edge.node);
      const { input } = edge.node.lockedRef;
      if (relativePathOf(input) === undefined) {
        const activity = engine.progress.start('unknown', `fetching '${printFlakeRef(edge.node.lockedRef)}'`, { level: 'info' });
        try {
          keep(engine, (await engine.flakes.fetcher.fetch(input, 'no')).fetched);
        } catch (error) {
          if (!(error instanceof FloeError)) throw error;
          onError(error);
          failed++;
        } finally {
          activity.stop();
        }
      }
      await visit(edge.node);
    }
  };
  await visit(flake.result.lockFile.root);
  return failed;
}

/** What `flake prefetch` tells. */
export interface Prefetched {
  readonly storePath: StorePath;
  readonly message: string;
  readonly json: Json;
}

/** Brings the tree that a reference stands for into the store. */
export async function prefetchFlake(engine: Engine, ref: FlakeRef): Promise<Prefetched> {
  const resolved = resolveRef(engine, ref);
  const { fetched } = await engine.flakes.fetcher.fetch(resolved.input, 'all');
  const storePath = keep(engine, fetched);
  const locked: FlakeRef = {
    input: withAttrs(pinnedAttrs(resolved.input, fetched.attrs), { __final: undefined }),
    subdir: resolved.subdir,
  };
  const hash = printHash(fetched.narHash, 'sri');
  const printed = `${engine.storeDir}/${storePath}`;
  return {
    storePath,
    message: byteStringToUtf8(`Downloaded '${printFlakeRef(locked)}' to '${printed}' (hash '${hash}').`),
    json: { storePath: printed, hash, original: flakeRefAttrs(resolved), locked: flakeRefAttrs(locked) },
  };
}

/** Makes a working copy of a flake's source in a folder that is not there yet: a clone where it is a repository. */
export async function cloneFlake(engine: Engine, ref: FlakeRef, destination: string): Promise<void> {
  const { input } = resolveRef(engine, ref);
  const folder = resolve(engine.cwd, destination);
  const url = repositoryOf(input);
  if (url !== undefined) return cloneRepository(input, url, folder);
  if (fs.existsSync(folder)) throw new FloeError('FLOE_EXISTS', `cannot clone into existing path "${folder}"`);
  const { fetched } = await engine.flakes.fetcher.fetch(input, 'all');
  const root = utf8ToByteString(folder);
  const restorer = new NarRestorer(root, 'plain');
  const reader = new NarReader(restorer);
  try {
    writeTreeNar(fetched.tree, (chunk) => void reader.push(chunk));
    reader.end();
  } catch (error) {
    restorer.finish();
    deleteTree(root);
    throw error;
  }
  restorer.finish();
}

/** What git is to clone; undefined for what is no repository. */
function repositoryOf(input: InputAttrs): string | undefined {
  const forge = (host: string, suffix: string) =>
    `https://${stringAttr(input, 'host') ?? host}/${stringAttr(input, 'owner')}/${stringAttr(input, 'repo')}${suffix}`;
  switch (inputType(input)) {
    case 'git': {
      const url = stringAttr(input, 'url') ?? '';
      return url.startsWith('file://') ? utf8ToByteString(decodeURIComponent(url.slice('file://'.length))) : url;
    }
    case 'github':
      return forge('github.com', '.git');
    case 'gitlab':
      return forge('gitlab.com', '.git');
    case 'sourcehut':
      return forge('git.sr.ht', '');
    default:
      return undefined;
  }
}

function cloneRepository(input: InputAttrs, url: string, folder: string): void {
  if (revOf(input) !== undefined) throw new FetchError(`cloning a specific revision is not implemented ('${printInput(input)}')`);
  const ref = refOf(input);
  const args = ['clone', url, ...(ref === undefined ? [] : ['--branch', ref]), utf8ToByteString(folder)];
  const result = nodeIo().processes.run('git', args, { interactive: true });
  if (result === undefined) throw new FetchError(`cloning '${printInput(input)}' needs the program git, which is not installed`);
  if (result.status !== 0)
    throw new FetchError(`program "git" failed with exit code ${result.status}`, { data: { args, stderr: result.stderr } });
}
