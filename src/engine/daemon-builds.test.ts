// What a daemon is told of a user's settings.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSettings } from './config.ts';
import { clientSettings } from './daemon-builds.ts';

test('a daemon is told what concerns builds, and of floe itself nothing', () => {
  const config = [
    'experimental-features = configurable-impure-env',
    'impure-env = token=1',
    'sandbox = relaxed',
    'pure-eval = false',
    'eval-cores = 2',
    'hints = false',
  ];
  const settings = loadSettings({ env: { NIX_CONFIG: config.join('\n') }, readFiles: false });
  const { overrides } = clientSettings(settings, undefined);
  const about = [...overrides].filter(([name]) => name !== 'ssl-cert-file');
  assert.deepEqual(about, [
    ['impure-env', 'token=1'],
    ['sandbox', 'relaxed'],
  ]);
});
