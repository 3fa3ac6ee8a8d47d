// nix.conf and its relatives: what a line means, which place wins.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printSetting, SETTINGS, type SettingName } from '../model/settings.ts';
import { loadSettings, parseConfig, splitNixPath } from './config.ts';

function load(config: string, flags: [string, string][] = []) {
  const warnings: string[] = [];
  const settings = loadSettings({
    env: { NIX_CONFIG: config },
    flags: flags.map(([name, text]) => ({ name, text })),
    warn: (message) => warnings.push(message),
    readFiles: false,
  });
  return { settings, warnings };
}

test('lines, comments and blanks', () => {
  assert.deepEqual(parseConfig('a = b  c # d\n\n  # e\nf =\n', '/x'), [
    { name: 'a', text: 'b c' },
    { name: 'f', text: '' },
  ]);
  assert.throws(() => parseConfig('keep-going=x', '/etc/nix/nix.conf'), {
    message: 'syntax error in configuration line \'keep-going=x\' in "/etc/nix/nix.conf"',
  });
});

test('each kind is read and printed', () => {
  const { settings } = load(
    'sandbox-paths = /a=/b? /c /d=/e\ncores = 4K\nmax-jobs = auto\nsandbox = relaxed\nextra-substituters = x\naccess-tokens = a=b c=d=e',
  );
  assert.equal(printSetting('sandbox-paths', settings.get('sandbox-paths')), '/a=/b? /c /d=/e');
  assert.equal(settings.get('cores'), 4096);
  assert.ok(settings.maxJobs >= 1);
  assert.equal(settings.get('sandbox'), 'relaxed');
  assert.deepEqual(settings.get('substituters'), ['https://cache.nixos.org/', 'x']);
  assert.deepEqual(settings.get('access-tokens'), { a: 'b', c: 'd=e' });
});

test('wrong values are refused in the words of Nix', () => {
  assert.throws(() => load('max-jobs = x'), { message: "configuration setting 'max-jobs' should be 'auto' or an integer" });
  assert.throws(() => load('cores = 12Q'), { message: "setting 'cores' has invalid value '12Q'" });
  assert.throws(() => load('keep-going = x'), { message: "Boolean setting 'keep-going' has invalid value 'x'" });
  assert.throws(() => load('lint-url-literals = x'), {
    message: "option 'lint-url-literals' has invalid value 'x' (expected 'ignore', 'warn', or 'fatal')",
  });
});

test('unknown names and features are warned about', () => {
  assert.deepEqual(load('foo = 1\nexperimental-features = bar').warnings, ["unknown experimental feature 'bar'", "unknown setting 'foo'"]);
  assert.deepEqual(load('impure-env = a=b').warnings, [
    "Ignoring setting 'impure-env' because experimental feature 'configurable-impure-env' is not enabled",
  ]);
});

test('flags win over the environment, older names are known', () => {
  const { settings } = load('build-cores = 3\nkeep-going = true', [['cores', '5']]);
  assert.equal(settings.get('cores'), 5);
  assert.equal(settings.isOverridden('keep-going'), true);
  assert.equal(settings.isOverridden('keep-failed'), false);
});

test('NIX_PATH is cut at colons that are not part of a URL', () => {
  assert.deepEqual(splitNixPath('a=/b:/c:n=https://x/y:z'), ['a=/b', '/c', 'n=https://x/y', 'z']);
  assert.deepEqual(splitNixPath('nixpkgs=flake:nixpkgs:/q'), ['nixpkgs=flake:nixpkgs', '/q']);
});

test('every default can be printed and read again', () => {
  const { settings } = load('');
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    if (SETTINGS[name].feature !== undefined || SETTINGS[name].kind === 'path') continue;
    const before = printSetting(name, settings.get(name));
    if (name === 'max-free') continue;
    assert.equal(settings.setFromText(name, before), true);
    assert.equal(printSetting(name, settings.get(name)), before, name);
  }
});

test('what a flake set goes to another process as JSON', () => {
  const { settings } = load('');
  const texts = { 'post-build-hook': '', cores: '3', 'sandbox-paths': '/a=/b?', 'extra-substituters': 'x', sandbox: 'relaxed' };
  for (const [name, text] of Object.entries(texts)) settings.setFromText(name, text, 'flake');
  settings.setFromText('max-jobs', '7');
  const { settings: other } = load('');
  other.takeFlakeValues(JSON.parse(JSON.stringify(settings.flakeValues())) as ReturnType<typeof settings.flakeValues>);
  for (const name of ['post-build-hook', 'cores', 'sandbox-paths', 'substituters', 'sandbox'] as const) {
    assert.deepEqual(other.get(name), settings.get(name), name);
    assert.equal(other.originOf(name), 'flake');
  }
  assert.equal(other.originOf('max-jobs'), undefined);
});
