// A tree for the debugger: at the points where it may stop (calls, bodies of functions and of `let`, whole files) expressions are wrapped in
// calls of `__debugPoint`, which gets the point's number and the values of the names in scope there. The tree then means the same, and
// evaluation itself knows of no debugger. Points are those of C++ Nix 2.34.8 (makeDebugTraceStacker in libexpr/eval.cc).

import { AttrDef, AttrKind, Attrs, Call, Formal, Int, Lambda, Let, List, type Node, NO_POSITION, Select, Var, With } from './ast.ts';
import type { Source } from './position.ts';

/** The name that the wrapping calls have; no program can write a variable of that name by accident. */
export const DEBUG_POINT = '__debugPoint';

/** Names in scope, one level: those of a function, a `let` or a recursive set, or whatever the set of a `with` has. */
export interface DebugFrame {
  readonly isWith: boolean;
  readonly names: readonly string[];
}

/** A place where evaluation may stop. */
export interface DebugPoint {
  readonly source: Source;
  /** In the source, or NO_POSITION. */
  readonly offset: number;
  readonly kind: 'call' | 'select' | 'function' | 'let' | 'file';
  /** Of a function or file, or the path that is selected; null for a function without one. */
  readonly name: string | null;
  /** Innermost first. */
  readonly frames: readonly DebugFrame[];
}

/** A frame and the node that gives its values as a set. */
interface Scope extends DebugFrame {
  readonly values: () => Node;
}

/** Sets larger than that are named in lists of names, but their values are not carried along. */
const MOST_CARRIED = 200;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A set of names that are variables here. */
function setOfNames(names: readonly string[]): Attrs {
  const set = new Attrs(NO_POSITION);
  const carried = names.length > MOST_CARRIED ? [] : names;
  set.attrs = carried.map((name) => new AttrDef(name, new Var(NO_POSITION, name), NO_POSITION, AttrKind.Inherited));
  return set;
}

class Instrumenter {
  private readonly source: Source;
  private readonly points: DebugPoint[];
  private hidden = 0;

  constructor(source: Source, points: DebugPoint[]) {
    this.source = source;
    this.points = points;
  }

  point(node: Node, scopes: readonly Scope[], kind: DebugPoint['kind'], offset: number, name: string | null = null): Node {
    const number = this.points.length;
    this.points.push({ source: this.source, offset, kind, name, frames: scopes.map(({ isWith, names }) => ({ isWith, names })) });
    const values = new List(
      NO_POSITION,
      scopes.map((scope) => scope.values()),
    );
    return new Call(NO_POSITION, new Var(NO_POSITION, DEBUG_POINT), [new Int(NO_POSITION, number), values, node]);
  }

  private hiddenName(): string {
    return `${DEBUG_POINT}Scope${this.points.length}_${this.hidden++}`;
  }

  visitAll(nodes: readonly Node[], scopes: readonly Scope[]): Node[] {
    return nodes.map((node) => this.visit(node, scopes));
  }

  visit(node: Node, scopes: readonly Scope[]): Node {
    if (node instanceof Lambda) return this.lambda(node, scopes);
    if (node instanceof Let) return this.let(node, scopes);
    if (node instanceof With) return this.with(node, scopes);
    if (node instanceof Attrs) return this.set(node, scopes);
    if (node instanceof Call) {
      const call = node as Writable<Call>;
      call.callee = this.visit(node.callee, scopes);
      call.args = this.visitAll(node.args, scopes);
      return this.point(node, scopes, 'call', node.position);
    }
    // All other nodes evaluate their parts where they stand themselves.
    const fields = node as unknown as Record<string, unknown>;
    for (const [key, value] of Object.entries(fields)) {
      if (Array.isArray(value)) fields[key] = value.map((item: unknown) => (isNode(item) ? this.visit(item, scopes) : item));
      else if (isNode(value)) fields[key] = this.visit(value, scopes);
    }
    // `let { body = ...; }` selects nothing that anybody wrote.
    if (!(node instanceof Select) || node.position === NO_POSITION) return node;
    const path = node.path.map((name) => (typeof name === 'string' ? name : '${...}')).join('.');
    return this.point(node, scopes, 'select', node.position, path);
  }

  private lambda(node: Lambda, scopes: readonly Scope[]): Node {
    const lambda = node as Writable<Lambda>;
    const formals = (node.formals ?? []).map(({ name }) => name);
    const names = node.parameter === null ? formals : [node.parameter, ...formals];
    const hidden = this.hiddenName();
    const inner = [{ isWith: false, names, values: () => new Var(NO_POSITION, hidden) }, ...scopes];
    // Defaults are evaluated beside the hidden name, not below it.
    const direct = [{ isWith: false, names, values: () => setOfNames(names) }, ...scopes];
    if (node.formals !== null)
      lambda.formals = node.formals.map(
        ({ position, name, fallback }) => new Formal(position, name, fallback === null ? null : this.visit(fallback, direct)),
      );
    const body = this.visit(node.body, inner);
    const bindings = new Attrs(NO_POSITION);
    bindings.attrs = [new AttrDef(hidden, setOfNames(names), NO_POSITION, AttrKind.Plain)];
    lambda.body = new Let(NO_POSITION, bindings, this.point(body, inner, 'function', node.position, node.name));
    return node;
  }

  private let(node: Let, scopes: readonly Scope[]): Node {
    const { attrs } = node;
    const names = attrs.attrs.map(({ name }) => name);
    const hidden = this.hiddenName();
    const inner = [{ isWith: false, names, values: () => new Var(NO_POSITION, hidden) }, ...scopes];
    this.bindings(attrs, scopes, inner);
    // A new list: the slots of inherited sets follow those of the names.
    attrs.attrs = [...attrs.attrs, new AttrDef(hidden, setOfNames(names), NO_POSITION, AttrKind.Plain)];
    attrs.index = null;
    (node as Writable<Let>).body = this.point(this.visit(node.body, inner), inner, 'let', NO_POSITION);
    return node;
  }

  private with(node: With, scopes: readonly Scope[]): Node {
    const hidden = this.hiddenName();
    const bindings = new Attrs(NO_POSITION);
    bindings.attrs = [new AttrDef(hidden, this.visit(node.set, scopes), NO_POSITION, AttrKind.Plain)];
    const statement = node as Writable<With>;
    statement.set = new Var(NO_POSITION, hidden);
    statement.body = this.visit(node.body, [{ isWith: true, names: [], values: () => new Var(NO_POSITION, hidden) }, ...scopes]);
    return new Let(NO_POSITION, bindings, node);
  }

  private set(node: Attrs, scopes: readonly Scope[]): Node {
    const names = node.attrs.map(({ name }) => name);
    this.bindings(node, scopes, node.recursive ? [{ isWith: false, names, values: () => setOfNames(names) }, ...scopes] : scopes);
    return node;
  }

  /** Values of bindings: inherited names are evaluated outside. */
  private bindings(node: Attrs, outer: readonly Scope[], inner: readonly Scope[]): void {
    for (const definition of node.attrs) {
      if (definition.attrKind === AttrKind.InheritedFrom) continue;
      (definition as Writable<AttrDef>).value = this.visit(definition.value, definition.attrKind === AttrKind.Plain ? inner : outer);
    }
    node.inheritFrom = node.inheritFrom.length === 0 ? node.inheritFrom : this.visitAll(node.inheritFrom, inner);
    for (const definition of node.dynamic) {
      const writable = definition as Writable<typeof definition>;
      writable.name = this.visit(definition.name, inner);
      writable.value = this.visit(definition.value, inner);
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { kind?: unknown }).kind === 'number';
}

/** The tree with points, which are added to `points`; a call's first argument is its point's index there. */
export function addDebugPoints(root: Node, source: Source, points: DebugPoint[]): Node {
  const instrumenter = new Instrumenter(source, points);
  const tree = instrumenter.visit(root, []);
  return source.path === null ? tree : instrumenter.point(tree, [], 'file', NO_POSITION, source.label);
}
