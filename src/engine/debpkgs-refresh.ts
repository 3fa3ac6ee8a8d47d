// Writes the index of the embedded package set (src/debpkgs/index/) from a Debian mirror: `node src/engine/debpkgs-refresh.ts
// --mirror URL [--release NAME]`. The set itself is plain nixlang and never runs this. Formats: Debian policy chapter 5 (control
// files), the wiki's "RepositoryFormat" (InRelease, Packages, Contents). All files of one run belong to one InRelease, whose hashes are
// checked, so an index never mixes two point releases. What the lines of a shard mean stands at `printEntry`.

import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import xz from 'xz-decompress';
import { FloeError } from '../base/errors.ts';

/** What the set's authors decide, beside the index: which packages count as nothing, and which belong together in the first shard. */
export interface IndexPolicy {
  readonly release: string;
  /** Packages that no program needs outside a running Debian system: never followed as dependencies, still nameable. */
  readonly omit: readonly string[];
  /** Roots of the curated packages; their closure is repeated in `core.json`, so that the usual evaluation reads one small file. */
  readonly core: readonly string[];
}

/** One binary package, as far as the index keeps it. */
export interface IndexEntry {
  readonly name: string;
  /** As in the file name: without the epoch. */
  readonly version: string;
  readonly source: string;
  readonly architecture: string;
  readonly size: number;
  /** Base 64 without padding. */
  readonly sha256: string;
  /** Dependencies, each group of alternatives resolved to one real package. */
  dependencies: string[];
  /** The other packages of a dependency cycle this one is part of. */
  cycle: string[];
  files: FileTraits;
}

/** What the file list of a package says about its use. */
export interface FileTraits {
  /** Names in bin, sbin and games. */
  readonly programs: Set<string>;
  /** L libraries in the multiarch folder, D headers or pkg-config files, Y Python modules, E Perl modules, F any file beside documentation. */
  readonly flags: Set<string>;
}

const FIELD = /^([A-Za-z0-9-]+): (.*)$/gm;

/** Parses the stanzas of a Packages file into records of their single-line fields. */
export function* parseStanzas(text: string): Generator<Map<string, string>> {
  for (const stanza of text.split('\n\n')) {
    const fields = new Map<string, string>();
    for (const match of stanza.matchAll(FIELD)) fields.set(match[1] as string, match[2] as string);
    if (fields.has('Package')) yield fields;
  }
}

/** Groups of alternatives of a dependency field; versions, architectures and qualifiers are dropped: one release fits itself. */
export function parseDependencies(field: string | undefined): string[][] {
  if (field === undefined || field === '') return [];
  return field.split(',').map((group) => group.split('|').map((word) => word.replace(/[([:].*$/s, '').trim()));
}

/** The file of the index that holds a package: "lib" and one letter, or the first letter, as in Debian's pool. */
export function shardOf(name: string): string {
  return /^lib./.test(name) ? name.slice(0, 4) : name.slice(0, 1);
}

function required(fields: Map<string, string>, key: string): string {
  const value = fields.get(key);
  if (value === undefined) {
    throw new FloeError('FLOE_DEBIAN_INDEX', `the Packages file has an entry '${fields.get('Package') ?? '?'}' without '${key}'`);
  }
  return value;
}

/** Where a package lies in Debian's archive. */
function poolPath({ name, version, source, architecture }: Pick<IndexEntry, 'name' | 'version' | 'source' | 'architecture'>): string {
  return `pool/main/${shardOf(source)}/${source}/${name}_${version}_${architecture}.deb`;
}

function readEntry(fields: Map<string, string>): IndexEntry {
  const name = required(fields, 'Package');
  const version = required(fields, 'Version').replace(/^\d+:/, '');
  const source = (fields.get('Source') ?? name).replace(/ .*$/, '');
  const architecture = required(fields, 'Architecture');
  const path = poolPath({ name, version, source, architecture });
  // INVARIANT: the shards keep no path, since it follows from the other fields.
  if (path !== required(fields, 'Filename')) {
    throw new FloeError(
      'FLOE_DEBIAN_INDEX',
      `package '${name}' lies at '${fields.get('Filename') ?? ''}', not at '${path}' where the index would look for it`,
    );
  }
  return {
    name,
    version,
    source,
    architecture,
    size: Number(required(fields, 'Size')),
    sha256: Buffer.from(required(fields, 'SHA256'), 'hex').toString('base64').replace(/=+$/, ''),
    dependencies: [],
    cycle: [],
    files: { programs: new Set(), flags: new Set() },
  };
}

/** Reads all packages and resolves each dependency: the first alternative that exists, else the first package that provides it. */
export function readPackages(text: string, omit: ReadonlySet<string>): Map<string, IndexEntry> {
  const stanzas = [...parseStanzas(text)];
  const entries = new Map<string, IndexEntry>();
  const providers = new Map<string, string[]>();
  for (const fields of stanzas) {
    const entry = readEntry(fields);
    entries.set(entry.name, entry);
    for (const group of parseDependencies(fields.get('Provides'))) {
      for (const virtual of group) providers.set(virtual, [...(providers.get(virtual) ?? []), entry.name]);
    }
  }
  for (const fields of stanzas) {
    const entry = entries.get(required(fields, 'Package')) as IndexEntry;
    const groups = [...parseDependencies(fields.get('Pre-Depends')), ...parseDependencies(fields.get('Depends'))];
    const chosen = groups.map((group) => {
      if (group.some((word) => omit.has(word))) return undefined;
      return group.find((word) => entries.has(word)) ?? group.flatMap((word) => providers.get(word) ?? [])[0];
    });
    entry.dependencies = [...new Set(chosen)].filter((word) => word !== undefined && word !== entry.name && !omit.has(word)) as string[];
  }
  return entries;
}

const PROGRAM = /^(?:usr\/)?(?:bin|sbin|games)\/([^/]+)$/;
const LIBRARY = /^(?:usr\/)?lib\/x86_64-linux-gnu\/[^/]+\.so(?:\.[^/]*)?$/;
const DEVELOPMENT = /^usr\/(?:include\/|(?:lib\/x86_64-linux-gnu|lib|share)\/pkgconfig\/)/;
const PYTHON = /^usr\/lib\/python3\/dist-packages\//;
const PERL = /^usr\/(?:share\/perl5|lib\/x86_64-linux-gnu\/perl5)\//;
const DOCUMENTATION = /^usr\/share\/(?:doc|man|info|lintian|locale|bug|doc-base)\//;

/** Takes one line of a Contents file ("path   section/package,section/package") into account. */
export function noteContentsLine(line: string, entries: ReadonlyMap<string, IndexEntry>): void {
  const split = line.lastIndexOf(' ');
  const path = line.slice(0, split).trimEnd();
  if (DOCUMENTATION.test(path)) return;
  const program = PROGRAM.exec(path)?.[1];
  const flag = LIBRARY.test(path) ? 'L' : DEVELOPMENT.test(path) ? 'D' : PYTHON.test(path) ? 'Y' : PERL.test(path) ? 'E' : undefined;
  for (const owner of line.slice(split + 1).split(',')) {
    const files = entries.get(owner.slice(owner.lastIndexOf('/') + 1))?.files;
    if (files === undefined) continue;
    files.flags.add('F');
    if (program !== undefined) files.programs.add(program);
    if (flag !== undefined) files.flags.add(flag);
  }
}

/** Notes the cycles among dependencies (Tarjan's algorithm, with a stack of its own: chains are thousands of packages long). */
export function markCycles(entries: ReadonlyMap<string, IndexEntry>): void {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  for (const root of entries.keys()) {
    if (order.has(root)) continue;
    const walk: { name: string; next: number }[] = [];
    const enter = (name: string): void => {
      order.set(name, order.size);
      low.set(name, order.get(name) as number);
      open.push(name);
      isOpen.add(name);
      walk.push({ name, next: 0 });
    };
    enter(root);
    while (walk.length > 0) {
      const top = walk[walk.length - 1] as { name: string; next: number };
      const dependency = (entries.get(top.name) as IndexEntry).dependencies[top.next++];
      if (dependency !== undefined) {
        if (!order.has(dependency)) enter(dependency);
        else if (isOpen.has(dependency)) low.set(top.name, Math.min(low.get(top.name) as number, order.get(dependency) as number));
        continue;
      }
      walk.pop();
      const parent = walk[walk.length - 1];
      if (parent !== undefined) low.set(parent.name, Math.min(low.get(parent.name) as number, low.get(top.name) as number));
      if (low.get(top.name) !== order.get(top.name)) continue;
      const component: string[] = [];
      let member: string;
      do {
        member = open.pop() as string;
        isOpen.delete(member);
        component.push(member);
      } while (member !== top.name);
      component.sort();
      if (component.length > 1)
        for (const name of component) (entries.get(name) as IndexEntry).cycle = component.filter((other) => other !== name);
    }
  }
}

/** The program that `run` starts: the one named as the package or its source, or the only one. "*" where there are several, "-" where none. */
export function mainProgram(entry: IndexEntry): string {
  const programs = [...entry.files.programs].filter((name) => !/\s/.test(name));
  if (programs.length === 0) return '-';
  for (const name of [entry.name, entry.source, entry.name.replace(/-?[0-9.]+$/, '')]) if (programs.includes(name)) return name;
  return programs.length === 1 ? (programs[0] as string) : '*';
}

/**
 * One line a package: version, size, SHA-256, architecture letter (x of this machine, a of all) and traits, source ("-" where it is the
 * package's own name), main program, cycle, then the dependencies; all separated by one space.
 */
export function printEntry(entry: IndexEntry): string {
  const traits = ['L', 'D', 'Y', 'E', 'F'].filter((flag) => entry.files.flags.has(flag)).join('');
  return [
    entry.version,
    String(entry.size),
    entry.sha256,
    (entry.architecture === 'all' ? 'a' : 'x') + traits,
    entry.source === entry.name ? '-' : entry.source,
    mainProgram(entry),
    entry.cycle.join(',') || '-',
    ...entry.dependencies,
  ].join(' ');
}

/** The closure of some packages under their dependencies. */
function closureOf(roots: readonly string[], entries: ReadonlyMap<string, IndexEntry>): Set<string> {
  const seen = new Set<string>();
  const todo = [...roots];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const entry = entries.get(name);
    if (entry === undefined) throw new FloeError('FLOE_DEBIAN_INDEX', `policy.json names '${name}', which the release does not have`);
    if (seen.has(name)) continue;
    seen.add(name);
    todo.push(...entry.dependencies);
  }
  return seen;
}

/** The files of the index: shards, the first shard, and all names. */
export function printIndex(entries: ReadonlyMap<string, IndexEntry>, core: readonly string[]): Map<string, string> {
  const byteOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  const names = [...entries.keys()].sort(byteOrder);
  const object = (members: readonly string[]): string =>
    `{\n${members.map((name) => `${JSON.stringify(name)}:${JSON.stringify(printEntry(entries.get(name) as IndexEntry))}`).join(',\n')}\n}\n`;
  const files = new Map<string, string>();
  const shards = Map.groupBy(names, shardOf);
  for (const [shard, members] of shards) files.set(`${shard}.json`, object(members));
  files.set('core.json', object([...closureOf(core, entries)].sort(byteOrder)));
  files.set('names.json', `[\n${names.map((name) => JSON.stringify(name)).join(',\n')}\n]\n`);
  return files;
}

async function download(mirror: string, path: string, sha256: string | undefined): Promise<Buffer> {
  const url = `${mirror.replace(/\/+$/, '')}/${path}`;
  const response = await fetch(url);
  if (!response.ok) throw new FloeError('FLOE_FETCH', `cannot download '${url}': HTTP status ${response.status}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const got = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== undefined && got !== sha256) {
    throw new FloeError(
      'FLOE_HASH_MISMATCH',
      `'${url}' has SHA-256 ${got}, but InRelease says ${sha256}; the mirror is being updated, try again later`,
    );
  }
  return bytes;
}

/** Downloads the lists of a release and replaces the folder `target` by a new index. */
export async function refreshIndex(options: {
  mirror: string;
  policyFile: string;
  seedFile: string;
  target: string;
  release?: string | undefined;
}): Promise<string> {
  const policy = JSON.parse(await readFile(options.policyFile, 'utf8')) as IndexPolicy;
  const release = options.release ?? policy.release;
  const base = `dists/${release}`;
  const inRelease = (await download(options.mirror, `${base}/InRelease`, undefined)).toString('utf8');
  const hashes = new Map(
    [...inRelease.matchAll(/^ ([0-9a-f]{64}) +\d+ (\S+)$/gm)].map((match) => [match[2] as string, match[1] as string]),
  );
  const get = (path: string): Promise<Buffer> => download(options.mirror, `${base}/${path}`, hashes.get(path));

  const packed = await get('main/binary-amd64/Packages.xz');
  const text = await new Response(new xz.XzReadableStream(new Blob([new Uint8Array(packed)]).stream())).text();
  const entries = readPackages(text, new Set(policy.omit));
  for (const list of ['main/Contents-amd64.gz', 'main/Contents-all.gz']) {
    const lines = createInterface({ input: Readable.from([await get(list)]).pipe(createGunzip()), crlfDelay: Infinity });
    for await (const line of lines) noteContentsLine(line, entries);
  }
  markCycles(entries);

  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(inRelease)?.[1] ?? '';
  const files = printIndex(entries, policy.core);
  const summary = {
    release: field('Codename'),
    version: field('Version'),
    date: field('Date'),
    system: 'x86_64-linux',
    packages: entries.size,
  };
  files.set('release.json', `${JSON.stringify(summary, undefined, 1)}\n`);

  // The seed's hash is known only once it was unpacked; until someone fills it in, a build says which one it got.
  const seed = JSON.parse(await readFile(options.seedFile, 'utf8')) as { version: string; narHash: string };
  const busybox = entries.get('busybox-static');
  const seedVersion = busybox?.version;
  if (busybox !== undefined && seedVersion !== seed.version) {
    const changed = {
      ...seed,
      version: seedVersion,
      deb: poolPath(busybox),
      debHash: `sha256-${busybox.sha256}=`,
      narHash: `sha256-${'A'.repeat(43)}=`,
    };
    await writeFile(options.seedFile, `${JSON.stringify(changed, undefined, 2)}\n`);
    console.error(
      `the seed is now busybox-static ${seedVersion}: build any package and put the hash that floe got into ${options.seedFile}`,
    );
  }

  const fresh = `${options.target}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  for (const [name, content] of files) await writeFile(join(fresh, name), content);
  await rm(options.target, { recursive: true, force: true });
  await rename(fresh, options.target);
  return `${summary.release} ${summary.version}: ${entries.size} packages in ${(await readdir(options.target)).length} files`;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { mirror: { type: 'string' }, release: { type: 'string' } } });
  if (values.mirror === undefined) throw new FloeError('FLOE_USAGE', '--mirror is missing: name the address of a Debian mirror');
  const set = join(import.meta.dirname, '..', 'debpkgs');
  console.error(
    await refreshIndex({
      mirror: values.mirror,
      release: values.release,
      policyFile: join(set, 'policy.json'),
      seedFile: join(set, 'seed.json'),
      target: join(set, 'index'),
    }),
  );
}
