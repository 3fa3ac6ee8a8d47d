// What results rest on is written down where it is read (engine/reads.ts), and what is read elsewhere would make a kept result wrong without
// anybody noticing. So in the rooms through which evaluation passes, the files that reach the machine themselves stand here, with how often
// and why that may be. Whoever adds a look at a file reads through a door (recording.ts), writes the look down, or refuses; then counts it
// here. tests/cli/kept-reads.test.ts watches commands while they run.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTree, roomOf } from './tree.ts';

/** Rooms whose code runs on the way to a result. The pure ones among those below cannot reach the machine: edges.test.ts. */
const ROOMS = ['engine', 'cli', 'flake', 'fetch', 'shell'];
const LOOKS =
  /\b(?:fs\.(?:promises\.)?)?(?:access|exists|lstat|stat|statfs|open|opendir|readFile|readdir|readlink|realpath|copyFile|cp|read)Sync\(|\bfs\.(?:promises\.)?(?:access|lstat|stat|open|opendir|readFile|readdir|readlink|realpath|copyFile|cp)\(|\b(?:spawn|spawnSync|execFile|execFileSync|execa|homedir|hostname|userInfo|nodeIo|DatabaseSync)\(|\bprocess\.env\b|\bfrom 'node:(?:net|http|https|dns|tls|dgram)'/g;

const WRITTEN_DOWN = 'noted in the log there, or by whoever asks';
const REFUSED = 'nothing is kept where this runs';
const LINKED = 'source that evaluation has read already, for messages';
const OBJECTS = 'objects of the store, of which the log has that they are valid';
const AGAIN = 'looked at again whenever a kept shell or program starts';
const CHECKS = 'compares what is kept with what is';
const OWN = "floe's own files, or files that this run made";
const STARTING = 'before or beside evaluation: streams, scripts, helpers; scripts and standard input refuse';
const NETWORK = 'how something is fetched or built; where anything is, nothing is kept';
const WRITING = 'commands that write, or whose output is not kept';

const LOOKING: Readonly<Record<string, readonly [count: number, why: string]>> = {
  'src/cli/commands/legacy/nix-shell.ts': [1, WRITING],
  'src/cli/daemon-command.ts': [1, WRITING],
  'src/cli/json-log.ts': [3, WRITING],
  'src/cli/main.ts': [2, STARTING],
  'src/cli/print-error.ts': [1, LINKED],
  'src/cli/repl-session.ts': [3, WRITING],
  'src/cli/session.ts': [1, STARTING],
  'src/cli/shared-work.ts': [2, STARTING],
  'src/cli/shebang.ts': [1, STARTING],
  'src/cli/start.ts': [4, STARTING],
  'src/cli/warm-answers.ts': [4, STARTING],
  'src/cli/warm-client.ts': [3, STARTING],
  'src/cli/warm-server.ts': [1, STARTING],
  'src/engine/builds.ts': [6, NETWORK],
  'src/engine/channels.ts': [5, WRITING],
  'src/engine/code-cache.ts': [3, OWN],
  'src/engine/complete.ts': [2, WRITING],
  'src/engine/config.ts': [6, WRITTEN_DOWN],
  'src/engine/dev-shells.ts': [2, OWN],
  'src/engine/engine.ts': [1, WRITTEN_DOWN],
  'src/engine/eval-measurements.ts': [1, WRITING],
  'src/engine/evaluation.ts': [2, REFUSED],
  'src/engine/fetch-settings.ts': [2, NETWORK],
  'src/engine/flake-config.ts': [3, WRITTEN_DOWN],
  'src/engine/flake-sources.ts': [2, WRITING],
  'src/engine/flakes.ts': [5, WRITTEN_DOWN],
  'src/engine/hash-files.ts': [1, WRITING],
  'src/engine/host-tree.ts': [6, WRITTEN_DOWN],
  'src/engine/installation-check.ts': [5, WRITING],
  'src/engine/kept-launch.ts': [1, OWN],
  'src/engine/kept-results.ts': [6, OWN],
  'src/engine/nar-files.ts': [3, WRITING],
  'src/engine/old-generations.ts': [5, WRITING],
  'src/engine/older-build.ts': [2, WRITTEN_DOWN],
  'src/engine/open-store.ts': [1, WRITTEN_DOWN],
  'src/engine/package-folder.ts': [2, OWN],
  'src/engine/package-sources.ts': [3, WRITING],
  'src/engine/path-signatures.ts': [1, WRITING],
  'src/engine/prefetch.ts': [2, WRITING],
  'src/engine/printing.ts': [1, WRITING],
  'src/engine/profiles.ts': [10, WRITING],
  'src/engine/programs.ts': [4, OBJECTS],
  'src/engine/reads-check.ts': [5, CHECKS],
  'src/engine/reads.ts': [1, WRITTEN_DOWN],
  'src/engine/recording.ts': [3, WRITTEN_DOWN],
  'src/engine/registries.ts': [5, WRITTEN_DOWN],
  'src/engine/registry-files.ts': [5, WRITING],
  'src/engine/remote-machines.ts': [2, NETWORK],
  'src/engine/repl.ts': [2, WRITING],
  'src/engine/sandbox-shell.ts': [1, NETWORK],
  'src/engine/shared-work.ts': [3, OWN],
  'src/engine/signing-keys.ts': [1, WRITING],
  'src/engine/ssh-connections.ts': [2, NETWORK],
  'src/engine/store-archives.ts': [2, WRITING],
  'src/engine/store-files.ts': [7, OBJECTS],
  'src/engine/substituters.ts': [3, NETWORK],
  'src/engine/templates.ts': [2, WRITING],
  'src/engine/verify-paths.ts': [1, WRITING],
  'src/engine/why-depends.ts': [4, WRITING],
  'src/shell/choose-shell.ts': [1, AGAIN],
  'src/shell/dev-env.ts': [1, OBJECTS],
  'src/shell/launch.ts': [11, AGAIN],
};

test('files that reach the machine without the log of reads are known, and why', () => {
  const found = new Map<string, number>();
  for (const { path, text } of readTree('src', (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))) {
    if (!ROOMS.includes(roomOf(path))) continue;
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1');
    const count = [...code.matchAll(LOOKS)].length;
    if (count > 0) found.set(path, count);
  }
  const expected = new Map(Object.entries(LOOKING).map(([path, [count]]) => [path, count]));
  const describe = (counts: ReadonlyMap<string, number>): string[] => [...counts].map(([path, count]) => `${path}: ${count}`).sort();
  assert.deepEqual(describe(found), describe(expected));
});
