// The tree of the Nix language: one class (one hidden class for V8) a kind of node, told apart by the number in `kind`. The parser
// makes them, the binder fills the fields marked "binder", eval/ compiles from the result. Shapes and positions follow C++ Nix
// 2.34.8 (libexpr/nixexpr.hh), because `--parse` prints them and error messages point at them: operators without a node of their own
// (`-x`, `a - b`, `a < b`, ...) are calls of `__sub`, `__lessThan` and so on, and `(f a) b` is one call with two arguments.
//
// Text is byte strings. A position is a byte offset into the source, or NO_POSITION; `position.ts` turns it into line and column.
//
// ## Frames at run time (what the binder's depths and slots mean)
//
// A frame is an array whose element 0 is the enclosing frame (null for the outermost); slots start at 1. `depth` counts hops through
// element 0, `slot` is the index in the frame reached. The frames are:
//
// - Lambda without formals, `x: body`                 [env, argument]
// - Lambda with formals, `{ a, b ? 1 }: body`         [env, a, b]
//   and with a name, `args@{ a, b ? 1 }: body`        [env, args, a, b]       (formals in source order; defaults see the whole frame)
// - Let                                               [env, ...one slot an AttrDef in `attrs.attrs` order, ...one slot an `inheritFrom`]
// - Attrs with `recursive`                            the same as Let
// - Attrs without `recursive` but with `inheritFrom`  [env, ...one slot an `inheritFrom`]: seen by AttrDefs of kind InheritedFrom alone
// - Attrs otherwise                                   no frame
// - With                                              [env, the set's value or thunk]: seen by `body`
// - A scope from outside (scopedImport, repl)         [outer or null, ...one slot a name, in the order given to the binder]
//
// Which frame an expression is evaluated in:
// - AttrDef Plain: the new frame for Let and recursive Attrs, the outer env otherwise.
// - AttrDef Inherited (`inherit x;`): always the env *outside* (so `let inherit x; in` and `rec { inherit x; }` do not loop).
// - AttrDef InheritedFrom (`inherit (e) x;`): the new frame (Let, recursive) or the inherit-from frame; its value is a Select of an
//   InheritFrom node, whose slot holds one thunk for `e` shared by all names of that `inherit`.
// - Each expression in `inheritFrom`, dynamic names and dynamic values: the new frame for Let and recursive Attrs, else the outer env.
//
// Names of the base environment (builtins) have no slot: they are Var nodes with scope Global, looked up by name when compiling. They
// are found only when no frame has the name, and before any `with`: C++ Nix's order.

/** Numbers of the node kinds, dense from 0, for dispatch tables. */
export const NodeKind = {
  Int: 0,
  Float: 1,
  String: 2,
  Path: 3,
  Var: 4,
  InheritFrom: 5,
  Select: 6,
  HasAttr: 7,
  Attrs: 8,
  List: 9,
  Lambda: 10,
  Call: 11,
  Let: 12,
  With: 13,
  If: 14,
  Assert: 15,
  Not: 16,
  Equal: 17,
  NotEqual: 18,
  And: 19,
  Or: 20,
  Implies: 21,
  Update: 22,
  ConcatLists: 23,
  ConcatStrings: 24,
  CurrentPosition: 25,
} as const;

/** The number in `kind`. */
export type NodeKind = (typeof NodeKind)[keyof typeof NodeKind];

/** For nodes and definitions that have no place in the source. */
export const NO_POSITION = -1;

/** Any expression. */
export type Node =
  | Int
  | Float
  | Str
  | Path
  | Var
  | InheritFrom
  | Select
  | HasAttr
  | Attrs
  | List
  | Lambda
  | Call
  | Let
  | With
  | If
  | Assert
  | Not
  | Binary
  | ConcatStrings
  | CurrentPosition;

/** One step of an attribute path: a name, or an expression that gives the name (`${e}`; `${"x"}` is already a plain name). */
export type AttrName = string | Node;

/** An integer literal: a number up to 2^53 - 1, a bigint beyond (64-bit signed, checked by the lexer). */
export class Int {
  readonly kind = 0;
  readonly position: number;
  readonly value: number | bigint;
  constructor(position: number, value: number | bigint) {
    this.position = position;
    this.value = value;
  }
}

/** A float literal. */
export class Float {
  readonly kind = 1;
  readonly position: number;
  readonly value: number;
  constructor(position: number, value: number) {
    this.position = position;
    this.value = value;
  }
}

/** A string without interpolation (URI literals too). `value` is a byte string, escapes resolved. */
export class Str {
  readonly kind = 2;
  readonly position: number;
  readonly value: string;
  constructor(position: number, value: string) {
    this.position = position;
    this.value = value;
  }
}

/** What a path literal is relative to. */
export const PathForm = { Relative: 0, Absolute: 1, Home: 2 } as const;
/** One of PathForm's numbers. */
export type PathForm = (typeof PathForm)[keyof typeof PathForm];

/**
 * A path literal as it was written (`./a/../b`, `/etc`, `~/x`), so that the tree depends on the file's bytes only, not on where it
 * lies. `path-literal.ts` resolves it. As the first part of a ConcatStrings its text may end in a slash, which is kept.
 */
export class Path {
  readonly kind = 3;
  readonly position: number;
  readonly form: PathForm;
  readonly text: string;
  constructor(position: number, form: PathForm, text: string) {
    this.position = position;
    this.form = form;
    this.text = text;
  }
}

/** Where a variable's value comes from. */
export const VarScope = {
  /** Not bound yet. */
  Unbound: 0,
  /** In a frame: `depth` hops, then `slot`. */
  Local: 1,
  /** In the base environment, by name. */
  Global: 2,
  /** In the sets of the enclosing `with`s, innermost first: `depth` hops to the frame of `withNode`, on by `withNode.outerHops`. */
  With: 3,
} as const;
/** One of VarScope's numbers. */
export type VarScope = (typeof VarScope)[keyof typeof VarScope];

/** A name that stands for a value; the binder says where that lies. */
export class Var {
  readonly kind = 4;
  readonly position: number;
  readonly name: string;
  /** Binder. */
  scope: VarScope = 0;
  /** Binder: hops to the frame (Local, With). */
  depth = 0;
  /** Binder: index in the frame (Local). */
  slot = 0;
  /** Binder: the innermost enclosing With (scope With). */
  withNode: With | null = null;
  constructor(position: number, name: string) {
    this.position = position;
    this.name = name;
  }
}

/** The source of an `inherit (e) ...`: `e` is `inheritFrom[index]` of the Attrs it stands in; its thunk lies in the frame at hand. */
export class InheritFrom {
  readonly kind = 5;
  readonly position: number;
  /** Into Attrs.inheritFrom. Changes when the parser merges sets. */
  index: number;
  /** Binder: index in the frame the Select is evaluated in (depth 0). */
  slot = 0;
  constructor(position: number, index: number) {
    this.position = position;
    this.index = index;
  }
}

/** `subject.path` or `subject.path or fallback`. NO_POSITION for the `let { ... }` form. */
export class Select {
  readonly kind = 6;
  readonly position: number;
  readonly subject: Node;
  readonly path: readonly AttrName[];
  readonly fallback: Node | null;
  constructor(position: number, subject: Node, path: readonly AttrName[], fallback: Node | null) {
    this.position = position;
    this.subject = subject;
    this.path = path;
    this.fallback = fallback;
  }
}

/** `subject ? path`. */
export class HasAttr {
  readonly kind = 7;
  readonly position: number;
  readonly subject: Node;
  readonly path: readonly AttrName[];
  constructor(position: number, subject: Node, path: readonly AttrName[]) {
    this.position = position;
    this.subject = subject;
    this.path = path;
  }
}

/** How an attribute was defined, which decides the frame its value is evaluated in (see the opening). */
export const AttrKind = { Plain: 0, Inherited: 1, InheritedFrom: 2 } as const;
/** One of AttrKind's numbers. */
export type AttrKind = (typeof AttrKind)[keyof typeof AttrKind];

/** `name = value;`, or one name of an `inherit` (its value is then a Var or a Select made by the parser). */
export class AttrDef {
  readonly name: string;
  readonly value: Node;
  /** Of the attribute path (or of the name, in an `inherit`). */
  readonly position: number;
  readonly attrKind: AttrKind;
  constructor(name: string, value: Node, position: number, attrKind: AttrKind) {
    this.name = name;
    this.value = value;
    this.position = position;
    this.attrKind = attrKind;
  }
}

/** `${name} = value;`, where the name is known only when it is evaluated. */
export class DynamicAttrDef {
  readonly name: Node;
  readonly value: Node;
  readonly position: number;
  constructor(name: Node, value: Node, position: number) {
    this.name = name;
    this.value = value;
    this.position = position;
  }
}

/** A set literal, or the bindings of a Let. In a frame (recursive, Let), attrs[i] has slot i + 1 and inheritFrom[j] slot attrs.length + j + 1. */
export class Attrs {
  readonly kind = 8;
  /** NO_POSITION for sets that nested paths made, and for the bindings of a Let. */
  position: number;
  recursive = false;
  /** In order of definition, names unique. */
  attrs: AttrDef[] = [];
  /** NO_DYNAMIC and NO_NODES until there is something: shared, so replaced and not pushed to. */
  dynamic: DynamicAttrDef[] = NO_DYNAMIC;
  inheritFrom: Node[] = NO_NODES;
  /** Parser: name -> index in attrs, once there are many. */
  index: Map<string, number> | null = null;
  constructor(position: number) {
    this.position = position;
  }
}

/** `[ a b c ]`. */
export class List {
  readonly kind = 9;
  readonly position: number;
  readonly items: readonly Node[];
  constructor(position: number, items: readonly Node[]) {
    this.position = position;
    this.items = items;
  }
}

/** `name` or `name ? fallback` in a function's `{ ... }`. */
export class Formal {
  readonly name: string;
  readonly position: number;
  /** The default, evaluated in the function's own frame. */
  readonly fallback: Node | null;
  constructor(position: number, name: string, fallback: Node | null) {
    this.name = name;
    this.position = position;
    this.fallback = fallback;
  }
}

/** `x: body`, `{ a, b ? 1, ... }: body`, `x@{ ... }: body`. */
export class Lambda {
  readonly kind = 10;
  readonly position: number;
  /** `x` of `x: ...` or of `x@{ ... }: ...`; slot 1 when present. */
  readonly parameter: string | null;
  /** Null for `x: ...`. In source order; formals[i] has slot i + 1, or i + 2 beside a parameter. */
  readonly formals: readonly Formal[] | null;
  readonly ellipsis: boolean;
  readonly body: Node;
  /** Of the attribute it is the value of (also through outer lambdas), for messages. */
  name: string | null = null;
  constructor(position: number, parameter: string | null, formals: readonly Formal[] | null, ellipsis: boolean, body: Node) {
    this.position = position;
    this.parameter = parameter;
    this.formals = formals;
    this.ellipsis = ellipsis;
    this.body = body;
  }
}

/** `f a b`: at least one argument. The functions behind operators (`__sub`, ...) are Var nodes with NO_POSITION. */
export class Call {
  readonly kind = 11;
  readonly position: number;
  readonly callee: Node;
  readonly args: Node[];
  /** Parser: end of an `x or` whose reading will change in future Nix, else NO_POSITION. */
  cursedOrEnd = NO_POSITION;
  constructor(position: number, callee: Node, args: Node[]) {
    this.position = position;
    this.callee = callee;
    this.args = args;
  }
}

/** `let a = 1; in body`. */
export class Let {
  readonly kind = 12;
  readonly position: number;
  /** Never with dynamic names. Its `recursive` is not set, but it binds like a recursive one. */
  readonly attrs: Attrs;
  readonly body: Node;
  constructor(position: number, attrs: Attrs, body: Node) {
    this.position = position;
    this.attrs = attrs;
    this.body = body;
  }
}

/** `with set; body`. */
export class With {
  readonly kind = 13;
  readonly position: number;
  readonly set: Node;
  readonly body: Node;
  /** Binder: the next enclosing With, if any. */
  outer: With | null = null;
  /** Binder: hops from this With's own frame to that of `outer`. */
  outerHops = 0;
  constructor(position: number, set: Node, body: Node) {
    this.position = position;
    this.set = set;
    this.body = body;
  }
}

/** `if condition then consequent else alternative`. */
export class If {
  readonly kind = 14;
  readonly position: number;
  readonly condition: Node;
  readonly consequent: Node;
  readonly alternative: Node;
  constructor(position: number, condition: Node, consequent: Node, alternative: Node) {
    this.position = position;
    this.condition = condition;
    this.consequent = consequent;
    this.alternative = alternative;
  }
}

/** `assert condition; body`. */
export class Assert {
  readonly kind = 15;
  readonly position: number;
  readonly condition: Node;
  readonly body: Node;
  /** The condition as it was written, where it was changed since. */
  written: Node | null = null;
  constructor(position: number, condition: Node, body: Node) {
    this.position = position;
    this.condition = condition;
    this.body = body;
  }
}

/** `!operand`; also around the call that `<=` and `>=` are. */
export class Not {
  readonly kind = 16;
  /** Of the operator; C++ Nix points at the operand (`positionOf`). */
  readonly position: number;
  readonly operand: Node;
  constructor(position: number, operand: Node) {
    this.position = position;
    this.operand = operand;
  }
}

/** The kinds that are Binary nodes, Equal to ConcatLists. */
export type BinaryKind = 17 | 18 | 19 | 20 | 21 | 22 | 23;

/** `==` `!=` `&&` `||` `->` `//` `++`, by `kind`. The position is the operator's. */
export class Binary {
  readonly kind: BinaryKind;
  readonly position: number;
  readonly left: Node;
  readonly right: Node;
  constructor(kind: BinaryKind, position: number, left: Node, right: Node) {
    this.kind = kind;
    this.position = position;
    this.left = left;
    this.right = right;
  }
}

/** `"a${b}"` (forceString: the parts are coerced), `a + b` (the first value's type decides), and interpolated paths (first part a Path). */
export class ConcatStrings {
  readonly kind = 24;
  readonly position: number;
  readonly forceString: boolean;
  readonly parts: readonly Node[];
  /** Of each part, as messages about it show. */
  readonly partPositions: readonly number[];
  constructor(position: number, forceString: boolean, parts: readonly Node[], partPositions: readonly number[]) {
    this.position = position;
    this.forceString = forceString;
    this.parts = parts;
    this.partPositions = partPositions;
  }
}

/** `__curPos`. */
export class CurrentPosition {
  readonly kind = 25;
  readonly position: number;
  constructor(position: number) {
    this.position = position;
  }
}

/** The shared empty array of nodes; frozen, so that a push to it is a bug that shows. */
export const NO_NODES: Node[] = Object.freeze([]) as never;
/** The same for dynamic attributes. */
export const NO_DYNAMIC: DynamicAttrDef[] = Object.freeze([]) as never;

/**
 * The position C++ Nix gives the expression as a whole (Expr::getPos), which messages such as "while evaluating ..." show: literals,
 * lets, `==` and `!=` have none, `!e` and `e ? a` have that of `e`, a list that of its first item.
 */
export function errorPosition(node: Node): number {
  switch (node.kind) {
    case NodeKind.Int:
    case NodeKind.Float:
    case NodeKind.String:
    case NodeKind.Path:
    case NodeKind.Let:
    case NodeKind.Equal:
    case NodeKind.NotEqual:
      return NO_POSITION;
    case NodeKind.Not:
      return errorPosition(node.operand);
    case NodeKind.HasAttr:
      return errorPosition(node.subject);
    case NodeKind.List:
      return node.items.length === 0 ? NO_POSITION : errorPosition(node.items[0]!);
    default:
      return node.position;
  }
}
