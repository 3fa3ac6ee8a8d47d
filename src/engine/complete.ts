// What words of a command line may become: flake references, attribute paths of installables, inputs of flakes, files. What cannot be
// read, fetched or evaluated offers nothing. libcmd/installables.cc and libutil/args.cc. All results are ordinary text.

import * as fs from 'node:fs';
import { resolve } from 'node:path';
import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import { Attrs } from '../eval/attrs.ts';
import { autoCallFunction } from '../eval/auto-call.ts';
import { querySymbol, symbolName } from '../eval/symbol.ts';
import { force, type Value } from '../eval/value.ts';
import { parseAttrPath } from '../model/attr-path.ts';
import { printInput } from '../model/input-scheme.ts';
import { findAlongAttrPath } from './derivation-values.ts';
import type { Engine } from './engine.ts';
import { outputDefaults, type Purpose } from './installables.ts';

/** How a shell is to treat what is offered. */
export interface Candidates {
  readonly kind: 'normal' | 'filenames' | 'attrs';
  readonly words: readonly string[];
}

function expandHome(text: string, { env }: Pick<Engine, 'env'>): string {
  return text === '~' || text.startsWith('~/') ? `${env['HOME'] ?? '~'}${text.slice(1)}` : text;
}

/** Files whose names begin so; hidden ones where the prefix says so. */
export function completePath(engine: Pick<Engine, 'env' | 'cwd'>, prefix: string, onlyFolders = false): Candidates {
  const typed = expandHome(prefix, engine);
  const slash = typed.lastIndexOf('/') + 1;
  const [folder, start] = [typed.slice(0, slash), typed.slice(slash)];
  try {
    const entries = fs.readdirSync(resolve(engine.cwd, folder === '' ? '.' : folder));
    const named = entries.filter((name) => name.startsWith(start) && (start.startsWith('.') || !name.startsWith('.')));
    const isFolder = (name: string) => fs.statSync(resolve(engine.cwd, folder, name), { throwIfNoEntry: false })?.isDirectory() === true;
    return { kind: 'filenames', words: named.filter((name) => !onlyFolders || isFolder(name)).map((name) => folder + name) };
  } catch {
    return { kind: 'filenames', words: [] };
  }
}

/** References of flakes: folders, and what registries know. */
export function completeFlakeRef(engine: Engine, prefix: string): Candidates {
  const entries = engine.flakes.fetcher.machine.registries.flatMap((registry) => registry.entries);
  const known = entries
    .map(({ from }) => byteStringToUtf8(printInput(from)))
    .map((name) => (!prefix.startsWith('flake:') && name.startsWith('flake:') ? name.slice('flake:'.length) : name))
    .filter((name) => name.startsWith(prefix));
  return { kind: 'filenames', words: [...(prefix === '' ? ['.'] : []), ...completePath(engine, prefix, true).words, ...known] };
}

function namesOf(value: Value): string[] {
  return value instanceof Attrs ? value.order().map((index) => symbolName(value.keys()[index]!)) : [];
}

/** The value at a path; undefined where there is none. */
function valueAt(root: Value, path: readonly string[]): Value | undefined {
  let value = root;
  for (const name of path) {
    const symbol = querySymbol(name);
    const slot = value instanceof Attrs && symbol !== undefined ? value.get(symbol) : undefined;
    if (slot === undefined) return undefined;
    value = force(slot);
  }
  return value;
}

/** `ref#attr`: outputs of a flake, by the prefixes that a command looks under and by their whole paths. Before the `#`, the reference. */
export async function completeFlakeOutput(engine: Engine, prefix: string, purpose: Purpose): Promise<Candidates> {
  const hash = prefix.indexOf('#');
  if (hash < 0) return completeFlakeRef(engine, prefix);
  const ref = prefix.slice(0, hash);
  const isWhole = prefix.startsWith('.', hash + 1);
  const fragment = utf8ToByteString(prefix.slice(hash + (isWhole ? 2 : 1)));
  const lead = `${ref}#${isWhole ? '.' : ''}`;
  const { paths, prefixes } = outputDefaults(purpose, engine.settings.get('eval-system') || engine.settings.get('system'));
  const words: string[] = [];
  try {
    const locked = await engine.flakes.lock(engine.flakes.parse(expandHome(ref, engine)), { writeLockFile: false });
    engine.evaluation().evaluator.guard(() => {
      const root = locked.outputs();
      for (const under of [...(isWhole ? [] : prefixes), '']) words.push(...outputsUnder(root, under, fragment).map((name) => lead + name));
      if (fragment === '' && paths.some((path) => valueAt(root, parseAttrPath(path)) !== undefined)) words.push(lead);
    });
  } catch {
    // Offers what was found so far.
  }
  return { kind: 'attrs', words };
}

function outputsUnder(root: Value, under: string, fragment: string): string[] {
  const path = parseAttrPath(fragment);
  const last = path.length > 0 && !fragment.endsWith('.') ? path.pop()! : '';
  const value = valueAt(root, [...parseAttrPath(under), ...path]);
  if (value === undefined) return [];
  const names = namesOf(value).filter((name) => name.startsWith(last));
  return names.map((name) => byteStringToUtf8([...path, name].join('.')));
}

/** Attribute paths in the value of a file. */
export function completeAttrPath(engine: Engine, file: string, prefix: string): Candidates {
  try {
    const dot = prefix.lastIndexOf('.');
    const [path, start] = dot < 0 ? ['', prefix] : [prefix.slice(0, dot), prefix.slice(dot + 1)];
    const root = engine.sourceValue({ kind: 'file', path: file });
    const { evaluator } = engine.evaluation();
    const names = evaluator.guard(() => {
      const value = findAlongAttrPath(evaluator.state, utf8ToByteString(path), engine.autoArgs(), root);
      return namesOf(autoCallFunction(evaluator.state, engine.autoArgs(), value));
    });
    const fitting = names.map(byteStringToUtf8).filter((name) => name.startsWith(start));
    return { kind: 'attrs', words: fitting.map((name) => (path === '' ? name : `${path}.${name}`)) };
  } catch {
    return { kind: 'attrs', words: [] };
  }
}

/** Names of the inputs of flakes, named as installables or references. */
export async function completeInput(engine: Engine, flakes: readonly string[], prefix: string): Promise<Candidates> {
  const words: string[] = [];
  for (const text of flakes) {
    try {
      const ref = engine.flakes.parse(expandHome(text.split('#')[0]!, engine));
      const { file } = await engine.flakes.fetcher.readFlake(ref);
      words.push(...[...file.inputs.keys()].map(byteStringToUtf8).filter((name) => name.startsWith(prefix)));
    } catch {
      // Another flake may have it.
    }
  }
  return { kind: 'normal', words };
}

/** Templates of a flake. */
export async function completeTemplate(engine: Engine, prefix: string): Promise<Candidates> {
  const hash = prefix.indexOf('#');
  if (hash < 0) return completeFlakeRef(engine, prefix);
  const candidates = await completeFlakeOutput(engine, `${prefix.slice(0, hash)}#.templates.${prefix.slice(hash + 1)}`, 'build');
  return { kind: 'attrs', words: candidates.words.map((word) => word.replace('#.templates.', '#')) };
}
