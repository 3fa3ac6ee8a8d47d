// Calls that are kept from one round to the next (kept.ts): `import nixpkgs { inherit system; }` gives in each round what it gave in the
// one before, if the file lies in a tree that is named by its hash and the argument is plain data. An argument is plain where that can be
// seen without evaluating anything: text, numbers, paths in such trees, sets and lists of them, and functions that an earlier round
// left behind (overlays of locked inputs).
//
// INVARIANT: what is called gets a copy of the argument, so nothing kept leads back to the flake that gave it. Positions in the copy
// resolve as those of the original do; a call whose program looks at one is not kept, because the original's line may move. In one
// round each kept value stands for one call: two calls give two values, as functions and their like are compared by address.

import { Attrs, AttrsBuilder } from './attrs.ts';
import { Builtin } from './builtin.ts';
import { Code, Kind } from './code.ts';
import { KINDS, resolved, type LambdaCode } from './interpret.ts';
import { BorrowedPlaces, NO_POSITION, type PositionId } from './position.ts';
import type { EvalState } from './state.ts';
import { symbolName, symbols } from './symbol.ts';
import { type Env, forceThunk, Lambda, NixFloat, NixPath, peek, type Slot, Thunk, type Value } from './value.ts';

/** Parts of an argument; a call with more is evaluated. */
const MAX_PARTS = 100;
/** A value with more sets and lists is not searched. */
const MAX_VISITED = 100_000;

/** Calls that as many rounds did without are forgotten. */
export const KEPT_ROUNDS = 16;

interface KeptCall {
  readonly values: { readonly value: Value; readonly argument: Argument }[];
  /** How many of them this round has used. */
  used: number;
  usedIn: number;
}

/** Calls of one evaluator's functions. */
export class KeptCalls {
  private readonly isFixed: (path: string, storeDir: string) => boolean;
  private readonly bodies = new Map<KeptBody, Map<string, KeptCall>>();
  private readonly seen = new WeakMap<object, { readonly id: number; readonly round: number }>();
  /** Sets and lists made for calls. */
  readonly copies = new WeakSet<object>();
  private nextId = 1;
  private round = 0;

  /** `isFixed` tells paths in trees that are named by their hashes. */
  constructor(isFixed: (path: string, storeDir: string) => boolean) {
    this.isFixed = isFixed;
  }

  begin(): void {
    this.round++;
    for (const calls of this.bodies.values()) for (const call of calls.values()) call.used = 0;
  }

  end(): void {
    for (const [body, calls] of this.bodies) {
      for (const [key, call] of calls) {
        const values = call.values.filter(({ argument }) => !argument.places.isObserved);
        call.values.splice(0, call.values.length, ...values);
        if (values.length === 0 || this.round - call.usedIn >= KEPT_ROUNDS) calls.delete(key);
      }
      if (calls.size === 0) this.bodies.delete(body);
    }
  }

  /** Keeps calls of a function from now on. It must follow from its file alone. */
  watch({ code, env }: Lambda, state: EvalState): void {
    if (code.slot !== 1 || code.next !== null || code.body.kind === KEPT_BODY) return;
    // A body that is read late puts itself into its place.
    const body = resolved(code.body);
    code.body = new Code(KEPT_BODY, NO_POSITION, new KeptBody(this, code, env, body, state), null, null, null);
  }

  /** The value of a call, kept or to be kept. */
  call(body: KeptBody, argument: Argument, evaluate: () => Value): Value {
    let calls = this.bodies.get(body);
    if (calls === undefined) this.bodies.set(body, (calls = new Map()));
    let call = calls.get(argument.key);
    if (call === undefined) calls.set(argument.key, (call = { values: [], used: 0, usedIn: 0 }));
    call.usedIn = this.round;
    const index = call.used++;
    const known = call.values[index];
    if (known !== undefined) return known.value;
    const value = evaluate();
    // Calls inside this one, or one that failed, may stand between.
    if (call.values.length === index) call.values.push({ value, argument });
    return value;
  }

  /** Names what an earlier round left behind; undefined for what this round made, which the next one makes anew. */
  nameOf(object: object): number | undefined {
    const known = this.seen.get(object);
    if (known !== undefined) return known.round < this.round ? known.id : undefined;
    this.seen.set(object, { id: this.nextId++, round: this.round });
    return undefined;
  }

  /** Whether a copy of an argument is in a value: whoever prints it would not see that the original is the same set or list. */
  exposes(value: Value): boolean {
    const seen = new Set<object>();
    const visit = (slot: Slot): boolean => {
      const part = peek(slot);
      if (!(part instanceof Attrs || Array.isArray(part)) || seen.has(part)) return false;
      if (this.copies.has(part) || seen.size > MAX_VISITED) return true;
      seen.add(part);
      if (Array.isArray(part)) return part.some(visit);
      const type = part.get(symbols.type);
      return (type === undefined || peek(type) !== 'derivation') && part.slots().some(visit);
    };
    return visit(value);
  }

  isFixedPath(path: string, state: EvalState): boolean {
    return this.isFixed(path, state.host.constants.storeDir);
  }
}

/** Stands in the place of a function's body. */
const KEPT_BODY = new Kind(function evalKept(this: Code<KeptBody>, frame: Env): Value {
  return this.a.eval(frame);
});

/** What it holds. */
class KeptBody {
  private readonly calls: KeptCalls;
  private readonly code: LambdaCode;
  /** The environment of the one closure that is meant. */
  private readonly env: Env;
  private readonly body: Code;
  private readonly state: EvalState;

  constructor(calls: KeptCalls, code: LambdaCode, env: Env, body: Code, state: EvalState) {
    this.calls = calls;
    this.code = code;
    this.env = env;
    this.body = body;
    this.state = state;
  }

  eval(frame: Env): Value {
    if (frame[0] !== this.env) return this.body.eval(frame);
    const argument = new Argument(this.calls, this.state);
    if (!this.describeFrame(frame, argument)) return this.body.eval(frame);
    return this.calls.call(this, argument, () => this.body.eval(this.copyFrame(frame, argument)));
  }

  /** Whether all in the frame is plain. The whole argument has all of its parts. */
  private describeFrame(frame: Env, argument: Argument): boolean {
    const { formals, parameterName } = this.code;
    if (parameterName !== null) return argument.describe(frame[1] as Slot);
    return formals!.every((_, i) => {
      if (!isDefault(frame, i + 1)) return argument.describe(frame[i + 1] as Slot);
      argument.key += ';';
      return true;
    });
  }

  private copyFrame(frame: Env, argument: Argument): Env {
    const { formals, parameterName, size } = this.code;
    const copy: Env = new Array(size);
    copy[0] = this.env;
    const whole = parameterName === null ? undefined : argument.copy(frame[1] as Slot);
    const first = whole === undefined ? 1 : 2;
    if (whole !== undefined) copy[1] = whole;
    if (formals === null) return copy;
    const { length } = formals;
    for (let i = 0; i < length; i++) {
      if (isDefault(frame, first + i)) continue;
      const part = whole instanceof Attrs ? whole.get(formals[i]!.symbol) : undefined;
      copy[first + i] = part ?? argument.copy(frame[first + i] as Slot);
    }
    // Defaults see the whole frame.
    for (let i = 0; i < length; i++) if (isDefault(frame, first + i)) copy[first + i] = formals[i]!.fallback!.thunk(copy);
    return copy;
  }
}

/** Whether a formal has its default, which waits in the frame. */
function isDefault(frame: Env, index: number): boolean {
  const slot = frame[index] as Slot;
  return slot instanceof Thunk && slot.held === frame;
}

/** The value in a slot, where it is there or takes nothing but making a set or list. */
function plainValue(slot: Slot): Value | undefined {
  if (!(slot instanceof Thunk)) return slot;
  if (slot.code === null) return slot.held as Value;
  const code = resolved(slot.code);
  const { kind } = code;
  if (kind === KINDS.attrs || kind === KINDS.list || kind === KINDS.emptyAttrs || kind === KINDS.constant) return forceThunk(slot);
  return kind.peek.call(code, slot.held as Env);
}

/** An argument, as long as it is plain: first what tells it from others, then a copy. */
class Argument {
  key = '';
  readonly places: BorrowedPlaces;
  private parts = 0;
  private readonly calls: KeptCalls;
  private readonly state: EvalState;

  constructor(calls: KeptCalls, state: EvalState) {
    this.calls = calls;
    this.state = state;
    this.places = new BorrowedPlaces(state.positions);
  }

  /** Adds a part to the key; false where it is not plain. */
  describe(slot: Slot): boolean {
    if (++this.parts > MAX_PARTS) return false;
    const value = plainValue(slot);
    switch (typeof value) {
      case 'undefined':
        return false;
      case 'string':
        return !value.includes(this.state.host.constants.storeDir) && this.add('s', value);
      case 'number':
      case 'bigint':
      case 'boolean':
        return this.add('n', String(value));
    }
    if (value === null) return this.add('n', 'null');
    if (Array.isArray(value)) return this.add('[', String(value.length)) && value.every((item) => this.describe(item));
    if (value instanceof Attrs) return this.describeSet(value);
    if (value instanceof NixFloat)
      return !Number.isNaN(value.value) && this.add('f', Object.is(value.value, -0) ? '-0' : String(value.value));
    if (value instanceof NixPath) return this.calls.isFixedPath(value.path, this.state) && this.add('p', value.path);
    if (value instanceof Builtin) return this.add('b', value.name);
    if (!(value instanceof Lambda)) return false;
    const code = this.calls.nameOf(value.code);
    const env = this.calls.nameOf(value.env);
    return code !== undefined && env !== undefined && this.add('l', `${code},${env}`);
  }

  private describeSet(set: Attrs): boolean {
    if (set.size > MAX_PARTS - this.parts) return false;
    this.add('{', String(set.size));
    return set.order().every((i) => this.add('a', symbolName(set.keys()[i]!)) && this.describe(set.slots()[i]!));
  }

  private add(kind: string, text: string): true {
    this.key += `${kind}${text.length}:${text}`;
    return true;
  }

  /** A copy of a part that was described. */
  copy(slot: Slot): Slot {
    const value = plainValue(slot)!;
    if (Array.isArray(value)) return this.made(value.map((item) => this.copy(item)));
    if (!(value instanceof Attrs) || value.size === 0) return value;
    const builder = new AttrsBuilder();
    value.keys().forEach((symbol, i) => builder.set(symbol, this.copy(value.slots()[i]!), this.borrow(value.positionAt(i))));
    return this.made(builder.build());
  }

  private made<Copy extends object>(copy: Copy): Copy {
    this.calls.copies.add(copy);
    return copy;
  }

  private borrow(position: PositionId): PositionId {
    return position === NO_POSITION ? NO_POSITION : this.places.borrow(position, MAX_PARTS);
  }
}
