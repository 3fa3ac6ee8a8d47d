// Applying functions: closures with and without formals, builtins with too few, enough or too many arguments, and sets with
// `__functor`. PERF: calls with one and two arguments, nearly all there are, make no argument arrays.
//
// The call depth is counted here. It is that of the JavaScript stack, of which there is one a thread, so it is a variable of this
// module and not of a state.

import { FloeError, StackOverflowError, WrongTypeError } from '../base/errors.ts';
import { Attrs, NO_PLACE, type Shape } from './attrs.ts';
import { Builtin, PartialCall } from './builtin.ts';
import { addFrame, at, CALL_SITE, withoutPlace } from './error-position.ts';
import { variablePosition, type Code } from './code.ts';
import type { Formal, LambdaCode } from './interpret.ts';
import { NO_POSITION, type PositionId } from './position.ts';
import { printForError } from './print.ts';
import type { EvalState } from './state.ts';
import { nearestNames } from '../base/suggestions.ts';
import { printSymbol, symbolName, symbols } from './symbol.ts';
import { describeType, failedThunk, force, Lambda, Thunk, type Env, type Slot, type Value } from './value.ts';

let depth = 0;
let maxDepth = 10000;
let showCalls = false;

/** What of the settings calls need, and the depth; the evaluator's guard sets it on the way in and puts it back on the way out. */
export interface CallSettings {
  readonly depth: number;
  readonly maxDepth: number;
  readonly showCalls: boolean;
}

/** Installs settings and returns the ones before. */
export function exchangeCallSettings(settings: CallSettings): CallSettings {
  const before = { depth, maxDepth, showCalls };
  depth = settings.depth;
  maxDepth = settings.maxDepth;
  showCalls = settings.showCalls;
  return before;
}

/** Told of every call of a function as it begins and ends: for profiles and traces (call-watch.ts). */
export interface CallWatcher {
  enter(fn: Value, args: readonly Slot[], pos: PositionId): void;
  leave(pos: PositionId): void;
}

// PERF: nobody watches but where the user asked for it; the test costs less than can be measured.
let watcher: CallWatcher | null = null;

/** Installs a watcher, for the thread; null takes it away. */
export function setCallWatcher(next: CallWatcher | null): void {
  watcher = next;
}

/** A call with the watcher told. */
export function callWatched(fn: Value, args: readonly Slot[], pos: PositionId): Value {
  const told = watcher!;
  told.enter(fn, args, pos);
  try {
    return applyAll(fn, args, pos);
  } finally {
    told.leave(pos);
  }
}

/** One level deeper, for what recurses over values without calling functions. Pair with leaveCall on the way of success. */
export function enterCall(pos: PositionId): void {
  if (depth > maxDepth) throw stackOverflow(pos);
  depth++;
}

/** Ends what enterCall began. Not needed when an error is thrown: who catches one for good restores the depth. */
export function leaveCall(): void {
  depth--;
}

/** Forces one level deeper: what makes strings and compares values is a level of its own. */
export function forceBelow(slot: Slot, pos: PositionId): Value {
  if (!(slot instanceof Thunk)) return slot;
  enterCall(pos);
  const value = force(slot, pos);
  leaveCall();
  return value;
}

/** The depth now; for restoreCallDepth after an error was caught for good (tryEval). */
export function callDepth(): number {
  return depth;
}

/** See callDepth. */
export function restoreCallDepth(before: number): void {
  depth = before;
}

function stackOverflow(pos: PositionId): StackOverflowError {
  return new StackOverflowError('stack overflow; max-call-depth exceeded', at(pos));
}

/**
 * The value of an argument that the function is going to force before anything else. PERF: saves the thunk. An error waits in a
 * thunk until the function asks for the value, and gets the frames it would have got. `levels` is how much deeper it will be forced.
 */
export function evalEarly(code: Code, env: Env, pos: PositionId, levels = 1): Slot {
  const level = depth;
  if (level > maxDepth) throw stackOverflow(pos);
  depth = level + levels;
  try {
    const value = code.eval(env);
    depth = level;
    return value;
  } catch (error) {
    depth = level;
    return failedThunk(withoutPlace(error, variablePosition(code)));
  }
}

/** fn a, where fn is evaluated. */
export function call1(fn: Value, a: Slot, pos: PositionId): Value {
  if (watcher !== null) return callWatched(fn, [a], pos);
  if (fn instanceof Lambda) return callLambda(fn, a, pos);
  if (fn instanceof Builtin) return fn.arity === 1 ? runBuiltin1(fn, a, pos) : new PartialCall(fn, [a]);
  return callWithArray(fn, [a], pos);
}

/** fn a b, where fn is evaluated. */
export function call2(fn: Value, a: Slot, b: Slot, pos: PositionId): Value {
  if (watcher !== null) return callWatched(fn, [a, b], pos);
  if (fn instanceof Lambda) {
    const { code } = fn;
    const last = code.next;
    if (last !== null && last.next === null && last.formals === null) {
      const { size } = last;
      if (size === 3) return runBody(last, [fn.env, a, b], pos);
      const env: Env = new Array(size);
      takeOver(env, fn);
      const { slot } = code;
      env[slot] = a;
      env[slot + 1] = b;
      return runBody(last, env, pos);
    }
    const next = callLambda(fn, a, pos);
    return next instanceof Lambda ? callLambda(next, b, pos) : call1(next, b, pos);
  }
  if (fn instanceof Builtin && fn.arity === 2) return runBuiltin2(fn, a, b, pos);
  return callWithArray(fn, [a, b], pos);
}

/** fn applied to any number of arguments; fn is evaluated. */
export function callFunction(_state: EvalState, fn: Value, args: readonly Slot[], pos: PositionId): Value {
  return args.length === 1 ? call1(fn, args[0]!, pos) : callWithArray(fn, args, pos);
}

/** As callFunction, for those who have no state at hand. */
export function callWithArray(callee: Value, args: readonly Slot[], pos: PositionId): Value {
  return watcher === null ? applyAll(callee, args, pos) : callWatched(callee, args, pos);
}

function applyAll(callee: Value, args: readonly Slot[], pos: PositionId): Value {
  let fn = callee;
  const count = args.length;
  for (let at = 0; at < count;) {
    if (fn instanceof Lambda) {
      const taken = Math.min(stagesOf(fn.code), count - at);
      fn = taken === 1 ? callLambda(fn, args[at]!, pos) : callStages(fn, args, at, taken, pos);
      at += taken;
    } else if (fn instanceof Builtin) {
      const { arity } = fn;
      if (count - at < arity) return new PartialCall(fn, at === 0 ? args : args.slice(at));
      fn = runBuiltin(fn, at === 0 && count === arity ? args : args.slice(at, at + arity), pos);
      at += arity;
    } else if (fn instanceof PartialCall) {
      const { builtin, args: given } = fn;
      const missing = builtin.arity - given.length;
      if (count - at < missing) return new PartialCall(builtin, [...given, ...args.slice(at)]);
      fn = runBuiltin(builtin, [...given, ...args.slice(at, at + missing)], pos);
      at += missing;
    } else fn = callFunctor(fn, args[at++]!, pos);
  }
  return fn;
}

/** How many arguments lead to the body. */
function stagesOf(code: LambdaCode): number {
  let stages = 1;
  for (let last = code; last.next !== null; last = last.next) stages++;
  return stages;
}

/** A closure applied to some of its arguments, two at least, or to all. PERF: one frame, no closures between. */
function callStages(fn: Lambda, args: readonly Slot[], at: number, taken: number, pos: PositionId): Value {
  let stage = fn.code;
  for (let i = 1; i < taken; i++) stage = stage.next!;
  const { slot } = fn.code;
  if (stage.next === null && stage.formals === null) {
    const env: Env = new Array(stage.size);
    takeOver(env, fn);
    for (let i = 0; i < taken; i++) env[slot + i] = args[at + i];
    return runBody(stage, env, pos);
  }
  const known = stage.next === null ? taken - 1 : taken;
  const frame: Env = new Array(slot + known);
  takeOver(frame, fn);
  for (let i = 0; i < known; i++) frame[slot + i] = args[at + i];
  return stage.next === null ? callLambda(new Lambda(stage, frame), args[at + known]!, pos) : new Lambda(stage.next, frame);
}

function callFunctor(fn: Value, a: Slot, pos: PositionId): Value {
  if (fn instanceof Attrs) {
    const functor = fn.get(symbols.functor);
    if (functor !== undefined) {
      const before = depth;
      enterCall(pos);
      try {
        const position = fn.position(symbols.functor);
        const value = call2(force(functor, position), fn, a, position);
        leaveCall();
        return value;
      } catch (error) {
        depth = before;
        if (error instanceof FloeError) addFrame(error, pos, "while calling a functor (an attribute set with a '__functor' attribute)");
        throw error;
      }
    }
  }
  throw new WrongTypeError(`attempt to call something which is not a function but ${describeType(fn)}: ${printForError(fn)}`, at(pos));
}

/** A closure applied to one argument. */
export function callLambda(fn: Lambda, a: Slot, pos: PositionId): Value {
  const { code } = fn;
  if (code.next !== null) return new Lambda(code.next, partialFrame(fn, a));
  if (code.formals !== null) return callWithFormals(fn, a, pos);
  const { size } = code;
  if (size === 2) {
    // PERF: runBody, written out for the most frequent call there is.
    const level = depth;
    if (level > maxDepth) throw stackOverflow(pos);
    depth = level + 1;
    try {
      const value = code.body.eval([fn.env, a]);
      depth = level;
      return value;
    } catch (error) {
      depth = level;
      throw showCalls ? callFailed(error, code, pos) : error;
    }
  }
  const env: Env = new Array(size);
  takeOver(env, fn);
  env[code.slot] = a;
  return runBody(code, env, pos);
}

/** What a closure knows, in the frame of its body. */
function takeOver(env: Env, fn: Lambda): void {
  const { slot } = fn.code;
  if (slot === 1) env[0] = fn.env;
  else for (let i = 0; i < slot; i++) env[i] = fn.env[i];
}

/** The environment of the closure of the next stage: [env, arguments so far...]. */
function partialFrame(fn: Lambda, a: Slot): Env {
  if (fn.code.slot === 1) return [fn.env, a];
  // PERF: made at its size; an array that grows gets room for 16 more.
  const { slot } = fn.code;
  const frame: Env = new Array(slot + 1);
  takeOver(frame, fn);
  frame[slot] = a;
  return frame;
}

function callWithFormals(fn: Lambda, a: Slot, pos: PositionId): Value {
  const level = depth;
  if (level > maxDepth) throw stackOverflow(pos);
  depth = level + 1;
  let env: Env;
  try {
    env = bindFormals(fn, a, pos);
  } catch (error) {
    depth = level;
    throw error;
  }
  depth = level;
  return runBody(fn.code, env, pos);
}

/** The body of a lambda in its frame. */
function runBody(code: LambdaCode, env: Env, pos: PositionId): Value {
  const level = depth;
  if (level > maxDepth) throw stackOverflow(pos);
  depth = level + 1;
  try {
    const value = code.body.eval(env);
    depth = level;
    return value;
  } catch (error) {
    depth = level;
    throw showCalls ? callFailed(error, code, pos) : error;
  }
}

function callFailed(error: unknown, code: LambdaCode, pos: PositionId): unknown {
  if (error instanceof FloeError) {
    addFrame(error, code.position, `while calling ${code.name === null ? 'anonymous lambda' : `'${code.name}'`}`);
    if (pos !== NO_POSITION) addFrame(error, pos, CALL_SITE);
  }
  return error;
}

function runBuiltin1(fn: Builtin, a: Slot, pos: PositionId): Value {
  const level = depth;
  if (level > maxDepth) throw stackOverflow(pos);
  depth = level + 1;
  try {
    // NIX: builtins are not told where they are called from (2.34.8 passes "nowhere"); the frame below says it.
    const value = fn.run(fn.state, NO_POSITION, a);
    depth = level;
    return value;
  } catch (error) {
    depth = level;
    throw builtinFailed(error, fn, pos);
  }
}

function runBuiltin2(fn: Builtin, a: Slot, b: Slot, pos: PositionId): Value {
  const level = depth;
  if (level > maxDepth) throw stackOverflow(pos);
  depth = level + 1;
  try {
    const value = fn.run(fn.state, NO_POSITION, a, b);
    depth = level;
    return value;
  } catch (error) {
    depth = level;
    throw builtinFailed(error, fn, pos);
  }
}

function runBuiltin(fn: Builtin, args: readonly Slot[], pos: PositionId): Value {
  const level = depth;
  if (level > maxDepth) throw stackOverflow(pos);
  depth = level + 1;
  try {
    const value = args.length === 3 ? fn.run(fn.state, NO_POSITION, args[0]!, args[1]!, args[2]!) : fn.run(fn.state, NO_POSITION, ...args);
    depth = level;
    return value;
  } catch (error) {
    depth = level;
    throw builtinFailed(error, fn, pos);
  }
}

function builtinFailed(error: unknown, fn: Builtin, pos: PositionId): unknown {
  if (fn.addsFrame && error instanceof FloeError) addFrame(error, pos, `while calling the '${fn.name}' builtin`);
  return error;
}

/** How a function is called in messages about its arguments. */
function functionName(code: LambdaCode): string {
  return code.name ?? 'anonymous lambda';
}

/** The frame of a call whose argument is taken apart: [env, (args,) formals...]. */
function bindFormals(fn: Lambda, slot: Slot, pos: PositionId): Env {
  const { code } = fn;
  let argument: Value;
  try {
    argument = force(slot, code.position);
    if (!(argument instanceof Attrs)) {
      throw addFrame(
        new WrongTypeError(`expected a set but found ${describeType(argument)}: ${printForError(argument)}`),
        code.position,
        'while evaluating the value passed for the lambda argument',
      );
    }
  } catch (error) {
    if (pos !== NO_POSITION && error instanceof FloeError) addFrame(error, pos, CALL_SITE);
    throw error;
  }
  const formals = code.formals!;
  const count = formals.length;
  const env: Env = new Array(code.size);
  takeOver(env, fn);
  let first = code.slot;
  if (code.parameterName !== null) env[first++] = slot;
  const { shape, values } = argument;
  const plan = code.planShape === shape ? code.plan! : planFormals(code, shape, pos);
  for (let i = 0; i < count; i++) {
    const place = plan[i]!;
    env[first + i] = place >= 0 ? values[place] : place === NO_PLACE ? undefined : argument.at(place);
  }
  // Defaults see the whole frame, so they come after all given arguments (a variable finds `undefined` where its slot is not set yet).
  if (code.planHasDefaults) {
    const order = code.defaultsOrder;
    for (let k = 0; k < count; k++) {
      const i = order === null ? k : order[k]!;
      if (plan[i]! === NO_PLACE) env[first + i] = formals[i]!.fallback!.thunk(env);
    }
  }
  return env;
}

/** Place of each formal in sets of this shape, NO_PLACE for those that fall back; remembered for the next call with the same shape. */
function planFormals(code: LambdaCode, shape: Shape, pos: PositionId): readonly number[] {
  const formals = code.formals!;
  const plan: number[] = new Array(formals.length);
  let used = 0;
  let hasDefaults = false;
  let missing: Formal | null = null;
  for (let i = 0; i < formals.length; i++) {
    const formal = formals[i]!;
    const place = shape.placeOf(formal.symbol);
    plan[i] = place;
    if (place !== NO_PLACE) used++;
    else if (formal.fallback !== null) hasDefaults = true;
    // NIX: of several the first in the order of symbols.
    else if (missing === null || formal.symbol < missing.symbol) missing = formal;
  }
  if (missing !== null) {
    const error = new WrongTypeError(
      `function '${functionName(code)}' called without required argument '${printSymbol(missing.symbol)}'`,
      at(code.position),
    );
    throw addFrame(error, pos, CALL_SITE);
  }
  if (!code.ellipsis && used !== shape.keys.length) throw unexpectedArgument(code, shape, pos);
  code.planShape = shape;
  code.plan = plan;
  code.planHasDefaults = hasDefaults;
  return plan;
}

function unexpectedArgument(code: LambdaCode, shape: Shape, pos: PositionId): WrongTypeError {
  const known = new Set(code.formals!.map((formal) => formal.symbol));
  // NIX: C++ names the first in the order of its own symbol table, that is of first sight of the name; so does ours.
  const symbol = shape.keys.find((key) => !known.has(key))!;
  const error = new WrongTypeError(`function '${functionName(code)}' called with unexpected argument '${printSymbol(symbol)}'`, {
    ...at(code.position),
    suggestions: nearestNames(
      code.formals!.map((formal) => symbolName(formal.symbol)),
      symbolName(symbol),
    ),
  });
  return addFrame(error, pos, CALL_SITE);
}
