import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findDebianMirrors, makeMirrorResolver, type MirrorMachine } from './mirrors.ts';

function machine(files: Readonly<Record<string, string>>, env: Record<string, string> = {}): MirrorMachine {
  return {
    env: { PATH: '/nowhere', ...env },
    readFile: (path) => files[path],
    listFolder: (path) =>
      Object.keys(files)
        .filter((file) => file.startsWith(`${path}/`))
        .map((file) => file.slice(path.length + 1)),
  };
}
const NONE = { debian: [], npm: [] };
const urls = async (resolver: ReturnType<typeof makeMirrorResolver>, url: string) => (await resolver(url)).map((address) => address.url);

test('one-line sources: Debian archives only, security last, options skipped', () => {
  const list = [
    '# deb http://comment.example/debian bookworm main',
    'deb [arch=amd64 signed-by=/k] http://a.example/debian-security bookworm-security main',
    'deb http://b.example/debian/ bookworm main contrib # why',
    'deb-src http://src.example/debian bookworm main',
    'deb http://b.example/debian/ bookworm-updates main',
    'deb http://vendor.example/apt stable-ish main',
    'deb http://vendor.example/node nodistro main',
    'deb http://vendor.example/linux/debian bookworm stable',
    'deb cdrom:[Debian]/ bookworm main',
    'deb file:/srv/mirror trixie main',
  ].join('\n');
  assert.deepEqual(findDebianMirrors(machine({ '/etc/apt/sources.list': list })), [
    'http://b.example/debian/',
    'file:///srv/mirror',
    'http://a.example/debian-security',
  ]);
});

test('deb822 sources: several URIs and suites, continued lines, disabled stanzas, lists of mirrors', () => {
  const files = {
    '/etc/apt/sources.list.d/debian.sources':
      'Types: deb deb-src\n# comment\nURIs: http://a.example/debian\n http://b.example/debian\nSuites: bookworm\n bookworm-updates\nComponents: main\n\n' +
      'Types: deb\nURIs: http://off.example/debian\nSuites: bookworm\nComponents: main\nEnabled: no\n\nTypes: deb\nURIs: mirror+file:///etc/apt/mirrors/debian.list\nSuites: sid\nComponents: main\n',
    '/etc/apt/sources.list.d/ignored.save': 'deb http://old.example/debian bookworm main',
    '/etc/apt/mirrors/debian.list': 'https://m.example/debian\tpriority:1\n\nhttp://n.example/debian\n',
  };
  assert.deepEqual(findDebianMirrors(machine(files)), [
    'http://a.example/debian',
    'http://b.example/debian',
    'https://m.example/debian',
    'http://n.example/debian',
  ]);
});

test('mirror://debian: the setting first, then the machine, else an error that names the setting', async () => {
  const here = machine({ '/etc/apt/sources.list': 'deb http://b.example/debian bookworm main' });
  assert.deepEqual(await urls(makeMirrorResolver(NONE, here), 'mirror://debian/pool/x.deb'), ['http://b.example/debian/pool/x.deb']);
  assert.deepEqual(await urls(makeMirrorResolver({ debian: ['https://c.example/d/'], npm: [] }, here), 'mirror://debian/pool/x.deb'), [
    'https://c.example/d/pool/x.deb',
  ]);
  await assert.rejects(async () => makeMirrorResolver(NONE, machine({}))('mirror://debian/x'), {
    code: 'FLOE_NO_MIRROR',
    data: { url: 'mirror://debian/x', setting: 'mirrors-debian' },
  });
  assert.deepEqual(await urls(makeMirrorResolver(NONE, here), 'https://x.example/y'), ['https://x.example/y']);
});

test('mirror://npm: registry, scopes and credentials as npm has them', async () => {
  const npmrc =
    'registry = "https://r.example/npm/"\n@own:registry=https://own.example/${PART}\n//r.example/npm/:_authToken=${TOKEN}\n; comment\n';
  const env = { HOME: '/home/me', TOKEN: 't0', PART: 'p' };
  const resolver = makeMirrorResolver(NONE, machine({ '/home/me/.npmrc': npmrc }, env));
  assert.deepEqual(await resolver('mirror://npm/x/-/x-1.tgz'), [
    { url: 'https://r.example/npm/x/-/x-1.tgz', headers: { authorization: 'Bearer t0' } },
  ]);
  assert.deepEqual(await resolver('mirror://npm/@own/x/-/x-1.tgz'), [
    { url: 'https://own.example/p/@own/x/-/x-1.tgz', headers: undefined },
  ]);
  const fromEnv = makeMirrorResolver(NONE, machine({ '/home/me/.npmrc': npmrc }, { ...env, NPM_CONFIG_REGISTRY: 'https://e.example' }));
  assert.deepEqual(await urls(fromEnv, 'mirror://npm/x/-/x-1.tgz'), ['https://e.example/x/-/x-1.tgz']);
  await assert.rejects(async () => makeMirrorResolver(NONE, machine({}))('mirror://npm/x'), { code: 'FLOE_NO_MIRROR' });
});
