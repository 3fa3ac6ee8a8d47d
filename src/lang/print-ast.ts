// The tree as `nix-instantiate --parse` prints it (Expr::show of C++ Nix 2.34.8, libexpr/nixexpr.cc): one line, everything in
// parentheses, attributes sorted by name. Text is byte strings.

import { printShortFloat } from '../base/float-text.ts';
import { unreachable } from '../base/assert.ts';
import { compareStrings } from '../base/bytes.ts';
import {
  AttrKind,
  NodeKind,
  type AttrDef,
  type AttrName,
  type Attrs,
  type InheritFrom,
  type Lambda,
  type Node,
  type Path,
  type Select,
} from './ast.ts';

/** How path literals are shown: resolved for `--parse`. */
export type PrintPath = (literal: Path) => string;

const IDENTIFIER = /^[a-zA-Z_][a-zA-Z0-9_'-]*$/;
const RESERVED = new Set(['if', 'then', 'else', 'assert', 'with', 'let', 'in', 'rec', 'inherit']);

/** A string literal with the escapes Nix prints. */
export function printStringLiteral(text: string): string {
  let result = '"';
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    let escape: string;
    switch (text[i]) {
      case '"':
        escape = '\\"';
        break;
      case '\\':
        escape = '\\\\';
        break;
      case '\n':
        escape = '\\n';
        break;
      case '\r':
        escape = '\\r';
        break;
      case '\t':
        escape = '\\t';
        break;
      case '$':
        if (text[i + 1] !== '{') continue;
        escape = '\\$';
        break;
      default:
        continue;
    }
    result += text.slice(from, i) + escape;
    from = i + 1;
  }
  return `${result}${text.slice(from)}"`;
}

/** A name, in quotes where it is no identifier. `or` needs none. */
export function printIdentifier(name: string): string {
  if (RESERVED.has(name)) return `"${name}"`;
  return IDENTIFIER.test(name) ? name : printStringLiteral(name);
}

/** A float as C++ streams print it: six significant digits, trailing zeros dropped (printf's %g). */
export const printFloat = printShortFloat;

/** `a.b."${e}"`. */
export function printAttrPath(path: readonly AttrName[], printPath: PrintPath): string {
  return path.map((name) => (typeof name === 'string' ? printIdentifier(name) : `"\${${printNode(name, printPath)}}"`)).join('.');
}

/** The whole tree. */
export function printNode(node: Node, printPath: PrintPath): string {
  const out: string[] = [];
  new Printer(out, printPath).node(node);
  return out.join('');
}

class Printer {
  readonly #out: string[];
  readonly #printPath: PrintPath;

  constructor(out: string[], printPath: PrintPath) {
    this.#out = out;
    this.#printPath = printPath;
  }

  #text(text: string): void {
    this.#out.push(text);
  }

  node(node: Node): void {
    switch (node.kind) {
      case NodeKind.Int:
        return this.#text(String(node.value));
      case NodeKind.Float:
        return this.#text(printFloat(node.value));
      case NodeKind.String:
        return this.#text(printStringLiteral(node.value));
      case NodeKind.Path:
        return this.#text(this.#printPath(node));
      case NodeKind.Var:
        return this.#text(printIdentifier(node.name));
      case NodeKind.InheritFrom:
        unreachable('the binding that holds it is printed as an inherit');
      case NodeKind.Select:
        return this.#select(node);
      case NodeKind.HasAttr:
        this.#text('((');
        this.node(node.subject);
        return this.#text(`) ? ${printAttrPath(node.path, this.#printPath)})`);
      case NodeKind.Attrs:
        this.#text(node.recursive ? 'rec { ' : '{ ');
        this.#bindings(node);
        return this.#text('}');
      case NodeKind.List:
        this.#text('[ ');
        for (const item of node.items) {
          this.#text('(');
          this.node(item);
          this.#text(') ');
        }
        return this.#text(']');
      case NodeKind.Lambda:
        return this.#lambda(node);
      case NodeKind.Call:
        this.#text('(');
        this.node(node.callee);
        for (const argument of node.args) {
          this.#text(' ');
          this.node(argument);
        }
        return this.#text(')');
      case NodeKind.Let:
        this.#text('(let ');
        this.#bindings(node.attrs);
        this.#text('in ');
        this.node(node.body);
        return this.#text(')');
      case NodeKind.With:
        this.#text('(with ');
        this.node(node.set);
        this.#text('; ');
        this.node(node.body);
        return this.#text(')');
      case NodeKind.If:
        this.#text('(if ');
        this.node(node.condition);
        this.#text(' then ');
        this.node(node.consequent);
        this.#text(' else ');
        this.node(node.alternative);
        return this.#text(')');
      case NodeKind.Assert:
        this.#text('assert ');
        this.node(node.condition);
        this.#text('; ');
        return this.node(node.body);
      case NodeKind.Not:
        this.#text('(! ');
        this.node(node.operand);
        return this.#text(')');
      case NodeKind.Equal:
        return this.#binary(node.left, '==', node.right);
      case NodeKind.NotEqual:
        return this.#binary(node.left, '!=', node.right);
      case NodeKind.And:
        return this.#binary(node.left, '&&', node.right);
      case NodeKind.Or:
        return this.#binary(node.left, '||', node.right);
      case NodeKind.Implies:
        return this.#binary(node.left, '->', node.right);
      case NodeKind.Update:
        return this.#binary(node.left, '//', node.right);
      case NodeKind.ConcatLists:
        return this.#binary(node.left, '++', node.right);
      case NodeKind.ConcatStrings:
        this.#text('(');
        node.parts.forEach((part, index) => {
          if (index > 0) this.#text(' + ');
          this.node(part);
        });
        return this.#text(')');
      case NodeKind.CurrentPosition:
        return this.#text('__curPos');
    }
  }

  #binary(left: Node, operator: string, right: Node): void {
    this.#text('(');
    this.node(left);
    this.#text(` ${operator} `);
    this.node(right);
    this.#text(')');
  }

  #select(node: Select): void {
    this.#text('(');
    this.node(node.subject);
    this.#text(`).${printAttrPath(node.path, this.#printPath)}`);
    if (node.fallback === null) return;
    this.#text(' or (');
    this.node(node.fallback);
    this.#text(')');
  }

  #lambda(node: Lambda): void {
    this.#text('(');
    if (node.formals !== null) {
      this.#text('{ ');
      const formals = [...node.formals].sort((a, b) => compareStrings(a.name, b.name));
      formals.forEach((formal, index) => {
        if (index > 0) this.#text(', ');
        this.#text(printIdentifier(formal.name));
        if (formal.fallback === null) return;
        this.#text(' ? ');
        this.node(formal.fallback);
      });
      if (node.ellipsis) this.#text(formals.length > 0 ? ', ...' : '...');
      this.#text(' }');
      if (node.parameter !== null) this.#text(' @ ');
    }
    if (node.parameter !== null) this.#text(printIdentifier(node.parameter));
    this.#text(': ');
    this.node(node.body);
    this.#text(')');
  }

  #bindings(attrs: Attrs): void {
    const sorted = [...attrs.attrs].sort((a, b) => compareStrings(a.name, b.name));
    const inherited = sorted.filter((def) => def.attrKind === AttrKind.Inherited);
    if (inherited.length > 0) this.#text(`inherit${inherited.map((def) => ` ${printIdentifier(def.name)}`).join('')}; `);
    attrs.inheritFrom.forEach((source, index) => {
      const names = sorted.filter((def) => def.attrKind === AttrKind.InheritedFrom && inheritIndex(def) === index);
      // An `inherit (e);` without names is not shown.
      if (names.length === 0) return;
      this.#text('inherit (');
      this.node(source);
      this.#text(`)${names.map((def) => ` ${printIdentifier(def.name)}`).join('')}; `);
    });
    for (const def of sorted) {
      if (def.attrKind !== AttrKind.Plain) continue;
      this.#text(`${printIdentifier(def.name)} = `);
      this.node(def.value);
      this.#text('; ');
    }
    for (const def of attrs.dynamic) {
      this.#text('"${');
      this.node(def.name);
      this.#text('}" = ');
      this.node(def.value);
      this.#text('; ');
    }
  }
}

function inheritIndex(def: AttrDef): number {
  return ((def.value as Select).subject as InheritFrom).index;
}
