// Questions about store objects as commands ask them: paths that users type, closures in both directions, trees and graphs as text,
// roots. What needs one query of the store alone is asked there. libstore/misc.cc, nix-store/nix-store.cc.

import { resolve } from 'node:path';
import { compareStrings } from '../base/bytes.ts';
import { FloeError, FormatError, UsageError } from '../base/errors.ts';
import type { Derivation } from '../model/derivation.ts';
import type { PathInfo } from '../model/path-info.ts';
import { isDerivationPath, splitStorePath, type StorePath, storePathName } from '../model/store-path.ts';
import { closureSync, sortTopologically } from '../store/closure.ts';
import type { MachineStore } from '../store/local/machine-store.ts';
import type { Engine } from './engine.ts';

/** Which edges a closure follows. */
export interface ClosureOptions {
  /** Towards referrers instead of references. */
  readonly referrers?: boolean;
  /** Derivations have their valid outputs with them; towards referrers, outputs their derivers. */
  readonly outputs?: boolean;
  /** The other way round. */
  readonly derivers?: boolean;
}

const DOT_COLOURS = ['black', 'red', 'green', 'blue', 'magenta', 'burlywood'];

/** Asks one engine's store. */
export class StoreQueries {
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  private get store(): MachineStore {
    return this.engine.store;
  }

  private printed(path: StorePath): string {
    return `${this.engine.storeDir}/${path}`;
  }

  /** The store path that a typed path is, lies in, or leads to over symbolic links, and the rest ("" or "/..."). */
  locate(text: string): { readonly storePath: StorePath; readonly rest: string } {
    const path = resolve(this.engine.cwd, text);
    const followed = this.engine.storeAccess.followToStore(path);
    const found = followed === undefined ? undefined : splitStorePath(followed, this.engine.storeDir);
    if (found === undefined) throw new FormatError(`path "${path}" is not in the Nix store`);
    return found;
  }

  resolve(text: string): StorePath {
    return this.locate(text).storePath;
  }

  /** A typed path with `!output,...` behind it. */
  resolveWithOutputs(text: string): { readonly path: StorePath; readonly outputs: readonly string[] } {
    const mark = text.indexOf('!');
    if (mark < 0) return { path: this.resolve(text), outputs: [] };
    return {
      path: this.resolve(text.slice(0, mark)),
      outputs: text
        .slice(mark + 1)
        .split(',')
        .filter((name) => name !== ''),
    };
  }

  /** InvalidPathError where the path is not valid. */
  info(path: StorePath): PathInfo {
    return this.store.requirePathInfoSync(path);
  }

  /** A derivation; fetched first where the store does not have it. */
  async derivation(path: StorePath): Promise<Derivation> {
    if (!this.store.isValidPathSync(path)) await this.engine.builds.build([{ kind: 'opaque', path }], { quiet: true });
    this.engine.reads?.valid(path);
    return this.store.readDerivationSync(path);
  }

  /** The path itself where it is a derivation, else its deriver. */
  deriverOf(path: StorePath): StorePath {
    if (isDerivationPath(path)) return path;
    const { deriver } = this.info(path);
    if (deriver === undefined) throw new FloeError('FLOE_NO_DERIVER', `deriver of path '${this.printed(path)}' is not known`);
    return deriver;
  }

  /** Where a derivation's outputs are or will be, in the order of their paths. */
  async outputsOf(derivation: StorePath): Promise<StorePath[]> {
    const paths: StorePath[] = [];
    const read = await this.derivation(derivation);
    for (const [name, output] of read.outputs) {
      const path = 'path' in output ? output.path : this.store.realisations?.outputPath(read, name);
      if (path === undefined) {
        throw new UsageError(
          'Cannot use output path of floating content-addressing derivation until we know what it is (e.g. by building it)',
        );
      }
      paths.push(path);
    }
    return paths.sort(compareStrings);
  }

  private validOutputs(derivation: StorePath): StorePath[] {
    return [...this.store.queryDerivationOutputsSync(derivation).values()].filter((output) => this.store.isValidPathSync(output));
  }

  /** Everything reachable from valid paths, themselves included. */
  async closure(roots: Iterable<StorePath>, options: ClosureOptions = {}): Promise<Set<StorePath>> {
    if (options.referrers === true) return this.referrersClosure(roots, options);
    return closureSync(roots, (path) => {
      const { references, deriver } = this.info(path);
      const edges = [...references];
      if (options.outputs === true && isDerivationPath(path)) edges.push(...this.validOutputs(path));
      if (options.derivers === true && deriver !== undefined && this.store.isValidPathSync(deriver)) edges.push(deriver);
      return edges;
    });
  }

  private async referrersClosure(roots: Iterable<StorePath>, options: ClosureOptions): Promise<Set<StorePath>> {
    const closure = new Set(roots);
    // A set that grows while it is walked gives what is added too.
    for (const path of closure) {
      this.info(path);
      for (const referrer of await this.store.queryReferrers(path)) closure.add(referrer);
      if (options.outputs === true) for (const deriver of await this.store.queryValidDerivers(path)) closure.add(deriver);
      if (options.derivers === true && isDerivationPath(path)) for (const output of this.validOutputs(path)) closure.add(output);
    }
    return closure;
  }

  /** References first. Paths that are not valid have none. */
  sorted(paths: Iterable<StorePath>): StorePath[] {
    return sortTopologically(paths, (path) => this.store.queryPathInfoSync(path)?.references ?? []);
  }

  /** What `nix-store --query --tree` prints, line by line; what was printed before is not unfolded again. */
  *treeLines(path: StorePath, done: Set<StorePath>, firstPad = '', tailPad = ''): Generator<string, void, undefined> {
    if (done.has(path)) {
      yield `${firstPad}${this.printed(path)} [...]`;
      return;
    }
    done.add(path);
    yield `${firstPad}${this.printed(path)}`;
    // NIX: a reference to itself counts here, and is printed as seen before.
    const references = this.sorted(this.info(path).references);
    for (const [index, reference] of references.entries()) {
      const isLast = index + 1 === references.length;
      yield* this.treeLines(reference, done, tailPad + (isLast ? '└───' : '├───'), tailPad + (isLast ? '    ' : '│   '));
    }
  }

  /** Each path of the closure with its edges, in the order of C++ Nix's graphs: always the first of those that are known. */
  private *walk(roots: Iterable<StorePath>): Generator<PathInfo, void, undefined> {
    const todo = new Set(roots);
    const done = new Set<StorePath>();
    while (todo.size > 0) {
      let path: StorePath | undefined;
      for (const one of todo) if (path === undefined || one < path) path = one;
      todo.delete(path!);
      if (done.has(path!)) continue;
      done.add(path!);
      const info = this.info(path!);
      yield info;
      for (const reference of info.references) if (reference !== path) todo.add(reference);
    }
  }

  /** The closure as a graph for dot (`--graph`). */
  dotGraph(roots: Iterable<StorePath>): string {
    let text = 'digraph G {\n';
    let edges = 0;
    for (const { path, references } of this.walk(roots)) {
      text += `"${path}" [label = "${storePathName(path)}", shape = box, style = filled, fillcolor = "#ff0000"];\n`;
      for (const reference of references) {
        if (reference !== path) text += `"${reference}" -> "${path}" [color = "${DOT_COLOURS[edges++ % DOT_COLOURS.length]}"];\n`;
      }
    }
    return `${text}}\n`;
  }

  /** The closure as GraphML (`--graphml`). */
  graphMl(roots: Iterable<StorePath>): string {
    let text =
      "<?xml version='1.0' encoding='utf-8'?>\n" +
      "<graphml xmlns='http://graphml.graphdrawing.org/xmlns'\n" +
      "    xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'\n" +
      "    xsi:schemaLocation='http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd'>\n" +
      "<key id='narSize' for='node' attr.name='narSize' attr.type='long'/>" +
      "<key id='name' for='node' attr.name='name' attr.type='string'/>" +
      "<key id='type' for='node' attr.name='type' attr.type='string'/>" +
      "<graph id='G' edgedefault='directed'>\n";
    for (const { path, narSize, references } of this.walk(roots)) {
      const name = storePathName(path);
      const type = isDerivationPath(path) ? 'derivation' : 'output-path';
      const data = [`narSize">${narSize}`, `name">${name.slice(0, name.indexOf('-') + 1)}`, `type">${type}`];
      text += `  <node id="${path}">\n${data.map((one) => `    <data key="${one}</data>\n`).join('')}  </node>\n`;
      for (const reference of references) if (reference !== path) text += `  <edge source="${path}" target="${reference}"/>\n`;
    }
    return `${text}</graph>\n</graphml>\n`;
  }

  /** Roots from which one of the paths is reached, as link and target, in order. */
  async rootsOf(paths: readonly StorePath[]): Promise<{ readonly link: string; readonly target: StorePath }[]> {
    const { settings } = this.engine;
    const reaching = await this.closure(paths, {
      referrers: true,
      outputs: settings.get('keep-outputs'),
      derivers: settings.get('keep-derivations'),
    });
    return this.roots().filter(({ target }) => reaching.has(target));
  }

  /** All roots, in the order of their links. */
  roots(): { readonly link: string; readonly target: StorePath }[] {
    const pairs = [...this.store.findRoots()].flatMap(([target, links]) => [...links].map((link) => ({ link, target })));
    return pairs.sort((a, b) => compareFilePaths(a.link, b.link) || compareStrings(a.target, b.target));
  }
}

/** By components, as C++ orders file paths. */
function compareFilePaths(a: string, b: string): number {
  const left = a.split('/');
  const right = b.split('/');
  for (let i = 0; i < left.length && i < right.length; i++) {
    const order = compareStrings(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
