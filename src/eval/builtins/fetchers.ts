// Builtins that fetch. What the attributes of each mean is checked here, as C++ Nix checks them; fetching itself, the cache of what was
// fetched, and registries are the host's. libexpr/primops/fetchTree.cc, fetchMercurial.cc, fetchClosure.cc.

import { EvalError, FloeError, FormatError, RestrictedPathError, WrongTypeError } from '../../base/errors.ts';
import { equalHash, type Hash, hashBytes, parseHash, printHash } from '../../base/hash.ts';
import { utf8ToByteString } from '../../base/bytes.ts';
import { makeContentPath, NO_REFERENCES } from '../../model/content-address.ts';
import { checkInputAttrs, inputUrl, isLockedInput, narHashOf, printInput, parseInputUrl } from '../../model/input-scheme.ts';
import { checkStorePathName, printStorePath, type StorePath } from '../../model/store-path.ts';
import { fixGitUrl, parseUrl, printUrl } from '../../model/url.ts';
import { Attrs, AttrsBuilder } from '../attrs.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { coerceToStorePath, coerceToString, forceAttrs, forceBool, forceStringNoContext } from '../coerce.ts';
import { at } from '../error-position.ts';
import type { ClosureRequest, FetchedTree, InputAttrs } from '../host.ts';
import type { PositionId } from '../position.ts';
import { printIdentifier } from '../../lang/print-ast.ts';
import type { EvalState } from '../state.ts';
import { ContextAccumulator } from '../string-context.ts';
import { symbolName, symbols } from '../symbol.ts';
import { describeType, force, isString, NixPath, type Slot, type Value } from '../value.ts';
import { hasFeature, requireFeature } from './features.ts';
import { parseHashAllowingEmpty, storePathString } from './files.ts';
import { printValueAsJson } from './json.ts';

type MutableAttrs = Record<string, string | number | bigint | boolean>;

// --- What restricted evaluation allows --------------------------------------------------------------------------------------------

/** Whether `uri` is the prefix, or lies below it. "https://github.co" does not allow "https://github.com". */
function isBelow(uri: string, prefix: string): boolean {
  if (uri === prefix) return true;
  if (prefix === '' || !uri.startsWith(prefix)) return false;
  return prefix.endsWith('/') || prefix.endsWith(':') || uri[prefix.length] === '/';
}

/** Refuses, in restricted evaluation, what the settings do not allow to fetch. */
export function checkUri(state: EvalState, uri: string): void {
  const { restrictEval, allowedUris = [] } = state.host.constants;
  if (!restrictEval || allowedUris.some((prefix) => isBelow(uri, prefix))) return;
  const path = uri.startsWith('/') ? uri : uri.startsWith('file://') ? uri.slice('file://'.length) : undefined;
  if (path === undefined) throw new RestrictedPathError(`access to URI '${uri}' is forbidden in restricted mode`);
  // Reading it asks the host, which throws.
  state.host.pathKind(path);
}

// --- Results ----------------------------------------------------------------------------------------------------------------------

/** A time as `lastModifiedDate` has it: year to second, in UTC. */
function printDate(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace(/[-T:]/g, '');
}

const NO_REVISION = '0'.repeat(40);

/** What `fetchTree` gives for a tree. `emptyRevision`: fetchGit's zeros for a tree with changes. */
export function treeValue(state: EvalState, tree: FetchedTree, type: string, emptyRevision: boolean): Attrs {
  const { info } = tree;
  const result = new AttrsBuilder();
  result.setName('outPath', storePathString(state, tree.storePath));
  const take = (name: string): boolean => {
    const value = info[name];
    if (value === undefined) return false;
    result.setName(name, value);
    return true;
  };
  take('narHash');
  if (type === 'git') result.setName('submodules', info['submodules'] === true);
  const { rev } = info;
  if (typeof rev === 'string') {
    result.setName('rev', rev);
    result.setName('shortRev', rev.slice(0, 7));
  } else if (emptyRevision) {
    result.setName('rev', NO_REVISION);
    result.setName('shortRev', NO_REVISION.slice(0, 7));
  }
  if (!take('revCount') && emptyRevision) result.setName('revCount', 0);
  take('dirtyRev');
  take('dirtyShortRev');
  if (take('lastModified')) result.setName('lastModifiedDate', printDate(Number(info['lastModified'])));
  return result.build();
}

// --- fetchTree and fetchGit -------------------------------------------------------------------------------------------------------

const VERIFIED_FETCHES = 'verified-fetches';

function inputFromAttrs(state: EvalState, pos: PositionId, attrs: Attrs, isFetchGit: boolean): InputAttrs {
  const fetcher = isFetchGit ? 'fetchGit' : 'fetchTree';
  const input: MutableAttrs = {};
  const context = new ContextAccumulator();
  const typeSlot = attrs.get(symbols.type);
  if (typeSlot !== undefined) {
    if (isFetchGit) throw new EvalError("unexpected argument 'type'", at(pos));
    const what = `while evaluating the \`type\` argument passed to '${fetcher}'`;
    input['type'] = forceStringNoContext(state, typeSlot, attrs.position(symbols.type), what);
  } else if (isFetchGit) input['type'] = 'git';
  else throw new EvalError(`argument 'type' is missing in call to '${fetcher}'`, at(pos));

  for (let i = 0; i < attrs.size; i++) {
    const symbol = attrs.keys()[i]!;
    if (symbol === symbols.type) continue;
    const name = symbolName(symbol);
    const place = attrs.positionAt(i);
    const value = force(attrs.slots()[i]!, place);
    if (value instanceof NixPath || isString(value)) {
      const text = coerceToString(state, place, value, context, '', { copyToStore: false });
      input[name] = isFetchGit && name === 'url' ? printUrl(fixGitUrl(text)) : text;
    } else if (typeof value === 'boolean') input[name] = value;
    else if (typeof value === 'number' || typeof value === 'bigint') {
      if (value < 0) throw new EvalError(`negative value given for '${fetcher}' argument '${printIdentifier(name)}': ${value}`, at(pos));
      input[name] = value;
    } else if (name === 'publicKeys') {
      requireFeature(state, VERIFIED_FETCHES);
      input[name] = printValueAsJson(state, value, pos, context);
    } else {
      throw new WrongTypeError(
        `argument '${printIdentifier(name)}' to '${fetcher}' is ${describeType(value)} while a string, Boolean or integer is expected`,
      );
    }
  }
  if (isFetchGit && input['exportIgnore'] === undefined && input['submodules'] !== true) input['exportIgnore'] = true;
  if (!isFetchGit && input['type'] === 'git' && input['shallow'] === undefined) input['shallow'] = true;
  if (!isFetchGit && input['name'] !== undefined) {
    throw new EvalError(`argument 'name' ${utf8ToByteString('isn’t')} supported in call to '${fetcher}'`, at(pos));
  }
  return checkInputAttrs(input);
}

function inputFromText(state: EvalState, pos: PositionId, slot: Slot, isFetchGit: boolean): InputAttrs {
  const fetcher = isFetchGit ? 'fetchGit' : 'fetchTree';
  const what = `while evaluating the first argument passed to '${fetcher}'`;
  const text = coerceToString(state, pos, slot, new ContextAccumulator(), what, { copyToStore: false });
  if (isFetchGit) return checkInputAttrs({ type: 'git', url: printUrl(fixGitUrl(text)), exportIgnore: true });
  if (!hasFeature(state, 'flakes')) {
    throw new EvalError(`passing a string argument to '${fetcher}' requires the 'flakes' experimental feature`, at(pos));
  }
  return parseInputUrl(parseUrl(text), true);
}

function runFetchTree(state: EvalState, pos: PositionId, slot: Slot, isFetchGit: boolean): Value {
  const fetcher = isFetchGit ? 'fetchGit' : 'fetchTree';
  const value = force(slot, pos);
  const input = value instanceof Attrs ? inputFromAttrs(state, pos, value, isFetchGit) : inputFromText(state, pos, value, isFetchGit);
  if (state.host.constants.pureEval && !isLockedInput(input)) {
    const shown = printInput(input);
    if (narHashOf(input) === undefined) {
      throw new EvalError(`in pure evaluation mode, '${fetcher}' doesn't fetch unlocked input '${shown}'`, at(pos));
    }
    state.host.log(
      'warn',
      `Input '${shown}' is unlocked (e.g. lacks a Git revision) but is checked by NAR hash. This is not reproducible and will break after garbage collection or when shared.`,
    );
  }
  checkUri(state, printUrl(inputUrl(input)));
  if (input['__final'] !== undefined) throw new EvalError(`input '${printInput(input)}' is not allowed to use the '__final' attribute`);
  const [tree] = state.host.fetchTrees([{ attrs: input, kind: isFetchGit ? 'git' : 'tree' }]);
  return treeValue(state, tree!, String(input['type']), isFetchGit);
}

/** builtins.fetchTree */
export const fetchTree: BuiltinDefinition = {
  args: ['input'],
  text:
    'Fetches a tree or file, described by a set of attributes (`type` and what that type of flake input knows) or by the URL of a flake ' +
    'input, and gives `outPath` and what is known of it: `narHash`, `rev`, `lastModified` and so on. In pure evaluation the input must ' +
    'be locked.',
  experimentalFeature: 'fetch-tree',
  run: (state, pos, slot) => runFetchTree(state, pos, slot!, false),
};

/** builtins.fetchGit */
export const fetchGit: BuiltinDefinition = {
  args: ['args'],
  text:
    'Fetches a Git repository: a URL, or a set with `url` and perhaps `ref`, `rev`, `name`, `submodules`, `shallow`, `allRefs`. Gives ' +
    '`outPath`, `rev`, `shortRev`, `revCount`, `lastModified` and more. In pure evaluation `rev` is needed.',
  run: (state, pos, slot) => runFetchTree(state, pos, slot!, true),
};

// --- fetchurl and fetchTarball ----------------------------------------------------------------------------------------------------

/** What follows the last slash; slashes at the end do not count. */
function baseNameOfUrl(url: string): string {
  const trimmed = url.replace(/(?<=.)\/+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

function refuseName(url: string, problem: string, who: string, isSet: boolean, hasName: boolean, pos: PositionId): never {
  const advice = hasName
    ? `Please change the value for the 'name' attribute passed to '${who}', so that it can create a valid store path.`
    : isSet
      ? `Please add a valid 'name' attribute to the argument for '${who}', so that it can create a valid store path.`
      : `Please pass an attribute set with 'url' and 'name' attributes to '${who}',  so that it can create a valid store path.`;
  throw new EvalError(`invalid store path name when fetching URL '${url}': ${problem}. ${advice}`, at(pos));
}

function runFetch(state: EvalState, pos: PositionId, slot: Slot, who: 'fetchurl' | 'fetchTarball'): Value {
  const { host } = state;
  const unpack = who === 'fetchTarball';
  const value = force(slot, pos);
  let url: string | undefined;
  let expected: Hash | undefined;
  let name = unpack ? 'source' : '';
  let hasName = false;
  if (value instanceof Attrs) {
    for (let i = 0; i < value.size; i++) {
      const symbol = value.keys()[i]!;
      const place = value.positionAt(i);
      const text = (what: string): string => forceStringNoContext(state, value.slots()[i]!, place, what);
      if (symbolName(symbol) === 'url') url = text('while evaluating the url we should fetch');
      else if (symbolName(symbol) === 'sha256') {
        expected = parseHashAllowingEmpty(state, text('while evaluating the sha256 of the content we should fetch'), 'sha256');
      } else if (symbol === symbols.name) {
        hasName = true;
        name = text('while evaluating the name of the content we should fetch');
      } else throw new EvalError(`unsupported argument '${symbolName(symbol)}' to '${who}'`, at(pos));
    }
    if (url === undefined) throw new EvalError("'url' argument required", at(pos));
  } else {
    url = forceStringNoContext(state, value, pos, 'while evaluating the url we should fetch');
  }
  if (unpack && url.startsWith('channel:')) url = `https://channels.nixos.org/${url.slice('channel:'.length)}/nixexprs.tar.xz`;
  checkUri(state, url);
  if (name === '') name = baseNameOfUrl(url);
  try {
    checkStorePathName(name);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    refuseName(url, error.message, who, value instanceof Attrs, hasName, pos);
  }
  if (host.constants.pureEval && expected === undefined) {
    throw new EvalError(`in pure evaluation mode, '${who}' requires a 'sha256' argument`, at(pos));
  }
  if (expected !== undefined) {
    const path = makeContentPath(name, { method: unpack ? 'nar' : 'flat', hash: expected }, NO_REFERENCES, host.constants.storeDir);
    if (host.isValidPath(path)) {
      host.allow?.(path);
      return storePathString(state, path);
    }
  }
  const [tree] = host.fetchTrees([{ attrs: { type: unpack ? 'tarball' : 'file', url, name }, kind: unpack ? 'tarball' : 'file' }]);
  const fetched = printStorePath(tree!.storePath, host.constants.storeDir);
  if (expected !== undefined) {
    const { narHash } = tree!.info;
    const got = unpack && typeof narHash === 'string' ? parseHash(narHash) : hashBytes('sha256', host.readFile(fetched));
    if (!equalHash(got, expected)) {
      throw new EvalError(
        `hash mismatch in file downloaded from '${url}':\n  specified: ${printHash(expected, 'nix32', true)}\n  got:       ${printHash(got, 'nix32', true)}`,
        { ...at(pos), data: { exitCode: 102 } },
      );
    }
  }
  // A file is addressed by its own hash, not by that of its archive.
  const storePath = unpack ? tree!.storePath : host.addToStore({ path: fetched, name, method: 'flat', algorithm: 'sha256' });
  return storePathString(state, storePath);
}

/** builtins.fetchurl */
export const fetchurl: BuiltinDefinition = {
  args: ['arg'],
  text:
    'Downloads a file and gives its path in the store: a URL, or a set with `url` and perhaps `sha256` and `name`. In pure evaluation ' +
    '`sha256` is needed.',
  run: (state, pos, slot) => runFetch(state, pos, slot!, 'fetchurl'),
};

/** builtins.fetchTarball */
export const fetchTarball: BuiltinDefinition = {
  args: ['args'],
  text:
    'Downloads an archive, unpacks it, and gives the path of its contents in the store: a URL, or a set with `url` and perhaps `sha256` ' +
    '(of the unpacked tree) and `name`. In pure evaluation `sha256` is needed.',
  run: (state, pos, slot) => runFetch(state, pos, slot!, 'fetchTarball'),
};

// --- fetchMercurial ---------------------------------------------------------------------------------------------------------------

/** builtins.fetchMercurial */
export const fetchMercurial: BuiltinDefinition = {
  args: ['args'],
  text: 'Fetches a Mercurial repository: a URL, or a set with `url` and perhaps `rev` (a revision, branch or tag) and `name`.',
  run(state, pos, slot) {
    const value = force(slot!, pos);
    const context = new ContextAccumulator();
    const input: MutableAttrs = { type: 'hg', name: 'source' };
    let url = '';
    let revision: string | undefined;
    if (value instanceof Attrs) {
      for (let i = 0; i < value.size; i++) {
        const name = symbolName(value.keys()[i]!);
        const element = value.slots()[i]!;
        const place = value.positionAt(i);
        const what = `while evaluating the \`${name}\` attribute passed to builtins.fetchMercurial`;
        if (name === 'url') url = coerceToString(state, place, element, context, what, { copyToStore: false });
        else if (name === 'rev') {
          const text = forceStringNoContext(state, element, place, what);
          if (/^[0-9a-fA-F]{40}$/.test(text)) revision = text;
          else input['ref'] = text;
        } else if (name === 'name') input['name'] = forceStringNoContext(state, element, place, what);
        else throw new EvalError(`unsupported argument '${printIdentifier(name)}' to 'fetchMercurial'`, at(place));
      }
      if (url === '') throw new EvalError("'url' argument required", at(pos));
    } else {
      const what = 'while evaluating the first argument passed to builtins.fetchMercurial';
      url = coerceToString(state, pos, value, context, what, { copyToStore: false });
    }
    checkUri(state, url);
    if (state.host.constants.pureEval && revision === undefined) {
      throw new EvalError("in pure evaluation mode, 'fetchMercurial' requires a Mercurial revision");
    }
    input['url'] = url.includes('://') ? url : `file://${url}`;
    if (revision !== undefined) input['rev'] = revision.toLowerCase();
    const [tree] = state.host.fetchTrees([{ attrs: checkInputAttrs(input), kind: 'tree' }]);
    const { storePath, info } = tree!;
    const rev = typeof info['rev'] === 'string' ? info['rev'] : NO_REVISION;
    const result = new AttrsBuilder();
    result.setName('outPath', storePathString(state, storePath));
    if (info['ref'] !== undefined) result.setName('branch', info['ref']);
    result.setName('rev', rev);
    result.setName('shortRev', rev.slice(0, 12));
    if (info['revCount'] !== undefined) result.setName('revCount', info['revCount']);
    return result.build();
  },
};

// --- fetchClosure -----------------------------------------------------------------------------------------------------------------

function closureRequest(state: EvalState, pos: PositionId, slot: Slot): ClosureRequest {
  const attrs = forceAttrs(state, slot, pos, 'while evaluating the argument passed to builtins.fetchClosure');
  let fromStore: string | undefined;
  let fromPath: StorePath | undefined;
  let toPath: StorePath | null | undefined;
  let inputAddressed = false;
  for (let i = 0; i < attrs.size; i++) {
    const name = symbolName(attrs.keys()[i]!);
    const [value, place] = [attrs.slots()[i]!, attrs.positionAt(i)];
    const what = `while evaluating the attribute '${name}' passed to builtins.fetchClosure`;
    const path = () => coerceToStorePath(state, place, value, new ContextAccumulator(), what);
    if (name === 'fromPath') fromPath = path();
    else if (name === 'toPath') toPath = force(value, place) === '' ? null : path();
    else if (name === 'fromStore') fromStore = forceStringNoContext(state, value, place, what);
    else if (name === 'inputAddressed') inputAddressed = forceBool(state, value, place, what);
    else throw new EvalError(`attribute '${name}' isn't supported in call to 'fetchClosure'`, at(pos));
  }
  const missing = (name: string) => new EvalError(`attribute '${name}' is missing in call to 'fetchClosure'`, at(pos));
  if (fromPath === undefined) throw missing('fromPath');
  if (inputAddressed && toPath !== undefined) {
    throw new EvalError("attribute 'inputAddressed' is set to true, but 'toPath' is also set. Please remove one of them", at(pos));
  }
  if (fromStore === undefined) throw missing('fromStore');
  return { fromStore, fromPath, toPath, inputAddressed };
}

/** builtins.fetchClosure */
export const fetchClosure: BuiltinDefinition = {
  args: ['args'],
  text:
    'Copies the store path `fromPath`, with all it refers to, from the binary cache `fromStore`. `toPath` is what it becomes when it is ' +
    'rewritten so that its name follows from its contents; with `inputAddressed` it stays as it is (experimental feature `fetch-closure`).',
  experimentalFeature: 'fetch-closure',
  run(state, pos, slot) {
    requireFeature(state, 'fetch-closure');
    const request = closureRequest(state, pos, slot!);
    if (state.host.fetchClosure === undefined) {
      throw new FloeError('FLOE_UNSUPPORTED', 'nothing can be copied from a binary cache here', {
        hint: 'there is no store behind this evaluation',
      });
    }
    const { rewritten, isContentAddressed } = state.host.fetchClosure(request);
    const shown = (path: StorePath) => printStorePath(path, state.host.constants.storeDir);
    const { fromPath, toPath, inputAddressed } = request;
    if (rewritten !== undefined && rewritten !== toPath) {
      const yielded = `rewriting '${shown(fromPath)}' to content-addressed form yielded '${shown(rewritten)}'`;
      throw new EvalError(
        toPath
          ? `${yielded}, while '${shown(toPath)}' was expected`
          : `${yielded}\nUse this value for the 'toPath' attribute passed to 'fetchClosure'`,
        at(pos),
      );
    }
    if (toPath && !isContentAddressed) {
      throw new EvalError(
        `The 'toPath' value '${shown(toPath)}' is input-addressed, so it can't possibly be the result of rewriting to a content-addressed path.\n\n` +
          "Set 'toPath' to an empty string to make Nix report the correct content-addressed path.",
        at(pos),
      );
    }
    if (!toPath && inputAddressed && isContentAddressed) {
      throw new EvalError(
        `The store object referred to by 'fromPath' at '${shown(fromPath)}' is not input-addressed, but 'inputAddressed' is set to 'true'.\n\n` +
          "Remove the 'inputAddressed' attribute (it defaults to 'false') to expect 'fromPath' to be content-addressed",
        at(pos),
      );
    }
    if (!toPath && !inputAddressed && !isContentAddressed) {
      throw new EvalError(
        `The 'fromPath' value '${shown(fromPath)}' is input-addressed, but 'inputAddressed' is set to 'false' (default).\n\n` +
          'If you do intend to fetch an input-addressed store path, add\n\n    inputAddressed = true;\n\n' +
          "to the 'fetchClosure' arguments.\n\nNote that to ensure authenticity input-addressed store paths, users must configure a trusted " +
          'binary cache public key on their systems. This is not needed for content-addressed paths.',
        at(pos),
      );
    }
    return storePathString(state, toPath ?? fromPath);
  },
};
