// Flake registries as `registry ...` shows and changes them. What counts for a reference is flake/resolve.ts, the files' form
// model/flake-registry.ts. nix/registry.cc, libfetchers/registry.cc.

import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { byteStringOf, bytesOf, utf8ToByteString } from '../base/bytes.ts';
import { resolveInput } from '../flake/resolve.ts';
import { nodeIo } from '../io/node.ts';
import { type FlakeRef, flakeRefFromAttrs, parseFlakeRef, printFlakeRef } from '../model/flake-ref.ts';
import { type FlakeRegistry, parseRegistry, printRegistry, type RegistryEntry } from '../model/flake-registry.ts';
import { equalAttrs, type InputAttrs, inputType, isLockedInput, printInput, withAttrs } from '../model/input-scheme.ts';
import type { Engine } from './engine.ts';

/** One line of `registry list`, a byte string. */
export function* registryLines(engine: Engine): Generator<string, void, undefined> {
  const labels = { flag: 'flags ', user: 'user  ', system: 'system', global: 'global' };
  for (const { kind, entries } of engine.flakes.fetcher.machine.registries) {
    for (const { from, to, dir } of entries) yield `${labels[kind]} ${printInput(from)} ${printFlakeRef({ input: to, subdir: dir })}`;
  }
}

/** What a reference stands for, as a byte string. FloeError where no registry knows it. */
export function resolveReference(engine: Engine, text: string): string {
  return printFlakeRef(resolveRef(engine, parseReference(engine, text)));
}

/** The direct reference behind one that a registry may have to resolve. */
export function resolveRef(engine: Engine, ref: FlakeRef): FlakeRef {
  const { input, dir } = resolveInput(ref.input, engine.flakes.fetcher.machine.registries, 'all');
  return { input, subdir: dir ?? ref.subdir };
}

/** NIX: references to be kept in a file must not depend on the working folder. */
function parseReference(engine: Engine, text: string): FlakeRef {
  return parseFlakeRef(utf8ToByteString(text), { warn: (message) => engine.progress.log('warn', message) });
}

/** A registry file that can be changed: the user's, or another. */
export class RegistryFile {
  private readonly engine: Engine;
  private readonly path: string;

  /** `path` is what `--registry` says. */
  constructor(engine: Engine, path: string | undefined) {
    const { env, cwd } = engine;
    this.engine = engine;
    this.path =
      path === undefined ? join(env['XDG_CONFIG_HOME'] || join(env['HOME'] ?? '/', '.config'), 'nix/registry.json') : resolve(cwd, path);
  }

  /** Lets one reference stand for another, in the place of what it stood for. */
  add(from: string, to: string): void {
    const { input, subdir } = parseReference(this.engine, to);
    this.replace(parseReference(this.engine, from).input, { to: input, dir: subdir });
  }

  /** Forgets a reference; nothing where it is not known. */
  remove(from: string): void {
    this.replace(parseReference(this.engine, from).input, undefined);
  }

  /** Lets a reference stand for what it (or `locked`) is now. */
  async pin(from: string, locked = from): Promise<void> {
    const ref = parseReference(this.engine, from);
    const { input } = resolveRef(this.engine, parseReference(this.engine, locked));
    const { fetched } = await this.engine.flakes.fetcher.fetch(input, 'all');
    const to = pinnedAttrs(input, fetched.attrs);
    if (!isLockedInput(to, this.engine.flakes.fetcher.machine.settings))
      this.engine.progress.log('warn', `flake '${printInput(to)}' is not locked`);
    this.replace(ref.input, { to, dir: ref.subdir });
  }

  private replace(from: InputAttrs, entry: Pick<RegistryEntry, 'to' | 'dir'> | undefined): void {
    const kept = this.read().entries.filter((one) => !equalAttrs(one.from, from));
    const entries = entry === undefined ? kept : [...kept, { from, ...entry, exact: false }];
    // A link stays one: what it leads to is replaced.
    const place = fs.existsSync(this.path) ? fs.realpathSync(this.path) : this.path;
    nodeIo().files.writeFileAtomic(utf8ToByteString(place), bytesOf(printRegistry({ kind: 'user', entries })));
  }

  private read(): FlakeRegistry {
    if (!fs.existsSync(this.path)) return { kind: 'user', entries: [] };
    return parseRegistry(byteStringOf(fs.readFileSync(this.path)), 'user', this.path);
  }
}

/** NIX: 2.34.8 knows the NAR hash of archives only when it pins; of other trees it keeps the revision, if they have one. */
export function pinnedAttrs(asked: InputAttrs, fetched: InputAttrs): InputAttrs {
  const isArchive = inputType(fetched) === 'tarball' || inputType(fetched) === 'file';
  const { input } = flakeRefFromAttrs(fetched);
  return isArchive || asked['narHash'] !== undefined ? input : withAttrs(input, { narHash: undefined });
}
