// What a flake.nix declares: description, inputs, nixConfig, and the names its outputs function takes. Only literals count: Nix reads
// these without evaluating, so a call or an interpolation in them is "a thunk" and refused. Here the tree of the file is read, no
// evaluator is needed; the outputs themselves are the evaluator's. (Nix: readFlake in libflake/flake.cc; Value::isTrivial.)

import { compareStrings } from '../base/bytes.ts';
import { type Json, printJson } from '../base/canonical-json.ts';
import { EvalError, FloeError, IoError } from '../base/errors.ts';
import { internSymbol } from '../eval/symbol.ts';
import { AttrKind, type Attrs, NodeKind, type Node, PathForm } from '../lang/ast.ts';
import { bind, type GlobalNames } from '../lang/bind.ts';
import { parse } from '../lang/parser.ts';
import { fileSource, type Source } from '../lang/position.ts';
import { canonicalPath, type FlakeRef, flakeRefFromAttrs, parseFlakeRef, printFlakeRef } from '../model/flake-ref.ts';
import type { InputAttr, InputAttrs } from '../model/input-scheme.ts';
import { type InputPath, parseInputPath } from '../model/lock-file.ts';
import type { WarningSink } from '../model/url.ts';

/** The files of a flake's tree, as far as reading it needs them. Paths from the tree's root, "/a/b"; byte strings. */
export interface FlakeTree {
  kind(path: string): 'regular' | 'directory' | 'symlink' | 'unknown' | undefined;
  readFile(path: string): string;
  readLink(path: string): string;
}

/** A tree, and how messages call a path of it. */
export interface FlakeSource {
  readonly tree: FlakeTree;
  describe(path: string): string;
}

export interface FlakeInput {
  readonly ref: FlakeRef | undefined;
  /** False: only the files are wanted, and no flake.nix is looked for. */
  readonly isFlake: boolean;
  /** From the root of the lock file. */
  readonly follows: InputPath | undefined;
  /** What this flake wants of that input's own inputs. */
  readonly overrides: FlakeInputs;
  /** Nothing but an argument of `outputs`. */
  readonly isUndeclared?: boolean;
}

/** Sorted by name. */
export type FlakeInputs = ReadonlyMap<string, FlakeInput>;

export type ConfigValue = string | bigint | boolean | readonly string[] | { readonly path: string };

export interface FlakeFile {
  /** Of flake.nix in its tree. */
  readonly path: string;
  /** The folder of flake.nix, "" for the tree's root. */
  readonly folder: string;
  readonly source: FlakeSource;
  readonly description: string | undefined;
  readonly inputs: FlakeInputs;
  /** `inputs.self.*`: how the flake itself is to be fetched. */
  readonly selfAttrs: InputAttrs;
  /** `nixConfig`, sorted by name. */
  readonly config: ReadonlyMap<string, ConfigValue>;
}

export interface ReadFlakeOptions {
  /** Folder of flake.nix in the tree: "" or "/a/b". */
  readonly folder: string;
  /** For messages. */
  readonly ref: FlakeRef;
  /** Where this flake stands in the lock file; its `follows` are relative to it. */
  readonly lockPath: InputPath;
  readonly warn?: WarningSink | undefined;
  /** Names of the base environment: with them, undefined variables anywhere in the file are found now and not when they are evaluated. */
  readonly globals?: GlobalNames | undefined;
}

const MAX_LINKS = 1024;
const ELSEWHERE = '/\0'.repeat(64);

/** Reads flake.nix. EvalError, ParseError, or what reading the tree throws. */
export function readFlake(source: FlakeSource, options: ReadFlakeOptions): FlakeFile {
  const path = `${options.folder}/flake.nix`;
  const text = readText(source, path);
  return new Reader(source, path, text, options).read();
}

function readText(source: FlakeSource, path: string): string {
  try {
    return readFollowing(source.tree, path);
  } catch (error) {
    // Trees that know why a file cannot be seen (not tracked by git) say so themselves.
    const isLink = source.tree.kind('') === 'symlink';
    if (!(error instanceof IoError) || (!isLink && source.tree.kind(path) !== undefined)) throw error;
    throw new IoError(`path '${source.describe(path)}' does not exist`, {
      cause: error,
      hint: isLink
        ? 'a `path:` reference takes a symbolic link as it is: name the folder that it leads to'
        : 'a flake is a folder with a flake.nix in it',
    });
  }
}

function readFollowing(tree: FlakeTree, path: string): string {
  // The machine would follow the link out of the tree, where evaluation may not go.
  if (tree.kind('') === 'symlink') throw new IoError(`path '${path}' does not exist: the flake's folder is a symbolic link`);
  let current = path;
  for (let links = 0; tree.kind(current) === 'symlink'; links++) {
    if (links >= MAX_LINKS) throw new IoError(`too many symbolic links encountered while traversing the path '${path}'`);
    const target = tree.readLink(current);
    if (target.startsWith('/')) throw new EvalError(`symlink '${path}' points outside its tree, to '${target}'`);
    current = canonicalPath(target, current.slice(0, current.lastIndexOf('/')) || '/');
  }
  return tree.readFile(current);
}

/** A value as far as it is known without evaluating. */
type Literal =
  | { readonly type: 'string'; readonly text: string }
  | { readonly type: 'path'; readonly form: PathForm; readonly text: string }
  | { readonly type: 'integer'; readonly value: number | bigint }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'set'; readonly attrs: Attrs }
  | { readonly type: 'list'; readonly items: readonly Node[] }
  | { readonly type: 'function'; readonly formals: readonly string[] }
  | { readonly type: 'float' | 'null' | 'thunk' };

const TYPE_WORDS: Readonly<Record<Literal['type'], string>> = {
  string: 'a string',
  path: 'a path',
  integer: 'an integer',
  boolean: 'a Boolean',
  set: 'a set',
  list: 'a list',
  function: 'a function',
  float: 'a float',
  null: 'null',
  thunk: 'a thunk',
};

const MAX_SIGNED = 0x7fffffffffffffffn;

class Reader {
  private readonly source: FlakeSource;
  private readonly path: string;
  private readonly folder: string;
  private readonly options: ReadFlakeOptions;
  private readonly file: Source;
  /** Names that the top level itself has, where it is `rec`. */
  private top: Attrs | undefined;

  constructor(source: FlakeSource, path: string, text: string, options: ReadFlakeOptions) {
    this.source = source;
    this.path = path;
    this.folder = options.folder;
    this.options = options;
    this.file = fileSource(source.describe(path), text);
  }

  /** "file:line:column", as the messages of Nix end. */
  private at(offset: number): string {
    const place = this.file.at(offset);
    return place ? `${place.file}:${place.line}:${place.column}` : '«none»:0';
  }

  read(): FlakeFile {
    const { root, names } = parse(this.file, { warn: ({ message }) => this.options.warn?.(message) });
    // NIX: the evaluator's symbols, in C++ Nix's order.
    for (const name of [...names, 'inputs', 'nixConfig']) internSymbol(name);
    if (this.options.globals) bind(root, this.file, this.options.globals, { symbols: () => internSymbol });
    if (root.kind !== NodeKind.Attrs)
      throw new EvalError(`file '${this.file.path}' must be an attribute set`, { position: this.file.at(0) });
    this.top = root;
    const shown = printFlakeRef(this.options.ref);
    if (root.dynamic.length > 0) {
      throw new EvalError(`flake '${shown}' computes the name of an attribute, at ${this.at(root.dynamic[0]!.position)}`, {
        hint: 'the attributes of a flake.nix must be written out',
      });
    }
    let description: string | undefined;
    let inputs = new Map<string, FlakeInput>();
    let selfAttrs: InputAttrs = {};
    let config: ReadonlyMap<string, ConfigValue> = new Map();
    const defOf = (name: string) => root.attrs.find((def) => def.name === name);
    const descriptionDef = defOf('description');
    if (descriptionDef) description = this.expect('string', descriptionDef.value, descriptionDef.position, root).text;
    const inputsDef = defOf('inputs');
    if (inputsDef) ({ inputs, selfAttrs } = this.readInputs(inputsDef.value, inputsDef.position, root, true));
    const outputsDef = defOf('outputs');
    if (!outputsDef) throw new EvalError(`flake '${shown}' lacks attribute 'outputs'`, { data: { file: this.file.path } });
    for (const name of this.expect('function', outputsDef.value, outputsDef.position, root).formals) {
      if (name !== 'self' && !inputs.has(name))
        inputs.set(name, { ref: parseFlakeRef(name), isFlake: true, follows: undefined, overrides: new Map(), isUndeclared: true });
    }
    const configDef = defOf('nixConfig');
    if (configDef) config = this.readConfig(configDef.value, configDef.position, root);
    const known = new Set(['description', 'inputs', 'outputs', 'nixConfig']);
    const unknown = root.attrs.find(({ name }) => !known.has(name));
    if (unknown) throw new EvalError(`flake '${shown}' has an unsupported attribute '${unknown.name}', at ${this.at(unknown.position)}`);
    return { path: this.path, folder: this.folder, source: this.source, description, inputs: sorted(inputs), selfAttrs, config };
  }

  /** What Nix would find in the attribute's slot without forcing it, or after forcing only what is trivial. */
  private literal(node: Node, scope: Attrs, trivial: boolean): Literal {
    switch (node.kind) {
      case NodeKind.String:
        return { type: 'string', text: node.value };
      case NodeKind.Path:
        return { type: 'path', form: node.form, text: node.text };
      case NodeKind.Int:
        return { type: 'integer', value: node.value };
      case NodeKind.Float:
        return { type: 'float' };
      case NodeKind.Var:
        return this.variable(node.name, scope, trivial);
      case NodeKind.List:
        return trivial || node.items.length === 0 ? { type: 'list', items: node.items } : { type: 'thunk' };
      case NodeKind.Attrs:
        return trivial && node.dynamic.length === 0 ? { type: 'set', attrs: node } : { type: 'thunk' };
      case NodeKind.Lambda:
        return trivial ? { type: 'function', formals: node.formals?.map(({ name }) => name) ?? [] } : { type: 'thunk' };
      default:
        return { type: 'thunk' };
    }
  }

  private variable(name: string, scope: Attrs, trivial: boolean): Literal {
    for (const frame of new Set([scope, this.top])) {
      const def = frame?.recursive ? frame.attrs.find((candidate) => candidate.name === name) : undefined;
      if (def && def.attrKind === AttrKind.Plain && def.value.kind !== NodeKind.Var) return this.literal(def.value, frame!, trivial);
    }
    if (name === 'true' || name === 'false') return { type: 'boolean', value: name === 'true' };
    if (name === 'null') return { type: 'null' };
    return name === 'builtins' ? { type: 'thunk' } : { type: 'function', formals: [] };
  }

  private expect<T extends Literal['type']>(type: T, node: Node, position: number, scope: Attrs): Extract<Literal, { type: T }> {
    const literal = this.literal(node, scope, true);
    if (literal.type === type) return literal as Extract<Literal, { type: T }>;
    throw new EvalError(`expected ${TYPE_WORDS[type]} but got ${TYPE_WORDS[literal.type]} at ${this.at(position)}`, {
      position: this.file.at(position),
      hint: 'the head of a flake.nix (everything but its outputs) must be written out literally, it is read without being evaluated',
    });
  }

  private readInputs(
    node: Node,
    position: number,
    scope: Attrs,
    allowSelf: boolean,
  ): { inputs: Map<string, FlakeInput>; selfAttrs: InputAttrs } {
    const inputs = new Map<string, FlakeInput>();
    const selfAttrs: Record<string, InputAttr> = {};
    const { attrs } = this.expect('set', node, position, scope);
    for (const def of attrs.attrs) {
      if (def.name !== 'self') {
        inputs.set(def.name, this.readInput(def.value, def.position, attrs));
        continue;
      }
      if (!allowSelf) throw new EvalError(`'self' input attribute not allowed at ${this.at(def.position)}`);
      const self = this.expect('set', def.value, def.position, attrs).attrs;
      for (const attr of self.attrs) selfAttrs[attr.name] = this.inputAttr(attr.name, attr.value, self);
    }
    return { inputs, selfAttrs };
  }

  private inputAttr(name: string, node: Node, scope: Attrs): InputAttr {
    if (name === 'publicKeys') return printJson(this.json(name, node, scope));
    const literal = this.literal(node, scope, false);
    switch (literal.type) {
      case 'string':
        return literal.text;
      case 'boolean':
        return literal.value;
      case 'integer':
        return literal.value;
      default:
        throw new EvalError(
          `flake input attribute '${name}' is ${TYPE_WORDS[literal.type]} while a string, Boolean, or integer is expected`,
        );
    }
  }

  private json(name: string, node: Node, scope: Attrs): Json {
    const literal = this.literal(node, scope, true);
    switch (literal.type) {
      case 'string':
        return literal.text;
      case 'boolean':
      case 'integer':
        return literal.value;
      case 'list':
        return literal.items.map((item) => this.json(name, item, scope));
      case 'set': {
        const { attrs } = literal;
        return sorted(new Map(attrs.attrs.map((def): [string, Json] => [def.name, this.json(name, def.value, attrs)])));
      }
      default:
        throw new EvalError(`flake input attribute '${name}' holds ${TYPE_WORDS[literal.type]}, which has no JSON form here`);
    }
  }

  private readInput(node: Node, position: number, scope: Attrs): FlakeInput {
    const { attrs: set } = this.expect('set', node, position, scope);
    const attrs: Record<string, InputAttr> = {};
    let url: string | undefined;
    let isFlake = true;
    let follows: InputPath | undefined;
    let overrides: FlakeInputs = new Map();
    for (const def of set.attrs) {
      try {
        if (def.name === 'url') {
          url = this.inputUrl(def.value, def.position, set);
          attrs['url'] = url;
        } else if (def.name === 'flake') isFlake = this.expect('boolean', def.value, def.position, set).value;
        else if (def.name === 'inputs') overrides = sorted(this.readInputs(def.value, def.position, set, false).inputs);
        else if (def.name === 'follows')
          follows = [...this.options.lockPath, ...parseInputPath(this.expect('string', def.value, def.position, set).text)];
        else attrs[def.name] = this.inputAttr(def.name, def.value, set);
      } catch (error) {
        if (error instanceof FloeError)
          error.frames.push({ text: `while evaluating flake attribute '${def.name}'`, position: this.file.at(def.position) });
        throw error;
      }
    }
    const ref = this.inputRef(attrs, url, isFlake, position);
    if (ref && follows) throw new EvalError(`flake input has both a flake reference and a follows attribute, at ${this.at(position)}`);
    return { ref, isFlake, follows, overrides };
  }

  private inputRef(attrs: InputAttrs, url: string | undefined, isFlake: boolean, position: number): FlakeRef | undefined {
    if (Object.hasOwn(attrs, 'type')) {
      try {
        return flakeRefFromAttrs(attrs);
      } catch (error) {
        if (error instanceof FloeError) error.frames.push({ text: 'while evaluating flake input', position: this.file.at(position) });
        throw error;
      }
    }
    const stray = Object.keys(attrs)
      .filter((name) => name !== 'url')
      .sort(compareStrings)[0];
    if (stray !== undefined) throw new EvalError(`unexpected flake input attribute '${stray}', at ${this.at(position)}`);
    return url === undefined ? undefined : parseFlakeRef(url, { isFlake, preserveRelativePaths: true, warn: this.options.warn });
  }

  private inputUrl(node: Node, position: number, scope: Attrs): string {
    const literal = this.literal(node, scope, true);
    if (literal.type === 'string') return literal.text;
    if (literal.type !== 'path')
      throw new EvalError(`expected a string or a path but got ${TYPE_WORDS[literal.type]} at ${this.at(position)}`);
    if (literal.form !== PathForm.Relative) {
      throw new EvalError(
        `input attribute path '${literal.text}' at ${this.at(position)} must be in the same source tree as ${this.source.describe(this.folder === '' ? '/' : this.folder)}`,
      );
    }
    // Below a place of which no path can name a part, so that a way out of the tree stays a way out.
    const base = `${ELSEWHERE}${this.folder}`;
    return `path:${relativePath(base, canonicalPath(literal.text, base))}`;
  }

  private readConfig(node: Node, position: number, scope: Attrs): ReadonlyMap<string, ConfigValue> {
    const { attrs } = this.expect('set', node, position, scope);
    const config = new Map<string, ConfigValue>();
    for (const { name, value } of attrs.attrs) {
      const literal = this.literal(value, attrs, true);
      switch (literal.type) {
        case 'string':
          config.set(name, literal.text);
          break;
        case 'boolean':
          config.set(name, literal.value);
          break;
        case 'integer':
          config.set(name, BigInt(literal.value));
          break;
        case 'path':
          config.set(name, { path: canonicalPath(literal.text, this.folder === '' ? '/' : this.folder) });
          break;
        case 'list':
          config.set(
            name,
            literal.items.map((item) => this.configElement(name, item, attrs)),
          );
          break;
        default:
          throw new EvalError(`flake configuration setting '${name}' is ${TYPE_WORDS[literal.type]}`);
      }
    }
    return sorted(config);
  }

  private configElement(name: string, item: Node, scope: Attrs): string {
    const literal = this.literal(item, scope, false);
    if (literal.type === 'string') return literal.text;
    throw new EvalError(`list element in flake configuration setting '${name}' is ${TYPE_WORDS[literal.type]} while a string is expected`);
  }
}

function sorted<T>(map: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...map].sort(([a], [b]) => compareStrings(a, b)));
}

/** The way from one folder to another path, both canonical: "." or "a/b" or "../a". */
function relativePath(from: string, to: string): string {
  const start = from.split('/').filter((segment) => segment !== '');
  const end = to.split('/').filter((segment) => segment !== '');
  let common = 0;
  while (common < start.length && common < end.length && start[common] === end[common]) common++;
  const way = [...start.slice(common).map(() => '..'), ...end.slice(common)];
  return way.length === 0 ? '.' : way.join('/');
}

/** A configuration value as the text of a setting. */
export function printConfigValue(value: Exclude<ConfigValue, { readonly path: string }>): string {
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return String(value > MAX_SIGNED ? BigInt.asIntN(64, value) : value);
  // NIX: empty words at the beginning are dropped (2.34.8).
  return value.join(' ').replace(/^ +/, '');
}
