// The registries of a run, in the order of look-up: entries of options, the user's file, the system's, the global one. The global one is
// floe's own unless the setting `flake-registry` names a file or a URL; what lies behind a URL is downloaded when it is first looked
// into, and kept for `tarball-ttl` seconds, or for as long as it cannot be had. (Nix: libfetchers/registry.cc.)

import * as fs from 'node:fs';
import { join } from 'node:path';
import { byteStringOf, utf8ToByteString } from '../base/bytes.ts';
import { builtInRegistry } from '../flake/resolve.ts';
import { type FlakeRegistry, parseRegistry, type RegistryEntry } from '../model/flake-registry.ts';
import { packageFolder } from './package-folder.ts';
import type { Engine } from './engine.ts';

/** Downloads a file, or finds it in the cache, and says where it lies. Waits. */
export type FetchFileNow = (url: string) => string;

/** All registries; `flagEntries` are those of options. */
export function openRegistries(engine: Engine, flagEntries: readonly RegistryEntry[], fetchFile: FetchFileNow): FlakeRegistry[] {
  const { settings, env, reads } = engine;
  const files: [FlakeRegistry['kind'], string][] = [
    ['user', join(env['XDG_CONFIG_HOME'] || join(env['HOME'] ?? '/', '.config'), 'nix/registry.json')],
    ['system', join(env['NIX_CONF_DIR'] || '/etc/nix', 'registry.json')],
  ];
  const registries: FlakeRegistry[] = [{ kind: 'flag', entries: flagEntries }];
  for (const [kind, path] of files) {
    reads?.observe(utf8ToByteString(path));
    if (fs.existsSync(path)) registries.push(parseRegistry(byteStringOf(fs.readFileSync(path)), kind, path));
  }
  let global: FlakeRegistry['entries'] | undefined;
  registries.push({
    kind: 'global',
    get entries() {
      return (global ??= readGlobal(settings.get('flake-registry'), fetchFile, engine).entries);
    },
  });
  return registries;
}

function readGlobal(place: string, fetchFile: FetchFileNow, { settings, reads }: Engine): FlakeRegistry {
  if (place.startsWith('/')) {
    reads?.observe(utf8ToByteString(place));
    // NIX: a file that is not there is an empty registry.
    return fs.existsSync(place) ? parseRegistry(byteStringOf(fs.readFileSync(place)), 'global', place) : { kind: 'global', entries: [] };
  }
  if (place === settings.defaultOf('flake-registry'))
    return builtInRegistry({ debpkgs: packageFolder('src/debpkgs'), templates: packageFolder('templates') });
  if (place === '') return { kind: 'global', entries: [] };
  reads?.refuse('the global registry was downloaded');
  return parseRegistry(byteStringOf(fs.readFileSync(Buffer.from(fetchFile(place), 'latin1'))), 'global', place);
}
