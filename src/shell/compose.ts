// The environment of what floe starts: store paths become PATH (`floe shell`, `run`), and `--ignore-env` and its like choose what of
// the user's own variables stays. C++ Nix 2.34.8: nix/env.cc and libcmd/command.cc (MixEnvironment).

import { UsageError } from '../base/errors.ts';

/** Variables by name; what is unset is missing or undefined. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** What the options about the environment ask for. */
export interface EnvironmentChoices {
  readonly ignoreEnv: boolean;
  readonly keepEnvVar: readonly string[];
  readonly setEnvVar: readonly (readonly [string, string])[];
  readonly unsetEnvVar: readonly string[];
}

/** UsageError where the choices disagree. `words` is the command line: of two that contradict each other the later gets the blame. */
export function requireClearChoices(
  { ignoreEnv, keepEnvVar, setEnvVar, unsetEnvVar }: EnvironmentChoices,
  words: readonly string[] = [],
): void {
  const placeOf = (flags: readonly string[], name: string): number =>
    words.findIndex((word, index) => flags.includes(word) && words[index + 1] === name);
  const names = setEnvVar.map(([name]) => name);
  for (const [index, name] of names.entries()) {
    if (unsetEnvVar.includes(name)) {
      const wasSet = placeOf(['--set-env-var', '-s'], name) < placeOf(['--unset-env-var', '-u', '--unset'], name);
      throw new UsageError(
        wasSet
          ? `Cannot unset environment variable '${name}' that is set with '--set-env-var'`
          : `Cannot set environment variable '${name}' that is unset with '--unset-env-var'`,
      );
    }
    if (names.indexOf(name) !== index)
      throw new UsageError(`Duplicate definition of environment variable '${name}' with '--set-env-var' is ambiguous`);
  }
  if (ignoreEnv && unsetEnvVar.length > 0) throw new UsageError('--unset-env-var does not make sense with --ignore-env');
  if (!ignoreEnv && keepEnvVar.length > 0) throw new UsageError('--keep-env-var does not make sense without --ignore-env');
}

/** The environment after `--ignore-env`, `--keep-env-var`, `--set-env-var` and `--unset-env-var`. UsageError where they disagree. */
export function applyEnvironmentChoices(env: Variables, choices: EnvironmentChoices): Record<string, string> {
  requireClearChoices(choices);
  const { ignoreEnv, keepEnvVar, setEnvVar, unsetEnvVar } = choices;
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || (ignoreEnv && !keepEnvVar.includes(name)) || unsetEnvVar.includes(name)) continue;
    result[name] = value;
  }
  for (const [name, value] of setEnvVar) result[name] = value;
  return result;
}

/** What composing must know about store objects; paths are as they print ("/nix/store/..."). */
export interface PackageReader {
  /** The path with symbolic links followed, which may lead into other store objects. */
  resolve(path: string): string;
  /** Text of a file; undefined where there is none. */
  readFile(path: string): string | undefined;
}

/**
 * The `bin` folders of packages and of what they propagate to user environments, in the order in which they lead PATH.
 */
export function packageFolders(packages: readonly string[], reader: PackageReader): string[] {
  const folders: string[] = [];
  const done = new Set<string>();
  const waiting = [...packages];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (done.has(next)) continue;
    done.add(next);
    folders.push(reader.resolve(`${next}/bin`));
    const propagated = reader.readFile(reader.resolve(`${next}/nix-support/propagated-user-env-packages`));
    if (propagated !== undefined) waiting.push(...propagated.split(/[ \t\n]+/).filter((path) => path !== ''));
  }
  return folders;
}

/** `folders` in front of a PATH. */
export function prependPath(folders: readonly string[], path: string | undefined): string {
  return [...folders, ...(path === undefined || path === '' ? [] : [path])].join(':');
}
