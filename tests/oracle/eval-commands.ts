// Random command lines of `nix eval` and `nix-instantiate --eval`: attribute paths, arguments, `--apply`, `--json`, `--raw`, `--write-to`, pure
// and restricted evaluation, flake references as values, numbers and TOML at their edges.
//
//   FLOE_ORACLE=... node tests/oracle/eval-commands.ts [SEED] [COUNT]

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareInvocations, hunt, type Invocation, type Random, temporaryPlace, type Workplace } from './compare.ts';

const FILES: Readonly<Record<string, string>> = {
  'set.nix': `{ n ? 1, s ? "s" }: {
  inherit n s;
  a.b.c = { d = [ 1 { e = "deep"; } ]; "x y" = null; };
  "dot.ted" = 2;
  f = { x, y ? 2 }: x + y;
  g = x: x;
  fails = throw "fails";
  path = ./set.nix;
  drv = derivation { name = "d"; system = "s"; builder = "b"; };
  functor = { __functor = self: x: x + 1; v = 1; };
  str = { __toString = self: "str"; };
  nested = { recurse = { a = 1; b = throw "b"; }; };
  list = [ (x: x) { a = 1; } [ ] ];
  float = 1.5;
}
`,
  'plain.nix': '{ a = 1; b = { c = "text"; d = [ true null 1.5 ]; }; e = "é"; }',
  'outside.nix': '[ (builtins.pathExists /etc) (builtins.getEnv "HOME") builtins.currentSystem (builtins.readFile ./plain.nix) ]',
};

/** Writes the files that command lines name. */
export function fillForCommands({ work }: Workplace): void {
  if (existsSync(join(work, 'set.nix'))) return;
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(work, name), text);
}

const PATHS = [
  '',
  'a',
  'a.b.c',
  'a.b.c.d.1.e',
  'a.b.c.d.0',
  'a.b.c.d.7',
  'a.b.c."x y"',
  '"dot.ted"',
  'f',
  'g',
  'fails',
  'path',
  'drv',
  'functor',
  'str',
  'nested',
  'list',
  'list.0',
  'list.1.a',
  'float',
  'n',
  's',
  'none',
  'a.none',
  'b.c',
  'b.d',
  'e',
  'n.x',
  'a..b',
  'a.',
  '.a',
  '"a',
  'b.d.1',
  'b.d.x',
  'functor.v',
];
const APPLIED = [
  'x: x',
  'builtins.attrNames',
  'x: x.a',
  'builtins.typeOf',
  'x: { r = x; }',
  'x: throw "applied"',
  '1',
  'x: [ x x ]',
  'builtins.toJSON',
  'x: y: x',
  '{ n ? 2, ... }: n',
  'x: "${x}"',
  'x: (',
  '',
];
const NUMBERS = [
  '0.1',
  '1e100',
  '1.0e-7',
  '123456789.0',
  '0.30000000000000004',
  '1e15',
  '1e16',
  '100000.0',
  '1e6',
  '999999.9',
  '9999999.0',
  '1.7976931348623157e308',
  '5e-324',
  '(1.0/3)',
  '9223372036854775807',
  '(-9223372036854775807 - 1)',
  '(9223372036854775807 + 1)',
  '(1 / 0)',
  '(1.0 / 0)',
  '(0.0 / 1 * -1)',
  '(9223372036854775807 * 2)',
  '(-9223372036854775807 - 2)',
  '(builtins.floor 1e18)',
  '(builtins.ceil 1e19)',
  '(builtins.fromJSON "1e400")',
  '(builtins.fromJSON "-0.0")',
  '(builtins.fromJSON "9223372036854775808")',
  '(builtins.fromJSON "1E5")',
  '2.5e-5',
  '4.35',
  '1.005',
  '3.0',
  '1.e3',
  '123456.5',
  '1234567.5',
];
const TOML = [
  'a = 1979-05-27T07:32:00Z',
  'a = 1979-05-27T07:32:00.5-07:00',
  'a = 1979-05-27',
  'a = 07:32:00',
  'a = 1979-05-27 07:32:00.123456789',
  'a = 1979-13-27',
  'a = 25:00:00',
  'a = 1979-02-30',
  'a = 1979-05-27T07:32',
  'a = [ 1979-05-27, 1 ]',
  'a = { b = 1979-05-27T00:00:00Z }',
  'a = 0x7fffffffffffffff',
  'a = 1_000',
  'a = +inf',
  'a = -nan',
  'a = 1e3',
  '"a b".c = 1\n[x]\n[x.y]\n[[z]]\nq = 1\n[[z]]',
  'a = """\\\n  x"""',
  "a = '''\n'x'''",
  'a = "\\u0000"',
  'a = "\\ud800"',
  'a.b = 1\na.b.c = 2',
  '[a]\n[a]',
  'a = 1\na = 2',
];
const REFERENCES = [
  'github:a/b',
  'github:a/b/c?dir=d',
  'github:a/b/0123456789012345678901234567890123456789',
  'github:a/b?ref=x&rev=0123456789012345678901234567890123456789',
  'gitlab:a%2Fb/c',
  'git+ssh://git@h/x?ref=a/b&shallow=1',
  'git+https://h/x?submodules=1&dir=a%20b',
  'git+file:/x',
  'path:/a/b?narHash=sha256-47DEQpj8HBSa%2B/TImW%2B5JCeuQeRkm5NMpJWZG3hSuFU%3D',
  'path:./x',
  './x',
  '/x y',
  'nixpkgs/a/b',
  'nixpkgs?dir=x',
  'flake:a/b',
  'https://h/x.tar.gz?narHash=sha256-47DEQpj8HBSa%2B/TImW%2B5JCeuQeRkm5NMpJWZG3hSuFU%3D',
  'https://h/x?a=b',
  'file:///x.zip',
  'tarball+file:///x',
  'hg+file:///x?rev=a',
  'sourcehut:~a/b/c',
  'git+https://h/x?rev=zz',
  'github:a/b/c/d',
  'github:a',
  'x y',
  '%',
  'github:a/b?unknown=1',
  'git+git://h/x#y',
  'https://[::1]/x.tar',
  'git://h/x',
  'path:x?dir=/..',
  'github:/b',
];
const ATTRIBUTES = [
  'type = "github";',
  'type = "git";',
  'type = "path";',
  'type = "indirect";',
  'type = "tarball";',
  'type = "gitlab";',
  'type = 1;',
  'owner = "o";',
  'repo = "r";',
  'url = "https://h/x y";',
  'url = "/p";',
  'path = "/p q";',
  'path = ./x;',
  'id = "i";',
  'ref = "m/n";',
  'rev = "0123456789012345678901234567890123456789";',
  'rev = "x";',
  'dir = "d e";',
  'lastModified = 1;',
  'narHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";',
  'submodules = true;',
  'host = "h.org";',
  'odd = null;',
  'shallow = 1;',
];
const FORBIDDEN = [
  '/nonexistent',
  './set.nix',
  '<nixpkgs>',
  '(builtins.getEnv "HOME")',
  'builtins.currentSystem',
  '(builtins.readFile /nonexistent)',
  '(import ./plain.nix)',
  '(builtins.pathExists ./plain.nix)',
  '(builtins.readDir ./.)',
  '(builtins.storePath /nix/store)',
  '(builtins.path { path = ./.; })',
  '"${./plain.nix}"',
  '(builtins.getFlake "path:.")',
  '(builtins.fetchTree { type = "path"; path = "/nonexistent"; })',
  '(builtins.findFile [ ] "x")',
  'builtins.nixPath',
  'builtins.storeDir',
  '~/x',
  '(builtins.toPath "/x")',
  '(builtins.filterSource (a: b: true) ./.)',
  '(builtins.hashFile "md5" ./plain.nix)',
  '(toString ./.)',
  '(builtins.exec [ "x" ])',
  '(builtins.importNative "x" "y")',
];

/** A command line. */
export function evalCommand(random: Random): Invocation {
  const { pick, once } = { pick: <T>(choices: readonly T[]): T => random.pick(choices), once: (times: number) => random.once(times) };
  const format = (): string[] => pick([[], [], ['--json'], ['--raw'], ['--json', '--show-trace'], ['--show-trace']]);
  const apply = (): string[] => (once(3) ? ['--apply', pick(APPLIED)] : []);
  const args = (): string[] => pick([[], [], ['--arg', 'n', '5'], ['--argstr', 's', 'a"b'], ['--arg', 'x', '1'], ['--argstr', 'n', '']]);
  const expression = (): string =>
    pick([
      () => pick(NUMBERS),
      () => `[ ${pick(NUMBERS)} (toString ${pick(NUMBERS)}) (builtins.toJSON ${pick(NUMBERS)}) ]`,
      () => `${pick(NUMBERS)} ${pick(['<', '==', '+', '-', '*', '/'])} ${pick(NUMBERS)}`,
      () => `builtins.fromTOML ${JSON.stringify(pick(TOML)).replaceAll('${', '\\${')}`,
      () => `builtins.parseFlakeRef ${JSON.stringify(pick(REFERENCES))}`,
      () => `builtins.flakeRefToString (builtins.parseFlakeRef ${JSON.stringify(pick(REFERENCES))})`,
      () => `builtins.flakeRefToString { ${ATTRIBUTES.filter(() => once(6)).join(' ')} }`,
      () => pick(FORBIDDEN),
      () => `builtins.tryEval ${pick(FORBIDDEN)}`,
      () => `{ a = ${pick(NUMBERS)}; b = ${pick(FORBIDDEN)}; }`,
      () => `1 |> (x: x + ${pick(NUMBERS)})`,
      () => `(x: x) <| ${pick(NUMBERS)} |> (x: x)`,
      () => pick(['__curPos', '{ a = __curPos; }.a.column', 'let\r\n a = __curPos; in a', 'builtins.unsafeGetAttrPos "a" { a = 1; }']),
    ])();
  const features = (): string[] =>
    pick([
      [],
      [],
      ['--extra-experimental-features', 'pipe-operators'],
      ['--extra-experimental-features', 'parse-toml-timestamps pipe-operators'],
    ]);
  const mode = (): string[] => pick([[], [], ['--impure'], ['--restrict-eval', '--impure'], ['--pure-eval']]);
  return {
    words: pick([
      () => ['nix', 'eval', ...mode(), ...features(), ...format(), ...apply(), '--expr', expression()],
      () => ['nix', 'eval', ...mode(), ...features(), ...format(), ...apply(), '--expr', expression()],
      () => [
        'nix',
        'eval',
        ...mode(),
        ...format(),
        ...apply(),
        ...args(),
        '-f',
        pick(['set.nix', 'plain.nix', 'outside.nix', 'none.nix']),
        pick(PATHS),
      ],
      () => [
        'nix-instantiate',
        '--eval',
        ...pick([[], ['--strict'], ['--json'], ['--xml'], ['--json', '--strict'], ['--raw']]),
        ...args(),
        ...(once(2) ? ['-A', pick(PATHS)] : []),
        pick(['set.nix', 'plain.nix', './plain.nix', 'none.nix']),
      ],
      () => [
        'nix-instantiate',
        '--eval',
        ...features(),
        ...pick([[], ['--strict'], ['--restrict-eval'], ['--pure-eval'], ['--read-write-mode']]),
        '-E',
        expression(),
      ],
    ])(),
  };
}

if (process.argv[1] === import.meta.filename)
  await hunt('command lines', 100, (random, size, command) => {
    fillForCommands(temporaryPlace());
    return compareInvocations(
      temporaryPlace(),
      command,
      Array.from({ length: size }, () => evalCommand(random)),
    );
  });
