import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FloeError, UsageError } from '../base/errors.ts';
import { placeStore, type StoreMachine } from './placement.ts';

interface Facts {
  env?: Record<string, string>;
  isRoot?: boolean;
  folders?: string[];
  mounts?: boolean;
}

function machine({ env = {}, isRoot = false, folders = [], mounts = false }: Facts): StoreMachine {
  return {
    env,
    cwd: '/somewhere/here',
    home: '/home/me',
    isRoot,
    isWritableFolder: (path) => folders.includes(path),
    exists: (path) => folders.includes(path),
    isListening: (path) => folders.includes(path) && path.endsWith('socket'),
    canMount: () => mounts,
  };
}

function check(url: string | undefined, facts: Facts, expected: Record<string, unknown>): void {
  const placement: Record<string, unknown> = { ...placeStore(url, machine(facts)) };
  for (const [key, value] of Object.entries(expected)) assert.deepEqual(placement[key], value, `${key} of ${url}`);
}

test('without a word: /nix/store where it can be written, a private store, /nix itself, the home folder', () => {
  const nix = { storeDir: '/nix/store', realStoreDir: '/nix/store', stateDir: '/nix/var/nix', mount: undefined, warning: undefined };
  check(undefined, { folders: ['/nix/store', '/nix/var/nix'], mounts: true }, nix);
  const own = {
    storeDir: '/nix/store',
    realStoreDir: '/home/me/.local/share/floe/root/nix/store',
    stateDir: '/home/me/.local/share/floe/root/nix/var/nix',
    logDir: '/home/me/.local/share/floe/root/nix/var/log/nix',
    mount: { physical: '/home/me/.local/share/floe/root/nix', at: '/nix' },
  };
  check(undefined, { mounts: true }, own);
  check('auto', { mounts: true, isRoot: true }, own);
  check('', { folders: ['/home/me/.local/share/floe/root/nix/var/nix/db/schema'] }, own);
  check(undefined, { mounts: true, env: { XDG_DATA_HOME: '/data/' } }, { realStoreDir: '/data/floe/root/nix/store' });
  check(undefined, { isRoot: true }, nix);
  check(
    undefined,
    {},
    { storeDir: '/home/me/.local/share/floe/store', realStoreDir: '/home/me/.local/share/floe/store', mount: undefined },
  );
  assert.match(placeStore(undefined, machine({})).warning!, /other hashes/);
});

test('what the environment says', () => {
  check(
    undefined,
    { env: { NIX_STORE_DIR: '/s/store/', NIX_STATE_DIR: '/s/var' }, mounts: true },
    { storeDir: '/s/store', realStoreDir: '/s/store', stateDir: '/s/var', mount: undefined },
  );
  check(undefined, { env: { NIX_REMOTE: '/r' } }, { realStoreDir: '/r/nix/store', uri: '/r' });
  check(
    '/q',
    { env: { NIX_REMOTE: '/r', NIX_STORE_DIR: '/s' } },
    { realStoreDir: '/q/nix/store', storeDir: '/s', mount: { physical: '/q/nix/store', at: '/s' } },
  );
});

test('behind a daemon: by URL, and without a word where one answers and this user may not write', () => {
  const usual = '/nix/var/nix/daemon-socket/socket';
  const shared = { storeDir: '/nix/store', realStoreDir: '/nix/store', stateDir: '/nix/var/nix' };
  check('daemon', {}, { ...shared, uri: 'daemon', socket: usual });
  check('unix://', {}, { ...shared, uri: 'daemon', socket: usual });
  check('daemon', { env: { NIX_DAEMON_SOCKET_PATH: '/s' } }, { uri: 'daemon', socket: '/s' });
  check(
    'unix:///r/s?root=/r',
    {},
    { realStoreDir: '/r/nix/store', stateDir: '/r/nix/var/nix', uri: 'unix:///r/s?root=%2Fr', socket: '/r/s' },
  );
  check(undefined, { folders: [usual], mounts: true }, { uri: 'daemon', socket: usual });
  check(undefined, { folders: [usual, '/nix/store', '/nix/var/nix'], isRoot: true }, { uri: 'local', socket: undefined });
  const own = { NIX_STATE_DIR: '/v', NIX_STORE_DIR: '/s' };
  check(undefined, { env: own, folders: ['/v/daemon-socket/socket'] }, { uri: 'local', socket: undefined });
});

test('store URLs', () => {
  check(
    './x/../y',
    {},
    {
      realStoreDir: '/somewhere/here/y/nix/store',
      stateDir: '/somewhere/here/y/nix/var/nix',
      mount: { physical: '/somewhere/here/y/nix', at: '/nix' },
    },
  );
  check('local?root=/r', {}, { realStoreDir: '/r/nix/store', storeDir: '/nix/store', uri: 'local?root=/r' });
  check('local:///a%20b', {}, { realStoreDir: '/a b/nix/store' });
  check('local', {}, { realStoreDir: '/nix/store', stateDir: '/nix/var/nix' });
  check('auto?root=/r', {}, { realStoreDir: '/r/nix/store' });
  check(
    'local?store=/a/store&real=/b/store&state=/c&log=/d&read-only=true&require-sigs=false&odd=1',
    {},
    {
      storeDir: '/a/store',
      realStoreDir: '/b/store',
      stateDir: '/c',
      logDir: '/d',
      readOnly: true,
      unknownParameters: ['odd'],
      mount: { physical: '/b/store', at: '/a/store' },
    },
  );
  for (const url of ['nonsense', 'odd://x']) assert.throws(() => placeStore(url, machine({})), UsageError, url);
  for (const url of ['ssh://host', 'https://cache.example'])
    assert.throws(
      () => placeStore(url, machine({})),
      (error) => error instanceof FloeError && error.code === 'FLOE_NOT_SUPPORTED',
      url,
    );
});
