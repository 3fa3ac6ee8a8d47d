// The entry: source text and a host in, values out. Makes the base environment, loads files (through the code store where there is one), and
// guards every way in, so that errors leave with real positions and the host's own stack overflow as the language's error.

import { EvalError, FloeError, ThrownError } from '../base/errors.ts';
import type { Node } from '../lang/ast.ts';
import { bind, type GlobalNames, type OuterFrames } from '../lang/bind.ts';
import { NameTable } from '../lang/name-table.ts';
import { parse, parseBindings, type ParseOptions, type ParseWarning } from '../lang/parser.ts';
import { fileSource, Source, stringSource } from '../lang/position.ts';
import { parseFlakeRef } from '../model/flake-ref.ts';
import { AttrsBuilder, RecordShape, type Attrs } from './attrs.ts';
import { BARE_NAMES } from './base-names.ts';
import { Builtin, type BuiltinDefinition, type BuiltinTable } from './builtin.ts';
import { forceDeep } from './builtins/deep.ts';
import { hasFeature } from './builtins/features.ts';
import { callFunction, exchangeCallSettings } from './call.ts';
import type { Code } from './code.ts';
import type { CodeStore } from './code-pack.ts';
import { compile } from './compile.ts';
import { decode, isReadable, sourceLength } from './decode.ts';
import { addFrame, at } from './error-position.ts';
import type { EvalHost } from './host.ts';
import { DERIVATION_PATH, DERIVATION_SOURCE, SEARCH_PATH_SOURCES } from './internal-sources.ts';
import type { Kept } from './kept.ts';
import { BorrowedPlaces, NO_POSITION, PositionTable, type PositionId } from './position.ts';
import { canonicalPath, joinPath, parentOfPath, type SearchPathEntry } from './source-path.ts';
import { DEFAULT_EVAL_SETTINGS, type EvalSettings, type EvalState } from './state.ts';
import { internAll, internSymbol, symbolName } from './symbol.ts';
import { ownError, resolveError } from './trace.ts';
import { delay, force, hostCode, Lambda, Thunk, type Env, type Slot, type Value } from './value.ts';

/** What an evaluator is made of. */
export interface EvaluatorOptions {
  readonly host: EvalHost;
  readonly builtins: BuiltinTable;
  readonly settings?: Partial<EvalSettings>;
  /** Where compiled forms are kept; without one, every file is parsed. */
  readonly codeStore?: CodeStore | undefined;
  readonly parse?: Omit<ParseOptions, 'names'>;
  /** Changes what programs are made of before it is compiled, and builtins that only such programs see. */
  readonly instruments?: Instruments | undefined;
  /** What is left from one program to the next. */
  readonly kept?: Kept | undefined;
}

/** What a debugger puts into programs. */
export interface Instruments {
  readonly transform: (root: Node, source: Source) => Node;
  /** By the names that programs use bare. */
  readonly hidden: Readonly<Record<string, BuiltinDefinition>>;
}

/** What a line of the repl is read as. */
export interface ScopedForm {
  /** `a = 1; inherit b;` gives the set of what is bound. */
  readonly isBindings: boolean;
  /** The text that messages show, where it is not the one that is read. */
  readonly shown?: string;
  /** Changes the tree before names are bound. */
  readonly transform?: (root: Node) => Node;
}

const EXPRESSION: ScopedForm = { isBindings: false };

/** A line that was read; `slots` are the values of the names it was read with. */
export interface ScopedProgram {
  eval(slots: readonly Slot[]): Value;
}

const POSITION = new RecordShape('column', 'file', 'line');
const MAX_LINKS = 1024;

/** Evaluates programs against one host. Values it gives may hold thunks; force them through it. */
export class Evaluator {
  readonly state: EvalState;

  constructor(options: EvaluatorOptions) {
    this.state = new State(options);
  }

  /** The value of source text. Relative paths in it start at `basePath`, a folder. `label` is for messages. */
  evalText(text: string, basePath: string, label?: string): Value {
    return this.guard(() => this.state.evalText(text, basePath, label));
  }

  /** The value of a file that is the whole program (nix-instantiate): evaluated anew, and errors name no file around it. */
  evalProgram(path: string): Value {
    return this.guard(() => this.state.evalProgram(canonicalPath(path)));
  }

  /** The value of a file, as `import` gives it; of a folder, that of its default.nix. */
  evalFile(path: string): Value {
    return this.guard(() => this.state.importFile(canonicalPath(path), NO_POSITION));
  }

  /** The value in a slot. */
  force(slot: Slot): Value {
    return this.guard(() => force(slot));
  }

  /** Evaluates everything below a slot. */
  forceDeep(slot: Slot): Value {
    return this.guard(() => {
      forceDeep(slot);
      return force(slot);
    });
  }

  call(fn: Slot, ...args: Slot[]): Value {
    return this.guard(() => callFunction(this.state, force(fn), args, NO_POSITION));
  }

  /** Reads text whose names are looked up in `names` before the base environment: what the repl does with a line. */
  parseScoped(text: string, basePath: string, names: readonly string[], form: ScopedForm = EXPRESSION): ScopedProgram {
    return this.guard(() => (this.state as State).parseScoped(text, basePath, names, form));
  }

  /** Names of the base environment that programs use bare. */
  globalNames(): string[] {
    return [...(this.state.globalNames as ReadonlyMap<string, Slot>).keys()];
  }

  /** Forgets what files evaluated to, so that changed ones are read again. */
  resetFiles(): void {
    (this.state as State).resetFiles();
  }

  /** Begins another program, for an evaluator that keeps something. */
  beginRound(): void {
    this.state.kept?.begin();
  }

  /** Forgets what the program alone was made of. */
  endRound(): void {
    (this.state as State).endRound();
  }

  /** Whether calls leave trace frames from now on. */
  showTrace(on: boolean): void {
    (this.state as State).settings = { ...this.state.settings, showTrace: on };
  }

  /** Runs something that evaluates (printing, selecting) with the guard that all ways in have. */
  guard<T>(run: () => T): T {
    const { maxCallDepth, showTrace } = this.state.settings;
    const before = exchangeCallSettings({ depth: 0, maxDepth: maxCallDepth, showCalls: showTrace });
    // PERF: the host's stacks say nothing about the program, and taking one costs more than the rest of a throw.
    const stackTraceLimit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      return run();
    } catch (thrown) {
      const error = ownError(thrown);
      if (error instanceof FloeError) resolveError(error, this.state.positions);
      throw error;
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
      exchangeCallSettings(before);
    }
  }
}

class State implements EvalState {
  readonly host: EvalHost;
  settings: EvalSettings;
  readonly positions = new PositionTable();
  readonly rootEnv: Env;
  readonly builtins: Attrs;
  readonly searchPath: readonly SearchPathEntry[];
  readonly kept: Kept | null;
  readonly #codeStore: CodeStore | undefined;
  readonly #parseOptions: ParseOptions;
  readonly #globals = new Map<string, Slot>();
  readonly #files = new Map<string, Thunk>();
  readonly #resolved = new Map<string, string>();
  readonly #searchPathResolved = new Map<string, string | null>();
  readonly #caches = new Map<symbol, unknown>();
  readonly #pathCaches = new Map<symbol, Map<string, string>>();
  readonly #instruments: Instruments | undefined;
  // What waits in thunks of a path or a position.
  readonly #evalFile = hostCode((path: string) => this.#evalLoadedFile(path));
  readonly #lineOf = hostCode((pos: PositionId) => this.positions.resolve(pos)?.line ?? 0);
  readonly #columnOf = hostCode((pos: PositionId) => this.positions.resolve(pos)?.column ?? 0);

  constructor(options: EvaluatorOptions) {
    this.host = options.host;
    this.settings = { ...DEFAULT_EVAL_SETTINGS, ...options.settings };
    this.rootEnv = [null, this];
    this.#codeStore = options.codeStore;
    this.#instruments = options.instruments;
    this.kept = options.kept ?? null;
    const { constants } = options.host;
    this.#parseOptions = { pureEval: constants.pureEval, ...options.parse, names: new NameTable() };
    this.searchPath = constants.pureEval ? [] : constants.nixPath;
    this.builtins = this.#makeBuiltins(options.builtins);
    for (const [name, definition] of Object.entries(options.instruments?.hidden ?? {}))
      this.#globals.set(name, new Builtin(name, definition, this));
  }

  #makeBuiltins(table: BuiltinTable): Attrs {
    const set = new AttrsBuilder();
    const globals = this.#globals;
    const add = (name: string, slot: Slot): void => {
      set.setName(name, slot);
      globals.set(BARE_NAMES.has(name) ? name : `__${name}`, slot);
    };
    for (const [name, definition] of Object.entries(table.functions)) {
      const feature = definition.experimentalFeature;
      if (feature === undefined || hasFeature(this, feature)) add(name, new Builtin(name, definition, this));
    }
    for (const [name, constant] of Object.entries(table.constants)) {
      if (name === 'builtins' || (constant.impureOnly === true && this.host.constants.pureEval)) continue;
      add(name, name === 'true' ? true : name === 'false' ? false : name === 'null' ? null : delay(() => constant.value(this)));
    }
    add(
      'derivation',
      delay(() => this.#evalInternal()),
    );
    // `builtins` holds itself, so its own slot is filled when the set is there.
    set.setName('builtins', null);
    const builtins = set.build();
    builtins.slots()[builtins.keys().indexOf(internSymbol('builtins'))] = builtins;
    globals.set('builtins', builtins);
    return builtins;
  }

  #evalInternal(): Value {
    const source = fileSource('/derivation-internal.nix', DERIVATION_SOURCE, DERIVATION_PATH);
    return this.#load(source, DERIVATION_SOURCE, '/', true).eval(this.rootEnv);
  }

  get globalNames(): GlobalNames {
    return this.#globals;
  }

  queryGlobal(name: string): Slot | undefined {
    return this.#globals.get(name);
  }

  importFile(path: string, _pos: PositionId): Value {
    let resolved = this.#resolved.get(path);
    if (resolved === undefined) this.#resolved.set(path, (resolved = this.resolveImport(path)));
    let thunk = this.#files.get(resolved);
    if (thunk === undefined) this.#files.set(resolved, (thunk = new Thunk(this.#evalFile, resolved)));
    // What another program was allowed to read may be forbidden to this one.
    else if (this.kept !== null && !Object.hasOwn(SEARCH_PATH_SOURCES, resolved)) this.host.checkAccess?.(resolved);
    return force(thunk);
  }

  evalProgram(path: string): Value {
    return this.#loadFile(this.resolveImport(path)).eval(this.rootEnv);
  }

  #evalLoadedFile(path: string): Value {
    const code = this.#loadFile(path);
    try {
      const value = code.eval(this.rootEnv);
      if (this.kept !== null && value instanceof Lambda) this.kept.noteFunction(this, path, value);
      return value;
    } catch (error) {
      if (error instanceof FloeError) addFrame(error, NO_POSITION, `while evaluating the file '${this.host.showPath?.(path) ?? path}':`);
      throw error;
    }
  }

  importScoped(path: string, scope: Attrs, _pos: PositionId): Value {
    const order = scope.order();
    const names = order.map((i) => symbolName(scope.keys()[i]!));
    const env: Env = [this.rootEnv, ...order.map((i) => scope.slots()[i]!)];
    const resolved = this.resolveImport(path);
    const text = this.#readSource(resolved);
    return this.#load(fileSource(resolved, text, this.host.showPath?.(resolved)), text, parentOfPath(resolved), false, names).eval(env);
  }

  parseScoped(text: string, basePath: string, scope: readonly string[], { isBindings, shown, transform }: ScopedForm): ScopedProgram {
    const read = stringSource(text);
    const source = shown === undefined ? read : stringSource(shown);
    let root: Node;
    let names: readonly string[];
    try {
      const options = this.#optionsFor(source);
      const parsed = isBindings ? parseBindings(read, options) : parse(read, options);
      root = transform === undefined ? parsed.root : transform(parsed.root);
      ({ names } = parsed);
    } catch (error) {
      const { position } = error as FloeError;
      if (shown !== undefined && position?.source === text) Object.assign(error as FloeError, { position: { ...position, source: shown } });
      throw error;
    }
    this.#bind(root, names, source, [scope]);
    const code = this.#decode(compile(root, text.length, names, 1), source, basePath, false);
    return { eval: (slots) => code.eval([this.rootEnv, ...slots]) };
  }

  resetFiles(): void {
    this.#files.clear();
    this.#resolved.clear();
    this.#searchPathResolved.clear();
  }

  endRound(): void {
    const { kept, host } = this;
    if (kept === null) return;
    kept.end(host);
    for (const paths of [this.#files, this.#resolved])
      for (const path of paths.keys()) if (!kept.isFixed(path, host.constants.storeDir)) paths.delete(path);
    this.#pathCaches.clear();
  }

  evalText(text: string, basePath: string, label?: string): Value {
    const source = label === undefined ? stringSource(text) : new Source(null, label, text);
    return this.#load(source, text, basePath, false).eval(this.rootEnv);
  }

  /** The file that an imported path means: links followed, a folder's default.nix. */
  resolveImport(path: string): string {
    if (Object.hasOwn(SEARCH_PATH_SOURCES, path)) return path;
    const { host } = this;
    let current = path;
    for (let followed = 0; ; followed++) {
      if (followed >= MAX_LINKS) throw new EvalError(`too many symbolic links encountered while traversing the path '${path}'`);
      const kind = host.pathKind(current);
      if (kind === undefined) throw host.noSuchPath?.(current) ?? new EvalError(`path '${current}' does not exist`);
      if (kind === 'directory') return joinPath(current, 'default.nix');
      if (kind !== 'symlink') return current;
      current = canonicalPath(host.readLink(current), parentOfPath(current));
    }
  }

  #readSource(path: string): string {
    return SEARCH_PATH_SOURCES[path] ?? this.host.readFile(path);
  }

  #loadFile(path: string): Code {
    const store = Object.hasOwn(SEARCH_PATH_SOURCES, path) ? undefined : this.#codeStore;
    const folder = parentOfPath(path);
    const form = store?.get(path);
    if (form !== undefined && isReadable(form)) {
      const source = fileSource(path, () => this.#readSource(path), this.host.showPath?.(path));
      return this.#decode(form, source, folder, false);
    }
    const text = this.#readSource(path);
    const source = fileSource(path, text, this.host.showPath?.(path));
    const compiled = this.#compile(source, text, []);
    store?.put(path, text, compiled);
    return this.#decode(compiled, source, folder, false);
  }

  #load(source: Source, text: string, folder: string, isInternal: boolean, scope?: readonly string[]): Code {
    return this.#decode(this.#compile(source, text, scope === undefined ? [] : [scope]), source, folder, isInternal);
  }

  #compile(source: Source, text: string, scopes: readonly (readonly string[])[]): string {
    const { root: tree, names } = parse(source, this.#optionsFor(source));
    const root = this.#instruments === undefined ? tree : this.#instruments.transform(tree, source);
    this.#bind(root, names, source, scopes);
    return compile(root, text.length, names, scopes.length);
  }

  #bind(root: Node, names: readonly string[], source: Source, outer: OuterFrames): void {
    bind(root, source, this.#globals, { outer, symbols: () => internAll(names) });
  }

  #optionsFor(source: Source): ParseOptions {
    const warn = ({ message, offset }: ParseWarning): void =>
      this.host.log('warn', message, offset === undefined ? [] : [{ text: '', position: source.at(offset) }]);
    return { ...this.#parseOptions, warn };
  }

  #decode(form: string, source: Source, folder: string, isInternal: boolean): Code {
    const origin = this.positions.addOrigin(source, sourceLength(form), isInternal);
    return decode(form, { state: this, base: origin.base, paths: new SourcePlace(folder, this.host) });
  }

  positionValue(pos: PositionId): Value {
    const source = this.positions.originOf(pos)?.source;
    if (source instanceof BorrowedPlaces) return this.positionValue(source.observe(pos));
    const path = source?.path;
    if (path === undefined || path === null) return null;
    return POSITION.make(new Thunk(this.#columnOf, pos), path, new Thunk(this.#lineOf, pos));
  }

  findFile(entries: readonly SearchPathEntry[], name: string, pos: PositionId): string {
    for (const { prefix, path } of entries) {
      const rest = afterPrefix(prefix, name);
      if (rest === undefined) continue;
      const base = this.#resolveSearchPath(path);
      if (base === null) continue;
      const found = this.#followLinks(canonicalPath(`${base}/${rest}`));
      if (found !== undefined) return found;
    }
    if (name.startsWith('nix/')) return `<${name}>`;
    throw new ThrownError(
      this.host.constants.pureEval
        ? `cannot look up '<${name}>' in pure evaluation mode (use '--impure' to override)`
        : `file '${name}' was not found in the Nix search path (add it using $NIX_PATH or -I)`,
      at(pos),
    );
  }

  #resolveSearchPath(path: string): string | null {
    let resolved = this.#searchPathResolved.get(path);
    if (resolved === undefined) {
      resolved = this.#findSearchPath(path);
      this.#searchPathResolved.set(path, resolved);
    }
    return resolved;
  }

  #findSearchPath(path: string): string | null {
    try {
      const fetched = fetchNamedTree(path, this.host);
      if (fetched !== undefined) return fetched;
    } catch (error) {
      if (!(error instanceof FloeError) || path.startsWith('flake:')) throw error;
      this.host.log('warn', `Nix search path entry '${path}' cannot be downloaded, ignoring`);
      return null;
    }
    const found = this.#followLinks(canonicalPath(path, this.host.constants.workingFolder ?? '/'));
    if (found !== undefined) return found;
    this.host.log('warn', `Nix search path entry '${path}' does not exist, ignoring`);
    return null;
  }

  /** The path without links anywhere in it; undefined where nothing is there. */
  #followLinks(path: string): string | undefined {
    const { host } = this;
    const { storeDir } = host.constants;
    let resolved = '';
    let parts = path.split('/').filter((part) => part !== '');
    let followed = 0;
    while (parts.length > 0) {
      const next = `${resolved}/${parts[0]!}`;
      parts = parts.slice(1);
      let kind = host.pathKind(next);
      // The way to the store is there for programs, also where the store lies elsewhere on this machine.
      if (kind === undefined && `${storeDir}/`.startsWith(`${next}/`)) kind = 'directory';
      if (kind === undefined) return undefined;
      if (kind !== 'symlink') resolved = next;
      else {
        if (++followed >= MAX_LINKS) throw new EvalError(`too many symbolic links encountered while traversing the path '${path}'`);
        const target = canonicalPath(host.readLink(next), resolved === '' ? '/' : resolved);
        parts = [...target.split('/').filter((part) => part !== ''), ...parts];
        resolved = '';
      }
    }
    return resolved === '' ? '/' : resolved;
  }

  cache<T>(key: symbol, make: () => T): T {
    if (!this.#caches.has(key)) this.#caches.set(key, make());
    return this.#caches.get(key) as T;
  }

  pathCache<T extends string>(key: symbol): Map<string, T> {
    let known = this.#pathCaches.get(key);
    if (known === undefined) this.#pathCaches.set(key, (known = new Map()));
    return known as Map<string, T>;
  }
}

/** Where path literals of a source start. The home folder is asked for only when a literal needs it. */
class SourcePlace {
  readonly directory: string;
  readonly #host: EvalHost;
  constructor(directory: string, host: EvalHost) {
    this.directory = directory;
    this.#host = host;
  }
  get home(): string {
    return this.#host.getEnv('HOME');
  }
}

/** What is left of a name after a search path entry's prefix; undefined where the prefix does not match. */
function afterPrefix(prefix: string, name: string): string | undefined {
  if (prefix === '') return name;
  if (name === prefix) return '';
  return name.startsWith(`${prefix}/`) ? name.slice(prefix.length + 1) : undefined;
}

/** The tree behind `channel:name`, `flake:reference` and addresses, where files may be named like that; undefined for paths. */
export function fetchNamedTree(text: string, host: EvalHost): string | undefined {
  const request = namedTree(text);
  if (request === undefined) return undefined;
  const [tree] = host.fetchTrees([request]);
  return `${host.constants.storeDir}/${tree!.storePath}`;
}

function namedTree(text: string): Parameters<EvalHost['fetchTrees']>[0][number] | undefined {
  if (text.startsWith('flake:')) return { attrs: parseFlakeRef(text.slice('flake:'.length)).input, kind: 'tree' };
  if (text.startsWith('channel:'))
    return {
      attrs: { type: 'tarball', url: `https://channels.nixos.org/${text.slice('channel:'.length)}/nixexprs.tar.xz` },
      kind: 'tarball',
    };
  return /^(?:https?|file|channel|git|s3|ssh):\/\//.test(text) ? { attrs: { type: 'tarball', url: text }, kind: 'tarball' } : undefined;
}
