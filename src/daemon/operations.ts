// What the daemon does for its clients: one function a request of the protocol. Each reads the request, works with messages going out,
// and writes the result. Who may do what is decided here too. libstore/daemon.cc, performOp, at 2.34.8.

import { resolve } from 'node:path';
import { compareStrings, concatBytes } from '../base/bytes.ts';
import { FloeError, InvalidPathError, SignatureError } from '../base/errors.ts';
import { isHashAlgorithm } from '../base/hash.ts';
import { AsyncWireReader } from '../base/wire.ts';
import { readBoolean, readLater, readList, readNumber, readString, readStrings, readWord } from '../base/wire-reading.ts';
import { type ContentAddressMethod, parseMethodWithAlgorithm } from '../model/content-address.ts';
import { derivationType } from '../model/derivation-hash.ts';
import { derivationReferences, makeDerivationPath } from '../model/derivation.ts';
import { printATerm } from '../model/aterm.ts';
import { takeNar } from '../model/nar.ts';
import type { PathInfo } from '../model/path-info.ts';
import { parseDerivationOutputId, printDerivationOutputId } from '../model/realisation.ts';
import { parseStorePathBaseName, type StorePath, storePathName } from '../model/store-path.ts';
import {
  readBasicDerivation,
  readChoice,
  readClientSettings,
  readDerivedPath,
  readKeyedPathInfo,
  readPath,
  readPathSet,
  readRealisation,
  since,
  WORKER_BUILD_MODES,
  WORKER_GC_ACTIONS,
  type WORKER_OPERATIONS,
  type WorkerBuildMode,
  writeBuildResult,
  writeDerivedPath,
  writeKeyedPathInfo,
  writeMissing,
  writeOptionalPath,
  writePath,
  writePathInfo,
  writePathSet,
  writeRealisation,
  writeSubstitutable,
} from '../model/worker-protocol.ts';
import type { NarSource } from '../store/store.ts';
import { inChunks } from '../store/whole-objects.ts';
import { addFromDump } from './add-from-dump.ts';
import type { DaemonConnection } from './connection.ts';

type Operation = (client: DaemonConnection) => Promise<void>;

const path = (client: DaemonConnection): Promise<StorePath> => client.read(readPath(client));
const paths = (client: DaemonConnection): Promise<StorePath[]> => client.read(readPathSet(client));
const text = (client: DaemonConnection): Promise<string> => client.read(readString());
const flag = (client: DaemonConnection): Promise<boolean> => client.read(readBoolean());

function refuse(message: string): never {
  throw new FloeError('FLOE_NOT_TRUSTED', message);
}

async function infoOf(client: DaemonConnection, of: StorePath): Promise<PathInfo> {
  const info = await client.host.store.queryPathInfo(of);
  if (info === undefined) throw new InvalidPathError(`path '${client.storeDir}/${of}' is not valid`, { data: { path: of } });
  return info;
}

// ---- uploads

/** Data in frames, up to the frame of no length. */
async function* frames(client: DaemonConnection): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    let left = await client.read(readNumber());
    if (left === 0) return;
    while (left > 0) {
      const chunk = await client.reader.peek();
      const part = chunk.slice(0, left);
      client.reader.skip(part.length);
      left -= part.length;
      yield part;
    }
  }
}

/** Uses data in frames; what is not used is read all the same, so that the next request is found. */
async function withFrames<T>(client: DaemonConnection, use: (data: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T> {
  const source = frames(client);
  let isUsedUp = false;
  const data = {
    async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
      for (;;) {
        const next = await source.next();
        if (next.done === true) {
          isUsedUp = true;
          return;
        }
        yield next.value;
      }
    },
  };
  try {
    return await use(data);
  } finally {
    while (!isUsedUp) isUsedUp = (await source.next()).done === true;
  }
}

async function readWhole(data: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of data) chunks.push(chunk);
  return concatBytes(chunks);
}

/** Imports an object. */
async function importObject(
  client: DaemonConnection,
  info: PathInfo,
  nar: AsyncGenerator<Uint8Array, void, undefined>,
  { repair, checkSignatures }: { readonly repair: boolean; readonly checkSignatures: boolean },
): Promise<void> {
  const { store } = client.host;
  if (checkSignatures && !(await client.host.isSignedWell(info))) {
    throw new SignatureError(`cannot add path '${client.storeDir}/${info.path}' because it lacks a signature by a trusted key`);
  }
  // `for await` would close what it leaves early.
  const source: NarSource = { [Symbol.asyncIterator]: () => ({ next: () => nar.next() }) };
  // A store behind another daemon is asked to look at signatures itself.
  await store.addToStore(info, source, { repair, checkSignatures });
}

const addToStore: Operation = async (client) => {
  const name = await text(client);
  if (client.version < since(25)) return addToStoreBefore25(client, name);
  const { method, algorithm } = parseMethodWithAlgorithm(await text(client));
  const references = await paths(client);
  const repair = await flag(client);
  const added = await client.work(() =>
    withFrames(client, (data) => addFromDump(client.host.store, { name, method, algorithm, references, repair }, data)),
  );
  writeKeyedPathInfo(client.writer, client, await infoOf(client, added));
};

/** A NAR always, whatever is hashed. */
async function addToStoreBefore25(client: DaemonConnection, name: string): Promise<void> {
  const isFixed = await flag(client);
  const recursive = await client.read(readNumber());
  const given = await text(client);
  if (recursive > 1)
    throw new FloeError(
      'FLOE_OLD_CLIENT',
      `unsupported FileIngestionMethod with value of ${recursive}; you may need to upgrade nix-daemon`,
    );
  const method: ContentAddressMethod = !isFixed || recursive === 1 ? 'nar' : 'flat';
  const algorithm = isFixed ? given : 'sha256';
  if (!isHashAlgorithm(algorithm)) throw new FloeError('FLOE_OLD_CLIENT', `unknown hash algorithm '${algorithm}'`);
  // The NAR comes before anything may be said.
  const nar: Uint8Array[] = [];
  for await (const chunk of takeNar(client.reader)) nar.push(chunk);
  const request = { name, method, algorithm, references: [], repair: false, isNar: true };
  const added = await client.work(() => addFromDump(client.host.store, request, inChunks(nar)));
  writePath(client.writer, client, added);
}

const addToStoreNar: Operation = async (client) => {
  const info = await client.read(readKeyedPathInfo(client));
  const repair = await flag(client);
  const checkSignatures = !(await flag(client)) || !client.isTrusted;
  const known = client.isTrusted ? info : { ...info, ultimate: false };
  const options = { repair, checkSignatures };
  if (client.version >= since(23)) {
    await client.work(() => withFrames(client, (data) => importObject(client, known, takeNar(new AsyncWireReader(data)), options)));
  } else if (client.version >= since(21)) {
    await client.work(() => importObject(client, known, takeNar(new AsyncWireReader(onDemand(client))), options));
  } else {
    const nar: Uint8Array[] = [];
    for await (const chunk of takeNar(client.reader)) nar.push(chunk);
    await client.work(() => importObject(client, known, inChunks(nar), options));
  }
};

const BLOCK = 64 * 1024;

/** Data that the client sends when it is asked to. */
async function* onDemand(client: DaemonConnection): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    client.askForData(BLOCK);
    const data = await text(client);
    if (data === '') return;
    yield Buffer.from(data, 'latin1');
  }
}

const addMultipleToStore: Operation = async (client) => {
  const repair = await flag(client);
  const checkSignatures = !(await flag(client)) || !client.isTrusted;
  await client.work(() =>
    withFrames(client, async (data) => {
      const reader = new AsyncWireReader(data);
      for (let left = await readLater(readNumber(), reader); left > 0; left--) {
        const info = await readLater(readKeyedPathInfo(client), reader);
        const nar = takeNar(reader);
        await importObject(client, { ...info, ultimate: false }, nar, { repair, checkSignatures });
        // What the store did not want is in the way of the next object.
        while ((await nar.next()).done !== true);
      }
    }),
  );
};

const addTextToStore: Operation = async (client) => {
  const name = await text(client);
  const contents = Buffer.from(await text(client), 'latin1');
  const references = await paths(client);
  writePath(client.writer, client, await client.work(() => client.host.store.addText(name, contents, references)));
};

const addBuildLog: Operation = async (client) => {
  const derivation = parseStorePathBaseName(await text(client));
  await client.work(async () => {
    const log = await withFrames(client, readWhole);
    if (!client.isTrusted) refuse('you are not privileged to add logs');
    await client.host.addBuildLog(derivation, log);
  });
  client.writer.number(1);
};

// ---- building

async function readBuild(client: DaemonConnection) {
  const requests = await client.read(readList(() => readDerivedPath(client)));
  const mode = await client.read(readChoice(WORKER_BUILD_MODES, 'build mode'));
  if (mode === 'repair' && !client.isTrusted) refuse("repairing is not allowed because you are not in 'trusted-users'");
  return { requests, mode };
}

const buildPaths: Operation = async (client) => {
  const { requests, mode } = await readBuild(client);
  await client.workUntilHangUp((signal) => client.host.buildOrFail(requests, mode, signal));
  client.writer.number(1);
};

const buildPathsWithResults: Operation = async (client) => {
  const { requests, mode } = await readBuild(client);
  const results = await client.workUntilHangUp((signal) => client.host.build(requests, mode, signal));
  client.writer.number(results.length);
  for (const { path: request, result } of results) {
    writeDerivedPath(client.writer, client, request);
    writeBuildResult(client.writer, client, result);
  }
};

const buildDerivation: Operation = async (client) => {
  let derivationPath = await path(client);
  const derivation = await client.read(readBasicDerivation(client, storePathName(derivationPath).replace(/\.drv$/, '')));
  const mode: WorkerBuildMode = await client.read(readChoice(WORKER_BUILD_MODES, 'build mode'));
  const result = await client.workUntilHangUp((signal) => {
    // Its output paths follow from derivations that nobody showed us, or from its content.
    const isContentAddressed = ['fixed', 'floating', 'impure'].includes(derivationType(derivation));
    if (!isContentAddressed && !client.isTrusted) refuse('you are not privileged to build input-addressed derivations');
    if (!client.isTrusted) {
      const aterm = printATerm(derivation, client.storeDir);
      derivationPath = makeDerivationPath(derivation, aterm, client.storeDir);
      client.host.store.addDerivations([{ path: derivationPath, aterm, references: derivationReferences(derivation) }]);
    }
    return client.host.buildDerivation(derivationPath, derivation, mode, signal);
  });
  writeBuildResult(client.writer, client, result);
};

const ensurePath: Operation = async (client) => {
  const wanted = await path(client);
  await client.workUntilHangUp((signal) => client.host.buildOrFail([{ kind: 'opaque', path: wanted }], 'normal', signal));
  client.writer.number(1);
};

const queryMissing: Operation = async (client) => {
  const requests = await client.read(readList(() => readDerivedPath(client)));
  writeMissing(client.writer, client, await client.work(() => client.host.missing(requests)));
};

// ---- questions

const queryValidPaths: Operation = async (client) => {
  const asked = await paths(client);
  const substitute = client.version >= since(27) && (await flag(client));
  const { host } = client;
  const valid = await client.workUntilHangUp(async (signal) => {
    if (substitute) {
      const known = await host.store.queryValidPaths(asked);
      const offered = await host.substitutable(asked.filter((one) => !known.has(one)));
      const requests = offered.map(({ path: one }) => ({ kind: 'opaque', path: one }) as const);
      if (requests.length > 0) await host.build(requests, 'normal', signal);
    }
    return host.store.queryValidPaths(asked);
  });
  writePathSet(client.writer, client, valid);
};

const querySubstitutablePaths: Operation = async (client) => {
  const asked = await paths(client);
  const found = await client.work(() => client.host.substitutable(asked));
  writePathSet(
    client.writer,
    client,
    found.map(({ path: one }) => one),
  );
};

const querySubstitutablePathInfo: Operation = async (client) => {
  const asked = await path(client);
  const [found] = await client.work(() => client.host.substitutable([asked]));
  client.writer.boolean(found !== undefined);
  if (found !== undefined) writeSubstitutable(client.writer, client, found);
};

const querySubstitutablePathInfos: Operation = async (client) => {
  const asked =
    client.version < since(22)
      ? await paths(client)
      : await client.read(
          readList(function* () {
            const one = yield* readPath(client);
            // Its content address, where that is known.
            yield* readString();
            return one;
          }),
        );
  const found = await client.work(() => client.host.substitutable(asked));
  client.writer.number(found.length);
  for (const one of found) {
    writePath(client.writer, client, one.path);
    writeSubstitutable(client.writer, client, one);
  }
};

/** A question about one path whose answer is a set of paths. */
function pathsAbout(ask: (client: DaemonConnection, about: StorePath) => Promise<Iterable<StorePath>>): Operation {
  return async (client) => {
    const about = await path(client);
    writePathSet(client.writer, client, await client.work(() => ask(client, about)));
  };
}

const derivationOutputs = async (client: DaemonConnection, about: StorePath): Promise<StorePath[]> =>
  [...(await client.host.derivationOutputs(about)).values()].filter((output) => output !== undefined);

const queryDerivationOutputNames: Operation = async (client) => {
  const about = await path(client);
  client.writer.strings([...(await client.work(() => client.host.derivationOutputs(about))).keys()]);
};

const queryDerivationOutputMap: Operation = async (client) => {
  const about = await path(client);
  const outputs = await client.work(() => client.host.derivationOutputs(about));
  client.writer.number(outputs.size);
  for (const [name, output] of [...outputs].sort((a, b) => compareStrings(a[0], b[0]))) {
    client.writer.string(name);
    writeOptionalPath(client.writer, client, output);
  }
};

const queryPathInfo: Operation = async (client) => {
  const about = await path(client);
  const info = await client.work(() => client.host.store.queryPathInfo(about));
  client.writer.boolean(info !== undefined);
  if (info !== undefined) writePathInfo(client.writer, client, info);
};

const queryRealisation: Operation = async (client) => {
  const id = parseDerivationOutputId(await text(client));
  const found = await client.work(() => client.host.store.queryRealisation?.(id));
  if (client.version < since(31)) return writePathSet(client.writer, client, found === undefined ? [] : [found.path]);
  client.writer.number(found === undefined ? 0 : 1);
  if (found !== undefined) writeRealisation(client.writer, found);
};

const registerDrvOutput: Operation = async (client) => {
  const realisation =
    client.version < since(31)
      ? { id: parseDerivationOutputId(await text(client)), path: parseStorePathBaseName(await text(client)), signatures: [] }
      : await client.read(readRealisation());
  await client.work(async () => {
    const { store } = client.host;
    if (store.realisations === undefined)
      throw new FloeError(
        'FLOE_FEATURE_DISABLED',
        `cannot register realisation '${printDerivationOutputId(realisation.id)}' because experimental Nix feature 'ca-derivations' is disabled`,
      );
    await store.addRealisation?.(realisation);
  });
};

const narFromPath: Operation = async (client) => {
  const about = await path(client);
  await client.work(() => {});
  for await (const chunk of client.host.store.narFromPath(about)) client.send(chunk);
};

// ---- roots and care

const addTempRoot: Operation = async (client) => {
  const root = await path(client);
  await client.work(() => client.host.store.addTempRoots([root]));
  client.writer.number(1);
};

const addPermRoot: Operation = async (client) => {
  if (!client.isTrusted)
    refuse(
      'you are not privileged to create perm roots\n\nhint: you can just do this client-side without special privileges, and probably want to do that instead.',
    );
  const target = await path(client);
  const link = resolve('/', await text(client));
  client.writer.string(await client.work(() => client.host.store.addRootLink(target, link)).then(() => link));
};

const addIndirectRoot: Operation = async (client) => {
  const link = resolve('/', await text(client));
  await client.work(() => client.host.store.addIndirectRoot(link));
  client.writer.number(1);
};

const CENSORED = '{censored}';

const findRoots: Operation = async (client) => {
  const roots = await client.work(() => client.host.store.findRoots());
  const pairs: [link: string, target: StorePath][] = [];
  for (const [target, links] of roots) {
    // What other users' processes have open is theirs.
    const shown = client.isTrusted ? links : new Set([...links].map((link) => (/^(?:\/proc\/|\{)/.test(link) ? CENSORED : link)));
    for (const link of shown) pairs.push([link, target]);
  }
  client.writer.number(pairs.length);
  for (const [link, target] of pairs) {
    client.writer.string(link);
    writePath(client.writer, client, target);
  }
};

const collectGarbage: Operation = async (client) => {
  const action = await client.read(readChoice(WORKER_GC_ACTIONS, 'GC action'));
  const pathsToDelete = new Set(await paths(client));
  const ignoreLiveness = await flag(client);
  const maxFreedBytes = Number(await client.read(readWord()));
  for (let left = 3; left > 0; left--) await client.read(readNumber());
  const results = await client.work(() => {
    if (ignoreLiveness) refuse('you are not allowed to ignore liveness');
    return client.host.collectGarbage({ action, pathsToDelete, maxFreedBytes });
  });
  client.writer.strings(results.paths).number(results.freedBytes).number(0);
};

const verifyStore: Operation = async (client) => {
  const checkContents = await flag(client);
  const repair = await flag(client);
  const hasErrors = await client.work(() => {
    if (repair && !client.isTrusted) refuse('you are not privileged to repair paths');
    return client.host.verify(checkContents, repair);
  });
  client.writer.boolean(hasErrors);
};

const optimiseStore: Operation = async (client) => {
  await client.work(() => client.host.store.optimise());
  client.writer.number(1);
};

const addSignatures: Operation = async (client) => {
  const about = await path(client);
  const signatures = await client.read(readStrings());
  await client.work(() => client.host.store.addSignatures(about, signatures));
  client.writer.number(1);
};

const setOptions: Operation = async (client) => {
  const settings = await client.read(readClientSettings());
  await client.work(() => {
    client.tunnel.level = settings.verbosity;
    client.host.applySettings(settings, client.isTrusted);
  });
};

/** By the names of model/worker-protocol.ts. */
export const OPERATIONS: Readonly<Record<keyof typeof WORKER_OPERATIONS, Operation>> = {
  async isValidPath(client) {
    const about = await path(client);
    client.writer.boolean((await client.work(() => client.host.store.queryValidPaths([about]))).size > 0);
  },
  queryReferrers: pathsAbout((client, about) => client.host.store.queryReferrers(about)),
  queryValidDerivers: pathsAbout((client, about) => client.host.store.queryValidDerivers(about)),
  queryDerivationOutputs: pathsAbout(derivationOutputs),
  async queryDeriver(client) {
    const about = await path(client);
    writeOptionalPath(client.writer, client, (await client.work(() => infoOf(client, about))).deriver);
  },
  async queryPathFromHashPart(client) {
    const hashPart = await text(client);
    writeOptionalPath(client.writer, client, await client.work(() => client.host.store.queryPathFromHashPart(hashPart)));
  },
  async queryAllValidPaths(client) {
    writePathSet(client.writer, client, await client.work(() => client.host.store.queryAllValidPaths()));
  },
  async syncWithGc(client) {
    await client.work(() => {});
    client.writer.number(1);
  },
  addToStore,
  addTextToStore,
  buildPaths,
  ensurePath,
  addTempRoot,
  addIndirectRoot,
  findRoots,
  setOptions,
  collectGarbage,
  querySubstitutablePathInfo,
  queryPathInfo,
  queryDerivationOutputNames,
  querySubstitutablePathInfos,
  queryValidPaths,
  querySubstitutablePaths,
  optimiseStore,
  verifyStore,
  buildDerivation,
  addSignatures,
  narFromPath,
  addToStoreNar,
  queryMissing,
  queryDerivationOutputMap,
  registerDrvOutput,
  queryRealisation,
  addMultipleToStore,
  addBuildLog,
  buildPathsWithResults,
  addPermRoot,
};
