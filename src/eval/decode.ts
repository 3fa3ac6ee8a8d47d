// The compiled form (code-format.ts) -> what runs (interpret.ts). A unit is one source's form in one evaluator: symbols, positions and paths
// are resolved here. PERF: arrays are made at their sizes: one that grows keeps room for 16 more. Lazy parts are decoded when they first run, so a file of a thousand definitions costs what is used of it.

import { unreachable } from '../base/assert.ts';
import { UndefinedVariableError } from '../base/errors.ts';
import { resolvePathLiteral, type PathBase } from '../lang/path-literal.ts';
import { Path as PathNode, type PathForm } from '../lang/ast.ts';
import { Attrs, makeStaticShape } from './attrs.ts';
import { Builtin } from './builtin.ts';
import { FORMAT_VERSION, Op, PATH_MARK } from './code-format.ts';
import type { Code } from './code.ts';
import { at } from './error-position.ts';
import {
  adopt,
  adoptAll,
  AttrPath,
  Bindings,
  constantOf,
  DynamicAttr,
  Formal,
  LambdaCode,
  makeAnd,
  makeArithmetic,
  makeAssert,
  makeAttrsFrom,
  makeAttrsLiteral,
  makeCall,
  makeCall1,
  makeCall2,
  makeConcatLists,
  makeConstant,
  makeCurrentPosition,
  makeDynamicAttrs,
  makeEmptyAttrs,
  makeEqual,
  makeGlobal,
  makeHasAttr,
  makeIf,
  makeImplies,
  makeInterpolation,
  makeKnownSelect,
  makeLambda,
  makeLazy,
  makeLessThan,
  makeLet,
  makeLetHere,
  makeList,
  makeNot,
  makeOr,
  makePlus,
  makeRecursiveAttrs,
  makeSelect,
  makeSelectOr,
  makeSelectPath,
  makeUpdate,
  makeVariable,
  makeWith,
  makeWithHere,
  makeWithVariable,
  RecursiveSet,
  type CodeSource,
} from './interpret.ts';
import { makeInteger } from './number.ts';
import { NO_POSITION, type PositionId } from './position.ts';
import type { EvalState } from './state.ts';
import { internSymbol, symbols, type SymbolId } from './symbol.ts';
import { NixFloat, NixPath, Thunk, type Slot } from './value.ts';

/** What decoding needs to know of the evaluator and the place of the source. */
export interface UnitPlace {
  readonly state: EvalState;
  /** First position id of the source. */
  readonly base: PositionId;
  readonly paths: PathBase;
}

/** Whether a text is a compiled form that this program can read. */
export function isReadable(form: string): boolean {
  return form.charCodeAt(0) === FORMAT_VERSION;
}

/** Length of the source that a compiled form was made from. */
export function sourceLength(form: string): number {
  let length = 0;
  let factor = 1;
  for (let i = 1; ; i++) {
    const byte = form.charCodeAt(i);
    length += (byte & 127) * factor;
    if (byte < 128) return length;
    factor *= 128;
  }
}

/** The expression of a compiled form. */
export function decode(form: string, place: UnitPlace): Code {
  return new Unit(form, place).root();
}

// A list literal without items has one address, like C++'s.
const EMPTY_LIST: Slot[] = [];

class Unit implements CodeSource {
  readonly #form: string;
  readonly #place: UnitPlace;
  #at = 1;
  /** Where each string begins; one more at the end. */
  readonly #offsets: Int32Array;
  readonly #texts: (string | undefined)[];
  readonly #symbols: Int32Array;
  readonly #start: number;

  constructor(form: string, place: UnitPlace) {
    this.#form = form;
    this.#place = place;
    this.#number();
    const count = this.#number();
    const names = this.#number();
    const offsets = new Int32Array(count + 1);
    let length = 0;
    for (let i = 0; i < count; i++) {
      offsets[i] = length;
      length += this.#number();
    }
    offsets[count] = length;
    for (let i = 0; i <= count; i++) offsets[i]! += this.#at;
    this.#offsets = offsets;
    this.#texts = new Array<string | undefined>(count);
    this.#symbols = new Int32Array(count).fill(-1);
    this.#start = this.#at + length;
    // NIX: all names of a file become symbols when it is parsed. The order shows where sets are walked in the order of symbols.
    for (let i = 0; i < names; i++) this.#symbols[i] = internSymbol(form.slice(offsets[i], offsets[i + 1]));
  }

  root(): Code {
    return this.decodeAt(this.#start);
  }

  decodeAt(offset: number): Code {
    this.#at = offset;
    return this.#expression();
  }

  #byte(): number {
    return this.#form.charCodeAt(this.#at++);
  }

  #number(): number {
    const form = this.#form;
    let byte = form.charCodeAt(this.#at++);
    if (byte < 128) return byte;
    let value = byte - 128;
    let factor = 128;
    do {
      byte = form.charCodeAt(this.#at++);
      value += (byte & 127) * factor;
      factor *= 128;
    } while (byte >= 128);
    return value;
  }

  #string(): string {
    const index = this.#number();
    return (this.#texts[index] ??= this.#form.slice(this.#offsets[index]!, this.#offsets[index + 1]!));
  }

  /** The text of an expression, with the paths in it resolved. */
  #expressionText(): string {
    const text = this.#string();
    if (!text.includes(PATH_MARK)) return text;
    return text
      .split(PATH_MARK)
      .map((part, i) => (i % 2 === 0 ? part : this.#resolvePath(Number(part[0]) as PathForm, part.slice(1))))
      .join('');
  }

  #resolvePath(form: PathForm, text: string): string {
    return resolvePathLiteral(new PathNode(0, form, text), this.#place.paths);
  }

  #symbol(): SymbolId {
    const index = this.#number();
    let symbol = this.#symbols[index]!;
    if (symbol < 0) {
      symbol = internSymbol(this.#form.slice(this.#offsets[index]!, this.#offsets[index + 1]!));
      this.#symbols[index] = symbol;
    }
    return symbol;
  }

  #position(): PositionId {
    const position = this.#number();
    return position === 0 ? NO_POSITION : this.#place.base + position - 1;
  }

  /** Size of a frame. */
  #size(): number {
    const form = this.#form;
    const size = form.charCodeAt(this.#at) | (form.charCodeAt(this.#at + 1) << 8) | (form.charCodeAt(this.#at + 2) << 16);
    this.#at += 3;
    return size;
  }

  #expressions(count: number): Code[] {
    const codes: Code[] = new Array<Code>(count);
    for (let i = 0; i < count; i++) codes[i] = this.#expression();
    return codes;
  }

  #expression(): Code {
    const form = this.#form;
    const op = form.charCodeAt(this.#at++);
    switch (op) {
      case Op.Lazy: {
        const start = this.#at + 4;
        const length =
          form.charCodeAt(this.#at) |
          (form.charCodeAt(this.#at + 1) << 8) |
          (form.charCodeAt(this.#at + 2) << 16) |
          (form.charCodeAt(this.#at + 3) << 24);
        this.#at = start + length;
        return makeLazy(this, start);
      }
      case Op.Int:
        return makeConstant(this.#number());
      case Op.NegativeInt:
        return makeConstant(-this.#number() - 1);
      case Op.BigInt:
        return makeConstant(makeInteger(BigInt(this.#string())));
      case Op.Float: {
        const view = new DataView(new ArrayBuffer(8));
        for (let i = 0; i < 8; i++) view.setUint8(i, this.#byte());
        return makeConstant(new NixFloat(view.getFloat64(0, true)));
      }
      case Op.String:
        return makeConstant(this.#string());
      case Op.Path: {
        const kind = this.#number() as PathForm;
        return makeConstant(new NixPath(this.#resolvePath(kind, this.#string())));
      }
      case Op.Variable0: {
        const slot = this.#number();
        return makeVariable(0, slot, this.#position());
      }
      case Op.Variable1: {
        const slot = this.#number();
        return makeVariable(1, slot, this.#position());
      }
      case Op.Variable2: {
        const slot = this.#number();
        return makeVariable(2, slot, this.#position());
      }
      case Op.Variable: {
        const depth = this.#number();
        const slot = this.#number();
        return makeVariable(depth, slot, this.#position());
      }
      case Op.Global: {
        const name = this.#string();
        return this.#global(name, this.#position());
      }
      case Op.WithVariable:
        return this.#withVariable();
      case Op.Select: {
        const subject = this.#expression();
        const symbol = this.#symbol();
        return this.#select(subject, symbol, this.#position());
      }
      case Op.SelectPath: {
        const subject = this.#expression();
        const path = this.#path();
        return makeSelectPath(subject, path, this.#position());
      }
      case Op.SelectOr: {
        const subject = this.#expression();
        const path = this.#path();
        const position = this.#position();
        return makeSelectOr(subject, path, this.#expression(), position);
      }
      case Op.HasAttr: {
        const subject = this.#expression();
        const path = this.#path();
        return makeHasAttr(subject, path, this.#position());
      }
      case Op.EmptyAttrs:
        return makeEmptyAttrs();
      case Op.Attrs:
        return this.#attrs();
      case Op.AttrsFrom:
        return this.#attrsFrom();
      case Op.RecursiveAttrs:
        return this.#recursiveAttrs();
      case Op.DynamicAttrs: {
        const count = this.#number();
        const base = this.#expression();
        const dynamic: DynamicAttr[] = [];
        for (let i = 0; i < count; i++) {
          const name = this.#expression();
          const value = this.#expression();
          dynamic.push(adopt(new DynamicAttr(name, value, this.#position()), 'value'));
        }
        return makeDynamicAttrs(base, dynamic);
      }
      case Op.List: {
        const count = this.#number();
        return count === 0 ? makeConstant(EMPTY_LIST) : makeList(adoptAll(this.#expressions(count)));
      }
      case Op.Lambda:
        return this.#lambda();
      case Op.Call1: {
        const position = this.#position();
        const callee = this.#expression();
        return makeCall1(callee, this.#expression(), position);
      }
      case Op.Call2: {
        const position = this.#position();
        const callee = this.#expression();
        const first = this.#expression();
        return makeCall2(callee, first, this.#expression(), position);
      }
      case Op.Call: {
        const position = this.#position();
        const count = this.#number();
        const callee = this.#expression();
        return makeCall(callee, adoptAll(this.#expressions(count)), position);
      }
      case Op.Let: {
        const size = this.#size();
        const { bindings } = this.#bindings(1);
        return makeLet(size, bindings, this.#expression());
      }
      case Op.LetHere: {
        const first = this.#number();
        const { bindings } = this.#bindings(first);
        return makeLetHere(bindings, this.#expression());
      }
      case Op.With: {
        const size = this.#size();
        const set = this.#expression();
        return makeWith(size, set, this.#expression());
      }
      case Op.WithHere: {
        const slot = this.#number();
        const set = this.#expression();
        return makeWithHere(slot, set, this.#expression());
      }
      case Op.If: {
        const position = this.#position();
        const condition = this.#expression();
        const consequent = this.#expression();
        return makeIf(condition, consequent, this.#expression(), position);
      }
      case Op.Assert: {
        const position = this.#position();
        const text = this.#expressionText();
        const condition = this.#expression();
        return makeAssert(condition, this.#expression(), text, position);
      }
      case Op.Not: {
        const position = this.#position();
        return makeNot(this.#expression(), position);
      }
      case Op.Interpolation: {
        const { parts, positions } = this.#parts();
        return makeInterpolation(parts, positions);
      }
      case Op.Plus: {
        const position = this.#position();
        const { parts, positions } = this.#parts();
        return makePlus(parts, positions, position);
      }
      case Op.Arithmetic: {
        const name = this.#string();
        const position = this.#position();
        const left = this.#expression();
        const builtin = this.#place.state.queryGlobal(name);
        return makeArithmetic(left, this.#expression(), builtin as Builtin, position);
      }
      case Op.CurrentPosition:
        return makeCurrentPosition(this.#position());
      case Op.Update: {
        const leftPosition = this.#position();
        const rightPosition = this.#position();
        const left = this.#expression();
        return makeUpdate(left, this.#expression(), leftPosition, rightPosition);
      }
      default:
        return this.#binary(op);
    }
  }

  #binary(op: number): Code {
    const position = this.#position();
    const left = this.#expression();
    const right = this.#expression();
    switch (op) {
      case Op.And:
        return makeAnd(left, right, position);
      case Op.Or:
        return makeOr(left, right, position);
      case Op.Implies:
        return makeImplies(left, right, position);
      case Op.Equal:
        return makeEqual(left, right, false, position);
      case Op.NotEqual:
        return makeEqual(left, right, true, position);
      case Op.ConcatLists:
        return makeConcatLists(left, right, position);
      case Op.LessThan:
        return makeLessThan(left, right, position);
      default:
        return unreachable(`opcode ${op}`);
    }
  }

  #global(name: string, position: PositionId): Code {
    const slot = this.#place.state.queryGlobal(name);
    // The text was bound against the same names, so this is a form of another program.
    if (slot === undefined) throw new UndefinedVariableError(`undefined variable '${name}'`, at(position));
    return slot instanceof Thunk ? makeGlobal(slot, position) : makeConstant(slot);
  }

  /** `builtins.x` is known now, where it is a value that needs no evaluating. */
  #select(subject: Code, symbol: SymbolId, position: PositionId): Code {
    const set = constantOf(subject);
    if (set instanceof Attrs && set === this.#place.state.builtins) {
      const slot = set.get(symbol);
      if (slot instanceof Builtin) return makeKnownSelect(slot);
    }
    return makeSelect(subject, symbol, position);
  }

  #withVariable(): Code {
    const symbol = this.#symbol();
    const position = this.#position();
    const count = this.#number();
    const hops: number[] = new Array<number>(count);
    const slots: number[] = new Array<number>(count);
    const positions: PositionId[] = new Array<PositionId>(count);
    for (let i = 0; i < count; i++) {
      hops[i] = this.#number();
      slots[i] = this.#number();
      positions[i] = this.#position();
    }
    return makeWithVariable(symbol, position, hops, slots, positions);
  }

  #path(): AttrPath {
    const count = this.#number();
    const steps: (SymbolId | Code)[] = new Array<SymbolId | Code>(count);
    const positions: PositionId[] = new Array<PositionId>(count);
    const texts: string[] = new Array<string>(count);
    for (let i = 0; i < count; i++) {
      if (this.#byte() === 0) {
        steps[i] = this.#symbol();
        positions[i] = NO_POSITION;
        texts[i] = '';
      } else {
        positions[i] = this.#position();
        texts[i] = this.#expressionText();
        steps[i] = this.#expression();
      }
    }
    return new AttrPath(steps, positions, texts);
  }

  #parts(): { parts: Code[]; positions: PositionId[] } {
    const count = this.#number();
    const parts: Code[] = new Array<Code>(count);
    const positions: PositionId[] = new Array<PositionId>(count);
    for (let i = 0; i < count; i++) {
      positions[i] = this.#position();
      parts[i] = this.#expression();
    }
    return { parts, positions };
  }

  #attrs(): Code {
    const literal = this.#position();
    const count = this.#number();
    const names: SymbolId[] = new Array<SymbolId>(count);
    const positions: PositionId[] = new Array<PositionId>(count);
    const codes: Code[] = new Array<Code>(count);
    for (let i = 0; i < count; i++) {
      names[i] = this.#symbol();
      positions[i] = this.#position();
      codes[i] = this.#expression();
    }
    const { shape, order } = makeStaticShape(names, positions, literal);
    return makeAttrsLiteral(shape, adoptAll(order.map((i) => codes[i]!)));
  }

  #attrsFrom(): Code {
    const literal = this.#position();
    const sources = this.#expressions(this.#number());
    const count = this.#number();
    const names: SymbolId[] = new Array<SymbolId>(count);
    const positions: PositionId[] = new Array<PositionId>(count);
    const isFrom: boolean[] = new Array<boolean>(count);
    const codes: Code[] = new Array<Code>(count);
    for (let i = 0; i < count; i++) {
      names[i] = this.#symbol();
      positions[i] = this.#position();
      isFrom[i] = this.#byte() === 1;
      codes[i] = this.#expression();
    }
    const { shape, order } = makeStaticShape(names, positions, literal);
    return makeAttrsFrom(
      shape,
      adoptAll(order.map((i) => codes[i]!)),
      order.map((i) => isFrom[i]!),
      adoptAll(sources),
    );
  }

  /** Bindings whose slots begin at `first`. */
  #bindings(first: number): { names: SymbolId[]; positions: PositionId[]; bindings: Bindings } {
    const count = this.#number();
    const names: SymbolId[] = new Array<SymbolId>(count);
    const positions: PositionId[] = new Array<PositionId>(count);
    const isOuter: boolean[] = new Array<boolean>(count);
    const codes: Code[] = new Array<Code>(count);
    for (let i = 0; i < count; i++) {
      names[i] = this.#symbol();
      positions[i] = this.#position();
      isOuter[i] = this.#byte() === 1;
      codes[i] = this.#expression();
    }
    const sources = this.#expressions(this.#number());
    return { names, positions, bindings: new Bindings(first, names, adoptAll(codes), isOuter, adoptAll(sources)) };
  }

  #recursiveAttrs(): Code {
    const literal = this.#position();
    const size = this.#size();
    const { names, positions, bindings } = this.#bindings(1);
    const { shape, order } = makeStaticShape(names, positions, literal);
    const slots = order.map((i) => i + 1);
    return makeRecursiveAttrs(new RecursiveSet(size, shape, slots, bindings, names.indexOf(symbols.overrides) + 1));
  }

  #lambda(): Code {
    const size = this.#size();
    const count = this.#number();
    const positions: PositionId[] = [];
    const names: (string | null)[] = [];
    const parameters: (string | null)[] = [];
    for (let i = 0; i < count; i++) {
      positions.push(this.#position());
      names.push(this.#number() === 0 ? null : this.#string());
      parameters.push(this.#byte() === 0 ? null : this.#string());
    }
    const flags = this.#byte();
    let formals: Formal[] | null = null;
    if ((flags & 1) !== 0) {
      formals = new Array<Formal>(this.#number());
      for (let i = 0; i < formals.length; i++) {
        const symbol = this.#symbol();
        const position = this.#position();
        formals[i] = adopt(new Formal(symbol, position, this.#byte() === 0 ? null : this.#expression()), 'fallback');
      }
    }
    const last = count - 1;
    const ellipsis = (flags & 2) !== 0;
    let stage = new LambdaCode(
      positions[last]!,
      names[last]!,
      parameters[last]!,
      formals,
      ellipsis,
      last + 1,
      size,
      null,
      this.#expression(),
    );
    adopt(stage, 'body');
    // INVARIANT: stages before the last have one parameter each, so stage i fills slot i + 1.
    for (let i = last - 1; i >= 0; i--) {
      stage = new LambdaCode(positions[i]!, names[i]!, parameters[i]!, null, false, i + 1, size, stage, stage.body);
    }
    return makeLambda(stage);
  }
}
