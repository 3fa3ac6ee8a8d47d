// A bound tree -> its compiled form (code-format.ts). One pass over the tree; nothing is resolved here that depends on where the
// source lies or on the program that runs, so that the result can be kept on disk.

import { unreachable } from '../base/assert.ts';
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
  type Node,
  type Path,
  type Select,
  type Var,
} from '../lang/ast.ts';
import { printNode } from '../lang/print-ast.ts';
import { FORMAT_VERSION, LAZY_THRESHOLD, Op, PATH_MARK } from './code-format.ts';

/** The compiled form of a bound tree; `length` is that of its source. */
export function compile(root: Node, length: number): string {
  const writer = new Writer();
  writer.expression(root);
  return writer.finish(length);
}

/** Texts of expressions name paths as they will be where the source lies: decode.ts puts them in. */
const printPath = (literal: Path): string => `${PATH_MARK}${literal.form}${literal.text}${PATH_MARK}`;

const LAZY_HEADER = 5;

class Writer {
  #bytes = new Uint8Array(4096);
  #length = 0;
  readonly #strings = new Map<string, number>();

  finish(sourceLength: number): string {
    const code = this.#bytes.subarray(0, this.#length);
    const head = new Writer();
    head.number(FORMAT_VERSION);
    head.number(sourceLength);
    head.number(this.#strings.size);
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
    this.#reserve(LAZY_HEADER);
    const start = this.#length;
    this.#length += LAZY_HEADER;
    this.expression(node);
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
        this.number(node.slot);
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
        this.byte(Op.Let);
        this.#bindings(node.attrs);
        return this.lazy(node.body);
      case NodeKind.With:
        this.byte(Op.With);
        this.lazy(node.set);
        return this.lazy(node.body);
      case NodeKind.If:
        this.byte(Op.If);
        this.position(node.position);
        this.expression(node.condition);
        this.lazy(node.consequent);
        return this.lazy(node.alternative);
      case NodeKind.Assert:
        this.byte(Op.Assert);
        this.position(node.position);
        this.string(printNode(node.condition, printPath));
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
      case VarScope.Local:
        if (node.depth <= 2) this.byte(Op.Variable0 + node.depth);
        else {
          this.byte(Op.Variable);
          this.number(node.depth);
        }
        this.number(node.slot);
        return this.position(node.position);
      case VarScope.Global:
        this.byte(Op.Global);
        this.string(node.name);
        return this.position(node.position);
      case VarScope.With: {
        this.byte(Op.WithVariable);
        this.string(node.name);
        this.position(node.position);
        let count = 0;
        for (let node_ = node.withNode; node_ !== null; node_ = node_.outer) count++;
        this.number(count);
        let hops = node.depth;
        for (let with_ = node.withNode; with_ !== null; with_ = with_.outer) {
          this.number(hops);
          this.position(with_.position);
          hops = with_.outerHops;
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
    if (node.dynamic.length > 0) {
      this.byte(Op.DynamicAttrs);
      this.#staticAttrs(node);
      this.number(node.dynamic.length);
      for (const def of node.dynamic) {
        this.expression(def.name);
        this.lazy(def.value);
        this.position(def.position);
      }
      return;
    }
    this.#staticAttrs(node);
  }

  #staticAttrs(node: Attrs): void {
    if (node.recursive) {
      this.byte(Op.RecursiveAttrs);
      this.position(node.position);
      return this.#bindings(node);
    }
    if (node.inheritFrom.length > 0) {
      this.byte(Op.AttrsFrom);
      this.position(node.position);
      this.number(node.inheritFrom.length);
      for (const source of node.inheritFrom) this.lazy(source);
      this.number(node.attrs.length);
      for (const def of node.attrs) {
        this.string(def.name);
        this.position(def.position);
        this.byte(def.attrKind === AttrKind.InheritedFrom ? 1 : 0);
        this.lazy(def.value);
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

  /** The bindings of a let or rec: count, (name, position, is outer, value)..., count of sources, sources. */
  #bindings(node: Attrs): void {
    this.number(node.attrs.length);
    for (const def of node.attrs) {
      this.string(def.name);
      this.position(def.position);
      this.byte(def.attrKind === AttrKind.Inherited ? 1 : 0);
      this.lazy(def.value);
    }
    this.number(node.inheritFrom.length);
    for (const source of node.inheritFrom) this.lazy(source);
  }

  #lambda(node: Lambda): void {
    const { formals } = node;
    this.byte(Op.Lambda);
    this.position(node.position);
    if (node.name === null) this.number(0);
    else {
      this.number(1);
      this.string(node.name);
    }
    this.byte((node.parameter !== null ? 1 : 0) | (formals !== null ? 2 : 0) | (node.ellipsis ? 4 : 0));
    if (node.parameter !== null) this.string(node.parameter);
    if (formals !== null) {
      this.number(formals.length);
      for (const formal of formals) {
        this.string(formal.name);
        this.position(formal.position);
        this.byte(formal.fallback === null ? 0 : 1);
        if (formal.fallback !== null) this.lazy(formal.fallback);
      }
    }
    this.lazy(node.body);
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
