// `why-depends`: the ways from a store object to one in its closure, and the files that make them. nix/why-depends.cc.

import * as fs from 'node:fs';
import { compareStrings, utf8ToByteString } from '../base/bytes.ts';
import { FloeError } from '../base/errors.ts';
import { type StorePath, storePathHash } from '../model/store-path.ts';
import { systemPath } from '../store/local/system-error.ts';
import type { Engine } from './engine.ts';
import type { Target } from './installables.ts';
import { storePathsOf } from './store-paths.ts';
import { StoreQueries } from './store-queries.ts';

export interface WhyDependsOptions {
  /** All ways, not only a shortest one. */
  readonly all: boolean;
  /** Show the files that hold the references. */
  readonly precise: boolean;
  /** Of the derivations, not their outputs. */
  readonly derivation: boolean;
}

const [BRANCH, LAST_BRANCH, PAST_BRANCH, ARROW, DOTS] = ['├───', '└───', '│   ', '→ ', '…'].map(utf8ToByteString) as [
  string,
  string,
  string,
  string,
  string,
];
const PAST_LAST = '    ';
const [GREEN, BLUE, GREY, NORMAL] = ['\x1b[32;1m', '\x1b[34;1m', '\x1b[38;5;244m', '\x1b[0m'];
/** Bytes shown on both sides of a reference. */
const MARGIN = 32;

/** Lines, byte strings; undefined where there is no such dependency. The package is built, the dependency is not. */
export async function whyDepends(
  engine: Engine,
  target: Target,
  dependency: Target,
  options: WhyDependsOptions,
): Promise<Iterable<string> | undefined> {
  const from = await onePath(engine, target, options.derivation, true);
  if (from === undefined) throw notOnePath(target);
  // What nobody knows yet, though the target was built, the target did not need.
  const to = await onePath(engine, dependency, options.derivation, false);
  if (to === undefined) return undefined;
  const closure = await new StoreQueries(engine).closure([from]);
  return closure.has(to) ? new DependencyTree(engine, closure, from, to, options).lines() : undefined;
}

async function onePath(engine: Engine, target: Target, derivation: boolean, build: boolean): Promise<StorePath | undefined> {
  const paths =
    build && !derivation
      ? (await engine.builds.build(target.derivedPaths())).flatMap(({ outputs }) => [...outputs.values()])
      : await storePathsOf(engine, [target], { derivation, recursive: false });
  if (new Set(paths).size > 1) throw notOnePath(target);
  return paths[0];
}

function notOnePath({ what }: Target): FloeError {
  return new FloeError('FLOE_USAGE', `argument '${what}' should evaluate to one store path`);
}

class DependencyTree {
  private readonly engine: Engine;
  private readonly references = new Map<StorePath, readonly StorePath[]>();
  private readonly from: StorePath;
  private readonly to: StorePath;
  private readonly options: WhyDependsOptions;
  /** Steps to the dependency, of the paths that lead there. */
  private readonly distance = new Map<StorePath, number>();
  private readonly visited = new Set<StorePath>();

  constructor(engine: Engine, closure: Iterable<StorePath>, from: StorePath, to: StorePath, options: WhyDependsOptions) {
    this.engine = engine;
    this.from = from;
    this.to = to;
    this.options = options;
    const queries = new StoreQueries(engine);
    const referrers = new Map<StorePath, StorePath[]>();
    for (const path of closure) {
      const references = [...queries.info(path).references].sort(compareStrings);
      this.references.set(path, references);
      for (const reference of references) referrers.set(reference, [...(referrers.get(reference) ?? []), path]);
    }
    this.distance.set(to, 0);
    // A map that grows while it is walked gives what is added too: a search by breadth.
    for (const [path, steps] of this.distance) {
      for (const referrer of referrers.get(path) ?? []) if (!this.distance.has(referrer)) this.distance.set(referrer, steps + 1);
    }
  }

  *lines(): Generator<string, void, undefined> {
    if (!this.options.precise) yield this.printed(this.from);
    yield* this.node(this.from, '', '');
  }

  private printed(path: StorePath): string {
    return `${this.engine.storeDir}/${path}`;
  }

  private shade(path: StorePath): string {
    return this.visited.has(path) ? GREY : '';
  }

  /** References that lead to the dependency, those nearest to it first. */
  private leading(path: StorePath): StorePath[] {
    const found = this.references.get(path)!.filter((one) => this.distance.has(one) && !(one === path && this.from !== this.to));
    return found.sort((a, b) => this.distance.get(a)! - this.distance.get(b)!);
  }

  /** Gives true where the one way that was asked for has been told. */
  private *node(path: StorePath, firstPad: string, tailPad: string): Generator<string, boolean, undefined> {
    const { all, precise } = this.options;
    if (precise) yield `${firstPad}${this.shade(path)}${firstPad === '' ? '' : ARROW}${this.printed(path)}${NORMAL}`;
    if (path === this.to && !all && this.from !== this.to) return true;
    if (this.visited.has(path)) return false;
    if (precise) this.visited.add(path);
    const leading = this.leading(path);
    const hits = precise ? this.hits(path, leading) : undefined;
    for (const [index, reference] of leading.entries()) {
      const isLast = !all || index === leading.length - 1;
      const branch = isLast ? LAST_BRANCH : BRANCH;
      const past = isLast ? PAST_LAST : PAST_BRANCH;
      const shown = hits?.get(reference) ?? [];
      for (const [number, hit] of (all ? shown : shown.slice(0, 1)).entries()) yield `${tailPad}${number === 0 ? branch : past}${hit}`;
      if (!precise) {
        yield `${firstPad}${this.shade(reference)}${branch}${this.printed(reference)}${NORMAL}`;
        this.visited.add(path);
      }
      if (yield* this.node(reference, tailPad + past, tailPad + past)) return true;
    }
    return false;
  }

  /** The files of an object that hold the hashes of these paths, as lines. */
  private hits(path: StorePath, wanted: readonly StorePath[]): Map<StorePath, string[]> {
    const hits = new Map<StorePath, string[]>(wanted.map((one) => [one, []]));
    const root = this.engine.store.toRealPath(path);
    const visit = (below: string): void => {
      const place = systemPath(root + below);
      const stats = fs.lstatSync(place);
      const shown = below === '' ? '/' : below.slice(1);
      if (stats.isDirectory()) {
        const names = fs.readdirSync(place, { encoding: 'latin1' as BufferEncoding }).sort(compareStrings);
        for (const name of names) visit(`${below}/${name}`);
      } else if (stats.isSymbolicLink()) {
        const target = fs.readlinkSync(place, 'latin1' as BufferEncoding);
        this.find(Buffer.from(target, 'latin1'), hits, (at, hash, colour) => {
          return `${shown} -> ${target.slice(0, at)}${colour}${hash}${NORMAL}${target.slice(at + hash.length)}`;
        });
      } else if (stats.isFile()) {
        const contents = fs.readFileSync(place);
        this.find(contents, hits, (at, hash, colour) => {
          const before = printable(contents.subarray(Math.max(0, at - MARGIN), at));
          const after = printable(contents.subarray(at + hash.length, at + hash.length + MARGIN));
          return `${shown}: ${DOTS}${before}${colour}${hash}${NORMAL}${after}${DOTS}`;
        });
      }
    };
    visit('');
    return hits;
  }

  private find(
    bytes: Buffer,
    hits: ReadonlyMap<StorePath, string[]>,
    describe: (at: number, hash: string, colour: string) => string,
  ): void {
    for (const [path, lines] of hits) {
      const hash = storePathHash(path);
      const at = bytes.indexOf(hash, 0, 'latin1');
      if (at >= 0) lines.push(describe(at, hash, path === this.to ? GREEN : BLUE));
    }
  }
}

/** Bytes that are no printable ASCII become points. */
function printable(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
}
