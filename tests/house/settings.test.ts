// Every setting of Nix is obeyed, or says that it is not: those that no source asks for by name stand in model/unobeyed-settings.ts with the
// reason, and whoever sets one of them that matters is warned.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSettings } from '../../src/engine/config.ts';
import { findSetting, SETTINGS, type SettingName } from '../../src/model/settings.ts';
import { type Unobeyed, UNOBEYED_SETTINGS } from '../../src/model/unobeyed-settings.ts';
import { readTree } from './tree.ts';

const DECLARATIONS = /^src\/model\/(?:unobeyed-)?settings\.ts$/;
const sources = readTree('src', (name) => name.endsWith('.ts') && !name.endsWith('.test.ts')).filter(
  ({ path }) => !DECLARATIONS.test(path),
);
const unobeyed = Object.entries(UNOBEYED_SETTINGS) as [SettingName, Unobeyed][];

/** Something other than the default, as nix.conf would hold it. */
function otherValue(name: SettingName): string {
  const { kind, default: value } = SETTINGS[name];
  switch (kind) {
    case 'bool':
      return value === true ? 'false' : 'true';
    case 'integer':
      return '7';
    default:
      return 'something';
  }
}

test('a setting is asked for somewhere, or stands among those that are not', () => {
  const asked = (name: string): boolean => sources.some(({ text }) => text.includes(`get('${name}')`) || text.includes(`'${name}'`));
  const silent = (Object.keys(SETTINGS) as SettingName[]).filter((name) => !(name in UNOBEYED_SETTINGS) && !asked(name));
  assert.deepEqual(silent, []);
});

test('a setting that is asked for does not stand among those that are not', () => {
  const asked = (name: string): boolean => sources.some(({ text }) => text.includes(`.get('${name}')`));
  assert.deepEqual(
    unobeyed.map(([name]) => name).filter((name) => asked(name) || findSetting(name) === undefined),
    [],
  );
});

test('whoever sets one that is not there yet is told', () => {
  const experimental = 'experimental-features = auto-allocate-uids cgroups external-builders';
  for (const [name, { why, isHarmless }] of unobeyed) {
    const warnings: string[] = [];
    const env = { NIX_CONFIG: `${experimental}\n${name} = ${otherValue(name)}\n` };
    loadSettings({ env, readFiles: false, warn: (message) => warnings.push(message) });
    const expected = isHarmless ? [] : [`setting '${name}' has no effect yet: ${why}`];
    assert.deepEqual(
      warnings.filter((message) => !message.startsWith('Ignoring setting')),
      expected,
      name,
    );
  }
});
