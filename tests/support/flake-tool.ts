// Flake locking as a small program, for comparing with `nix flake lock|update|metadata` before and beside floe's command line:
//   node tests/support/flake-tool.ts lock|update|metadata [flags] [FLAKE] [INPUT...]
// Flags are Nix's. The store is the folder FLAKE_TOOL_STORE (nothing is ever copied to it), the cache FLAKE_TOOL_CACHE.

import process from 'node:process';
import { byteStringToUtf8, utf8ToByteString } from '../../src/base/bytes.ts';
import { printJson } from '../../src/base/canonical-json.ts';
import { FloeError } from '../../src/base/errors.ts';
import { hashBytes, printHash } from '../../src/base/hash.ts';
import { FlakeFetcher, type FlakeMachine } from '../../src/engine/lock-flake.ts';
import { makeFetchCache } from '../../src/fetch/fetch-cache.ts';
import { DEFAULT_FETCH_SETTINGS, type FetchedInput } from '../../src/fetch/fetcher.ts';
import { type FindOptions, makePathResolver } from '../../src/flake/find.ts';
import { flakeMetadataJson } from '../../src/flake/metadata.ts';
import { lockedFlakeFingerprint, parseInputFlag } from '../../src/flake/lock.ts';
import { builtInRegistry } from '../../src/flake/resolve.ts';
import { nodeIo } from '../../src/io/node.ts';
import { type FlakeRef, parseFlakeRef } from '../../src/model/flake-ref.ts';
import type { InputPath } from '../../src/model/lock-file.ts';

/** Where the tool runs, and what it writes to. */
export interface ToolPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  out(text: string): void;
  err(text: string): void;
}

function makeMachine(words: readonly string[], { cwd, env }: ToolPlace, warn: (message: string) => void): FlakeMachine {
  const io = nodeIo();
  const cacheFolder = env['FLAKE_TOOL_CACHE'] ?? '/tmp/floe-flake-tool-cache';
  const storeDir = env['FLAKE_TOOL_STORE'] ?? '/nix/store';
  return {
    context: {
      io,
      cache: makeFetchCache(io.files, cacheFolder, () => io.now()),
      store: { storeDir, find: () => undefined },
      settings: DEFAULT_FETCH_SETTINGS,
      warn,
      baseDir: utf8ToByteString(cwd),
    },
    registries: [builtInRegistry({})],
    settings: { trustTarballsFromGitForges: true, allowDirtyLocks: words.includes('--allow-dirty-locks') },
    lockFolder: `${cacheFolder}/locks`,
    ...(env['FLAKE_TOOL_STORE_NAMES'] === '1' && {
      describe: (fetched: FetchedInput, path: string) => `${storeDir}/${fetched.storePath}${path}`,
    }),
  };
}

async function run(words: readonly string[], place: ToolPlace): Promise<void> {
  const print = (message: string) => place.err(`warning: ${byteStringToUtf8(message)}\n`);
  const machine = makeMachine(words, place, print);
  const { files } = machine.context.io;
  const find: FindOptions = {
    probe: { kind: (path) => files.stat(path)?.kind, readLink: files.readLink, device: (path) => Number(files.stat(path)!.device) },
    baseDir: utf8ToByteString(place.cwd),
    notice: (message) => place.err(`${byteStringToUtf8(message)}\n`),
    warn: print,
  };
  const refOf = (text: string, allowMissing = false) =>
    parseFlakeRef(utf8ToByteString(text), { paths: makePathResolver({ ...find, allowMissing }), warn: print });
  const [command, ...rest] = words;
  const overrides: { path: InputPath; ref: FlakeRef }[] = [];
  const updates: InputPath[] = [];
  const positional: string[] = [];
  const flags = {
    update: true,
    write: true,
    commit: false,
    failOnUnlocked: command === 'lock',
    commitSummary: '',
    warnDirty: true,
    outputPath: undefined as string | undefined,
  };
  let recreate = false;
  let flake: string | undefined;
  let reference: string | undefined;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--override-input') {
      if (command !== 'lock' && command !== 'update') flags.write = false;
      overrides.push({ path: parseInputFlag(rest.shift()!, word), ref: refOf(rest.shift()!, true) });
    } else if (word === '--update-input') updates.push(parseInputFlag(rest.shift()!, word));
    else if (word === '--flake') flake = rest.shift()!;
    else if (word === '--no-write-lock-file') flags.write = false;
    else if (word === '--no-update-lock-file') flags.update = false;
    else if (word === '--recreate-lock-file') recreate = true;
    else if (word === '--commit-lock-file') flags.commit = true;
    else if (word === '--output-lock-file') flags.outputPath = rest.shift()!;
    else if (word === '--reference-lock-file') reference = rest.shift()!;
    else if (!word.startsWith('--')) positional.push(word);
  }
  if (command === 'update') {
    for (const name of positional) updates.push(parseInputFlag(name, 'flake update'));
    recreate = updates.length === 0;
    flags.write = true;
  }
  const fetcher = new FlakeFetcher(machine);
  const ref = refOf(flake ?? (command === 'update' ? '.' : (positional[0] ?? '.')));
  const locked = await fetcher.lockOnDisk(ref, {
    flags,
    recreate,
    overrides,
    updates,
    ...(reference !== undefined && {
      referenceLockFile: { text: Buffer.from(files.readFile(reference)).toString('latin1'), path: reference },
    }),
  });
  if (command !== 'metadata') return;
  const fingerprint = lockedFlakeFingerprint(locked.result, machine.settings);
  const json = flakeMetadataJson({
    top: locked.result.top,
    lockFile: locked.result.lockFile,
    path: `${machine.context.store.storeDir}/${locked.result.top.tree.fetched.storePath}`,
    fingerprint: fingerprint === undefined ? undefined : printHash(hashBytes('sha256', fingerprint), 'base16'),
  });
  place.out(`${byteStringToUtf8(printJson(json))}\n`);
}

/** The exit code. */
export async function runFlakeTool(words: readonly string[], place: ToolPlace): Promise<number> {
  try {
    await run(words, place);
    return 0;
  } catch (error) {
    if (!(error instanceof FloeError)) throw error;
    const frames = [...error.frames].reverse().map(({ text }) => `       … ${byteStringToUtf8(text)}\n`);
    place.err(`error: ${frames.length > 0 ? `\n${frames.join('\n')}\n       error: ` : ''}${byteStringToUtf8(error.message)}\n`);
    if (error.hint !== undefined) place.err(`hint: ${byteStringToUtf8(error.hint)}\n`);
    return 1;
  }
}

if (import.meta.main) {
  const { stdout, stderr } = process;
  process.exitCode = await runFlakeTool(process.argv.slice(2), {
    cwd: process.cwd(),
    env: process.env,
    out: (text) => stdout.write(text),
    err: (text) => stderr.write(text),
  });
}
