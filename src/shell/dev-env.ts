// The build environment of a derivation, as a shell wants it: `makeEnvironmentDerivation` changes a derivation so that its build
// writes the environment down (get-env.sh) instead of building, `parseDevEnvironment` reads what it wrote. C++ Nix 2.34.8,
// nix/develop.cc: the same changes, so that the environment is the same. All strings are byte strings.

import { readFileSync } from 'node:fs';
import { type Json, parseJson, printJson } from '../base/canonical-json.ts';
import { compareStrings } from '../base/bytes.ts';
import { FloeError, FormatError } from '../base/errors.ts';
import { hashBytes } from '../base/hash.ts';
import { makeTextPath } from '../model/content-address.ts';
import type { Derivation, DerivationOutput } from '../model/derivation.ts';
import { fillInOutputPaths, type HashModuloLookup } from '../model/derivation-hash.ts';
import { printStorePath, type StoreDir, type StorePath } from '../model/store-path.ts';

/** A variable of the shell. */
export type DevVariable =
  | { readonly kind: 'string'; readonly isExported: boolean; readonly value: string }
  | { readonly kind: 'array'; readonly values: readonly string[] }
  /** Sorted by key. */
  | { readonly kind: 'associative'; readonly values: ReadonlyMap<string, string> };

/** Everything a build finds in its shell. */
export interface DevEnvironment {
  /** Sorted by name. */
  readonly variables: ReadonlyMap<string, DevVariable>;
  /** Name -> what stands between the braces; sorted by name. */
  readonly functions: ReadonlyMap<string, string>;
  /** The files of `__structuredAttrs`, where the derivation has them. */
  readonly structuredAttrs: { readonly json: string; readonly sh: string } | undefined;
}

const CHECKS = ['allowedReferences', 'allowedRequisites', 'disallowedReferences', 'disallowedRequisites'];

let getEnvText: string | undefined;

/** Text of the script that writes the environment. It must lie in the store (`addText('get-env.sh', ...)`) before the build. */
export function getEnvScript(): string {
  getEnvText ??= readFileSync(new URL('./get-env.sh', import.meta.url), 'latin1');
  return getEnvText;
}

/** Store path of that script. */
export function getEnvScriptPath(storeDir: StoreDir): StorePath {
  return makeTextPath('get-env.sh', hashBytes('sha256', getEnvScript()), [], storeDir);
}

function sortedMap<Value>(entries: Iterable<readonly [string, Value]>): Map<string, Value> {
  return new Map([...entries].sort(([a], [b]) => compareStrings(a, b)));
}

/** Structured attributes without the checks of outputs. */
function dropOutputChecks(json: string): string {
  const attrs = parseJson(json, 'structured attributes');
  if (!(attrs instanceof Map)) throw new FormatError('structured attributes are no JSON object');
  return attrs.has('outputChecks')
    ? printJson(new Map([...(attrs as Map<string, Json>)].filter(([name]) => name !== 'outputChecks')))
    : json;
}

/**
 * The derivation whose output is the environment of `derivation`, written by `script`. FloeError, in Nix's words, where its builder is
 * no bash.
 */
export function makeEnvironmentDerivation(
  derivation: Derivation,
  storeDir: StoreDir,
  lookup: HashModuloLookup,
  script: StorePath = getEnvScriptPath(storeDir),
): Derivation {
  if (derivation.builder.slice(derivation.builder.lastIndexOf('/') + 1) !== 'bash') {
    throw new FloeError('FLOE_DEVELOP', "'nix develop' only works on derivations that use 'bash' as their builder", {
      data: { derivation: derivation.name, builder: derivation.builder },
    });
  }
  const name = `${derivation.name}-env`;
  const env = new Map(derivation.env);
  const structured = env.get('__json');
  if (structured !== undefined) env.set('__json', dropOutputChecks(structured));
  else for (const check of CHECKS) env.delete(check);
  env.set('name', name);
  const outputs = new Map<string, DerivationOutput>();
  for (const [output, value] of derivation.outputs) {
    if (value.kind === 'input-addressed' || value.kind === 'fixed') {
      outputs.set(output, { kind: 'deferred' });
      env.set(output, '');
    } else {
      outputs.set(output, value);
    }
  }
  const changed: Derivation = {
    ...derivation,
    name,
    outputs,
    args: [printStorePath(script, storeDir)],
    inputSources: [...new Set([...derivation.inputSources, script])].sort(compareStrings),
    env: sortedMap(env),
  };
  return fillInOutputPaths(changed, storeDir, lookup);
}

function wrong(): never {
  throw new FormatError('this is no environment that floe or Nix wrote: its JSON has another shape');
}

function isObject(value: Json | undefined): value is ReadonlyMap<string, Json> {
  return value instanceof Map;
}

function stringOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : wrong();
}

function parseVariable(info: ReadonlyMap<string, Json>): DevVariable | undefined {
  const value = info.get('value');
  switch (info.get('type')) {
    case 'exported':
      return { kind: 'string', isExported: true, value: stringOf(value) };
    case 'var':
      return { kind: 'string', isExported: false, value: stringOf(value) };
    case 'array':
      return { kind: 'array', values: Array.isArray(value) ? value.map(stringOf) : wrong() };
    case 'associative':
      return {
        kind: 'associative',
        values: isObject(value) ? sortedMap([...value].map(([key, item]) => [key, stringOf(item)] as const)) : wrong(),
      };
    default:
      // Integers, read-only variables and name references are not carried over.
      return undefined;
  }
}

/** Reads what get-env.sh (floe's or Nix's) wrote. FormatError where it is something else. */
export function parseDevEnvironment(text: string): DevEnvironment {
  const json = parseJson(text, 'a development environment');
  if (!isObject(json)) wrong();
  const variables = json.get('variables');
  const functions = json.get('bashFunctions');
  const attrs = json.get('structuredAttrs');
  if (!isObject(variables) || !isObject(functions)) wrong();
  const parsed = new Map<string, DevVariable>();
  for (const [name, info] of variables) {
    const variable = isObject(info) ? parseVariable(info) : wrong();
    if (variable !== undefined) parsed.set(name, variable);
  }
  return {
    variables: sortedMap(parsed),
    functions: sortedMap([...functions].map(([name, body]) => [name, stringOf(body)] as const)),
    structuredAttrs: isObject(attrs) ? { json: stringOf(attrs.get('.attrs.json')), sh: stringOf(attrs.get('.attrs.sh')) } : undefined,
  };
}

/** The environment as `print-dev-env --json` shows it. */
export function devEnvironmentToJson(environment: DevEnvironment): Json {
  const variables = [...environment.variables].map(([name, variable]): [string, Json] => {
    if (variable.kind === 'string') return [name, { type: variable.isExported ? 'exported' : 'var', value: variable.value }];
    if (variable.kind === 'array') return [name, { type: 'array', value: variable.values }];
    return [name, { type: 'associative', value: variable.values }];
  });
  const { structuredAttrs } = environment;
  return {
    bashFunctions: environment.functions,
    variables: new Map(variables),
    ...(structuredAttrs === undefined ? {} : { structuredAttrs: { '.attrs.json': structuredAttrs.json, '.attrs.sh': structuredAttrs.sh } }),
  };
}

/** Names of the outputs and their paths, as the environment's variables say. */
export function environmentOutputs(environment: DevEnvironment): Map<string, string> {
  const outputs = environment.variables.get('outputs');
  if (outputs === undefined) throw new FloeError('FLOE_DEVELOP', "the build environment has no variable 'outputs'");
  if (outputs.kind === 'associative') return new Map(outputs.values);
  const names = outputs.kind === 'array' ? outputs.values : outputs.value.split(/[ \t\n]+/).filter((name) => name !== '');
  const result = new Map<string, string>();
  for (const name of names) {
    const path = environment.variables.get(name);
    if (path?.kind !== 'string') throw new FloeError('FLOE_DEVELOP', `the build environment has no variable '${name}', one of its outputs`);
    result.set(name, path.value);
  }
  return result;
}

/** The system the environment's derivation is for, where it says so. */
export function environmentSystem(environment: DevEnvironment): string | undefined {
  const system = environment.variables.get('system');
  return system?.kind === 'string' ? system.value : undefined;
}
