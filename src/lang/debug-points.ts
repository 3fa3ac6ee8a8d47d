// A tree for the debugger: at the points where it may stop (calls, bodies of functions and of `let`, whole files) expressions are wrapped in
// calls of `__debugPoint`, which gets the point's number and the values of the names in scope there. The tree then means the same, and
// evaluation itself knows of no debugger. Points are those of C++ Nix 2.34.8: where it makes a DebugTrace (makeDebugTraceStacker in
// libexpr/eval.cc), and where an error would leave one behind (withFrame).

import {
  Assert,
  AttrDef,
  type AttrName,
  AttrKind,
  Attrs,
  Binary,
  Call,
  ConcatStrings,
  errorPosition,
  Formal,
  If,
  Int,
  Lambda,
  Let,
  List,
  type Node,
  NodeKind,
  NO_POSITION,
  Not,
  Select,
  Var,
  With,
} from './ast.ts';
import type { Source } from './position.ts';

/** The name that the wrapping calls have; no program can write a variable of that name by accident. */
export const DEBUG_POINT = '__debugPoint';

/** Names in scope, one level: those of a function, a `let` or a recursive set, or whatever the set of a `with` has. */
export interface DebugFrame {
  readonly isWith: boolean;
  readonly names: readonly string[];
}

/**
 * Points that evaluation passes unseen, but for an error of their own: `operand` has to give a Boolean or a set to the `check` around it,
 * `closure` is a function with named arguments where it is made, `variable` may be in a `with`.
 */
export type QuietKind = 'check' | 'operand' | 'closure' | 'variable';

/** A place where evaluation may stop. */
export interface DebugPoint {
  readonly source: Source;
  /** In the source, or NO_POSITION. */
  readonly offset: number;
  /** Where the expression itself begins, or NO_POSITION: of a function it is the body. */
  readonly expression: number;
  readonly kind: 'call' | 'select' | 'function' | 'let' | 'file' | QuietKind;
  /** Of a function or file; null for a function without one. */
  readonly name: string | null;
  /** What is selected: names, and null for those that are computed, whose values follow those of the frames. */
  readonly path: readonly (string | null)[];
  /** Innermost first. */
  readonly frames: readonly DebugFrame[];
}

/** A frame and the node that gives its values as a set. */
interface Scope extends DebugFrame {
  readonly values: () => Node;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A set of names that are variables here. */
function setOfNames(names: readonly string[]): Attrs {
  const set = new Attrs(NO_POSITION);
  set.attrs = names.map((name) => new AttrDef(name, new Var(NO_POSITION, name), NO_POSITION, AttrKind.Inherited));
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

  point(
    node: Node,
    scopes: readonly Scope[],
    kind: DebugPoint['kind'],
    offset: number,
    {
      expression = offset,
      name = null,
      path = [],
    }: { readonly expression?: number; readonly name?: string | null; readonly path?: readonly AttrName[] } = {},
  ): Node {
    const number = this.points.length;
    const frames = scopes.map(({ isWith, names }) => ({ isWith, names }));
    const shown = path.map((one) => (typeof one === 'string' ? one : null));
    this.points.push({ source: this.source, offset, expression, kind, name, path: shown, frames });
    const values = new List(NO_POSITION, [...scopes.map((scope) => scope.values()), ...path.filter(isNode)]);
    return new Call(errorPosition(node), new Var(NO_POSITION, DEBUG_POINT), [new Int(NO_POSITION, number), values, node]);
  }

  private hiddenName(): string {
    return `${DEBUG_POINT}Scope${this.points.length}_${this.hidden++}`;
  }

  visitAll(nodes: readonly Node[], scopes: readonly Scope[]): Node[] {
    return nodes.map((node) => this.visit(node, scopes));
  }

  visit(node: Node, scopes: readonly Scope[]): Node {
    if (node instanceof Var) return this.variable(node, scopes);
    if (node instanceof Lambda) return this.lambda(node, scopes);
    if (node instanceof Let) return this.let(node, scopes);
    if (node instanceof With) return this.with(node, scopes);
    if (node instanceof Attrs) return this.set(node, scopes);
    if (isChecked(node)) return this.checked(node, scopes);
    if (node instanceof Call) {
      const call = node as Writable<Call>;
      call.callee = this.visit(node.callee, scopes);
      call.args = this.visitAll(node.args, scopes);
      return this.point(node, scopes, 'call', node.position);
    }
    this.visitParts(node, (part) => this.visit(part, scopes));
    // `let { body = ...; }` selects nothing that anybody wrote.
    if (!(node instanceof Select) || node.position === NO_POSITION) return node;
    return this.point(node, scopes, 'select', node.position, { path: node.path });
  }

  /** Nodes that are neither functions nor bindings evaluate their parts where they stand themselves. */
  private visitParts(node: Node, visit: (part: Node, key: string) => Node): void {
    const fields = node as unknown as Record<string, unknown>;
    for (const [key, value] of Object.entries(fields)) {
      if (Array.isArray(value)) fields[key] = value.map((item: unknown) => (isNode(item) ? visit(item, key) : item));
      else if (isNode(value)) fields[key] = visit(value, key);
    }
  }

  /** A node that wants its operands to be of one type, or to fit together. */
  private checked(node: Checked, scopes: readonly Scope[]): Node {
    const position = errorPosition(node);
    if (node instanceof Assert) node.written = structuredClone(node.condition);
    this.visitParts(node, (part, key) => {
      const place = errorPosition(part);
      const visited = this.visit(part, scopes);
      // Equality is looked for there by those who explain why an assertion fails.
      const isEquality = part.kind === NodeKind.Equal;
      return OPERANDS.has(key) && !isEquality ? this.point(visited, scopes, 'operand', place) : visited;
    });
    return this.point(node, scopes, 'check', position);
  }

  private variable(node: Var, scopes: readonly Scope[]): Node {
    const isBound = scopes.some(({ isWith, names }) => !isWith && names.includes(node.name));
    if (isBound || !scopes.some(({ isWith }) => isWith)) return node;
    return this.point(node, scopes, 'variable', node.position);
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
    lambda.body = new Let(
      NO_POSITION,
      bindings,
      this.point(body, inner, 'function', node.position, { expression: errorPosition(node.body), name: node.name }),
    );
    return node.formals === null ? node : this.point(node, scopes, 'closure', node.position);
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
    const position = errorPosition(node);
    const set = node.recursive ? this.recursiveSet(node, scopes) : this.bindings(node, scopes, scopes);
    return node.dynamic.length === 0 ? set : this.point(set, scopes, 'check', position);
  }

  /** The values of a recursive set's names are those of the set. */
  private recursiveSet(node: Attrs, scopes: readonly Scope[]): Node {
    const hidden = this.hiddenName();
    const names = node.attrs.map(({ name }) => name);
    this.bindings(node, scopes, [{ isWith: false, names, values: () => new Var(NO_POSITION, hidden) }, ...scopes]);
    const itself = new Attrs(NO_POSITION);
    itself.attrs = [new AttrDef(hidden, node, NO_POSITION, AttrKind.Plain)];
    return new Let(NO_POSITION, itself, new Var(NO_POSITION, hidden));
  }

  /** Values of bindings: inherited names are evaluated outside. */
  private bindings(node: Attrs, outer: readonly Scope[], inner: readonly Scope[]): Attrs {
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
    return node;
  }
}

type Checked = If | Assert | Not | Binary | ConcatStrings;

/** What must be a Boolean, or a set. */
const OPERANDS = new Set(['condition', 'operand', 'left', 'right']);
const CHECKED_OPERATORS: readonly NodeKind[] = [NodeKind.And, NodeKind.Or, NodeKind.Implies, NodeKind.Update];

function isChecked(node: Node): node is Checked {
  if (node instanceof Binary) return CHECKED_OPERATORS.includes(node.kind);
  return node instanceof If || node instanceof Assert || node instanceof Not || node instanceof ConcatStrings;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { kind?: unknown }).kind === 'number';
}

/** The tree with points, which are added to `points`; a call's first argument is its point's index there. */
export function addDebugPoints(root: Node, source: Source, points: DebugPoint[]): Node {
  const instrumenter = new Instrumenter(source, points);
  const offset = errorPosition(root);
  const tree = instrumenter.visit(root, []);
  return source.path === null ? tree : instrumenter.point(tree, [], 'file', offset, { name: source.label });
}
