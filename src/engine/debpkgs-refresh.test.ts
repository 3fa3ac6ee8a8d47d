import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  mainProgram,
  markCycles,
  noteContentsLine,
  parseDependencies,
  printEntry,
  printIndex,
  readPackages,
  shardOf,
} from './debpkgs-refresh.ts';

const HASH = '00'.repeat(31) + 'ff';

function stanza(name: string, fields: Record<string, string> = {}): string {
  const version = fields['Version'] ?? '1-1';
  const source = (fields['Source'] ?? name).replace(/ .*/, '');
  return [
    `Package: ${name}`,
    ...Object.entries({
      Version: version,
      Architecture: 'amd64',
      Filename: `pool/main/${shardOf(source)}/${source}/${name}_${version.replace(/^\d+:/, '')}_amd64.deb`,
      Size: '10',
      SHA256: HASH,
      ...fields,
    }).map(([key, value]) => `${key}: ${value}`),
  ].join('\n');
}

test('dependency fields: groups of alternatives without versions, architectures and qualifiers', () => {
  assert.deepEqual(parseDependencies('libc6 (>= 2.34), python3:any | python (<< 3), foo [amd64]'), [
    ['libc6'],
    ['python3', 'python'],
    ['foo'],
  ]);
  assert.deepEqual(parseDependencies(undefined), []);
});

test('a dependency becomes the first alternative that exists, else who provides it, and omitted ones vanish', () => {
  const text = [
    stanza('a', { 'Pre-Depends': 'none | b', Depends: 'virtual, dpkg (>= 1) | b, b, a' }),
    stanza('b'),
    stanza('c', { Provides: 'virtual (= 1)' }),
    stanza('dpkg'),
  ].join('\n\n');
  const entries = readPackages(text, new Set(['dpkg']));
  assert.deepEqual(entries.get('a')!.dependencies, ['b', 'c']);
});

test('a line of a shard', () => {
  const entries = readPackages(
    stanza('ripgrep', { Version: '2:13.0', Source: 'rust-ripgrep (13)', Depends: 'libc6' }) + '\n\n' + stanza('libc6'),
    new Set(),
  );
  noteContentsLine('usr/bin/rg            utils/ripgrep', entries);
  noteContentsLine('usr/share/doc/libc6/x   libs/libc6', entries);
  noteContentsLine('lib/x86_64-linux-gnu/libc.so.6   libs/libc6,other/none', entries);
  assert.equal(
    printEntry(entries.get('ripgrep')!),
    `13.0 10 ${Buffer.from(HASH, 'hex').toString('base64').slice(0, -1)} xF rust-ripgrep rg - libc6`,
  );
  assert.match(printEntry(entries.get('libc6')!), / xLF - - -$/);
});

test('the main program: named as the package, else the only one, else none', () => {
  const entry = readPackages(stanza('python3.11', { Source: 'python3.11' }), new Set()).get('python3.11')!;
  assert.equal(mainProgram(entry), '-');
  entry.files.programs.add('pydoc3.11');
  assert.equal(mainProgram(entry), 'pydoc3.11');
  entry.files.programs.add('other');
  assert.equal(mainProgram(entry), '*');
  entry.files.programs.add('python3.11');
  assert.equal(mainProgram(entry), 'python3.11');
});

test('cycles name their other members', () => {
  const text = [stanza('a', { Depends: 'b' }), stanza('b', { Depends: 'c' }), stanza('c', { Depends: 'b, d' }), stanza('d')].join('\n\n');
  const entries = readPackages(text, new Set());
  markCycles(entries);
  assert.deepEqual(
    [...entries.values()].map(({ cycle }) => cycle),
    [[], ['c'], ['b'], []],
  );
});

test('the first shard repeats the closure of its roots', () => {
  const entries = readPackages([stanza('liba'), stanza('b', { Depends: 'liba' }), stanza('z')].join('\n\n'), new Set());
  const files = printIndex(entries, ['b']);
  assert.deepEqual([...files.keys()].sort(), ['b.json', 'core.json', 'liba.json', 'names.json', 'z.json']);
  assert.deepEqual(Object.keys(JSON.parse(files.get('core.json')!) as object), ['b', 'liba']);
  assert.throws(() => printIndex(entries, ['none']), { code: 'FLOE_DEBIAN_INDEX' });
});

test('a package that does not lie where its name says is refused', () => {
  assert.throws(() => readPackages(stanza('a', { Filename: 'pool/main/x/a_1-1_amd64.deb' }), new Set()), { code: 'FLOE_DEBIAN_INDEX' });
});
