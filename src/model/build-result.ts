// How a build ended, in Nix's status words, and the exit status that follows. libstore/build-result.cc; Nix manual, "Build result JSON
// format" and the table of exit codes of `nix-build`.

import type { Json } from '../base/canonical-json.ts';
import { FormatError } from '../base/errors.ts';
import { jsonBoolean, jsonMember, jsonObject, jsonString, jsonUnsigned } from './json-fields.ts';
import { type Realisation, realisationFromJson, realisationToJson } from './realisation.ts';

const SUCCESS_STATUSES = ['Built', 'Substituted', 'AlreadyValid', 'ResolvesToAlreadyValid'] as const;
const FAILURE_STATUSES = [
  'PermanentFailure',
  'InputRejected',
  'OutputRejected',
  'TransientFailure',
  'CachedFailure',
  'TimedOut',
  'MiscFailure',
  'DependencyFailed',
  'LogLimitExceeded',
  'NotDeterministic',
  'NoSubstituters',
  'HashMismatch',
] as const;

export type BuildSuccessStatus = (typeof SUCCESS_STATUSES)[number];
export type BuildFailureStatus = (typeof FAILURE_STATUSES)[number];

interface BuildTimes {
  readonly timesBuilt: number;
  /** Seconds since 1970. */
  readonly startTime: number;
  readonly stopTime: number;
  readonly cpuUserUs?: number | undefined;
  readonly cpuSystemUs?: number | undefined;
}

export interface BuildSuccess extends BuildTimes {
  readonly success: true;
  readonly status: BuildSuccessStatus;
  /** By output name. */
  readonly builtOutputs: ReadonlyMap<string, Realisation>;
}

export interface BuildFailure extends BuildTimes {
  readonly success: false;
  readonly status: BuildFailureStatus;
  readonly message: string;
  readonly isNonDeterministic: boolean;
}

export type BuildResult = BuildSuccess | BuildFailure;

/** Exit status of a command in which builds failed so: 100, 101 timed out, 102 wrong hash, 104 not deterministic (bits add up), else 1. */
export function exitStatusOf(failures: Iterable<BuildFailureStatus>): number {
  let permanent = false;
  let timedOut = false;
  let hashMismatch = false;
  let checkMismatch = false;
  for (const status of failures) {
    if (status === 'TimedOut') timedOut = true;
    else if (status === 'HashMismatch') hashMismatch = true;
    else if (status === 'NotDeterministic') checkMismatch = true;
    else if (status === 'PermanentFailure' || status === 'InputRejected') permanent = true;
  }
  const buildFailure = permanent || timedOut || hashMismatch;
  if (!buildFailure && !checkMismatch) return 1;
  let mask = 0b1100000;
  if (buildFailure) mask |= 0b0100 | (timedOut ? 0b0001 : 0) | (hashMismatch ? 0b0010 : 0);
  if (checkMismatch) mask |= 0b1000;
  return mask;
}

export function buildResultToJson(result: BuildResult): Json {
  const common = {
    timesBuilt: result.timesBuilt,
    startTime: result.startTime,
    stopTime: result.stopTime,
    cpuUser: result.cpuUserUs,
    cpuSystem: result.cpuSystemUs,
    success: result.success,
    status: result.status,
  };
  if (!result.success) return { ...common, errorMsg: result.message, isNonDeterministic: result.isNonDeterministic };
  return {
    ...common,
    builtOutputs: new Map([...result.builtOutputs].map(([name, realisation]) => [name, realisationToJson(realisation)])),
  };
}

function oneOf<T extends string>(text: string, words: readonly T[], what: string): T {
  const word = words.find((candidate) => candidate === text);
  if (word === undefined) throw new FormatError(`unknown ${what} '${text}'`);
  return word;
}

export function buildResultFromJson(value: Json): BuildResult {
  const where = 'a build result';
  const object = jsonObject(value, where);
  const number = (key: string) => jsonUnsigned(jsonMember(object, key, where), `'${key}'`);
  const optional = (key: string) => (object.has(key) ? number(key) : undefined);
  const times: BuildTimes = {
    timesBuilt: number('timesBuilt'),
    startTime: number('startTime'),
    stopTime: number('stopTime'),
    cpuUserUs: optional('cpuUser'),
    cpuSystemUs: optional('cpuSystem'),
  };
  const status = jsonString(jsonMember(object, 'status', where), "'status'");
  if (jsonBoolean(jsonMember(object, 'success', where), "'success'")) {
    const outputs = jsonObject(jsonMember(object, 'builtOutputs', where), "'builtOutputs'");
    return {
      ...times,
      success: true,
      status: oneOf(status, SUCCESS_STATUSES, 'built result success status'),
      builtOutputs: new Map([...outputs].map(([name, realisation]) => [name, realisationFromJson(realisation)])),
    };
  }
  return {
    ...times,
    success: false,
    status: oneOf(status, FAILURE_STATUSES, 'built result failure status'),
    message: jsonString(jsonMember(object, 'errorMsg', where), "'errorMsg'"),
    isNonDeterministic: jsonBoolean(jsonMember(object, 'isNonDeterministic', where), "'isNonDeterministic'"),
  };
}
