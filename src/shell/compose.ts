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

/** The environment after `--ignore-env`, `--keep-env-var`, `--set-env-var` and `--unset-env-var`. UsageError where they disagree. */
export function applyEnvironmentChoices(env: Variables, choices: EnvironmentChoices): Record<string, string> {
  const { ignoreEnv, keepEnvVar, setEnvVar, unsetEnvVar } = choices;
  const assigned = new Map<string, string>();
  for (const [name, value] of setEnvVar) {
    if (unsetEnvVar.includes(name)) throw new UsageError(`Cannot set environment variable '${name}' that is unset with '--unset-env-var'`);
    if (assigned.has(name)) {
      throw new UsageError(`Duplicate definition of environment variable '${name}' with '--set-env-var' is ambiguous`);
    }
    assigned.set(name, value);
  }
  if (ignoreEnv && unsetEnvVar.length > 0) throw new UsageError('--unset-env-var does not make sense with --ignore-env');
  if (!ignoreEnv && keepEnvVar.length > 0) throw new UsageError('--keep-env-var does not make sense without --ignore-env');
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || (ignoreEnv && !keepEnvVar.includes(name)) || unsetEnvVar.includes(name)) continue;
    result[name] = value;
  }
  for (const [name, value] of assigned) result[name] = value;
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
