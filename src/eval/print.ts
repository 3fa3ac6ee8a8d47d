// Values as text: the form of `nix eval` and of values in error messages (C++ Nix's print.cc), and the older one of
// `nix-instantiate --eval` (print-ambiguous.cc). Byte strings, without colours: the terminal's face adds those.

import { utf8ToByteString } from '../base/bytes.ts';
import { FloeError, StackOverflowError } from '../base/errors.ts';
import { printStorePath } from '../model/store-path.ts';
import { printIdentifier } from '../lang/print-ast.ts';
import { Attrs } from './attrs.ts';
import { Builtin, PartialCall } from './builtin.ts';
import { enterCall, leaveCall } from './call.ts';
import { coerceToStorePath } from './coerce.ts';
import { isDerivation } from './equality.ts';
import { at } from './error-position.ts';
import { printFloatShort } from './number.ts';
import { stateOf, type EvalState } from './state.ts';
import { ContextAccumulator } from './string-context.ts';
import { symbolName, symbols } from './symbol.ts';
import {
  askedFor,
  ContextString,
  force,
  isBlackhole,
  isString,
  Lambda,
  NixFloat,
  NixPath,
  positionOf,
  Thunk,
  typeName,
  type Slot,
  type Value,
} from './value.ts';

/** How `printValue` prints. */
export interface PrintOptions {
  /** Evaluate what is met; otherwise thunks print as «thunk». */
  readonly force: boolean;
  /** Print derivations as «derivation /nix/store/...drv» (with `force` only). */
  readonly derivationPaths: boolean;
  /** Print a list or set that was printed before as «repeated». */
  readonly trackRepeated: boolean;
  readonly maxDepth: number;
  readonly maxAttrs: number;
  readonly maxListItems: number;
  readonly maxStringLength: number;
  /** Spaces a level; 0 prints on one line. */
  readonly indent: number;
  /** What an error while forcing does: print «error: ...», throw, or throw only outside any list or set. */
  readonly errors: 'print' | 'throw' | 'throw-at-top';
  /** Gets what was printed already of a value whose printing then threw. */
  readonly onPartial?: (text: string) => void;
  /** Colours of terminals around what is printed; none where it is left out. */
  readonly palette?: PrintPalette;
}

/** What to print before each kind of value, and `normal` after it. */
export interface PrintPalette {
  readonly number: string;
  readonly string: string;
  readonly path: string;
  readonly function: string;
  readonly thunk: string;
  readonly problem: string;
  readonly elided: string;
  readonly normal: string;
}

export const PRINT_DEFAULTS: PrintOptions = {
  force: false,
  derivationPaths: false,
  trackRepeated: true,
  maxDepth: Infinity,
  maxAttrs: Infinity,
  maxListItems: Infinity,
  maxStringLength: Infinity,
  indent: 0,
  errors: 'print',
};

const ERROR_PRINT_OPTIONS: PrintOptions = { ...PRINT_DEFAULTS, maxDepth: 10, maxAttrs: 10, maxListItems: 10, maxStringLength: 1024 };

/** A value as error messages show it: never evaluates, never long. */
export function printForError(value: Slot): string {
  return new Printer(null, ERROR_PRINT_OPTIONS).print(value, 0);
}

/** A value as `nix eval` and the repl print it. */
export function printValue(state: EvalState, value: Slot, options: PrintOptions = PRINT_DEFAULTS): string {
  return new Printer(state, options).print(value, 0);
}

// Guillemets as UTF-8 bytes: what is printed is a byte string.
const OPEN = utf8ToByteString('«');
const CLOSE = utf8ToByteString('»');

function quote(text: string): string {
  return OPEN + text + CLOSE;
}

/** A string in double quotes, with the language's escapes. */
export function printString(text: string, maxLength = Infinity): string {
  const isCut = text.length > maxLength;
  const escaped = (isCut ? text.slice(0, maxLength) : text).replace(/["\\\n\r\t]|\$(?=\{)/g, (character) => {
    switch (character) {
      case '\n':
        return '\\n';
      case '\r':
        return '\\r';
      case '\t':
        return '\\t';
      default:
        return `\\${character}`;
    }
  });
  return isCut ? `"${escaped}" ${printElided(text.length - maxLength, 'byte', 'bytes')}` : `"${escaped}"`;
}

function printElided(count: number, single: string, plural: string): string {
  return quote(`${count} ${count === 1 ? single : plural} elided`);
}

class Printer {
  private readonly state: EvalState | null;
  private readonly options: PrintOptions;
  private readonly seen = new Set<unknown>();
  private attrsPrinted = 0;
  private itemsPrinted = 0;
  private indentation = '';
  /** NIX: of a list or set whose only item cannot be evaluated, the bracket is printed before that is known (2.34.8). */
  private partial = '';
  constructor(state: EvalState | null, options: PrintOptions) {
    this.state = state;
    this.options = options;
  }

  print(slot: Slot, depth: number): string {
    if (this.state !== null && depth > this.state.settings.maxCallDepth) {
      throw new StackOverflowError('stack overflow; max-call-depth exceeded', at(0));
    }
    try {
      if (this.options.force) return this.printForced(force(slot), slot, depth);
      if (slot instanceof Thunk) {
        if (slot.code === null) return this.printForced(slot.held as Value, slot, depth);
        return isBlackhole(slot) ? this.paint('problem', quote('potential infinite recursion')) : this.paint('thunk', quote('thunk'));
      }
      // A closure in a slot of its own is one that nobody asked for yet (interpret.ts).
      if (slot instanceof Lambda && depth > 0) return this.paint('thunk', quote('thunk'));
      return this.printForced(slot, slot, depth);
    } catch (error) {
      if (!(error instanceof FloeError) || error instanceof StackOverflowError) throw error;
      const { errors, onPartial } = this.options;
      const { partial } = this;
      this.partial = '';
      if (errors === 'throw' || (errors === 'throw-at-top' && depth === 0)) {
        onPartial?.(partial);
        throw error;
      }
      return partial + this.paint('problem', quote(`error: ${error.message}`));
    }
  }

  private paint(kind: Exclude<keyof PrintPalette, 'normal'>, text: string): string {
    const { palette } = this.options;
    return palette === undefined ? text : `${palette[kind]}${text}${palette.normal}`;
  }

  private printForced(value: Value, slot: Slot, depth: number): string {
    if (isString(value))
      return this.paint('string', printString(typeof value === 'string' ? value : value.text, this.options.maxStringLength));
    if (value instanceof Attrs) return this.printAttrs(value, depth);
    if (Array.isArray(value)) return this.printList(value, slot, depth);
    if (value instanceof Lambda) {
      const { name } = value.code;
      const place = stateOf(value.env).positions.print(value.code.position);
      return this.paint('function', quote(`lambda${name === null ? '' : ` ${printIdentifier(name)}`} @ ${place}`));
    }
    const kind = value instanceof NixPath ? 'path' : value instanceof Builtin || value instanceof PartialCall ? 'function' : 'number';
    return this.paint(kind, printScalar(value));
  }

  private indented(delta: number): void {
    const { indent } = this.options;
    if (indent > 0) this.indentation = ' '.repeat(this.indentation.length + delta * indent);
  }

  private space(isPretty: boolean): string {
    return isPretty ? `\n${this.indentation}` : ' ';
  }

  /** More than one item, or a single one that has items of its own. Forces it, which printing does anyway. */
  private shouldPrettyPrint(slots: readonly Slot[], bracket: string): boolean {
    if (this.options.indent === 0 || slots.length === 0) return false;
    if (slots.length > 1) return true;
    this.partial = bracket;
    const value = force(slots[0]!);
    this.partial = '';
    return value instanceof Attrs || Array.isArray(value);
  }

  private printAttrs(attrs: Attrs, depth: number): string {
    const { options, state } = this;
    if (options.trackRepeated) {
      if (this.seen.has(attrs)) return this.paint('thunk', quote('repeated'));
      this.seen.add(attrs);
    }
    if (state !== null && options.force && options.derivationPaths && isDerivation(attrs))
      return this.paint('path', printDerivation(state, attrs));
    if (depth >= options.maxDepth) return '{ ... }';
    this.indented(1);
    let order = attrs.order();
    const keys = attrs.keys();
    if (options.maxAttrs !== Infinity) {
      // Where not all may be printed, `type` and `_type` come first: they tell most about a value.
      const isImportant = (i: number): boolean => symbolName(keys[i]!) === 'type' || symbolName(keys[i]!) === '_type';
      order = [...order.filter(isImportant), ...order.filter((i) => !isImportant(i))];
    }
    const slots = attrs.slots();
    const isPretty = this.shouldPrettyPrint(
      order.map((i) => slots[i]!),
      '{',
    );
    let text = '{';
    let printed = 0;
    for (const i of order) {
      text += this.space(isPretty);
      if (this.attrsPrinted >= options.maxAttrs) {
        text += this.paint('elided', printElided(order.length - printed, 'attribute', 'attributes'));
        break;
      }
      text += `${printIdentifier(symbolName(keys[i]!))} = ${this.print(slots[i]!, depth + 1)};`;
      this.attrsPrinted++;
      printed++;
    }
    this.indented(-1);
    return `${text}${this.space(isPretty)}}`;
  }

  private printList(list: Slot[], slot: Slot, depth: number): string {
    const { options } = this;
    if (options.trackRepeated && list.length > 0) {
      if (this.seen.has(slot)) return this.paint('thunk', quote('repeated'));
      this.seen.add(slot);
    }
    if (depth >= options.maxDepth) return '[ ... ]';
    this.indented(1);
    const isPretty = this.shouldPrettyPrint(list, '[');
    let text = '[';
    let printed = 0;
    for (const item of list) {
      text += this.space(isPretty);
      if (this.itemsPrinted >= options.maxListItems) {
        text += this.paint('elided', printElided(list.length - printed, 'item', 'items'));
        break;
      }
      text += this.print(item, depth + 1);
      this.itemsPrinted++;
      printed++;
    }
    this.indented(-1);
    return `${text}${this.space(isPretty)}]`;
  }
}

function printScalar(value: Value): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'boolean':
    case 'number':
    case 'bigint':
      return String(value);
  }
  if (value instanceof NixFloat) return printFloatShort(value.value);
  if (value instanceof NixPath) return value.path;
  if (value instanceof Builtin) return quote(`primop ${value.name}`);
  if (value instanceof PartialCall) return quote(`partially applied primop ${value.builtin.name}`);
  return quote(`${typeName(value)}`);
}

function printDerivation(state: EvalState, attrs: Attrs): string {
  const drvPath = attrs.get(symbols.drvPath);
  if (drvPath === undefined) return quote('derivation');
  const position = attrs.position(symbols.drvPath);
  const path = coerceToStorePath(state, position, drvPath, new ContextAccumulator(), 'while evaluating the drvPath of a derivation');
  return quote(`derivation ${printStorePath(path, state.host.constants.storeDir)}`);
}

/**
 * A value as `nix-instantiate --eval` prints it: what is not evaluated as <CODE>. Never evaluates. What occurs a second time is marked as
 * repeated, unless `marksRepeated` is false (manifests of nix-env).
 */
export function printAmbiguous(value: Value, marksRepeated = true): string {
  const out: string[] = [];
  ambiguous(askedFor(value), marksRepeated ? new Set() : null, out);
  return out.join('');
}

/** The same, written; also as far as it goes where the value is nested too deeply. */
export function writeAmbiguous(value: Value, write: (text: string) => void): void {
  const out: string[] = [];
  try {
    ambiguous(askedFor(value), new Set(), out);
  } finally {
    write(out.join(''));
  }
}

function ambiguous(slot: Slot, seen: Set<unknown> | null, out: string[]): void {
  let value: Slot = slot;
  if (value instanceof Thunk) {
    if (value.code !== null) return void out.push(isBlackhole(value) ? quote('potential infinite recursion') : '<CODE>');
    value = value.held as Value;
  } else if (value instanceof Lambda) return void out.push('<CODE>');
  if (value instanceof Attrs || Array.isArray(value)) {
    const isEmpty = (value instanceof Attrs ? value.size : value.length) === 0;
    const identity = value instanceof Attrs ? value : slot;
    if (seen !== null && !isEmpty) {
      if (seen.has(identity)) return void out.push(quote('repeated'));
      seen.add(identity);
    }
    enterCall(positionOf(value));
    if (value instanceof Attrs) ambiguousAttrs(value, seen, out);
    else {
      out.push('[ ');
      for (const item of value) {
        ambiguous(item, seen, out);
        out.push(' ');
      }
      out.push(']');
    }
    return leaveCall();
  }
  out.push(ambiguousScalar(value));
}

function ambiguousAttrs(attrs: Attrs, seen: Set<unknown> | null, out: string[]): void {
  out.push('{ ');
  for (const i of attrs.order()) {
    out.push(`${printIdentifier(symbolName(attrs.keys()[i]!))} = `);
    ambiguous(attrs.slots()[i]!, seen, out);
    out.push('; ');
  }
  out.push('}');
}

function ambiguousScalar(value: Exclude<Value, Attrs | Slot[]>): string {
  if (value instanceof ContextString) return printString(value.text);
  if (typeof value === 'string') return printString(value);
  if (value instanceof Lambda) return '<LAMBDA>';
  if (value instanceof Builtin) return '<PRIMOP>';
  if (value instanceof PartialCall) return '<PRIMOP-APP>';
  return printScalar(value);
}
