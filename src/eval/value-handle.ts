// A value of the language as JavaScript callers hold it: evaluated when it is looked at, selected from, called, and turned into plain
// data. Text goes in and out as ordinary JavaScript strings; inside, the language's strings are bytes.

import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import { MissingAttributeError, WrongTypeError } from '../base/errors.ts';
import { nearestNames } from '../base/suggestions.ts';
import { parseAttrPath } from '../model/attr-path.ts';
import { Attrs } from './attrs.ts';
import { parseJsonValue, printValueAsJson } from './builtins/json.ts';
import { coerceToString } from './coerce.ts';
import type { Evaluator } from './evaluator.ts';
import { NO_POSITION } from './position.ts';
import { PRINT_DEFAULTS, printValue } from './print.ts';
import { ContextAccumulator, printContextElement } from './string-context.ts';
import { symbolName } from './symbol.ts';
import { type Slot, type TypeName, typeName, type Value } from './value.ts';

/** What becomes a value of the language when it is given to a function. */
export type PlainValue = null | boolean | number | string | readonly PlainValue[] | { readonly [name: string]: PlainValue };

/** One value of one evaluator. All methods evaluate as far as they need and throw the program's errors (EvalError and its kinds). */
export class NixValue {
  readonly #evaluator: Evaluator;
  readonly #slot: Slot;

  constructor(evaluator: Evaluator, slot: Slot) {
    this.#evaluator = evaluator;
    this.#slot = slot;
  }

  get #value(): Value {
    return this.#evaluator.force(this.#slot);
  }

  /** "int", "bool", "string", "path", "null", "set", "list", "lambda" or "float", as `builtins.typeOf`. */
  get type(): TypeName {
    return typeName(this.#value);
  }

  #attrs(): Attrs {
    const value = this.#value;
    if (value instanceof Attrs) return value;
    throw new WrongTypeError(`expected a set but found ${typeName(value)}: ${this.print()}`);
  }

  /** Names of a set, sorted by bytes. */
  names(): string[] {
    const set = this.#attrs();
    return [...set.keys()]
      .map((symbol) => symbolName(symbol))
      .sort()
      .map(byteStringToUtf8);
  }

  /** Elements of a list. */
  items(): NixValue[] {
    const value = this.#value;
    if (!Array.isArray(value)) throw new WrongTypeError(`expected a list but found ${typeName(value)}: ${this.print()}`);
    return (value as Slot[]).map((slot) => new NixValue(this.#evaluator, slot));
  }

  /** What lies at an attribute path (`packages.x86_64-linux."a.b"`, numbers index lists). MissingAttributeError names the nearest names. */
  select(path: string): NixValue {
    return parseAttrPath(path).reduce<NixValue>((found, name) => found.get(name), this);
  }

  /** One attribute of a set, or one element of a list. */
  get(name: string): NixValue {
    const value = this.#value;
    if (Array.isArray(value)) {
      const slot = /^\d+$/.test(name) ? (value as Slot[])[Number(name)] : undefined;
      if (slot === undefined)
        throw new MissingAttributeError(`list index '${name}' is out of range: the list has ${value.length} elements`);
      return new NixValue(this.#evaluator, slot);
    }
    const set = this.#attrs();
    const bytes = utf8ToByteString(name);
    const index = [...set.keys()].findIndex((symbol) => symbolName(symbol) === bytes);
    if (index < 0) {
      throw new MissingAttributeError(`attribute '${name}' missing`, { suggestions: nearestNames(this.names(), name) });
    }
    return new NixValue(this.#evaluator, set.slots()[index]!);
  }

  /** Whether a set has that attribute. */
  has(name: string): boolean {
    return this.names().includes(name);
  }

  /** The result of a function, applied to one argument after the other. */
  call(...args: readonly (PlainValue | NixValue)[]): NixValue {
    const slots = args.map((arg) => (arg instanceof NixValue ? arg.#slot : fromPlain(arg)));
    return new NixValue(this.#evaluator, this.#evaluator.call(this.#slot, ...slots));
  }

  /** As `nix eval` prints it: everything below evaluated, derivations as their paths. */
  print(): string {
    const { state } = this.#evaluator;
    const options = { ...PRINT_DEFAULTS, force: true, derivationPaths: true };
    return byteStringToUtf8(this.#evaluator.guard(() => printValue(state, this.#value, options)));
  }

  /** As `builtins.toJSON` prints it; functions are an error. */
  json(): string {
    const { state } = this.#evaluator;
    return byteStringToUtf8(
      this.#evaluator.guard(() => printValueAsJson(state, this.#value, NO_POSITION, new ContextAccumulator(), true, true)),
    );
  }

  /** Plain data, through JSON. Integers beyond 2^53 lose digits as JSON.parse has it. */
  toPlain(): PlainValue {
    return JSON.parse(this.json()) as PlainValue;
  }

  /** A string, or what coerces to one (paths, derivations), and the store paths it refers to, as C++ Nix prints context elements. */
  text(): { readonly text: string; readonly context: readonly string[] } {
    const { state } = this.#evaluator;
    const context = new ContextAccumulator();
    const options = { more: false, copyToStore: true };
    const text = this.#evaluator.guard(() =>
      coerceToString(state, NO_POSITION, this.#value, context, 'while reading a value as text', options),
    );
    return { text: byteStringToUtf8(text), context: (context.context ?? []).map(printContextElement) };
  }
}

function fromPlain(value: PlainValue): Value {
  return parseJsonValue(utf8ToByteString(JSON.stringify(value)));
}
