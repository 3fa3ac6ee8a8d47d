// A bound tree -> its compiled form (code-format.ts). One pass over the tree; nothing is resolved here that depends on where the
// source lies or on the program that runs, so that the result can be kept on disk.

import { assert, unreachable } from '../base/assert.ts';
import { byteStringOf } from '../base/bytes.ts';
import {
  AttrKind,
  errorPosition,
  NodeKind,
  VarScope,
  type AttrName,
  type Attrs,
  type Call,
  type ConcatStrings,
  type Lambda,
  type Let,
  type Node,
  type Path,
  type Select,
  type Var,
  type With,
} from '../lang/ast.ts';
import { printNode } from '../lang/print-ast.ts';
import { FORMAT_VERSION, LAZY_THRESHOLD, Op, PATH_MARK } from './code-format.ts';

/**
 * The compiled form of a bound tree; `length` is that of its source, `names` are the parser's. `scopes` is the number of frames around it
 * (scopedImport), as the binder was told.
 */
export function compile(root: Node, length: number, names: readonly string[], scopes = 0): string {
  const writer = new Writer(names);
  for (let i = 0; i < scopes; i++) writer.enterScope();
  writer.expression(root);
  return writer.finish(length);
}

/** Texts of expressions name paths as they will be where the source lies: decode.ts puts them in. */
const printPath = (literal: Path): string => `${PATH_MARK}${literal.form}${literal.text}${PATH_MARK}`;

const LAZY_HEADER = 5;

/** Frames larger than this are not grown by what follows in the body. */
const MAX_FRAME = 1000;

/** A frame as it will be at run time. */
interface Frame {
  /** Number of frames around it. */
  readonly level: number;
  /** Slots so far, the one for the frame around included. */
  size: number;
}

/** Where a frame of the tree (ast.ts) lies: its slot n is slot `base + n` of `frame`. */
interface Place {
  readonly frame: Frame;
  readonly base: number;
}

class Writer {
  #bytes = new Uint8Array(4096);
  #length = 0;
  readonly #strings = new Map<string, number>();
  /** Places of the tree's frames around the expression at hand, outermost first. */
  readonly #places: Place[] = [];
  /** The frame that the expression at hand is evaluated in. */
  #frame: Frame = { level: 0, size: 1 };
  readonly #nameCount: number;

  constructor(names: readonly string[]) {
    for (const name of names) this.#strings.set(name, this.#strings.size);
    this.#nameCount = names.length;
  }

  /** A frame of its own; returns the one before, for #leaveFrame. */
  #enterFrame(): Frame {
    const outer = this.#frame;
    this.#frame = { level: outer.level + 1, size: 1 };
    return outer;
  }

  /** Room for a frame of the tree with that many slots, in the frame at hand. Gives the slot before its first. */
  #enterPlace(slots: number): number {
    const base = this.#frame.size - 1;
    this.#places.push({ frame: this.#frame, base });
    this.#frame.size += slots;
    return base;
  }

  #leavePlace(): void {
    this.#places.pop();
  }

  enterScope(): void {
    this.#enterFrame();
    this.#enterPlace(0);
  }

  /** A number of three bytes that is written later: the offset to give to #setSize. */
  #reserveSize(): number {
    this.#reserve(3);
    this.#length += 3;
    return this.#length - 3;
  }

  #setSize(offset: number, size: number): void {
    assert(size < 1 << 24, 'a frame of more than 16 million slots');
    this.#bytes[offset] = size & 255;
    this.#bytes[offset + 1] = (size >>> 8) & 255;
    this.#bytes[offset + 2] = size >>> 16;
  }

  finish(sourceLength: number): string {
    const code = this.#bytes.subarray(0, this.#length);
    const head = new Writer([]);
    head.number(FORMAT_VERSION);
    head.number(sourceLength);
    head.number(this.#strings.size);
    head.number(this.#nameCount);
    for (const text of this.#strings.keys()) head.number(text.length);
    let strings = '';
    for (const text of this.#strings.keys()) strings += text;
    return byteStringOf(head.#bytes.subarray(0, head.#length)) + strings + byteStringOf(code);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  number(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  string(text: string): void {
    let index = this.#strings.get(text);
    if (index === undefined) {
      index = this.#strings.size;
      this.#strings.set(text, index);
    }
    this.number(index);
  }

  position(offset: number): void {
    this.number(offset + 1);
  }

  /** A sub-expression that may never run: long ones can be skipped when read. */
  lazy(node: Node): void {
    this.#lazily(() => this.expression(node));
  }

  #lazyBody(node: Node): void {
    this.#lazily(() => this.#body(node));
  }

  #lazily(write: () => void): void {
    this.#reserve(LAZY_HEADER);
    const start = this.#length;
    this.#length += LAZY_HEADER;
    write();
    const length = this.#length - start - LAZY_HEADER;
    const bytes = this.#bytes;
    if (length < LAZY_THRESHOLD) {
      bytes.copyWithin(start, start + LAZY_HEADER, this.#length);
      this.#length -= LAZY_HEADER;
      return;
    }
    bytes[start] = Op.Lazy;
    bytes[start + 1] = length & 255;
    bytes[start + 2] = (length >>> 8) & 255;
    bytes[start + 3] = (length >>> 16) & 255;
    bytes[start + 4] = length >>> 24;
  }

  /** What a frame's body is: lets and withs there need no frame of their own. */
  #body(node: Node): void {
    switch (node.kind) {
      case NodeKind.Let:
        return this.#frame.size < MAX_FRAME ? this.#letHere(node) : this.#let(node);
      case NodeKind.With:
        return this.#frame.size < MAX_FRAME ? this.#withHere(node) : this.#with(node);
      case NodeKind.Assert:
        this.byte(Op.Assert);
        this.position(node.position);
        this.string(printNode(node.written ?? node.condition, printPath));
        this.expression(node.condition);
        return this.#lazyBody(node.body);
      default:
        return this.expression(node);
    }
  }

  #let(node: Let): void {
    this.byte(Op.Let);
    const size = this.#reserveSize();
    const outer = this.#enterFrame();
    this.#enterPlace(node.attrs.attrs.length + node.attrs.inheritFrom.length);
    this.#bindings(node.attrs, outer);
    this.#lazyBody(node.body);
    this.#leavePlace();
    this.#setSize(size, this.#frame.size);
    this.#frame = outer;
  }

  #letHere(node: Let): void {
    this.byte(Op.LetHere);
    const base = this.#enterPlace(node.attrs.attrs.length + node.attrs.inheritFrom.length);
    this.number(base + 1);
    this.#bindings(node.attrs, this.#frame);
    this.#lazyBody(node.body);
    this.#leavePlace();
  }

  #with(node: With): void {
    this.byte(Op.With);
    const size = this.#reserveSize();
    this.lazy(node.set);
    const outer = this.#enterFrame();
    this.#enterPlace(1);
    this.#lazyBody(node.body);
    this.#leavePlace();
    this.#setSize(size, this.#frame.size);
    this.#frame = outer;
  }

  #withHere(node: With): void {
    this.byte(Op.WithHere);
    const at = this.#frame.size;
    this.number(at);
    // The set is outside of its own with; its slot is taken before, for what else the set may need none of.
    this.#frame.size++;
    this.lazy(node.set);
    this.#places.push({ frame: this.#frame, base: at - 1 });
    this.#lazyBody(node.body);
    this.#leavePlace();
  }

  expression(node: Node): void {
    switch (node.kind) {
      case NodeKind.Int:
        return this.#integer(node.value);
      case NodeKind.Float: {
        this.byte(Op.Float);
        this.#reserve(8);
        new DataView(this.#bytes.buffer).setFloat64(this.#length, node.value, true);
        this.#length += 8;
        return;
      }
      case NodeKind.String:
        this.byte(Op.String);
        return this.string(node.value);
      case NodeKind.Path:
        this.byte(Op.Path);
        this.number(node.form);
        return this.string(node.text);
      case NodeKind.Var:
        return this.#variable(node);
      case NodeKind.InheritFrom:
        this.byte(Op.Variable0);
        this.number(this.#places.at(-1)!.base + node.slot);
        return this.position(node.position);
      case NodeKind.Select:
        return this.#select(node);
      case NodeKind.HasAttr:
        this.byte(Op.HasAttr);
        this.expression(node.subject);
        this.#path(node.path);
        return this.position(errorPosition(node));
      case NodeKind.Attrs:
        return this.#attrs(node);
      case NodeKind.List:
        this.byte(Op.List);
        this.number(node.items.length);
        for (const item of node.items) this.lazy(item);
        return;
      case NodeKind.Lambda:
        return this.#lambda(node);
      case NodeKind.Call:
        return this.#call(node);
      case NodeKind.Let:
        return this.#let(node);
      case NodeKind.With:
        return this.#with(node);
      case NodeKind.If:
        this.byte(Op.If);
        this.position(node.position);
        this.expression(node.condition);
        this.lazy(node.consequent);
        return this.lazy(node.alternative);
      case NodeKind.Assert:
        this.byte(Op.Assert);
        this.position(node.position);
        this.string(printNode(node.written ?? node.condition, printPath));
        this.expression(node.condition);
        return this.lazy(node.body);
      case NodeKind.Not:
        this.byte(Op.Not);
        this.position(errorPosition(node));
        return this.expression(node.operand);
      case NodeKind.Equal:
      case NodeKind.NotEqual:
      case NodeKind.ConcatLists:
        this.byte(node.kind === NodeKind.Equal ? Op.Equal : node.kind === NodeKind.NotEqual ? Op.NotEqual : Op.ConcatLists);
        this.position(errorPosition(node));
        this.expression(node.left);
        return this.expression(node.right);
      case NodeKind.And:
      case NodeKind.Or:
      case NodeKind.Implies:
        this.byte(node.kind === NodeKind.And ? Op.And : node.kind === NodeKind.Or ? Op.Or : Op.Implies);
        this.position(node.position);
        this.expression(node.left);
        return this.lazy(node.right);
      case NodeKind.Update:
        this.byte(Op.Update);
        this.position(errorPosition(node.left));
        this.position(errorPosition(node.right));
        this.expression(node.left);
        return this.expression(node.right);
      case NodeKind.ConcatStrings:
        return this.#concat(node);
      case NodeKind.CurrentPosition:
        this.byte(Op.CurrentPosition);
        return this.position(node.position);
      default:
        unreachable('node kind');
    }
  }

  #integer(value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.byte(Op.BigInt);
      return this.string(String(value));
    }
    this.byte(value < 0 ? Op.NegativeInt : Op.Int);
    this.number(value < 0 ? -value - 1 : value);
  }

  #variable(node: Var): void {
    switch (node.scope) {
      case VarScope.Local: {
        const { frame, base } = this.#places[this.#places.length - 1 - node.depth]!;
        const depth = this.#frame.level - frame.level;
        if (depth <= 2) this.byte(Op.Variable0 + depth);
        else {
          this.byte(Op.Variable);
          this.number(depth);
        }
        this.number(base + node.slot);
        return this.position(node.position);
      }
      case VarScope.Global:
        this.byte(Op.Global);
        this.string(node.name);
        return this.position(node.position);
      case VarScope.With: {
        this.byte(Op.WithVariable);
        this.string(node.name);
        this.position(node.position);
        let count = 0;
        for (let one = node.withNode; one !== null; one = one.outer) count++;
        this.number(count);
        let place = this.#places.length - 1 - node.depth;
        let { level } = this.#frame;
        for (let one = node.withNode; one !== null; one = one.outer) {
          const { frame, base } = this.#places[place]!;
          this.number(level - frame.level);
          this.number(base + 1);
          this.position(one.position);
          ({ level } = frame);
          place -= one.outerHops;
        }
        return;
      }
      default:
        unreachable('variable that was not bound');
    }
  }

  #path(path: readonly AttrName[]): void {
    this.number(path.length);
    for (const name of path) {
      if (typeof name === 'string') {
        this.byte(0);
        this.string(name);
      } else {
        this.byte(1);
        this.position(errorPosition(name));
        this.string(`"\${${printNode(name, printPath)}}"`);
        this.expression(name);
      }
    }
  }

  #select(node: Select): void {
    const { path, fallback } = node;
    if (fallback === null && path.length === 1 && typeof path[0] === 'string') {
      this.byte(Op.Select);
      this.expression(node.subject);
      this.string(path[0]);
      return this.position(node.position);
    }
    this.byte(fallback === null ? Op.SelectPath : Op.SelectOr);
    this.expression(node.subject);
    this.#path(path);
    this.position(node.position);
    if (fallback !== null) this.lazy(fallback);
  }

  #attrs(node: Attrs): void {
    const { dynamic } = node;
    if (dynamic.length > 0) {
      this.byte(Op.DynamicAttrs);
      this.number(dynamic.length);
    }
    if (node.recursive) {
      this.byte(Op.RecursiveAttrs);
      this.position(node.position);
      const size = this.#reserveSize();
      const outer = this.#enterFrame();
      this.#enterPlace(node.attrs.length + node.inheritFrom.length);
      this.#bindings(node, outer);
      this.#dynamicAttrs(node);
      this.#leavePlace();
      this.#setSize(size, this.#frame.size);
      this.#frame = outer;
      return;
    }
    this.#plainAttrs(node);
    this.#dynamicAttrs(node);
  }

  #dynamicAttrs(node: Attrs): void {
    for (const def of node.dynamic) {
      this.expression(def.name);
      this.lazy(def.value);
      this.position(def.position);
    }
  }

  #plainAttrs(node: Attrs): void {
    if (node.inheritFrom.length > 0) {
      this.byte(Op.AttrsFrom);
      this.position(node.position);
      this.number(node.inheritFrom.length);
      for (const source of node.inheritFrom) this.lazy(source);
      this.number(node.attrs.length);
      for (const def of node.attrs) {
        this.string(def.name);
        this.position(def.position);
        if (def.attrKind === AttrKind.InheritedFrom) {
          this.byte(1);
          const outer = this.#enterFrame();
          this.#enterPlace(node.inheritFrom.length);
          this.lazy(def.value);
          this.#leavePlace();
          this.#frame = outer;
        } else {
          this.byte(0);
          this.lazy(def.value);
        }
      }
      return;
    }
    if (node.attrs.length === 0) return this.byte(Op.EmptyAttrs);
    this.byte(Op.Attrs);
    this.position(node.position);
    this.number(node.attrs.length);
    for (const def of node.attrs) {
      this.string(def.name);
      this.position(def.position);
      this.lazy(def.value);
    }
  }

  /**
   * The bindings of a let or rec, whose place was entered: count, (name, position, is outer, value)..., count of sources, sources. What
   * is inherited without a source is evaluated in `outer`.
   */
  #bindings(node: Attrs, outer: Frame): void {
    this.number(node.attrs.length);
    for (const def of node.attrs) {
      this.string(def.name);
      this.position(def.position);
      if (def.attrKind === AttrKind.Inherited) {
        this.byte(1);
        const inner = this.#frame;
        const place = this.#places.pop()!;
        this.#frame = outer;
        this.lazy(def.value);
        this.#frame = inner;
        this.#places.push(place);
      } else {
        this.byte(0);
        this.lazy(def.value);
      }
    }
    this.number(node.inheritFrom.length);
    for (const source of node.inheritFrom) this.lazy(source);
  }

  #lambda(node: Lambda): void {
    const stages = [node];
    for (let last = node; last.formals === null && last.body.kind === NodeKind.Lambda;) stages.push((last = last.body));
    this.byte(Op.Lambda);
    const size = this.#reserveSize();
    this.number(stages.length);
    const outer = this.#enterFrame();
    for (const stage of stages) {
      this.position(stage.position);
      if (stage.name === null) this.number(0);
      else {
        this.number(1);
        this.string(stage.name);
      }
      this.byte(stage.parameter === null ? 0 : 1);
      if (stage.parameter !== null) this.string(stage.parameter);
      this.#enterPlace((stage.parameter === null ? 0 : 1) + (stage.formals?.length ?? 0));
    }
    const { formals, ellipsis, body } = stages.at(-1)!;
    this.byte((formals !== null ? 1 : 0) | (ellipsis ? 2 : 0));
    if (formals !== null) {
      this.number(formals.length);
      for (const formal of formals) {
        this.string(formal.name);
        this.position(formal.position);
        this.byte(formal.fallback === null ? 0 : 1);
        if (formal.fallback !== null) this.lazy(formal.fallback);
      }
    }
    this.#lazyBody(body);
    for (let i = 0; i < stages.length; i++) this.#leavePlace();
    this.#setSize(size, this.#frame.size);
    this.#frame = outer;
  }

  #call(node: Call): void {
    const { callee, args } = node;
    if (callee.kind === NodeKind.Var && callee.scope === VarScope.Global && args.length === 2 && this.#operator(callee.name, node)) return;
    this.byte(args.length === 1 ? Op.Call1 : args.length === 2 ? Op.Call2 : Op.Call);
    this.position(node.position);
    if (args.length > 2) this.number(args.length);
    this.expression(callee);
    for (const argument of args) this.lazy(argument);
  }

  /** Operators that are calls of builtins, as long as nothing in scope took their names. */
  #operator(name: string, node: Call): boolean {
    switch (name) {
      case '__sub':
      case '__mul':
      case '__div':
        this.byte(Op.Arithmetic);
        this.string(name);
        break;
      case '__lessThan':
        this.byte(Op.LessThan);
        break;
      default:
        return false;
    }
    this.position(node.position);
    this.expression(node.args[0]!);
    this.expression(node.args[1]!);
    return true;
  }

  #concat(node: ConcatStrings): void {
    this.byte(node.forceString ? Op.Interpolation : Op.Plus);
    if (!node.forceString) this.position(node.position);
    this.number(node.parts.length);
    for (let i = 0; i < node.parts.length; i++) {
      this.position(node.partPositions[i]!);
      this.expression(node.parts[i]!);
    }
  }
}
