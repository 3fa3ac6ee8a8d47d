// `nix-shell` as users have it: links to bin/floe, shells that run, scripts. Where FLOE_ORACLE names a real Nix, it must say the same.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/local-stores.ts';

const oracle = process.env['FLOE_ORACLE'];
const folder = temporaryFolder();
const root = fileURLToPath(new URL('../..', import.meta.url));

const PACKAGES = `{ greeting ? "hello", inNixShell ? false, ... }:
let
  make = attrs: derivation ({ system = builtins.currentSystem; builder = "/bin/bash"; args = [ "-c" "PATH=/bin:/usr/bin; eval \\"$make\\"" ]; } // attrs);
  stdenv = make { name = "stdenv"; make = "mkdir $out; cp \${./setup} $out/setup"; };
in rec {
  greet = make { name = "greet"; make = "mkdir -p $out/bin; echo '#! /bin/bash' > $out/bin/greet; echo 'echo \${greeting} $*' >> $out/bin/greet; chmod +x $out/bin/greet"; };
  ruby = make { name = "ruby"; make = "mkdir -p $out/bin; echo '#! /bin/bash' > $out/bin/ruby; echo 'printf \\"<%s>\\" \\"$@\\"' >> $out/bin/ruby; chmod +x $out/bin/ruby"; };
  runCommand = name: attrs: text: make ({ inherit name stdenv; make = text; } // attrs);
  pkgs = { inherit runCommand; };
  callPackage = f: args: f ({ inherit runCommand; } // args);
  plain = make { name = "plain"; inherit stdenv; buildInputs = [ greet ]; FROM_NIX = "it's \\"x\\""; inside = if inNixShell then "yes" else "no";
    shellHook = "echo hook; hooked=1"; large = "as a file"; passAsFile = [ "large" "small" ]; small = "s"; outputs = [ "out" "dev" ]; };
  structured = make { name = "structured"; inherit stdenv; __structuredAttrs = true; list = [ "a" "b c" ]; table = { k = "v"; }; number = 3; make = "";
    exportReferencesGraph.graph = [ greet ]; };
  excluded = make { name = "excluded"; a = make { name = "never"; make = "exit 1"; }; make = ""; };
}
`;

const SETUP = `FROM_SETUP=setup
for input in $buildInputs; do export PATH=$PATH:$input/bin; done
runHook() { eval "\${!1}"; }
`;

interface Case {
  readonly what: string;
  /** The command's words; or a script's text and its arguments. */
  readonly words: readonly string[];
  readonly script?: string;
  readonly env?: Record<string, string>;
  readonly expected: string;
  readonly code?: number;
}

const CASES: readonly Case[] = [
  {
    what: 'the environment of a derivation, pure',
    words: [
      ...['nix-shell', '--pure', 'packages.nix', '-A', 'plain', '--keep', 'KEPT', '--run'],
      'echo "$FROM_NIX $FROM_SETUP $inside $hooked [$LOST] $KEPT $IN_NIX_SHELL"; greet world; cat $largePath $smallPath; echo " $NIX_STORE" | tail -c 7; [ "$TMP" = "$NIX_BUILD_TOP" ] && echo $(ls -A $TMP)',
    ],
    env: { LOST: 'lost', KEPT: 'kept' },
    expected: `hook\nit's "x" setup yes 1 [] kept pure\nhello world\nas a files/store\n.attr-0 .attr-1 rc\n`,
  },
  {
    what: "impure: the user's variables and PATH stay; exit codes too",
    words: [
      'nix-shell',
      'packages.nix',
      '-A',
      'plain',
      '--argstr',
      'greeting',
      'hey',
      '--command',
      'echo "$OWN $IN_NIX_SHELL"; greet; command -v ls > /dev/null; exit 3',
    ],
    env: { OWN: 'mine' },
    expected: 'hook\nmine impure\nhey\n',
    code: 3,
  },
  {
    what: 'packages',
    words: [
      'nix-shell',
      '-p',
      'greet',
      'runCommand "x" { } "mkdir $out"',
      '--argstr',
      'greeting',
      'yo',
      '--run',
      'greet you; echo $name; echo $buildInputs | wc -w',
    ],
    expected: 'yo you\nshell\n2\n',
  },
  {
    what: 'structured attributes',
    words: [
      'nix-shell',
      'packages.nix',
      '-A',
      'structured',
      '--run',
      'echo "${list[1]} ${table[k]} $number ${!outputs[*]}"; cat $NIX_ATTRS_JSON_FILE | grep -c closureSize; . $NIX_ATTRS_SH_FILE; declare -p number',
    ],
    expected: 'b c v 3 out\n1\ndeclare -- number="3"\n',
  },
  {
    what: 'inputs that are left out',
    words: ['nix-shell', 'packages.nix', '-A', 'excluded', '--exclude', 'never', '--run', 'echo $name'],
    expected: 'excluded\n',
  },
  { what: 'shell.nix comes before default.nix', words: ['nix-shell', 'both', '--run', 'echo $name'], expected: 'shell\n' },
  {
    what: 'more than one derivation',
    words: ['nix-shell', 'packages.nix', '--run', 'true'],
    expected: 'error: nix-shell requires a single derivation\n',
    code: 1,
  },
  {
    what: 'no file',
    words: ['nix-shell', 'empty'],
    expected: "error: neither 'shell.nix' nor 'default.nix' found in '$PWD/empty'\n",
    code: 1,
  },
  {
    what: 'a script with several lines',
    words: ['a b', "c'd"],
    script:
      '#! /usr/bin/env nix-shell\n#! nix-shell -i bash\n#! nix-shell --pure -p greet --argstr greeting "good \'day\'"\ngreet; printf "<%s>" "$@"; echo "[$LOST]"\n',
    env: { LOST: 'lost' },
    expected: "good day\n<a b><c'd>[]\n",
  },
  {
    what: 'an interpreter that looks into scripts',
    words: ['x'],
    script: '#! /usr/bin/env nix-shell\n#! nix-shell -i ruby -p ruby\n',
    expected: '<-e><load(ARGV.shift)><--><$SCRIPT><x>',
  },
  {
    what: "paths and expressions start at the script's folder",
    words: ['arg'],
    script:
      '#! /usr/bin/env nix-shell\n#! nix-shell --expr "{ file }: (import ./packages.nix { greeting = baseNameOf file; }).plain"\n#! nix-shell --arg file ./setup -i bash\ngreet $1\n',
    expected: 'hook\nsetup arg\n',
  },
  {
    what: 'scripts of the newer command',
    words: ['z'],
    script:
      '#! /usr/bin/env nix\n# a comment\n#! nix shell --impure --expr ``\n#! nix (import ./packages.nix { greeting = "new"; }).greet\n#! nix `` --command bash\ngreet "$@"\n',
    expected: 'new z\n',
  },
];

describe('nix-shell', () => {
  const names = ['nix', 'nix-shell', 'nix-instantiate'];
  before(() => {
    for (const name of ['work/both', 'work/empty', 'home', 'floe', 'oracle', 'scripts']) mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, 'work/packages.nix'), PACKAGES);
    writeFileSync(join(folder, 'work/setup'), SETUP);
    for (const name of ['shell', 'default'])
      writeFileSync(join(folder, `work/both/${name}.nix`), `((import ../packages.nix { }).runCommand "${name}" { } "")`);
    for (const name of names) {
      symlinkSync(join(root, 'bin/floe'), join(folder, 'floe', name));
      writeFileSync(join(folder, 'oracle', name), `#! /bin/sh\nPATH=\${PATH#*:} exec ${oracle} ${name} "$@"\n`, { mode: 0o755 });
    }
  });

  function run(who: 'floe' | 'oracle', { words, script, env, what }: Case): { text: string; code: number | null } {
    const work = join(folder, 'work');
    const path = join(work, `${what.replaceAll(/\W/g, '-')}.script`);
    if (script !== undefined) {
      writeFileSync(path, script);
      chmodSync(path, 0o755);
    }
    const [program, ...args] = script === undefined ? words : [path, ...words];
    const store = {
      NIX_STORE_DIR: join(folder, who, 'store'),
      NIX_STATE_DIR: join(folder, who, 'var'),
      NIX_LOG_DIR: join(folder, who, 'log'),
    };
    const result = spawnSync(program!, args, {
      // Scripts are run from elsewhere.
      cwd: script === undefined ? work : join(folder, 'scripts'),
      env: {
        PATH: `${join(folder, who)}:${process.env['PATH']}`,
        HOME: join(folder, 'home'),
        FLOE_DEV: '1',
        NIX_PATH: `nixpkgs=${join(work, 'packages.nix')}`,
        NIX_CONF_DIR: join(folder, 'etc'),
        NIX_CONFIG: 'sandbox = false\nsubstituters =',
        NIX_BUILD_SHELL: '/bin/bash',
        ...store,
        ...env,
      },
      encoding: 'utf8',
      timeout: 60_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const errors = result.stderr.split('\n').filter((line) => line.startsWith('error'));
    const lines = result.stdout === '' ? errors.map((line) => `${line}\n`).join('') : result.stdout;
    return { text: lines.replaceAll(path, '$SCRIPT').replaceAll(work, '$PWD'), code: result.status };
  }

  for (const one of CASES) {
    test(one.what, () => {
      const expected = { text: one.expected, code: one.code ?? 0 };
      assert.deepEqual(run('floe', one), expected);
      if (oracle !== undefined) assert.deepEqual(run('oracle', one), expected, 'the other Nix says something else');
    });
  }
});
