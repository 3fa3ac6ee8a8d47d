// Builtins that look at files and folders, or put them in the store. All of it goes through the host, which knows what pure and
// restricted evaluation forbid.

import { compareStrings } from '../../base/bytes.ts';
import { EvalError, FormatError, InvalidPathError, RestrictedPathError } from '../../base/errors.ts';
import { hashBytes, type Hash, parseHash, printHash } from '../../base/hash.ts';
import { type ContentAddressMethod, makeContentPath } from '../../model/content-address.ts';
import { parseStorePath, printStorePath, splitStorePath, storePathHash, type StorePath } from '../../model/store-path.ts';
import { AttrsBuilder } from '../attrs.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { call2 } from '../call.ts';
import {
  coerceToPath,
  coerceToString,
  forceAttrs,
  forceBool,
  forceFunction,
  forceList,
  forceStringInto,
  forceStringNoContext,
  inContext,
  requireAttr,
} from '../coerce.ts';
import { at } from '../error-position.ts';
import type { PathKind } from '../host.ts';
import type { PositionId } from '../position.ts';
import { baseNameOfPath, parentOfPath, type SearchPathEntry } from '../source-path.ts';
import { printIdentifier } from '../../lang/print-ast.ts';
import type { EvalState } from '../state.ts';
import {
  ContextAccumulator,
  type ContextElement,
  contextOf,
  makeContext,
  opaqueElement,
  printContextElement,
  type StringContext,
} from '../string-context.ts';
import { symbolName, symbols } from '../symbol.ts';
import { type ContextString, force, isString, makeString, NixPath, type Slot, stringText, type Value } from '../value.ts';
import { ensureValid, realiseAndResolve, realiseContext, replacePlaceholders, realisePath, resolveSymlinks } from './realise.ts';

/** A store path as a string that speaks of it. */
export function storePathString(state: EvalState, path: StorePath): string | ContextString {
  return makeString(printStorePath(path, state.host.constants.storeDir), contextOf(opaqueElement(path)));
}

/** The store object a path lies in, undefined where it is not in the store. */
function storeObjectOf(state: EvalState, path: string): StorePath | undefined {
  return splitStorePath(path, state.host.constants.storeDir)?.storePath;
}

/** builtins.toPath */
export const toPath: BuiltinDefinition = {
  args: ['s'],
  text: 'An absolute path as a canonical string. Out of use: for a path value, write `/. + s`.',
  run(state, pos, slot) {
    const context = new ContextAccumulator();
    const path = coerceToPath(state, pos, slot!, context, 'while evaluating the first argument passed to builtins.toPath');
    return makeString(path, context.context);
  },
};

/** builtins.storePath */
export const storePath: BuiltinDefinition = {
  args: ['path'],
  text: 'A path in the store as a string that speaks of it, without copying it to the store again. Not in pure evaluation.',
  run(state, pos, slot) {
    const { host } = state;
    const { pureEval, storeDir } = host.constants;
    if (pureEval) throw new EvalError("'builtins.storePath' is not allowed in pure evaluation mode", at(pos));
    const context = new ContextAccumulator();
    let path = coerceToPath(state, pos, slot!, context, "while evaluating the first argument passed to 'builtins.storePath'");
    if (!isStorePath(path, storeDir)) path = resolveSymlinks(host, path);
    const object = storeObjectOf(state, path);
    if (object === undefined) throw new EvalError(`path '${path}' is not in the Nix store`, at(pos));
    ensureValid(state, object);
    context.addElement(opaqueElement(object));
    return makeString(path, context.context);
  },
};

/** Whether a path is a store object itself. */
function isStorePath(path: string, storeDir: string): boolean {
  try {
    parseStorePath(path, storeDir);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** builtins.pathExists */
export const pathExists: BuiltinDefinition = {
  args: ['path'],
  text: 'Whether there is something at a path. A string that ends in a slash asks for a folder.',
  run(state, pos, slot) {
    const value = force(slot!, pos);
    const mustBeFolder = isString(value) && /\/\.?$/.test(stringText(value));
    try {
      const path = realisePath(state, pos, value);
      const kind = state.host.pathKind(path);
      if (!mustBeFolder) return kind !== undefined;
      return kind === 'directory' || (kind === 'symlink' && state.host.pathKind(resolveSymlinks(state.host, path)) === 'directory');
    } catch (error) {
      if (error instanceof RestrictedPathError) return false;
      throw error;
    }
  },
};

/** The part of a text after its last slash; one slash at the end does not count. */
function baseNameOfText(path: string): string {
  const end = path.length > 1 && path.endsWith('/') ? path.length - 1 : path.length;
  return path.slice(end === 0 ? 0 : path.lastIndexOf('/', end - 1) + 1, end);
}

/** builtins.baseNameOf */
export const baseNameOf: BuiltinDefinition = {
  args: ['x'],
  forces: [0],
  forceDepth: 2,
  text: 'The last component of a path or string: what follows its last slash, a slash at the very end not counted.',
  run(state, pos, slot) {
    const context = new ContextAccumulator();
    const what = 'while evaluating the first argument passed to builtins.baseNameOf';
    const path = coerceToString(state, pos, slot!, context, what, { copyToStore: false });
    return makeString(baseNameOfText(path), context.context);
  },
};

/** builtins.dirOf */
export const dirOf: BuiltinDefinition = {
  args: ['s'],
  forces: [0],
  text: 'What stands before the last slash of a path or string. Of a path it is a path, of a string a string (`"."` where there is no slash).',
  run(state, pos, slot) {
    const value = force(slot!, pos);
    if (value instanceof NixPath) return new NixPath(parentOfPath(value.path));
    const context = new ContextAccumulator();
    const what = "while evaluating the first argument passed to 'builtins.dirOf'";
    const path = coerceToString(state, pos, value, context, what, { copyToStore: false });
    const slash = path.lastIndexOf('/');
    return makeString(slash < 0 ? '.' : slash === 0 ? '/' : path.slice(0, slash), context.context);
  },
};

/** Store objects that a file speaks of: of those its own store object refers to, the ones whose hashes stand in the text. */
function referencesIn(state: EvalState, path: string, text: string): StringContext | null {
  const object = storeObjectOf(state, path);
  if (object === undefined || state.host.queryReferences === undefined) return null;
  const met = state.host.queryReferences(object).filter((reference) => text.includes(storePathHash(reference)));
  return makeContext(met.map(opaqueElement));
}

/** builtins.readFile */
export const readFile: BuiltinDefinition = {
  args: ['path'],
  text: 'The contents of a file as a string.',
  run(state, pos, slot) {
    const path = realiseAndResolve(state, pos, slot!);
    const text = state.host.readFile(path);
    if (text.includes('\0')) throw new EvalError(`the contents of the file '${path}' cannot be represented as a Nix string`, at(pos));
    return makeString(text, referencesIn(state, path, text));
  },
};

/** builtins.readFileType */
export const readFileType: BuiltinDefinition = {
  args: ['p'],
  text: 'What lies at a path: `"regular"`, `"directory"`, `"symlink"` or `"unknown"`.',
  run(state, pos, slot) {
    const path = realisePath(state, pos, slot!);
    const kind = state.host.pathKind(path);
    if (kind === undefined) {
      throw state.host.noSuchPath?.(path) ?? new EvalError(`path '${path}' does not exist`, { code: 'FLOE_NO_SUCH_PATH' });
    }
    return kind;
  },
};

/** builtins.readDir */
export const readDir: BuiltinDefinition = {
  args: ['path'],
  text: 'A set with the name of each entry of a folder, its value the entry’s type: `"regular"`, `"directory"`, `"symlink"` or `"unknown"`.',
  run(state, pos, slot) {
    const builder = new AttrsBuilder();
    for (const { name, kind } of state.host.readDir(realiseAndResolve(state, pos, slot!))) builder.setName(name, kind);
    return builder.build();
  },
};

/** builtins.findFile */
export const findFile: BuiltinDefinition = {
  args: ['search-path', 'lookup-path'],
  text:
    'Looks for a file in a list of `{ path, prefix }`: `<name>` is `findFile nixPath "name"`. With a prefix, what follows the prefix in ' +
    'the name is looked for below the path.',
  run(state, pos, listSlot, nameSlot) {
    const list = forceList(state, listSlot!, pos, 'while evaluating the first argument passed to builtins.findFile');
    const entries: SearchPathEntry[] = [];
    for (const element of list) {
      const attrs = forceAttrs(state, element, pos, 'while evaluating an element of the list passed to builtins.findFile');
      const prefixSlot = attrs.get(symbols.prefix);
      const whatPrefix = 'while evaluating the `prefix` attribute of an element of the list passed to builtins.findFile';
      const prefix = prefixSlot === undefined ? '' : forceStringNoContext(state, prefixSlot, pos, whatPrefix);
      const pathSlot = requireAttr(state, attrs, symbols.path, 'path', 'in an element of the __nixPath');
      const context = new ContextAccumulator();
      const whatPath = 'while evaluating the `path` attribute of an element of the list passed to builtins.findFile';
      let path = coerceToString(state, pos, pathSlot, context, whatPath, { copyToStore: false });
      try {
        path = replacePlaceholders(path, realiseContext(state, context.context));
      } catch (error) {
        if (!(error instanceof InvalidPathError)) throw error;
        throw new EvalError(`cannot find '${path}', since path '${String(error.data['path'])}' is not valid`, at(pos));
      }
      entries.push({ prefix, path });
    }
    const name = forceStringNoContext(state, nameSlot!, pos, 'while evaluating the second argument passed to builtins.findFile');
    return new NixPath(state.findFile(entries, name, pos));
  },
};

/** builtins.getEnv */
export const getEnv: BuiltinDefinition = {
  args: ['s'],
  text: 'The value of an environment variable, `""` where it is not set. Always `""` in pure and restricted evaluation.',
  run(state, pos, slot) {
    const name = forceStringNoContext(state, slot!, pos, 'while evaluating the first argument passed to builtins.getEnv');
    const { pureEval, restrictEval } = state.host.constants;
    return pureEval || restrictEval ? '' : state.host.getEnv(name);
  },
};

const KIND_ORDER: Readonly<Record<ContextElement['kind'], number>> = { opaque: 0, deep: 1, built: 2 };

/** The order in which C++ Nix's sets hold context elements. */
function inSetOrder(a: ContextElement, b: ContextElement): number {
  return KIND_ORDER[a.kind] - KIND_ORDER[b.kind] || compareStrings(a.path, b.path) || compareStrings(a.output, b.output);
}

/** builtins.toFile */
export const toFile: BuiltinDefinition = {
  args: ['name', 's'],
  text: 'Puts a string into the store as a file and gives its store path. The string may speak of store objects, but not of outputs of derivations.',
  run(state, pos, nameSlot, slot) {
    const name = forceStringNoContext(state, nameSlot!, pos, 'while evaluating the first argument passed to builtins.toFile');
    const context = new ContextAccumulator();
    const text = forceStringInto(state, slot!, context, pos, 'while evaluating the second argument passed to builtins.toFile');
    const elements = [...(context.context ?? [])].sort(inSetOrder);
    const derived = elements.find(({ kind }) => kind !== 'opaque');
    if (derived !== undefined) {
      throw new EvalError(
        `files created by builtins.toFile may not reference derivations, but ${name} references ${printContextElement(derived)}`,
        at(pos),
      );
    }
    const references = elements.map(({ path }) => path);
    return storePathString(state, state.host.addTextToStore(name, text, references));
  },
};

interface AddPathOptions {
  readonly path: string;
  readonly name: string;
  readonly filter: Value | undefined;
  readonly method: ContentAddressMethod;
  readonly expected: Hash | undefined;
  readonly context: StringContext | null;
}

/** Adds a file or folder to the store, filtered; what `path` and `filterSource` do. */
function addPath(state: EvalState, pos: PositionId, options: AddPathOptions): Value {
  const { host } = state;
  const { storeDir } = host.constants;
  const { path, name, filter, method, expected, context } = options;
  try {
    let references: readonly StorePath[] = [];
    const object = storeObjectOf(state, path);
    if (context !== null && object !== undefined) {
      realiseContext(state, context);
      references = host.queryReferences?.(object) ?? [];
    }
    if (expected !== undefined) {
      const known = makeContentPath(name, { method, hash: expected }, { others: references, self: false }, storeDir);
      if (host.isValidPath(known)) return storePathString(state, known);
    }
    const added = host.addToStore({
      path: resolveSymlinks(host, path),
      name,
      method,
      algorithm: 'sha256',
      references: references.length === 0 ? undefined : references,
      filter:
        filter === undefined
          ? undefined
          : (entry: string, kind: PathKind) =>
              forceBool(state, call2(filter, entry, kind, pos), pos, 'while evaluating the return value of the path filter function'),
    });
    if (
      expected !== undefined &&
      added !== makeContentPath(name, { method, hash: expected }, { others: references, self: false }, storeDir)
    ) {
      throw new EvalError(`store path mismatch in (possibly filtered) path added from '${path}'`, at(pos));
    }
    return storePathString(state, added);
  } catch (error) {
    throw inContext(error, pos, `while adding path '${path}'`);
  }
}

/** builtins.filterSource */
export const filterSource: BuiltinDefinition = {
  args: ['e1', 'e2'],
  text:
    'Copies the folder *e2* to the store, leaving out those entries for whose path and type (`"regular"`, `"directory"`, `"symlink"`, ' +
    '`"unknown"`) the function *e1* is false. `path` can do more.',
  run(state, pos, filterSlot, pathSlot) {
    const context = new ContextAccumulator();
    const what = "while evaluating the second argument (the path to filter) passed to 'builtins.filterSource'";
    const path = coerceToPath(state, pos, pathSlot!, context, what);
    const filter = forceFunction(state, filterSlot!, pos, 'while evaluating the first argument passed to builtins.filterSource');
    return addPath(state, pos, { path, name: baseNameOfPath(path), filter, method: 'nar', expected: undefined, context: context.context });
  },
};

/** A hash as users give it beside a fetch; an empty one stands for zeros, so that the mismatch tells the right one. */
export function parseHashAllowingEmpty(state: EvalState, text: string, algorithm: Hash['algorithm'] | undefined): Hash {
  if (text !== '') return parseHash(text, algorithm);
  if (algorithm === undefined) throw new FormatError('empty hash requires explicit hash algorithm');
  const hash = { algorithm, bytes: hashBytes(algorithm, '').bytes.map(() => 0) };
  state.host.log('warn', `found empty hash, assuming '${printHash(hash, 'sri')}'`);
  return hash;
}

/** builtins.path */
const path_: BuiltinDefinition = {
  args: ['args'],
  text:
    'Copies a file or folder to the store. *args* has `path`, and may have `name` (else the last component of the path), `filter` (as for ' +
    '`filterSource`), `recursive` (false: hash the file itself, not its archive) and `sha256`, which the result must have.',
  run(state, pos, slot) {
    const attrs = forceAttrs(state, slot!, pos, "while evaluating the argument passed to 'builtins.path'");
    const context = new ContextAccumulator();
    let path: string | undefined;
    let name = '';
    let filter: Value | undefined;
    let method: ContentAddressMethod = 'nar';
    let expected: Hash | undefined;
    for (let i = 0; i < attrs.size; i++) {
      const symbol = attrs.keys()[i]!;
      const value: Slot = attrs.slots()[i]!;
      const place = attrs.positionAt(i);
      if (symbol === symbols.path) {
        path = coerceToPath(state, place, value, context, "while evaluating the 'path' attribute passed to 'builtins.path'");
      } else if (symbol === symbols.name) {
        name = forceStringNoContext(state, value, place, 'while evaluating the `name` attribute passed to builtins.path');
      } else if (symbolName(symbol) === 'filter') {
        filter = forceFunction(state, value, place, 'while evaluating the `filter` parameter passed to builtins.path');
      } else if (symbolName(symbol) === 'recursive') {
        const isRecursive = forceBool(state, value, place, 'while evaluating the `recursive` attribute passed to builtins.path');
        method = isRecursive ? 'nar' : 'flat';
      } else if (symbolName(symbol) === 'sha256') {
        const text = forceStringNoContext(state, value, place, 'while evaluating the `sha256` attribute passed to builtins.path');
        expected = parseHashAllowingEmpty(state, text, 'sha256');
      } else {
        throw new EvalError(`unsupported argument '${printIdentifier(symbolName(symbol))}' to 'builtins.path'`, at(place));
      }
    }
    if (path === undefined) {
      throw new EvalError("missing required 'path' attribute in the first argument to 'builtins.path'", at(pos));
    }
    if (name === '') name = baseNameOfPath(path);
    return addPath(state, pos, { path, name, filter, method, expected, context: context.context });
  },
};
export { path_ as path };
