import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError, UsageError } from '../base/errors.ts';
import { machineStoreUrl, machineSuits, parseMachines } from './machines.ts';

const read = (text: string, files: Record<string, string> = {}) => parseMachines(text, 'here-linux', (path) => files[path]);

test('machines in one setting, in files, with comments and gaps', () => {
  assert.deepEqual(
    read('a; b@c # not this; nor this\n\n@/m ; @/missing', { '/m': 'ssh-ng://d\n@/n', '/n': '/a/store' }).map(({ uri }) => uri),
    ['ssh://a', 'ssh://b@c', 'ssh-ng://d', '/a/store'],
  );
  const [full] = read('ssh://x  s1,s2 /key 4 2.5 f,g m aG9zdA==');
  assert.deepEqual(full, {
    uri: 'ssh://x',
    systems: ['s1', 's2'],
    sshKey: '/key',
    maxJobs: 4,
    speedFactor: 2.5,
    supportedFeatures: ['f', 'g'],
    mandatoryFeatures: ['m'],
    hostKey: 'aG9zdA==',
  });
  assert.equal(machineStoreUrl(full!), 'ssh://x?ssh-key=%2Fkey&base64-ssh-public-host-key=aG9zdA%3D%3D&system-features=f%20g%20m');
  const [plain] = read('x - - - -');
  assert.deepEqual([plain!.systems, plain!.maxJobs, plain!.speedFactor], [['here-linux'], 1, 1]);
  for (const text of ['x - - many', 'x - - 1 fast', '- here']) assert.throws(() => read(text), FormatError, text);
  assert.throws(() => read('x - - 1 -2'), UsageError);
});

test('which machine may have which build', () => {
  const [machine] = read('x s - 1 1 f m');
  assert.equal(machineSuits(machine!, 's', ['m']), true);
  assert.equal(machineSuits(machine!, 'builtin', ['m', 'f']), true);
  assert.equal(machineSuits(machine!, 's', ['f']), false);
  assert.equal(machineSuits(machine!, 's', ['m', 'other']), false);
  assert.equal(machineSuits(machine!, 't', ['m']), false);
});
