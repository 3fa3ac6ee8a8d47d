// Options, arguments and settings against those of a real Nix: `nix __dump-cli` and `nix config show --json`. Skipped where FLOE_ORACLE
// is unset.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { test } from 'node:test';
import { COMMANDS } from '../../src/cli/command-table.ts';
import { GLOBAL_FLAGS } from '../../src/cli/options.ts';
import { describeWords } from '../../src/cli/words.ts';
import { loadSettings } from '../../src/engine/config.ts';
import { OWN_SETTINGS, SETTINGS, type SettingName } from '../../src/model/settings.ts';

const oracle = process.env['FLOE_ORACLE'];
const skip = oracle === undefined ? 'FLOE_ORACLE names no Nix to compare with' : false;

function askOracle(...words: string[]): unknown {
  return JSON.parse(execFileSync(oracle!, ['nix', ...words], { encoding: 'utf8', maxBuffer: 2 ** 26 }));
}

interface DumpedCommand {
  readonly args: readonly { readonly label: string; readonly optional: boolean; readonly arity?: number }[];
  readonly flags: Readonly<Record<string, { readonly shortName?: string; readonly arity?: number; readonly hiddenCategory: boolean }>>;
  readonly commands?: Readonly<Record<string, DumpedCommand>>;
}

test('settings: names, older names, features and defaults', { skip }, () => {
  const theirs = askOracle('config', 'show', '--json') as Record<
    string,
    { aliases: string[]; defaultValue: unknown; experimentalFeature: string | null }
  >;
  const settings = loadSettings({ env: {}, readFiles: false });
  const ours = (Object.keys(SETTINGS) as SettingName[]).filter((name) => !OWN_SETTINGS.has(name));
  assert.deepEqual(ours.toSorted(), Object.keys(theirs).toSorted());
  for (const name of ours) {
    const their = theirs[name]!;
    assert.deepEqual([...SETTINGS[name].aliases].sort(), their.aliases.toSorted(), name);
    assert.equal(SETTINGS[name].feature ?? null, their.experimentalFeature, name);
    // Another machine's certificates and processor are their own affair.
    if (!SETTINGS[name].fromMachine) assert.deepEqual(settings.get(name) ?? null, their.defaultValue, name);
  }
});

test('every command of ours takes the options that Nix takes', { skip }, async () => {
  const { args: root } = askOracle('__dump-cli') as { args: DumpedCommand };
  const missing: string[] = [];
  for (const [words, load] of Object.entries(COMMANDS)) {
    let theirs: DumpedCommand | undefined = root;
    for (const word of words.split(' ')) theirs = theirs?.commands?.[word];
    if (theirs === undefined) continue;
    const { options } = describeWords(new (await load())());
    const ours = new Map(options.flatMap(({ names, arity }) => names.map((name) => [name, arity] as const)));
    for (const [name, flag] of Object.entries(theirs.flags)) {
      if (flag.hiddenCategory || GLOBAL_FLAGS.some(({ names }) => names.includes(`--${name}`))) continue;
      const arity = ours.get(`--${name}`);
      if (arity === undefined) missing.push(`${words} --${name}`);
      else if (arity !== (flag.arity ?? Infinity)) missing.push(`${words} --${name} takes ${flag.arity} arguments, not ${arity}`);
      if (flag.shortName !== undefined && !ours.has(`-${flag.shortName}`)) missing.push(`${words} -${flag.shortName}`);
    }
  }
  assert.deepEqual(missing, []);
});
