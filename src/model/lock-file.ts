// flake.lock: a graph of nodes, each a locked input, with edges that are inputs or `follows` paths. Versions 5 to 7 are read, 7 is
// written, byte for byte as C++ Nix writes it (node names, key order, two-space JSON). A LockFile is built anew rather than changed;
// the nodes' input maps are filled while it is built. (Nix manual, "nix flake", "Lock files"; Nix: libflake/lockfile.cc.)

import { compareStrings } from '../base/bytes.ts';
import { type Json, JsonFloat, parseJson, printJson } from '../base/canonical-json.ts';
import { FloeError, FormatError, LockFileError, UsageError } from '../base/errors.ts';
import { type FlakeRef, equalFlakeRefs, flakeRefAttrs, flakeRefFromAttrs, printFlakeRef } from './flake-ref.ts';
import {
  DEFAULT_LOCK_SETTINGS,
  type InputAttr,
  type InputAttrs,
  integerAttr,
  isFinalInput,
  isKnownInput,
  isLockedInput,
  type LockSettings,
  narHashOf,
  printInputAttrs,
  relativePathOf,
  withAttrs,
} from './input-scheme.ts';
import type { WarningSink } from './url.ts';

/** Names of inputs from a flake down: `["a", "b"]` is input b of input a. */
export type InputPath = readonly string[];

/** Where an input leads: to a node, or to wherever another input path (from the root) leads. */
export type LockEdge = { readonly kind: 'node'; readonly node: LockedNode } | { readonly kind: 'follows'; readonly path: InputPath };

export interface LockNode {
  /** In any order; printed by name. */
  readonly inputs: Map<string, LockEdge>;
}

export interface LockedNode extends LockNode {
  readonly lockedRef: FlakeRef;
  readonly originalRef: FlakeRef;
  readonly isFlake: boolean;
  /** For a relative `path:` input: the input path of the flake it is relative to. */
  readonly parent: InputPath | undefined;
}

export interface LockFile {
  readonly root: LockNode;
}

export function emptyLockFile(): LockFile {
  return { root: { inputs: new Map() } };
}

export function isLockedNode(node: LockNode): node is LockedNode {
  return 'lockedRef' in node;
}

/** A node's inputs by name. */
export function sortedInputs(node: LockNode): [string, LockEdge][] {
  return [...node.inputs].sort(([a], [b]) => compareStrings(a, b));
}

const INPUT_NAME = /^[a-zA-Z][a-zA-Z0-9_-]*$/;

/** `a/b` -> ["a", "b"]; empty elements are skipped. UsageError for names no input can have. */
export function parseInputPath(text: string): InputPath {
  const path = text.split('/').filter((element) => element !== '');
  for (const element of path)
    if (!INPUT_NAME.test(element)) throw new UsageError(`invalid flake input attribute path element '${element}'`);
  return path;
}

export function printInputPath(path: InputPath): string {
  return path.join('/');
}

/** Order of input paths, element by element. */
export function compareInputPaths(a: InputPath, b: InputPath): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareStrings(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

export interface ReadLockFileOptions {
  readonly settings?: LockSettings;
  readonly warn?: WarningSink | undefined;
}

const HOW_TO_RECREATE = 'if the file cannot be mended, delete it and run `floe flake lock` to make a new one';

/** Reads the text of a lock file; `path` names it in errors. LockFileError. */
export function parseLockFile(text: string, path: string, options: ReadLockFileOptions = {}): LockFile {
  try {
    return readLockFile(parseLockJson(text, path), path, options);
  } catch (error) {
    if (error instanceof LockFileError || !(error instanceof FloeError)) throw error;
    const wrapped = new LockFileError(error.message, { data: { path }, cause: error, hint: error.hint ?? HOW_TO_RECREATE });
    wrapped.frames.push({ text: `while reading the lock file '${path}'` });
    throw wrapped;
  }
}

function parseLockJson(text: string, path: string): Json {
  try {
    return parseJson(text, 'it');
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const hint = /^(<<<<<<<|=======|>>>>>>>)/m.test(text)
      ? 'the file holds conflict markers of a merge: settle it, or take either side and run `floe flake lock`'
      : HOW_TO_RECREATE;
    throw new LockFileError(`Could not parse '${path}': ${error.message}`, { data: { ...error.data, path }, cause: error, hint });
  }
}

function objectOf(json: Json | undefined, what: string): ReadonlyMap<string, Json> {
  if (json instanceof Map) return json as ReadonlyMap<string, Json>;
  throw new FormatError(`${what} is ${json === undefined ? 'missing' : 'no JSON object'}`);
}

function stringOf(json: Json | undefined, what: string): string {
  if (typeof json === 'string') return json;
  throw new FormatError(`${what} is ${json === undefined ? 'missing' : 'no string'}`);
}

function pathOf(json: Json, what: string): InputPath {
  if (!Array.isArray(json)) throw new FormatError(`${what} is no list of input names`);
  return (json as readonly Json[]).map((element) => stringOf(element, `an element of ${what}`));
}

/** JSON object -> input attributes, as lock files and registries hold them. */
export function inputAttrsFromJson(json: Json | undefined, what: string): InputAttrs {
  const attrs: Record<string, InputAttr> = {};
  for (const [name, value] of objectOf(json, what)) {
    if (typeof value === 'string' || typeof value === 'boolean') attrs[name] = value;
    else if (typeof value === 'number' || typeof value === 'bigint') attrs[name] = value < 0 ? BigInt.asUintN(64, BigInt(value)) : value;
    else if (value instanceof JsonFloat) attrs[name] = Math.trunc(value.value);
    else throw new FormatError('unsupported input attribute type in lock file');
  }
  return attrs;
}

function readLockFile(json: Json, path: string, options: ReadLockFileOptions): LockFile {
  const top = objectOf(json, 'the top level');
  const version = top.get('version') ?? 0;
  if (typeof version !== 'number' || version < 5 || version > 7) {
    throw new LockFileError(`lock file '${path}' has unsupported version ${printJson(version)}`, {
      data: { path, version },
      hint:
        typeof version === 'number' && version > 7
          ? 'it was written by a newer program; use that one, or delete the file and run `floe flake lock` to make one of version 7'
          : 'delete the file and run `floe flake lock` to make a new one',
    });
  }
  const nodes = objectOf(top.get('nodes'), "'nodes'");
  const rootKey = stringOf(top.get('root'), "'root'");
  const lockFile = emptyLockFile();
  const nodeOf = new Map<string, LockNode>([[rootKey, lockFile.root]]);
  const fill = (node: LockNode, members: ReadonlyMap<string, Json>, key: string): void => {
    const inputs = members.get('inputs');
    if (inputs === undefined) return;
    for (const [name, target] of [...objectOf(inputs, `'inputs' of node '${key}'`)].sort(([a], [b]) => compareStrings(a, b))) {
      if (Array.isArray(target)) {
        node.inputs.set(name, { kind: 'follows', path: pathOf(target, `input '${name}' of node '${key}'`) });
        continue;
      }
      const childKey = stringOf(target, `input '${name}' of node '${key}'`);
      let child = nodeOf.get(childKey);
      if (!child) {
        const childMembers = nodes.get(childKey);
        if (childMembers === undefined) throw new FormatError(`lock file references missing node '${childKey}'`);
        child = readNode(objectOf(childMembers, `node '${childKey}'`), options);
        nodeOf.set(childKey, child);
        fill(child, childMembers as ReadonlyMap<string, Json>, childKey);
      }
      if (!isLockedNode(child)) throw new FormatError('lock file contains cycle to root node');
      node.inputs.set(name, { kind: 'node', node: child });
    }
  };
  // A root without an entry has no inputs.
  fill(lockFile.root, objectOf(nodes.get(rootKey) ?? new Map<string, Json>(), `node '${rootKey}'`), rootKey);
  return lockFile;
}

function readNode(members: ReadonlyMap<string, Json>, options: ReadLockFileOptions): LockedNode {
  const attrsOf = (name: string): InputAttrs => {
    if (!members.has(name)) throw new FormatError(`attribute '${name}' missing in lock file`);
    return inputAttrsFromJson(members.get(name), `'${name}'`);
  };
  // Version 5 kept some attributes apart.
  const info = members.has('info') ? inputAttrsFromJson(members.get('info'), "'info'") : {};
  const locked = flakeRefFromAttrs({ ...attrsOf('locked'), ...info });
  const originalRef = flakeRefFromAttrs(attrsOf('original'));
  const flake = members.get('flake') ?? true;
  if (typeof flake !== 'boolean') throw new FormatError("'flake' is neither true nor false");
  const parent = members.get('parent');
  if (!isLockedInput(locked.input, options.settings ?? DEFAULT_LOCK_SETTINGS) && relativePathOf(locked.input) === undefined) {
    if (narHashOf(locked.input) === undefined) {
      throw new FormatError(
        `Lock file contains unlocked input '${printInputAttrs(locked.input)}'. Use '--allow-dirty-locks' to accept this lock file.`,
      );
    }
    options.warn?.(
      `Lock file entry '${printFlakeRef(locked)}' is unlocked (e.g. lacks a Git revision) but is checked by NAR hash. ` +
        'This is not reproducible and will break after garbage collection or when shared.',
    );
  }
  return {
    inputs: new Map(),
    // Entries of a lock file are final: fetching them must not add attributes.
    lockedRef: { ...locked, input: withAttrs(locked.input, { __final: true }) },
    originalRef,
    isFlake: flake,
    parent: parent === undefined ? undefined : pathOf(parent, "'parent'"),
  };
}

/** The lock file as JSON, and the key that each node got in it. */
export function lockFileToJson(lockFile: LockFile): { readonly json: Json; readonly keyOf: ReadonlyMap<LockNode, string> } {
  const nodes = new Map<string, Json>();
  const keyOf = new Map<LockNode, string>();
  const used = new Set<string>();
  const visit = (name: string, node: LockNode): string => {
    const known = keyOf.get(node);
    if (known !== undefined) return known;
    let key = name;
    for (let n = 2; used.has(key); n++) key = `${name}_${n}`;
    used.add(key);
    keyOf.set(node, key);
    const members = new Map<string, Json>();
    if (node.inputs.size > 0) {
      members.set(
        'inputs',
        new Map(sortedInputs(node).map(([input, edge]) => [input, edge.kind === 'node' ? visit(input, edge.node) : edge.path])),
      );
    }
    if (isLockedNode(node)) {
      members.set('original', flakeRefAttrs(node.originalRef));
      members.set('locked', withAttrs(flakeRefAttrs(node.lockedRef), { __final: undefined }));
      if (!node.isFlake) members.set('flake', false);
      if (node.parent) members.set('parent', node.parent);
    }
    nodes.set(key, members);
    return key;
  };
  const root = visit('root', lockFile.root);
  return {
    json: new Map<string, Json>([
      ['version', 7],
      ['root', root],
      ['nodes', nodes],
    ]),
    keyOf,
  };
}

/** The text of flake.lock without its final newline. */
export function printLockFile(lockFile: LockFile): string {
  return printJson(lockFileToJson(lockFile).json, 2);
}

/** Whether both would be written alike. */
export function equalLockFiles(a: LockFile, b: LockFile): boolean {
  return printLockFile(a) === printLockFile(b);
}

/** The node an input path leads to, `follows` resolved; undefined where there is none. A cycle of follows is a LockFileError. */
export function findLockNode(lockFile: LockFile, path: InputPath): LockNode | undefined {
  const visited: InputPath[] = [];
  const find = (wanted: InputPath): LockNode | undefined => {
    const first = visited.findIndex((seen) => compareInputPaths(seen, wanted) === 0);
    if (first >= 0) {
      const cycle = [...visited.slice(first), wanted].map(printInputPath).join(' -> ');
      throw new LockFileError(`follow cycle detected: [${cycle}]`);
    }
    visited.push(wanted);
    let node: LockNode | undefined = lockFile.root;
    for (const element of wanted) {
      const edge: LockEdge | undefined = node.inputs.get(element);
      if (!edge) return undefined;
      node = edge.kind === 'node' ? edge.node : find(edge.path);
      if (!node) return undefined;
    }
    return node;
  };
  return find(path);
}

/** Every input by its path, in the order of paths; a node that is reached twice is entered once. */
export function allLockedInputs(lockFile: LockFile): { readonly path: InputPath; readonly edge: LockEdge }[] {
  const done = new Set<LockNode>();
  const result: { path: InputPath; edge: LockEdge }[] = [];
  const visit = (prefix: InputPath, node: LockNode): void => {
    if (done.has(node)) return;
    done.add(node);
    for (const [name, edge] of sortedInputs(node)) {
      const path = [...prefix, name];
      result.push({ path, edge });
      if (edge.kind === 'node') visit(path, edge.node);
    }
  };
  visit([], lockFile.root);
  return result.sort((a, b) => compareInputPaths(a.path, b.path));
}

/** Throws where an input follows one that does not exist. */
export function checkFollows(lockFile: LockFile): void {
  for (const { path, edge } of allLockedInputs(lockFile)) {
    if (edge.kind === 'follows' && edge.path.length > 0 && !findLockNode(lockFile, edge.path)) {
      throw new LockFileError(`input '${printInputPath(path)}' follows a non-existent input '${printInputPath(edge.path)}'`);
    }
  }
}

export interface UnlockedSettings extends LockSettings {
  /** `allow-dirty-locks`: a NAR hash is enough to write an entry. */
  readonly allowDirtyLocks: boolean;
}

/** An input that a lock file must not hold, because nobody else could fetch it; undefined where all is well. */
export function findUnlockedInput(lockFile: LockFile, settings: UnlockedSettings): FlakeRef | undefined {
  const visited = new Set<LockNode>();
  const visit = (node: LockNode): FlakeRef | undefined => {
    if (visited.has(node)) return undefined;
    visited.add(node);
    if (isLockedNode(node)) {
      const { input } = node.lockedRef;
      const counts = isLockedInput(input, settings) || (settings.allowDirtyLocks && narHashOf(input) !== undefined);
      if ((!counts || !isFinalInput(input)) && (!isKnownInput(input) || relativePathOf(input) === undefined)) return node.lockedRef;
    }
    for (const [, edge] of sortedInputs(node)) {
      const found = edge.kind === 'node' ? visit(edge.node) : undefined;
      if (found) return found;
    }
    return undefined;
  };
  return visit(lockFile.root);
}

/** Whether two edges lock the same thing. */
export function equalEdges(a: LockEdge, b: LockEdge): boolean {
  if (a.kind === 'node') return b.kind === 'node' && equalFlakeRefs(a.node.lockedRef, b.node.lockedRef);
  return b.kind === 'follows' && compareInputPaths(a.path, b.path) === 0;
}

/** `lastModified` as a date in UTC, `2024-05-01`; undefined where there is none. */
export function lastModifiedDay(ref: FlakeRef): string | undefined {
  const seconds = integerAttr(ref.input, 'lastModified');
  return seconds === undefined ? undefined : new Date(Number(seconds) * 1000).toISOString().slice(0, 10);
}
