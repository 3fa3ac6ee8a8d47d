// Reads the words of a command line as Nix reads them, against the options and arguments that a command class declares with
// clipanion's Option. clipanion's own parser is not used: it has other rules (`--flag=value`, `-c CMD` swallowing what follows,
// `--` that stays, optional arguments before a rest) and builds a state machine at each start. What is kept of it is the
// declaration: each Option says which names and arguments it has (`definition`), and makes its value out of what was found
// (`transformer`). NIX 2.34.8: libutil/args.cc decides all corner cases; the words of the errors are its own.

import { Option, type Command } from 'clipanion';
import { UsageError } from '../base/errors.ts';

/** An option as a command declares it. */
export interface DeclaredOption {
  readonly names: readonly string[];
  /** Number of arguments; Infinity takes all words that follow. */
  readonly arity: number;
  readonly description: string | undefined;
  readonly hidden: boolean;
  /** Names of the arguments, for help. */
  readonly labels: readonly string[];
}

/** An argument that is no option. */
export interface DeclaredArgument {
  readonly name: string;
  readonly required: boolean;
  readonly isRest: boolean;
}

/** What stands in an option's field until the words are read. */
interface OptionSpec {
  definition(builder: unknown, key: string): void;
  transformer(builder: unknown, key: string, state: unknown, context: unknown): unknown;
}

/** One field of a command that holds an option. */
interface Slot {
  readonly owner: Record<string, unknown>;
  readonly key: string;
  readonly spec: OptionSpec;
  readonly options: DeclaredOption[];
  argument: DeclaredArgument | undefined;
}

/** An option that was found, with its arguments. */
export interface FoundOption {
  readonly name: string;
  readonly args: readonly string[];
}

/** Options that every command has beside its own: the global ones and settings. */
export type GlobalLookup = (name: string) => { readonly arity: number } | undefined;

function isOption(value: unknown): value is OptionSpec {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[Option.isOptionSymbol] === true;
}

/** Plain objects in fields are groups: `flake = flakeOptions()` declares several options that commands share. */
function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function* declaredFields(
  owner: Record<string, unknown>,
  depth: number,
): Generator<{ owner: Record<string, unknown>; key: string; spec: OptionSpec }> {
  for (const [key, value] of Object.entries(owner)) {
    if (isOption(value)) yield { owner, key, spec: value };
    else if (depth === 0 && isGroup(value)) yield* declaredFields(value, depth + 1);
  }
}

/** Labels of a description such as "Pass the value expr as the argument name {name} {expr}": they stand at its end in braces. */
const LABELS = /((?: \{[^{}]+\})+)$/;

function slotsOf(command: Command): Slot[] {
  return [...declaredFields(command as unknown as Record<string, unknown>, 0)].map(({ owner, key, spec }) => {
    const slot: Slot = { owner, key, spec, options: [], argument: undefined };
    spec.definition(
      {
        addOption(option: { names: string[]; arity: number; description?: string; hidden?: boolean }) {
          const labels = LABELS.exec(option.description ?? '');
          slot.options.push({
            names: option.names,
            arity: option.arity,
            description: option.description?.replace(LABELS, ''),
            hidden: option.hidden ?? false,
            labels:
              labels === null
                ? Array.from({ length: Math.min(option.arity, 9) }, () => 'value')
                : [...labels[1]!.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]!),
          });
        },
        addPositional(positional: { name: string; required?: boolean }) {
          slot.argument = { name: positional.name, required: positional.required ?? true, isRest: false };
        },
        addRest(rest: { name: string; required?: number }) {
          slot.argument = { name: rest.name, required: (rest.required ?? 0) > 0, isRest: true };
        },
      },
      key,
    );
    return slot;
  });
}

/** An option of this name takes every flag that nobody knows; the command then refuses it in its own words (nix-store). */
export const ANY_FLAG = '-*';

/** What a command declares, for help and completion. */
export function describeWords(command: Command): { options: readonly DeclaredOption[]; arguments: readonly DeclaredArgument[] } {
  const slots = slotsOf(command);
  return {
    options: slots.flatMap((slot) => slot.options),
    arguments: slots.flatMap((slot) => (slot.argument === undefined ? [] : [slot.argument])),
  };
}

/** `-qlf` is `-q -l -f`, and `-j3` is `-j 3`. Anything else is itself. */
export function splitCompound(word: string): string[] {
  if (!/^-[A-Za-z]./.test(word)) return [word];
  const result: string[] = [];
  for (let i = 1; i < word.length; i++) {
    if (!/[A-Za-z]/.test(word[i]!)) {
      result.push(word.slice(i));
      break;
    }
    result.push(`-${word[i]}`);
  }
  return result;
}

/** Takes an option's arguments off the front of `rest`. */
export function takeArguments(name: string, arity: number, rest: string[]): string[] {
  if (arity === Infinity) return rest.splice(0);
  if (rest.length < arity) {
    throw new UsageError(`flag '${name}' requires ${arity} argument(s), but only ${rest.length} were given`);
  }
  return rest.splice(0, arity);
}

/** An option whose argument is the rest of the command line: `-c CMD ARGS...`. */
export function restOption(names: string, options: { description: string }): string[] | undefined {
  const nameList = names.split(',');
  return Option.makeCommandOption<string[] | undefined>({
    definition(builder) {
      builder.addOption({ names: nameList, arity: Infinity, description: options.description });
    },
    transformer(_builder, _key, state) {
      let value: string[] | undefined;
      for (const { name, value: words } of state.options) if (nameList.includes(name)) value = words as unknown as string[];
      if (value?.length === 0) throw new UsageError(`${nameList.find((name) => name.startsWith('--'))} requires at least one argument`);
      return value;
    },
  }) as unknown as string[] | undefined;
}

/**
 * Fills the command's fields from `words` (those after the command's own). Returns the global options found on the way, in order.
 */
export function readWords(command: Command, words: readonly string[], globals: GlobalLookup): FoundOption[] {
  const slots = slotsOf(command);
  const own = new Map<string, DeclaredOption>();
  for (const slot of slots) for (const option of slot.options) for (const name of option.names) own.set(name, option);
  const found: { name: string; value: unknown }[] = [];
  const globalOptions: FoundOption[] = [];
  const plain: string[] = [];
  const rest = [...words];
  let onlyArguments = false;
  while (rest.length > 0) {
    const word = rest.shift()!;
    if (onlyArguments || !word.startsWith('-')) {
      plain.push(word);
    } else if (word === '--') {
      onlyArguments = true;
    } else {
      const [name, ...more] = splitCompound(word) as [string, ...string[]];
      rest.unshift(...more);
      const known = own.get(name);
      const global = known === undefined ? globals(name) : undefined;
      const option = known ?? (global === undefined ? own.get(ANY_FLAG) : undefined);
      if (option === undefined && global === undefined) throw new UsageError(`unrecognised flag '${name}'`);
      const args = takeArguments(name, (option ?? global)!.arity, rest);
      if (option === undefined) globalOptions.push({ name, args });
      else found.push({ name, value: option.arity === 0 ? true : option.arity === 1 ? args[0] : args });
    }
  }
  fill(slots, found, plain);
  return globalOptions;
}

/** Hands out plain arguments in the order of declaration: each takes one, a rest takes all, as long as there are some. */
function fill(slots: readonly Slot[], found: readonly { name: string; value: unknown }[], plain: string[]): void {
  for (const slot of slots) {
    const { argument } = slot;
    const mine = argument === undefined ? [] : argument.isRest ? plain.splice(0) : plain.splice(0, 1);
    if (argument?.required && mine.length === 0) throw new UsageError('more arguments are required');
    const state = {
      options: found,
      // `extra` tells clipanion's transformer that these are the ones it is looking for.
      positionals: mine.map((value) => ({ value, extra: argument!.isRest ? false : !argument!.required })),
    };
    slot.owner[slot.key] = slot.spec.transformer({ arity: { leading: { length: Infinity } } }, slot.key, state, { env: {} });
  }
  if (plain.length > 0) throw new UsageError(`unexpected argument '${plain[0]}'`);
}
