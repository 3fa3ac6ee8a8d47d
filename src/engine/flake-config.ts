// `nixConfig` of a flake: settings that the flake wishes for. Some are harmless and always taken; of the rest the user is asked about
// each name and value once, may have the answer kept (in Nix's own file, trusted-settings.json), and may agree to all beforehand
// (`--accept-flake-config`). What he did not agree to is left out with a warning. (Nix: libflake/config.cc.)

import * as fs from 'node:fs';
import { join } from 'node:path';
import { byteStringOf, byteStringToUtf8, bytesOf, utf8ToByteString } from '../base/bytes.ts';
import { type Json, parseJson, printJson } from '../base/canonical-json.ts';
import type { TopFlake } from '../flake/lock.ts';
import { type ConfigValue, printConfigValue } from '../flake/read.ts';
import { nodeIo } from '../io/node.ts';
import type { Engine } from './engine.ts';
import type { EngineTree } from './lock-flake.ts';

/** Settings that change nothing but how things look, and where names are looked up. */
const HARMLESS: ReadonlySet<string> = new Set([
  'bash-prompt',
  'bash-prompt-prefix',
  'bash-prompt-suffix',
  'flake-registry',
  'commit-lock-file-summary',
  'commit-lockfile-summary',
]);

/** By name and value: what the user said about it for good. */
type TrustedSettings = ReadonlyMap<string, ReadonlyMap<string, boolean>>;

function trustedFile(env: Readonly<Record<string, string | undefined>>): string {
  const folder = env['NIX_DATA_HOME'] || join(env['XDG_DATA_HOME'] || join(env['HOME'] ?? '/', '.local/share'), 'nix');
  return join(folder, 'trusted-settings.json');
}

function readTrusted(file: string): TrustedSettings {
  if (!fs.existsSync(file)) return new Map();
  const json = parseJson(byteStringOf(fs.readFileSync(file)), file);
  const result = new Map<string, ReadonlyMap<string, boolean>>();
  if (!(json instanceof Map)) return result;
  for (const [name, values] of json as ReadonlyMap<string, Json>) {
    if (!(values instanceof Map)) continue;
    const answers = [...(values as ReadonlyMap<string, Json>)].filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean');
    result.set(name, new Map(answers));
  }
  return result;
}

function keepAnswer(file: string, name: string, value: string, trusted: boolean): void {
  const known = readTrusted(file);
  const all = new Map([...known, [name, new Map([...(known.get(name) ?? []), [value, trusted]])]]);
  nodeIo().files.writeFileAtomic(utf8ToByteString(file), bytesOf(printJson(all)));
}

/** Applies the flake's settings to those of the run. */
export function applyFlakeConfig(engine: Engine, flake: TopFlake<EngineTree>): void {
  const { settings, progress } = engine;
  for (const [name, value] of flake.file.config) {
    const text = byteStringToUtf8(textOf(engine, flake, value));
    const isHarmless = HARMLESS.has(name.replace(/^extra-/, ''));
    if (!isHarmless && !settings.get('accept-flake-config') && !isTrusted(engine, name, text)) {
      progress.log('warn', `ignoring untrusted flake configuration setting '${name}'.\nPass '--accept-flake-config' to trust it`);
      continue;
    }
    settings.setFromText(name, text, 'flake');
  }
}

function isTrusted(engine: Engine, name: string, value: string): boolean {
  const { env, progress, reads } = engine;
  const file = trustedFile(env);
  reads?.observe(utf8ToByteString(file));
  const [nameBytes, valueBytes] = [utf8ToByteString(name), utf8ToByteString(value)];
  const known = readTrusted(file).get(nameBytes)?.get(valueBytes);
  if (known !== undefined) {
    progress.log('info', `Using saved setting for '${name} = ${value}' from ~/.local/share/nix/trusted-settings.json.`);
    return known;
  }
  const says = (question: string): boolean => {
    const answer = engine.ask(question);
    if (answer !== undefined) reads?.refuse('the user was asked');
    return answer?.trim().toLowerCase() === 'y';
  };
  const trusted = says(`do you want to allow configuration setting '${name}' to be set to '\x1b[31;1m${value}\x1b[0m' (y/N)?`);
  if (says(`do you want to permanently mark this value as ${trusted ? 'trusted' : 'untrusted'} (y/N)?`))
    keepAnswer(file, nameBytes, valueBytes, trusted);
  return trusted;
}

/** A value as a setting's text; a path becomes that of a copy in the store, which stays the same whatever else the flake changes. */
function textOf(engine: Engine, { tree, file }: TopFlake<EngineTree>, value: ConfigValue): string {
  if (typeof value !== 'object' || !('path' in value)) return printConfigValue(value);
  const { fetched } = tree;
  const { host } = engine.evaluation(fetched.folder ?? fetched.storePath);
  host.addMountedTree(fetched.storePath, fetched.tree, { method: 'nar', hash: fetched.narHash });
  const path = `${engine.storeDir}/${fetched.storePath}${value.path === '/' ? '' : value.path}`;
  const name = value.path === '/' ? 'source' : value.path.slice(value.path.lastIndexOf('/') + 1);
  if (host.pathKind(path) === undefined) throw host.noSuchPath(file.source.describe(value.path));
  const copied = host.addToStore({ path, name, method: 'nar', algorithm: 'sha256' });
  host.flush([copied]);
  return `${engine.storeDir}/${copied}`;
}
