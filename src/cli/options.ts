// Options that several commands share, as groups: a command writes `readonly flake = flakeOptions();` and reads `this.flake.overrideInput`.
// Names, arguments and meanings are those of Nix 2.34.8; the text after `{` at the end of a description names the arguments.

import { Option } from 'clipanion';
import { UsageError } from '../base/errors.ts';
import { restOption } from './words.ts';

/** Options of every command that evaluates: arguments for functions, the search path, purity. */
export function evalOptions() {
  return {
    arg: Option.Array('--arg', [], { arity: 2, description: 'Give functions the value of expr as argument name. {name} {expr}' }),
    argstr: Option.Array('--argstr', [], { arity: 2, description: 'Give functions a string as argument name. {name} {string}' }),
    argFromFile: Option.Array('--arg-from-file', [], {
      arity: 2,
      description: "Give functions a file's content as argument name. {name} {path}",
    }),
    argFromStdin: Option.Array('--arg-from-stdin', [], { description: 'Give functions the standard input as argument name. {name}' }),
    include: Option.Array('--include,-I', [], { description: 'Add path to the search path of <...>. {path}' }),
    impure: Option.Boolean('--impure', false, { description: 'Let evaluation read mutable paths, the environment and the time.' }),
    overrideFlake: Option.Array('--override-flake', [], {
      arity: 2,
      description: 'Let one flake reference stand for another. {original-ref} {resolved-ref}',
    }),
    evalStore: Option.String('--eval-store', { description: 'Store for derivations and sources that evaluation makes. {store-url}' }),
    debugger: Option.Boolean('--debugger', false, { description: 'Start an interactive session where evaluation fails.' }),
    repair: Option.Boolean('--repair', false, { description: 'Rewrite missing or damaged files of the store during evaluation.' }),
  };
}

/** Options of every command that locks a flake. */
export function flakeOptions() {
  return {
    recreateLockFile: Option.Boolean('--recreate-lock-file', false, {
      description: "Make the flake's lock file anew (deprecated: use 'flake update').",
    }),
    noUpdateLockFile: Option.Boolean('--no-update-lock-file', false, { description: "Fail where the flake's lock file would change." }),
    noWriteLockFile: Option.Boolean('--no-write-lock-file', false, { description: 'Do not write the new lock file.' }),
    noRegistries: Option.Boolean('--no-registries', false, {
      description: 'Do not look references up in registries (deprecated: use --no-use-registries).',
    }),
    commitLockFile: Option.Boolean('--commit-lock-file', false, { description: 'Commit the changed lock file.' }),
    updateInput: Option.Array('--update-input', [], { description: "Update one input (deprecated: use 'flake update'). {input-path}" }),
    overrideInput: Option.Array('--override-input', [], {
      arity: 2,
      description: 'Use another flake for an input, without writing the lock file. {input-path} {flake-url}',
    }),
    referenceLockFile: Option.String('--reference-lock-file', {
      description: 'Read this lock file instead of flake.lock. {flake-lock-path}',
    }),
    outputLockFile: Option.String('--output-lock-file', { description: 'Write this lock file instead of flake.lock. {flake-lock-path}' }),
    inputsFrom: Option.Array('--inputs-from', [], { description: "Let a flake's inputs serve as registry entries. {flake-url}" }),
  };
}

/** Where installables are looked for, other than in flakes. */
export function sourceOptions() {
  return {
    file: Option.String('--file,-f', { description: 'Take installables as attribute paths in a file (- for standard input). {file}' }),
    expr: Option.String('--expr', { description: 'Take installables as attribute paths in an expression. {expr}' }),
  };
}

/** For commands that look in flakes alone, formatters among them. */
export function refuseSource({ file, expr }: ReturnType<typeof sourceOptions>): void {
  const flag = file !== undefined ? '--file' : expr !== undefined ? '--expr' : undefined;
  if (flag !== undefined) throw new UsageError(`a formatter is an output of a flake: '${flag}' cannot be had with it`);
}

/** Everything that commands with installables share: evaluation, locking, sources. */
export function installableOptions() {
  return { ...evalOptions(), ...flakeOptions(), ...sourceOptions() };
}

/** Commands that take many installables may read them from standard input. */
export function installablesFromStdin() {
  return { stdin: Option.Boolean('--stdin', false, { description: 'Read installables from standard input, one a line.' }) };
}

export function jsonOptions() {
  return {
    json: Option.Boolean('--json', false, { description: 'Print JSON.' }),
    ...prettyOptions(),
  };
}

/** For commands that print JSON: indented on a terminal unless told otherwise. */
export function prettyOptions() {
  return {
    pretty: Option.Boolean('--pretty', false, { description: 'Print JSON over several lines.' }),
    noPretty: Option.Boolean('--no-pretty', false, { description: 'Print JSON on one line, also on a terminal.' }),
  };
}

export function dryRunOptions() {
  return { dryRun: Option.Boolean('--dry-run', false, { description: 'Show what would be done without doing it.' }) };
}

export function profileOptions() {
  return { profile: Option.String('--profile', { description: 'The profile to work on. {path}' }) };
}

/** Which packages of a profile a command works on, beside their names. */
export function profileElementOptions() {
  return {
    all: Option.Boolean('--all', false, { description: 'Work on all packages of the profile.' }),
    regex: Option.Array('--regex', [], { description: 'Work on the packages that an extended regular expression matches. {pattern}' }),
  };
}

export function readOnlyOptions() {
  return { readOnly: Option.Boolean('--read-only', false, { description: 'Do not write derivations that evaluation makes.' }) };
}

/** Of commands that walk paths: which of them. */
export function closureOptions() {
  return {
    all: Option.Boolean('--all', false, { description: 'Work on every store path.' }),
    recursive: Option.Boolean('--recursive,-r', false, { description: 'Work on the closures of the installables.' }),
    derivation: Option.Boolean('--derivation', false, { description: 'Work on the derivations, not on their outputs.' }),
  };
}

/** What a shell or program that floe starts sees of the environment. */
export function environmentOptions() {
  return {
    ignoreEnv: Option.Boolean('--ignore-env,-i,--ignore-environment', false, { description: 'Start from an empty environment.' }),
    keepEnvVar: Option.Array('--keep-env-var,-k,--keep', [], { description: 'Keep a variable all the same. {name}' }),
    setEnvVar: Option.Array('--set-env-var,-s', [], { arity: 2, description: 'Set a variable. {name} {value}' }),
    unsetEnvVar: Option.Array('--unset-env-var,-u,--unset', [], { description: 'Unset a variable. {name}' }),
  };
}

/** `--command CMD ARGS...` of shells. */
export function commandOption() {
  return restOption('--command,-c', { description: 'Run a command instead of an interactive shell. {command} {args}' });
}

/** An option that holds for every command and is not declared by it. */
export interface GlobalFlag {
  readonly names: readonly string[];
  readonly labels: readonly string[];
  readonly text: string;
}

const flag = (names: string, text: string, ...labels: string[]): GlobalFlag => ({ names: names.split(','), labels, text });

/** Options of every command. Every setting is one too: `--<name> value`, `--extra-<name> value`, `--<name>` and `--no-<name>`. */
export const GLOBAL_FLAGS: readonly GlobalFlag[] = [
  flag('--help', 'Show how to use the command.'),
  flag('--version', 'Show the version.'),
  flag('--verbose,-v', 'Say more.'),
  flag('--quiet', 'Say less.'),
  flag('--debug', 'Say everything that helps to find a fault.'),
  flag('--print-build-logs,-L', 'Print the whole logs of builds.'),
  flag('--log-format', 'Form of the log: raw, internal-json, bar or bar-with-logs.', 'format'),
  flag('--option', 'Set a setting.', 'name', 'value'),
  flag('--max-jobs,-j', 'Builds that run at once.', 'jobs'),
  flag('--offline,--no-net', 'Do not use the network; take what was downloaded as fresh.'),
  flag('--refresh', 'Take what was downloaded as stale.'),
];

/** What the older commands (nix-build, nix-store, ...) take beside that. */
export const LEGACY_FLAGS: readonly GlobalFlag[] = [
  flag('--no-build-output,-Q', 'Do not print what builds print.'),
  flag('--keep-failed,-K', 'Keep the temporary folders of failed builds.'),
  flag('--keep-going,-k', 'Go on with other builds when one fails.'),
  flag('--fallback', 'Build where substituting fails.'),
  flag('--cores', 'Cores that one build may use.', 'n'),
  flag('--max-silent-time', 'Seconds a builder may be silent.', 'n'),
  flag('--timeout', 'Seconds a build may take.', 'n'),
  flag('--readonly-mode', 'Do not write to the store.'),
  flag('--no-gc-warning', 'Do not warn about results that the garbage collector may remove.'),
  flag('--store', 'URL of the store.', 'store-uri'),
];
