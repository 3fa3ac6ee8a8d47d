// Small flakes and what is done to them, one scenario a rule of locking. ROOT stands for the folder they lie in. What C++ Nix 2.34.8
// makes of each step (lock files, warnings, errors) is kept in lock-scenarios.json, written by `UPDATE=1` with FLOE_ORACLE set.

export interface Scenario {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

export type Step =
  /** Words as for `nix flake`: lock, update or metadata. `in` is the folder to be in. */
  | { readonly run: readonly string[]; readonly in?: string }
  | { readonly write: Readonly<Record<string, string>> }
  | { readonly remove: readonly string[] };

const LEAF = '{ outputs = _: { }; }';
const lock = (folder: string, ...flags: string[]): Step => ({ run: ['lock', '.', ...flags], in: folder });
const update = (folder: string, ...words: string[]): Step => ({ run: ['update', ...words], in: folder });
const show = (folder: string, ...flags: string[]): Step => ({ run: ['metadata', '.', '--json', ...flags], in: folder });

const chain = {
  'c/flake.nix': LEAF,
  'b/flake.nix': '{ inputs.c.url = "path:ROOT/c"; outputs = _: { }; }',
  'a/flake.nix': '{ inputs.b.url = "path:ROOT/b"; inputs.c.url = "path:ROOT/c"; outputs = _: { }; }',
};

/** Scenarios of one step each: a flake.nix whose head is wrong, or just barely right. */
const HEADS: Readonly<Record<string, string>> = {
  'is a function': '{ }: { outputs = _: { }; }',
  'is a let': 'let x = 1; in { outputs = _: { }; }',
  'does not parse': '{ outputs = _: { };',
  'has no outputs': '{ description = "x"; }',
  'has outputs that are called': '{ outputs = import ./x.nix; }',
  'has outputs that are a set': '{ outputs = { }; }',
  'has an unknown attribute': '{ outputs = _: { }; extra = 1; }',
  'has a description that is computed': '{ description = "a" + "b"; outputs = _: { }; }',
  'has a description with interpolation': '{ description = "a${"b"}"; outputs = _: { }; }',
  'has a description that is a number': '{ description = 1; outputs = _: { }; }',
  'has a description in two quotes': "{ description = ''\n  two\n  lines\n''; outputs = _: { }; }",
  'has inputs that are a list': '{ inputs = [ ]; outputs = _: { }; }',
  'has inputs that are computed': '{ inputs = { } // { }; outputs = _: { }; }',
  'has an input that is a string': '{ inputs.a = "path:ROOT/b"; outputs = _: { }; }',
  'has a url that is computed': '{ inputs.a.url = "path:" + "ROOT/b"; outputs = _: { }; }',
  'has a url that is a number': '{ inputs.a.url = 3; outputs = _: { }; }',
  'has a flake flag that is a string': '{ inputs.a.url = "path:ROOT/b"; inputs.a.flake = "no"; outputs = _: { }; }',
  'has a flake flag from a function': '{ inputs.a.url = "path:ROOT/b"; inputs.a.flake = !true; outputs = _: { }; }',
  'has follows that is a list': '{ inputs.a.follows = [ "b" ]; outputs = _: { }; }',
  'has follows with a bad name': '{ inputs.a.follows = "b/1"; outputs = _: { }; }',
  'has both url and follows': '{ inputs.a.url = "path:ROOT/b"; inputs.a.follows = "b"; outputs = _: { }; }',
  'has a stray input attribute': '{ inputs.a.url = "path:ROOT/b"; inputs.a.rev = "x"; outputs = _: { }; }',
  'has an input attribute of a bad type': '{ inputs.a.type = "path"; inputs.a.path = [ ]; outputs = _: { }; }',
  'has an input of unknown attributes': '{ inputs.a = { type = "path"; path = "ROOT/b"; foo = "x"; }; outputs = _: { }; }',
  'has an input without a path': '{ inputs.a = { type = "path"; }; outputs = _: { }; }',
  'has a url with a fragment': '{ inputs.a.url = "path:ROOT/b#x"; outputs = _: { }; }',
  'has a url of unknown scheme': '{ inputs.a.url = "gopher://x"; outputs = _: { }; }',
  'has an absolute path as url': '{ inputs.a.url = /etc; outputs = _: { }; }',
  'has self in an input': '{ inputs.a.inputs.self.submodules = true; outputs = _: { }; }',
  'has a self attribute that is unknown': '{ inputs.self.foo = true; outputs = _: { }; }',
  'has a nixConfig of a bad type': '{ nixConfig.x = { }; outputs = _: { }; }',
  'has a nixConfig that is computed': '{ nixConfig = builtins.mapAttrs (n: v: v) { }; outputs = _: { }; }',
  'has names in rec': 'rec { description = "x"; inputs.a.url = "path:ROOT/b"; outputs = _: { }; }',
  'has inherited inputs': '{ inputs = { inherit (builtins) a; }; outputs = _: { }; }',
  'has an undefined variable': '{ outputs = _: undefinedName; }',
};

export const SCENARIOS: readonly Scenario[] = [
  { name: 'no inputs, no lock file', files: { 'a/flake.nix': LEAF }, steps: [lock('a'), show('a')] },
  { name: 'inputs of inputs', files: chain, steps: [lock('a'), lock('a'), show('a')] },
  {
    name: "an input's own lock file is believed",
    files: chain,
    steps: [lock('b'), { write: { 'c/x': 'changed' } }, lock('a'), update('a')],
  },
  {
    name: 'follows',
    files: {
      ...chain,
      'a/flake.nix': '{ inputs.b.url = "path:ROOT/b"; inputs.c.url = "path:ROOT/c"; inputs.b.inputs.c.follows = "c"; outputs = _: { }; }',
    },
    steps: [lock('a'), show('a')],
  },
  {
    name: 'follows into another input, and of the whole flake',
    files: {
      ...chain,
      'a/flake.nix': '{ inputs.b.url = "path:ROOT/b"; inputs.c.follows = "b/c"; inputs.d.follows = "b"; outputs = _: { }; }',
      'd/flake.nix': '{ inputs.b.url = "path:ROOT/b"; inputs.b.inputs.c.follows = ""; outputs = _: { }; }',
    },
    steps: [lock('a'), lock('d'), show('d')],
  },
  {
    name: 'follows inside an input',
    files: {
      ...chain,
      'b/flake.nix': '{ inputs.c.url = "path:ROOT/c"; inputs.d.follows = "c"; outputs = _: { }; }',
      'a/flake.nix': '{ inputs.b.url = "path:ROOT/b"; outputs = _: { }; }',
    },
    steps: [
      lock('a'),
      lock('a'),
      {
        write: {
          'a/flake.nix': '{ inputs.b.url = "path:ROOT/b"; inputs.b.inputs.c.url = "path:ROOT/c?lastModified=1"; outputs = _: { }; }',
        },
      },
      lock('a'),
    ],
  },
  {
    name: 'a follows that is new, and one that is gone',
    files: chain,
    steps: [
      lock('a'),
      {
        write: {
          'a/flake.nix':
            '{ inputs.b.url = "path:ROOT/b"; inputs.c.url = "path:ROOT/c"; inputs.b.inputs.c.follows = "c"; outputs = _: { }; }',
        },
      },
      lock('a'),
      { write: { 'a/flake.nix': chain['a/flake.nix'] } },
      lock('a'),
    ],
  },
  { name: 'follows of nothing', files: { 'a/flake.nix': '{ inputs.x.follows = "y"; outputs = _: { }; }' }, steps: [lock('a')] },
  {
    name: 'follows in a circle',
    files: { 'a/flake.nix': '{ inputs.x.follows = "y"; inputs.y.follows = "x"; outputs = _: { }; }' },
    steps: [lock('a')],
  },
  {
    name: 'overrides in flake.nix',
    files: {
      ...chain,
      'd/flake.nix': LEAF,
      'a/flake.nix': '{ inputs.b.url = "path:ROOT/b"; inputs.b.inputs.c.url = "path:ROOT/d"; outputs = _: { }; }',
      'e/flake.nix': '{ inputs.a.url = "path:ROOT/a"; inputs.a.inputs.b.inputs.c.url = "path:ROOT/c"; outputs = _: { }; }',
    },
    steps: [lock('a'), lock('e'), { write: { 'e/flake.nix': '{ inputs.a.url = "path:ROOT/a"; outputs = _: { }; }' } }, lock('e')],
  },
  {
    name: 'overrides of inputs that are not there',
    files: {
      ...chain,
      'a/flake.nix':
        '{ inputs.b.url = "path:ROOT/b"; inputs.b.inputs.z.url = "path:ROOT/c"; inputs.b.inputs.c.inputs.y.follows = "b"; outputs = _: { }; }',
    },
    steps: [lock('a'), lock('a')],
  },
  {
    name: 'inputs that are no flakes',
    files: {
      'src/x.txt': 'x',
      'a/flake.nix':
        '{ inputs.s.url = "path:ROOT/src"; inputs.s.flake = false; inputs.f.url = "file://ROOT/src/x.txt"; inputs.f.flake = false; outputs = _: { }; }',
    },
    steps: [
      { write: { 'a/flake.nix': '{ inputs.s.url = "path:ROOT/src"; inputs.s.flake = false; outputs = _: { }; }' } },
      lock('a'),
      show('a'),
      { write: { 'a/flake.nix': '{ inputs.s.url = "path:ROOT/src"; outputs = _: { }; }' } },
      lock('a'),
    ],
  },
  {
    name: 'relative inputs',
    files: {
      'a/flake.nix':
        '{ inputs.s.url = "./sub"; inputs.t.url = "path:sub/deep"; inputs.u.url = ./sub/files; inputs.u.flake = false; outputs = _: { }; }',
      'a/sub/flake.nix': '{ inputs.d.url = "./deep"; inputs.up.url = "../other"; outputs = _: { }; }',
      'a/sub/deep/flake.nix': LEAF,
      'a/sub/files/x': 'x',
      'a/other/flake.nix': LEAF,
    },
    steps: [lock('a'), lock('a'), show('a')],
  },
  {
    name: 'a relative input of a fetched flake',
    files: {
      'a/flake.nix': '{ inputs.b.url = "path:ROOT/b"; outputs = _: { }; }',
      'b/flake.nix': '{ inputs.s.url = "./sub"; outputs = _: { }; }',
      'b/sub/flake.nix': '{ inputs.c.url = "path:ROOT/c"; outputs = _: { }; }',
      'c/flake.nix': LEAF,
    },
    steps: [lock('a'), lock('a'), { write: { 'b/sub/x': 'x' } }, update('a')],
  },
  {
    name: 'a relative override',
    files: {
      ...chain,
      'a/flake.nix': '{ inputs.b.url = "path:ROOT/b"; inputs.b.inputs.c.url = "./mine"; outputs = _: { }; }',
      'a/mine/flake.nix': LEAF,
    },
    steps: [lock('a'), lock('a')],
  },
  {
    name: 'a relative input with a folder',
    files: { 'a/flake.nix': '{ inputs.s.url = "path:./sub?dir=deep"; outputs = _: { }; }', 'a/sub/deep/flake.nix': LEAF },
    steps: [lock('a'), lock('a')],
  },
  {
    name: 'flakes in folders of a tree',
    files: { 'a/deep/er/flake.nix': '{ inputs.b.url = "path:ROOT/b?dir=in"; outputs = _: { }; }', 'b/in/flake.nix': LEAF },
    steps: [{ run: ['lock', 'path:ROOT/a?dir=deep/er'] }, { run: ['metadata', 'path:ROOT/a?dir=deep/er', '--json'] }],
  },
  {
    name: '--override-input',
    files: { ...chain, 'd/flake.nix': '{ inputs.e.url = "path:ROOT/c"; outputs = _: { }; }' },
    steps: [
      lock('a', '--override-input', 'b', 'path:ROOT/d'),
      lock('a'),
      lock('a', '--override-input', 'b/c', 'path:ROOT/d'),
      lock('a', '--override-input', 'nothing', 'path:ROOT/d'),
      show('a', '--override-input', 'c', 'path:ROOT/d'),
      lock('a', '--override-input', '', 'path:ROOT/d'),
    ],
  },
  {
    name: 'updates',
    files: chain,
    steps: [
      lock('a'),
      { write: { 'b/x': 'x', 'c/x': 'x' } },
      lock('a'),
      update('a', 'c'),
      { write: { 'c/x': 'y' } },
      update('a', 'b/c'),
      update('a', 'b'),
      { write: { 'c/x': 'z' } },
      update('a'),
      update('a'),
      update('a', 'zzz'),
      update('a', 'b/zzz'),
      update('a', '1'),
    ],
  },
  {
    name: 'changed inputs',
    files: { ...chain, 'd/flake.nix': LEAF },
    steps: [
      lock('a'),
      { write: { 'a/flake.nix': '{ inputs.b.url = "path:ROOT/d"; inputs.c.url = "path:ROOT/c"; outputs = _: { }; }' } },
      show('a', '--no-write-lock-file'),
      lock('a', '--no-update-lock-file'),
      lock('a'),
      { write: { 'a/flake.nix': '{ inputs.c.url = "path:ROOT/c"; outputs = _: { }; }' } },
      lock('a'),
      { write: { 'a/flake.nix': LEAF } },
      lock('a'),
    ],
  },
  {
    name: 'other lock files',
    files: chain,
    steps: [
      lock('a', '--output-lock-file', 'ROOT/out.lock'),
      { write: { 'c/x': 'x' } },
      lock('a'),
      lock('a', '--reference-lock-file', 'ROOT/out.lock'),
      show('a', '--reference-lock-file', 'ROOT/a/flake.lock'),
    ],
  },
  {
    name: 'flakes that import each other',
    files: {
      'a/flake.nix': '{ inputs.b.url = "path:ROOT/b"; outputs = _: { }; }',
      'b/flake.nix': '{ inputs.a.url = "path:ROOT/a"; outputs = _: { }; }',
    },
    steps: [lock('a')],
  },
  {
    name: 'the same name in many places',
    files: {
      'x/flake.nix': LEAF,
      'l/flake.nix': '{ inputs.x.url = "path:ROOT/x"; outputs = _: { }; }',
      'r/flake.nix': '{ inputs.x.url = "path:ROOT/x"; inputs.l.url = "path:ROOT/l"; outputs = _: { }; }',
      'a/flake.nix':
        '{ inputs.l.url = "path:ROOT/l"; inputs.r.url = "path:ROOT/r"; inputs.x.url = "path:ROOT/x"; inputs.root.url = "path:ROOT/x"; inputs.x_2.url = "path:ROOT/x"; outputs = _: { }; }',
    },
    steps: [lock('a'), lock('a'), show('a')],
  },
  {
    name: 'inputs that only the outputs name',
    files: { 'a/flake.nix': '{ outputs = { self, b, ... }@all: { }; }', 'b/flake.nix': LEAF },
    steps: [lock('a'), lock('a', '--override-input', 'b', 'path:ROOT/b'), lock('a')],
  },
  {
    name: 'attributes instead of a URL',
    files: {
      'a/flake.nix':
        '{ inputs.b = { type = "path"; path = "ROOT/b"; dir = "in"; }; inputs.c = { type = "path"; path = "./c"; flake = true; }; outputs = _: { }; }',
      'b/in/flake.nix': LEAF,
      'a/c/flake.nix': LEAF,
    },
    steps: [lock('a'), lock('a')],
  },
  {
    name: 'a promised date, and a wrong hash',
    files: {
      'a/flake.nix':
        '{ inputs.b.url = "path:ROOT/b?lastModified=5&revCount=7&rev=0123456789012345678901234567890123456789"; outputs = _: { }; }',
      'b/flake.nix': LEAF,
    },
    steps: [
      lock('a'),
      {
        write: {
          'a/flake.nix':
            '{ inputs.b.url = "path:ROOT/b?narHash=sha256-47DEQpj8HBSa%2B/TImW%2B5JCeuQeRkm5NMpJWZG3hSuFU="; outputs = _: { }; }',
        },
      },
    ],
  },
  {
    name: 'an input that is not there',
    files: {
      'a/flake.nix': '{ inputs.b.url = "path:ROOT/nothing"; outputs = _: { }; }',
      'b/x': 'x',
      'c/flake.nix': '{ inputs.b.url = "path:ROOT/b"; outputs = _: { }; }',
    },
    steps: [lock('a')],
  },
  {
    name: 'an input that no registry knows',
    files: { 'a/flake.nix': '{ inputs.b.url = "nosuchflake"; outputs = _: { }; }' },
    steps: [lock('a')],
  },
  {
    name: 'old and broken lock files',
    files: { ...chain, 'a/flake.lock': '{"version": 4, "root": "root", "nodes": {}}' },
    steps: [
      lock('a'),
      { write: { 'a/flake.lock': '{"version": 8, "root": "root", "nodes": {"root": {}}}' } },
      lock('a'),
      { write: { 'a/flake.lock': '{"version": 7, "root": "root", "nodes": {"root": {"inputs": {"b": "gone"}}}}' } },
      lock('a'),
      {
        write: {
          'a/flake.lock':
            '{"version": 7, "root": "root", "nodes": {"root": {"inputs": {"b": "b"}}, "b": {"original": {"type": "path", "path": "ROOT/b"}}}}',
        },
      },
      lock('a'),
      {
        write: {
          'a/flake.lock':
            '{"version": 7, "root": "root", "nodes": {"root": {"inputs": {"b": "b"}}, "b": {"locked": {"type": "path", "path": "ROOT/b"}, "original": {"type": "path", "path": "ROOT/b"}}}}',
        },
      },
      lock('a'),
      {
        write: {
          'a/flake.lock':
            '{"version": 7, "root": "root", "nodes": {"root": {"inputs": {"b": "b"}}, "b": {"inputs": {"up": "root"}, "locked": {"type": "indirect", "id": "x"}, "original": {"type": "path", "path": "ROOT/b"}}}}',
        },
      },
      lock('a'),
      { write: { 'a/flake.lock': '{"version": 7, "root": "root", "nodes": {"root": {}}}' } },
      lock('a'),
    ],
  },
  {
    name: 'a lock file of version 5',
    files: {
      'c/flake.nix': LEAF,
      'a/flake.nix': '{ inputs.c.url = "path:ROOT/c"; outputs = _: { }; }',
      'a/flake.lock':
        '{"nodes": {"c": {"info": {"lastModified": 1, "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}, "inputs": {}, "locked": {"path": "ROOT/c", "type": "path"}, "original": {"path": "ROOT/c", "type": "path"}}, "root": {"inputs": {"c": "c"}}}, "root": "root", "version": 5}',
    },
    steps: [lock('a'), show('a')],
  },
  {
    name: 'a folder in the URL of an old lock file',
    files: {
      'a/flake.nix': '{ inputs.n.url = "git+https://example.org/x?dir=sub"; outputs = _: { }; }',
      'a/flake.lock':
        '{"nodes": {"n": {"locked": {"dir": "sub", "lastModified": 1, "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "ref": "refs/heads/main", "rev": "0123456789012345678901234567890123456789", "revCount": 3, "type": "git", "url": "https://example.org/x?dir=sub"}, "original": {"dir": "sub", "type": "git", "url": "https://example.org/x?dir=sub"}}, "root": {"inputs": {"n": "n"}}}, "root": "root", "version": 7}',
    },
    steps: [lock('a'), show('a')],
  },
  {
    name: 'forges in lock files',
    files: {
      'a/flake.nix':
        '{ inputs.g.url = "github:o/r"; inputs.l.url = "gitlab:g%2Fs/r?host=git.example.org"; inputs.s.url = "sourcehut:~u/r/main"; inputs.t.url = "https://example.org/x.tar.gz"; outputs = _: { }; }',
      'a/flake.lock':
        '{"nodes": {' +
        [
          '"g": {"locked": {"lastModified": 1, "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "owner": "o", "repo": "r", "rev": "0123456789012345678901234567890123456789", "type": "github"}, "original": {"owner": "o", "repo": "r", "type": "github"}}',
          '"l": {"locked": {"host": "git.example.org", "lastModified": 1, "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "owner": "g%2Fs", "repo": "r", "rev": "0123456789012345678901234567890123456789", "type": "gitlab"}, "original": {"host": "git.example.org", "owner": "g/s", "repo": "r", "type": "gitlab"}}',
          '"s": {"locked": {"lastModified": 1, "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "owner": "~u", "repo": "r", "rev": "0123456789012345678901234567890123456789", "type": "sourcehut"}, "original": {"owner": "~u", "ref": "main", "repo": "r", "type": "sourcehut"}}',
          '"t": {"locked": {"lastModified": 1, "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "type": "tarball", "url": "https://example.org/x.tar.gz"}, "original": {"type": "tarball", "url": "https://example.org/x.tar.gz"}}',
          '"root": {"inputs": {"g": "g", "l": "l", "s": "s", "t": "t"}}',
        ].join(', ') +
        '}, "root": "root", "version": 7}',
    },
    steps: [lock('a'), show('a'), { write: { 'a/flake.nix': '{ inputs.g.url = "github:o/r"; outputs = _: { }; }' } }, lock('a')],
  },
  { name: 'flake.nix is a link', files: { 'a/real.nix': LEAF, 'a/flake.nix': '-> real.nix' }, steps: [lock('a'), show('a')] },
  {
    name: 'executable files and links count',
    files: {
      'a/flake.nix': '{ inputs.s.url = "path:ROOT/s"; inputs.s.flake = false; outputs = _: { }; }',
      's/run.sh': '#!/bin/sh\n',
      's/l': '-> run.sh',
      's/empty/x': '',
    },
    steps: [lock('a')],
  },
  {
    name: 'nixConfig',
    files: { 'a/flake.nix': '{ nixConfig.bash-prompt = "x"; nixConfig.warn-dirty = false; outputs = _: { }; }' },
    steps: [lock('a')],
  },
  ...Object.entries(HEADS).map(([name, text]): Scenario => ({
    name: `a flake.nix that ${name}`,
    files: { 'a/flake.nix': text, 'b/flake.nix': LEAF },
    steps: [show('a')],
  })),
];
