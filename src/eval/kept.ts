// What an evaluator keeps from one program to the next, where somebody (a process that stays) lets it: the values of locked flake inputs,
// files of their trees, and calls of functions that are such files (`import nixpkgs { inherit system; }`, kept-calls.ts). All of it is
// made of trees that are named by their hashes and of plain data, so it is what the next program would evaluate anew.
//
// A round is one program. An input is known by everything that a program can see of it: how it is locked, what its tree's attributes are,
// and the same of its own inputs. The flake that is asked for, and what depends on trees without a hash, is evaluated in each round.

import { hashBytes, printHash } from '../base/hash.ts';
import { splitStorePath, type StorePath } from '../model/store-path.ts';
import { Attrs, AttrsBuilder } from './attrs.ts';
import type { EvalHost, InputAttrs, LockedFlakeInfo } from './host.ts';
import { KEPT_ROUNDS, KeptCalls } from './kept-calls.ts';
import type { EvalState } from './state.ts';
import { internSymbol, symbolName } from './symbol.ts';
import { force, isString, type Lambda, peek, type Slot, stringText } from './value.ts';

interface LockNode {
  readonly locked?: Readonly<Record<string, string | number | boolean>>;
  readonly info?: Readonly<Record<string, string | number | boolean>>;
  readonly flake?: boolean;
  readonly inputs?: Readonly<Record<string, string | readonly string[]>>;
}

interface LockText {
  readonly root: string;
  readonly nodes: Readonly<Record<string, LockNode>>;
}

/** The value of an input, `{ outPath, sourceInfo, result }`, and what it was made with. */
interface KeptNode {
  readonly value: Attrs;
  readonly inputs: readonly string[];
}

/** A flake that is about to be evaluated: inputs that are there by names of nodes, and where to tell of all. */
export interface OpenedFlake {
  readonly known: Attrs;
  note(nodes: Attrs): void;
}

/** See the opening of this file. */
export class Kept {
  readonly calls: KeptCalls;
  private readonly nodes = new Map<string, KeptNode & { usedIn: number }>();
  /** Trees that are named by their hashes and lie in folders, with what messages and printed functions call them. */
  private readonly trees = new Map<StorePath, string>();
  /** A tree has another name than in an earlier round: what is kept of it would print the old one. */
  hasNewNames = false;
  /** Flakes of this round: all their nodes by name, and those that may be kept. */
  private readonly opened: { readonly nodes: Attrs; readonly keys: NodeKeys }[] = [];
  private round = 0;

  constructor() {
    this.calls = new KeptCalls((path, storeDir) => this.isFixed(path, storeDir));
  }

  begin(): void {
    this.round++;
    this.calls.begin();
  }

  /** Whether a path lies in a tree that is named by its hash. */
  isFixed(path: string, storeDir: string): boolean {
    if (!path.startsWith(`${storeDir}/`)) return false;
    const rest = path.slice(storeDir.length + 1);
    const slash = rest.indexOf('/');
    return this.trees.has((slash < 0 ? rest : rest.slice(0, slash)) as StorePath);
  }

  /** A locked tree was fetched for an input. */
  noteTree(host: EvalHost, storePath: StorePath, attrs: Readonly<Record<string, unknown>>): void {
    if (typeof attrs['narHash'] !== 'string' || host.treeFolder?.(storePath) === undefined) return;
    const name = host.showPath?.(`${host.constants.storeDir}/${storePath}`) ?? '';
    if (name !== (this.trees.get(storePath) ?? name)) this.hasNewNames = true;
    this.trees.set(storePath, name);
  }

  /** A file was evaluated to a function. */
  noteFunction(state: EvalState, path: string, fn: Lambda): void {
    if (this.isFixed(path, state.host.constants.storeDir)) this.calls.watch(fn, state);
  }

  /** Inputs of a flake that are known. Their trees are fetched, which for trees that lie here is a look at the store. */
  openFlake(state: EvalState, { lockFile, overrides }: LockedFlakeInfo): OpenedFlake {
    const lock = JSON.parse(lockFile) as LockText;
    const keys = nodeKeys(lock, overrides);
    const { host } = state;
    const known = new AttrsBuilder();
    const usable = new Map<string, boolean>();
    const isUsable = (name: string): boolean => {
      const before = usable.get(name);
      if (before !== undefined) return before;
      const kept = this.nodes.get(keys.get(name)?.key ?? '');
      const result =
        kept !== undefined && keys.get(name)!.inputs.every(isUsable) && this.isThere(host, kept, lock.nodes[name]!, overrides[name]);
      usable.set(name, result);
      if (result) kept.usedIn = this.round;
      return result;
    };
    for (const [name, { sourceInfo }] of Object.entries(overrides))
      if (keys.has(name)) this.noteTree(host, splitStorePath(sourceInfo.outPath, host.constants.storeDir)!.storePath, sourceInfo);
    for (const name of keys.keys()) if (isUsable(name)) known.setName(name, this.nodes.get(keys.get(name)!.key)!.value);
    return {
      known: known.build(),
      note: (nodes) => void this.opened.push({ nodes, keys }),
    };
  }

  /** Whether the tree of an input that was looked at before is still to be had. */
  private isThere(host: EvalHost, { value }: KeptNode, node: LockNode, given: LockedFlakeInfo['overrides'][string] | undefined): boolean {
    const storePath = treeOf(value, host);
    if (storePath === undefined) return true;
    if (given === undefined) {
      try {
        host.fetchTrees([{ attrs: { ...fetchAttrs(node), __final: true }, kind: 'tree' }]);
      } catch {
        return false;
      }
    }
    this.noteTree(host, storePath, node.locked ?? {});
    return host.treeFolder?.(storePath) !== undefined;
  }

  /** Folders of the trees that this round may read. */
  folders(host: EvalHost): string[] {
    return [...this.trees.keys()].flatMap((tree) => host.treeFolder?.(tree) ?? []);
  }

  /** Ends a round: what was made of trees that may change is forgotten. */
  end(host: EvalHost): void {
    for (const { nodes, keys } of this.opened.splice(0)) this.keepNodes(nodes, keys);
    for (const [key, { usedIn }] of this.nodes) if (this.round - usedIn >= KEPT_ROUNDS) this.nodes.delete(key);
    const isSound = (key: string): boolean => {
      const node = this.nodes.get(key);
      if (node === undefined) return false;
      const tree = treeOf(node.value, host);
      return (tree === undefined || this.trees.has(tree)) && node.inputs.every(isSound);
    };
    for (const key of [...this.nodes.keys()]) if (!isSound(key)) this.nodes.delete(key);
    this.calls.end();
  }

  private keepNodes(nodes: Attrs, keys: NodeKeys): void {
    nodes.keys().forEach((symbol, i) => {
      const known = keys.get(symbolName(symbol));
      // Inputs see the set of all nodes; the flake itself is not to be kept with them.
      if (known === undefined) nodes.slots()[i] = null;
      else {
        const inputs = known.inputs.map((input) => keys.get(input)!.key);
        this.nodes.set(known.key, { value: force(nodes.slots()[i]!) as Attrs, inputs, usedIn: this.round });
      }
    });
  }
}

/** The tree that an input was evaluated from; undefined where nobody has looked at it. */
function treeOf(node: Attrs, { constants }: EvalHost): StorePath | undefined {
  const at = (set: Slot | undefined, name: string): Slot | undefined => {
    const slot = set instanceof Attrs ? set.get(internSymbol(name)) : undefined;
    return slot === undefined ? undefined : peek(slot);
  };
  const outPath = at(at(node, 'sourceInfo'), 'outPath') as Parameters<typeof isString>[0] | undefined;
  return outPath !== undefined && isString(outPath) ? splitStorePath(stringText(outPath), constants.storeDir)?.storePath : undefined;
}

function fetchAttrs({ info = {}, locked = {} }: LockNode): InputAttrs {
  const { dir: _, ...rest } = { ...info, ...locked };
  return rest;
}

/** By names of nodes: what tells each from any other, and the names of its inputs. */
type NodeKeys = ReadonlyMap<string, { readonly key: string; readonly inputs: readonly string[] }>;

/** Nodes whose values follow from hashes; the root is not among them. */
function nodeKeys(lock: LockText, overrides: LockedFlakeInfo['overrides']): NodeKeys {
  const found = new Map<string, { readonly key: string; readonly inputs: readonly string[] } | undefined>();
  const nameOf = (input: string | readonly string[]): string =>
    typeof input === 'string' ? input : input.reduce((name, step) => nameOf(lock.nodes[name]!.inputs![step]!), lock.root);
  const visit = (name: string): { readonly key: string; readonly inputs: readonly string[] } | undefined => {
    if (found.has(name)) return found.get(name);
    // Inputs that need each other are met again while they are visited, and have no key.
    found.set(name, undefined);
    const node = lock.nodes[name]!;
    const { locked } = node;
    const isRelative = locked?.['type'] === 'path' && !String(locked['path']).startsWith('/');
    if (name === lock.root || locked === undefined || typeof locked['narHash'] !== 'string' || isRelative) return undefined;
    const inputs = Object.entries(node.inputs ?? {}).map(([input, to]) => [input, nameOf(to)] as const);
    const below = inputs.map(([input, to]) => [input, visit(to)?.key]);
    if (below.some(([, key]) => key === undefined)) return undefined;
    const text = JSON.stringify([locked, node.info ?? null, node.flake ?? true, overrides[name] ?? null, below], (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value,
    );
    const result = { key: printHash(hashBytes('sha256', text), 'base16'), inputs: inputs.map(([, to]) => to) };
    found.set(name, result);
    return result;
  };
  for (const name of Object.keys(lock.nodes)) visit(name);
  return new Map([...found].flatMap(([name, node]) => (node === undefined ? [] : [[name, node] as const])));
}
