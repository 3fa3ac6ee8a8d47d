// Names -> frames and slots: fills the "binder" fields of the tree (ast.ts says how frames are laid out). A name is sought in the
// frames around it, then in the base environment, then left to the enclosing `with`s; without a `with` it is an error here, before
// anything runs, as in C++ Nix 2.34.8 (Expr::bindVars). One pass, in place; a tree is bound once.

import { byteStringToUtf8 } from '../base/bytes.ts';
import { ParseError } from '../base/errors.ts';
import { nearestVariables } from '../base/suggestions.ts';
import {
  AttrKind,
  NodeKind,
  VarScope,
  type AttrName,
  type Attrs,
  type InheritFrom,
  type Lambda,
  type Let,
  type Node,
  type Select,
  type Var,
  type With,
} from './ast.ts';
import type { Source } from './position.ts';
import { printIdentifier } from './print-ast.ts';

/** The names of the base environment: a Set, or a Map whose keys they are. */
export interface GlobalNames {
  has(name: string): boolean;
}

/** Names that frames around the text already have, outermost frame first; each frame's names have the slots 1, 2, ... in order. */
export type OuterFrames = readonly (readonly string[])[];

export interface BindOptions {
  readonly outer?: OuterFrames;
  /** Gives the numbers of names in the table of symbols. NIX: of several undefined variables the first in their order is named. */
  readonly symbols?: () => (name: string) => number;
}

/** Binds a tree in place. Throws ParseError for an undefined variable; the tree is of no use then. */
export function bind(root: Node, source: Source, globals: GlobalNames, { outer = [], symbols }: BindOptions = {}): void {
  const run = (inOrder: InOrder): void => {
    const binder = new Binder(source, globals, inOrder);
    for (const names of outer) binder.enterNames(names);
    binder.bind(root);
  };
  try {
    run((definitions) => definitions);
  } catch (error) {
    if (error instanceof RangeError) {
      throw new ParseError('the expression is nested too deeply', { position: source.at(0), code: 'FLOE_STACK_OVERFLOW' });
    }
    // PERF: the order shows in errors only, so only they pay for sorting.
    if (symbols !== undefined && (error as ParseError).code === 'FLOE_UNDEFINED_VARIABLE') {
      const symbolOf = symbols();
      run((definitions) => [...definitions].sort((a, b) => symbolOf(a.name) - symbolOf(b.name)));
    }
    throw error;
  }
}

/** The order in which definitions are gone through. */
type InOrder = <Definition extends { readonly name: string }>(definitions: readonly Definition[]) => readonly Definition[];

/** A name's place in the innermost frame that has it. `level` counts frames from the outermost, which is 1. */
class Binding {
  readonly level: number;
  readonly slot: number;
  /** The same name further out. */
  readonly outer: Binding | undefined;
  constructor(level: number, slot: number, outer: Binding | undefined) {
    this.level = level;
    this.slot = slot;
    this.outer = outer;
  }
}

class Binder {
  readonly #source: Source;
  readonly #globals: GlobalNames;
  readonly #inOrder: InOrder;
  // PERF: one map from name to innermost binding, undone on the way out, instead of a walk over all frames for each variable:
  // there are many more uses than definitions.
  readonly #bindings = new Map<string, Binding | undefined>();
  #level = 0;
  #with: With | null = null;
  #withLevel = 0;

  constructor(source: Source, globals: GlobalNames, inOrder: InOrder) {
    this.#source = source;
    this.#globals = globals;
    this.#inOrder = inOrder;
  }

  enterNames(names: readonly string[]): void {
    this.#level++;
    for (let i = 0; i < names.length; i++) this.#enter(names[i]!, i + 1);
  }

  #enter(name: string, slot: number): void {
    this.#bindings.set(name, new Binding(this.#level, slot, this.#bindings.get(name)));
  }

  #leave(name: string): void {
    this.#bindings.set(name, this.#bindings.get(name)!.outer);
  }

  bind(node: Node): void {
    switch (node.kind) {
      case NodeKind.Int:
      case NodeKind.Float:
      case NodeKind.String:
      case NodeKind.Path:
      case NodeKind.InheritFrom:
      case NodeKind.CurrentPosition:
        return;
      case NodeKind.Var:
        return this.#variable(node, this.#bindings.get(node.name), this.#level);
      case NodeKind.Select:
        this.bind(node.subject);
        if (node.fallback !== null) this.bind(node.fallback);
        return this.#path(node.path);
      case NodeKind.HasAttr:
        this.bind(node.subject);
        return this.#path(node.path);
      case NodeKind.Attrs:
        return this.#set(node);
      case NodeKind.List:
        for (const item of node.items) this.bind(item);
        return;
      case NodeKind.Lambda:
        return this.#lambda(node);
      case NodeKind.Call:
        this.bind(node.callee);
        for (const argument of node.args) this.bind(argument);
        return;
      case NodeKind.Let:
        return this.#let(node);
      case NodeKind.With:
        return this.#withSet(node);
      case NodeKind.If:
        this.bind(node.condition);
        this.bind(node.consequent);
        return this.bind(node.alternative);
      case NodeKind.Assert:
        this.bind(node.condition);
        return this.bind(node.body);
      case NodeKind.Not:
        return this.bind(node.operand);
      case NodeKind.ConcatStrings:
        for (const part of node.parts) this.bind(part);
        return;
      default:
        this.bind(node.left);
        return this.bind(node.right);
    }
  }

  /** `level` is that of the frame the variable is evaluated in. */
  #variable(node: Var, binding: Binding | undefined, level: number): void {
    if (binding !== undefined) {
      node.scope = VarScope.Local;
      node.depth = level - binding.level;
      node.slot = binding.slot;
    } else if (this.#globals.has(node.name)) node.scope = VarScope.Global;
    else if (this.#with !== null) {
      node.scope = VarScope.With;
      node.depth = level - this.#withLevel;
      node.withNode = this.#with;
    } else {
      throw new ParseError(`undefined variable '${byteStringToUtf8(printIdentifier(node.name))}'`, {
        code: 'FLOE_UNDEFINED_VARIABLE',
        position: this.#source.at(node.position),
        data: { name: node.name, near: this.#near(node.name) },
      });
    }
  }

  /** Names in scope that may have been meant. */
  #near(name: string): string[] {
    const inScope = [...this.#bindings].flatMap(([known, binding]) => (binding === undefined ? [] : [known]));
    return nearestVariables(inScope, name).map(byteStringToUtf8);
  }

  #path(path: readonly AttrName[]): void {
    for (const name of path) if (typeof name !== 'string') this.bind(name);
  }

  #lambda(node: Lambda): void {
    this.#level++;
    let slot = 1;
    if (node.parameter !== null) this.#enter(node.parameter, slot++);
    if (node.formals !== null) {
      for (const formal of node.formals) this.#enter(formal.name, slot++);
      for (const formal of this.#inOrder(node.formals)) if (formal.fallback !== null) this.bind(formal.fallback);
    }
    this.bind(node.body);
    if (node.parameter !== null) this.#leave(node.parameter);
    if (node.formals !== null) for (const formal of node.formals) this.#leave(formal.name);
    this.#level--;
  }

  #let(node: Let): void {
    this.#enterAttrs(node.attrs);
    this.#attrs(node.attrs, true);
    this.bind(node.body);
    this.#leaveAttrs(node.attrs);
  }

  #set(node: Attrs): void {
    if (node.recursive) this.#enterAttrs(node);
    this.#attrs(node, node.recursive);
    for (const def of node.dynamic) {
      this.bind(def.name);
      this.bind(def.value);
    }
    if (node.recursive) this.#leaveAttrs(node);
  }

  #enterAttrs(attrs: Attrs): void {
    this.#level++;
    for (let i = 0; i < attrs.attrs.length; i++) this.#enter(attrs.attrs[i]!.name, i + 1);
  }

  #leaveAttrs(attrs: Attrs): void {
    for (const def of attrs.attrs) this.#leave(def.name);
    this.#level--;
  }

  /** The sources and values of the attributes, within the frame they make, if they make one (`isFrame`). */
  #attrs(attrs: Attrs, isFrame: boolean): void {
    for (const source of attrs.inheritFrom) this.bind(source);
    const firstSource = isFrame ? attrs.attrs.length + 1 : 1;
    for (const def of this.#inOrder(attrs.attrs)) {
      switch (def.attrKind) {
        case AttrKind.Plain:
          this.bind(def.value);
          break;
        case AttrKind.Inherited: {
          const node = def.value as Var;
          const binding = this.#bindings.get(node.name);
          // The name's own binding is the one just made.
          if (isFrame) this.#variable(node, binding!.outer, this.#level - 1);
          else this.#variable(node, binding, this.#level);
          break;
        }
        case AttrKind.InheritedFrom: {
          const from = (def.value as Select).subject as InheritFrom;
          from.slot = firstSource + from.index;
          break;
        }
      }
    }
  }

  #withSet(node: With): void {
    this.bind(node.set);
    const outer = this.#with;
    const outerLevel = this.#withLevel;
    this.#level++;
    node.outer = outer;
    node.outerHops = outer === null ? 0 : this.#level - outerLevel;
    this.#with = node;
    this.#withLevel = this.#level;
    this.bind(node.body);
    this.#with = outer;
    this.#withLevel = outerLevel;
    this.#level--;
  }
}
