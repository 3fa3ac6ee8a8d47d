// Machines that build: the lines of the setting `builders` and of machines files. Each names a store, the systems it builds for, an ssh
// key, how many builds it takes at once, how fast it is, and what it can and insists on. libstore/machines.cc at 2.34.8; Nix manual,
// "Remote Builds".

import { FormatError, UsageError } from '../base/errors.ts';

export interface Machine {
  /** Store URL. */
  readonly uri: string;
  readonly systems: readonly string[];
  readonly sshKey: string | undefined;
  readonly maxJobs: number;
  readonly speedFactor: number;
  readonly supportedFeatures: readonly string[];
  /** Only builds that ask for all of these. */
  readonly mandatoryFeatures: readonly string[];
  /** Base 64. */
  readonly hostKey: string | undefined;
}

/** Entries between newlines and semicolons; `@file` stands for the entries of a file, which may be missing. */
function expand(text: string, readFile: (path: string) => string | undefined): string[] {
  return text
    .split('\n')
    .flatMap((line) => line.replace(/#.*/, '').split(';'))
    .map((entry) => entry.trim())
    .flatMap((entry) => {
      if (entry === '') return [];
      return entry.startsWith('@') ? expand(readFile(entry.slice(1).trim()) ?? '', readFile) : [entry];
    });
}

const isPlace = (uri: string): boolean => uri.includes('/') || /^(?:auto|daemon|local)(?:\?|$)/.test(uri) || uri.startsWith('?');

function parseLine(line: string, system: string): Machine {
  const words = line.split(/\s+/);
  const field = (index: number): string | undefined => (words[index] === undefined || words[index] === '-' ? undefined : words[index]);
  const list = (index: number): string[] => (field(index) ?? '').split(',').filter((word) => word !== '');
  const wrong = (index: number, type: string): never => {
    throw new FormatError(`bad machine specification: failed to convert column #${index} in a row: '${line}' to '${type}'`);
  };
  const uri = field(0);
  if (uri === undefined)
    throw new FormatError(`bad machine specification: store URL was not found at the first column of a row: '${line}'`);
  const maxJobs = field(3) ?? '1';
  const speedFactor = field(4) ?? '1';
  if (!/^[0-9]+$/.test(maxJobs)) wrong(3, 'unsigned int');
  if (!/^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/.test(speedFactor)) wrong(4, 'float');
  if (Number(speedFactor) < 0) throw new UsageError('speed factor must be >= 0');
  return {
    uri: isPlace(uri) ? uri : `ssh://${uri}`,
    systems: field(1) === undefined ? [system] : list(1),
    sshKey: field(2),
    maxJobs: Number(maxJobs),
    speedFactor: Number(speedFactor) || 1,
    supportedFeatures: list(5),
    mandatoryFeatures: list(6),
    hostKey: field(7),
  };
}

/** Reads the setting `builders`. `system` is what machines build for that do not say. */
export function parseMachines(text: string, system: string, readFile: (path: string) => string | undefined): Machine[] {
  return expand(text, readFile).map((line) => parseLine(line, system));
}

/** Whether a machine may be given a build. */
export function machineSuits(machine: Machine, system: string, features: readonly string[]): boolean {
  const { systems, supportedFeatures, mandatoryFeatures } = machine;
  return (
    (system === 'builtin' || systems.includes(system)) &&
    features.every((feature) => supportedFeatures.includes(feature) || mandatoryFeatures.includes(feature)) &&
    mandatoryFeatures.every((feature) => features.includes(feature))
  );
}

/** The store URL with all that a line says of the machine. */
export function machineStoreUrl({ uri, sshKey, hostKey, supportedFeatures, mandatoryFeatures }: Machine): string {
  const parameters: string[] = [];
  if (/^ssh(?:-ng)?:/.test(uri)) {
    if (sshKey !== undefined) parameters.push(`ssh-key=${encodeURIComponent(sshKey)}`);
    if (hostKey !== undefined) parameters.push(`base64-ssh-public-host-key=${encodeURIComponent(hostKey)}`);
  }
  const features = [...supportedFeatures, ...mandatoryFeatures];
  if (features.length > 0) parameters.push(`system-features=${encodeURIComponent(features.join(' '))}`);
  if (parameters.length === 0) return uri;
  return `${uri}${uri.includes('?') ? '&' : '?'}${parameters.join('&')}`;
}
