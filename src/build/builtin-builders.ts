// Builders that are part of Nix: builtin:fetchurl, builtin:buildenv and builtin:unpack-channel. They run in floe's own process, with the
// rights of no builder: they only write their output. What they fail with becomes the last lines of the build's log, as if a program
// had said it. libstore/builtins/.

import * as fs from 'node:fs';
import { byteStringToUtf8 } from '../base/bytes.ts';
import { FetchError, FloeError } from '../base/errors.ts';
import { printHash } from '../base/hash.ts';
import { decompress } from '../io/decompress.ts';
import { nodeIo } from '../io/node.ts';
import { unpackArchive } from '../io/unpack-archive.ts';
import type { Derivation } from '../model/derivation.ts';
import { NarReader } from '../model/nar.ts';
import { splitStorePath, type StoreDir, type StorePath } from '../model/store-path.ts';
import { deleteTree, NarRestorer } from '../store/local/nar-files.ts';
import { systemPath } from '../store/local/system-error.ts';
import { buildEnv, parseEnvPackages } from './build-env.ts';
import { downloadFile, type FetchingSettings, type StartTransfer } from './download-file.ts';
import { listFolder, makeFolders, makeLink, movePath, readLink, setMode, statOf } from './host-files.ts';
import type { MirrorAddress } from './mirrors.ts';
import { unpackDeb } from './unpack-deb.ts';

/** What a builtin builder works with. */
export interface BuiltinContext {
  readonly derivation: Derivation;
  /** Output name -> where it is to be written on this machine. */
  readonly outputs: ReadonlyMap<string, string>;
  readonly storeDir: StoreDir;
  readonly toRealPath: (path: StorePath) => string;
  readonly fetching: FetchingSettings;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
  readonly startTransfer: StartTransfer;
}

export type BuiltinBuilder = (context: BuiltinContext) => Promise<void>;

/** By the name after "builtin:". */
export const BUILTIN_BUILDERS: ReadonlyMap<string, BuiltinBuilder> = new Map([
  ['fetchurl', fetchUrl],
  ['buildenv', buildEnvironment],
  ['unpack-channel', unpackChannel],
  ['unpack-deb', unpackDeb],
]);

/** Whether a derivation has a builtin builder. */
export function isBuiltin(derivation: Derivation): boolean {
  return derivation.builder.startsWith('builtin:');
}

/** Runs a derivation's builtin builder; FloeError where there is none of that name. */
export async function runBuiltin(context: BuiltinContext): Promise<void> {
  const name = context.derivation.builder.slice('builtin:'.length);
  const builder = BUILTIN_BUILDERS.get(name);
  if (builder === undefined) throw new FloeError('FLOE_UNKNOWN_BUILTIN', `unsupported builtin builder '${name}'`);
  await builder(context);
}

function attribute({ derivation }: BuiltinContext, name: string): string {
  const value = derivation.env.get(name);
  if (value === undefined) throw new FloeError('FLOE_MISSING_ATTRIBUTE', `attribute '${name}' missing`);
  return value;
}

// ---- fetchurl

async function fetchUrl(context: BuiltinContext): Promise<void> {
  const { derivation } = context;
  const output = derivation.outputs.get('out');
  if (output === undefined) throw new FloeError('FLOE_FETCHURL', "'builtin:fetchurl' requires an 'out' output");
  if (output.kind !== 'fixed' && output.kind !== 'impure')
    throw new FloeError('FLOE_FETCHURL', "'builtin:fetchurl' must be a fixed-output or impure derivation");
  const url = byteStringToUtf8(attribute(context, 'url'));
  const byHash =
    output.kind === 'fixed' && output.address.method === 'flat'
      ? `${output.address.hash.algorithm}/${printHash(output.address.hash, 'base16')}`
      : undefined;
  const unpack = derivation.env.get('unpack') === '1';
  const failures: FloeError[] = [];
  for await (const address of addresses(context, url, byHash)) {
    try {
      await fetchFrom(context, address, { unpack, xz: unpack && url.endsWith('.xz') });
      if (derivation.env.get('executable') === '1') setMode(context.outputs.get('out')!, 0o755);
      return;
    } catch (error) {
      if (!(error instanceof FloeError) || context.signal.aborted) throw error;
      failures.push(error);
    }
  }
  throw bestFailure(url, failures);
}

/** Where the file may be, one after the other: by its hash, at its address or its mirrors, at the other addresses it gives. */
async function* addresses(
  { derivation, fetching }: BuiltinContext,
  url: string,
  byHash: string | undefined,
): AsyncGenerator<MirrorAddress> {
  if (byHash !== undefined) {
    for (const mirror of fetching.hashedMirrors) yield { url: `${mirror.replace(/\/*$/, '/')}${byHash}` };
  }
  const others = (derivation.env.get('urls') ?? '').split(/\s+/).filter(Boolean).map(byteStringToUtf8);
  for (const candidate of new Set([url, ...others])) yield* await fetching.mirrors(candidate);
}

/** Of several failures the one that says most: that of the address itself, or a server's answer rather than "not found". */
function bestFailure(url: string, failures: readonly FloeError[]): FloeError {
  if (failures.length === 1) return failures[0]!;
  const telling = failures.findLast((failure) => failure.code !== 'FLOE_NOT_FOUND') ?? failures.at(-1)!;
  const all = failures.map((failure) => `\n  ${failure.message.split('\n')[0]}`).join('');
  return new FetchError(`unable to download '${url}' from any of ${failures.length} addresses:${all}`, {
    code: telling.code,
    ...(telling.hint === undefined ? {} : { hint: telling.hint }),
  });
}

async function fetchFrom(context: BuiltinContext, address: MirrorAddress, how: { unpack: boolean; xz: boolean }): Promise<void> {
  const out = context.outputs.get('out')!;
  const download = `${out}.download`;
  deleteTree(out);
  deleteTree(download);
  try {
    await downloadFile(address, download, context);
    if (how.unpack) await restoreNar(download, out, how.xz);
    else movePath(download, out);
  } finally {
    deleteTree(download);
  }
}

async function restoreNar(archive: string, out: string, xz: boolean): Promise<void> {
  const restorer = new NarRestorer(out, 'plain');
  const reader = new NarReader(restorer);
  try {
    for await (const chunk of await decompress(fs.createReadStream(systemPath(archive)), xz ? 'xz' : 'none', nodeIo().inflaters))
      reader.push(chunk);
    reader.end();
  } finally {
    restorer.finish();
  }
}

// ---- buildenv

async function buildEnvironment(context: BuiltinContext): Promise<void> {
  const out = context.outputs.get('out')!;
  makeFolders(out);
  const files = { resolve: (path: string) => resolveAsBuilder(path, context) };
  buildEnv(out, parseEnvPackages(attribute(context, 'derivations')), files, context.warn);
  makeLink(attribute(context, 'manifest'), `${out}/manifest.nix`);
}

const MAX_LINKS = 40;

/** Follows a path component by component as a builder would see it; undefined where it leads nowhere. */
export function resolveAsBuilder(
  path: string,
  { storeDir, toRealPath }: Pick<BuiltinContext, 'storeDir' | 'toRealPath'>,
): string | undefined {
  const real = (logical: string) => {
    const found = logical.startsWith(`${storeDir}/`) ? splitStorePath(logical, storeDir) : undefined;
    return found === undefined ? logical : toRealPath(found.storePath) + found.rest;
  };
  let at = '';
  const rest = path.split('/').filter(Boolean);
  for (let links = 0; rest.length > 0;) {
    const name = rest.shift()!;
    if (name === '.') continue;
    if (name === '..') {
      at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
      continue;
    }
    const next = `${at}/${name}`;
    // Folders on the way to the store are the machine's own affair.
    if (storeDir === next || storeDir.startsWith(`${next}/`)) {
      at = next;
      continue;
    }
    const stats = statOf(real(next));
    // Nothing lies below a file.
    if (stats === undefined || (rest.length > 0 && !stats.isDirectory() && !stats.isSymbolicLink())) return undefined;
    if (!stats.isSymbolicLink()) {
      at = next;
      continue;
    }
    if (++links > MAX_LINKS) return undefined;
    const target = readLink(real(next));
    if (target.startsWith('/')) at = '';
    rest.unshift(...target.split('/').filter(Boolean));
  }
  return real(at === '' ? '/' : at);
}

// ---- unpack-channel

async function unpackChannel(context: BuiltinContext): Promise<void> {
  const out = context.outputs.get('out')!;
  const channelName = attribute(context, 'channelName');
  const source = attribute(context, 'src');
  if (channelName.includes('/') || channelName === '' || channelName === '.' || channelName === '..') {
    throw new FloeError(
      'FLOE_UNPACK_CHANNEL',
      `channelName is not allowed to contain filesystem separators, got ${byteStringToUtf8(channelName)}`,
    );
  }
  const archive = resolveAsBuilder(source, context);
  if (archive === undefined) throw new FloeError('FLOE_UNPACK_CHANNEL', `failed to open archive: '${source}' does not exist`);
  makeFolders(out);
  await unpackArchive(fs.createReadStream(systemPath(archive)), out, nodeIo(), byteStringToUtf8(source), { refusesClimbing: true });
  const names = listFolder(out);
  if (names.length === 0) throw new FloeError('FLOE_UNPACK_CHANNEL', `channel tarball '${source}' is empty`);
  if (names.length > 1) throw new FloeError('FLOE_UNPACK_CHANNEL', `channel tarball '${source}' contains more than one file`);
  if (names[0] !== channelName) movePath(`${out}/${names[0]!}`, `${out}/${channelName}`);
}
