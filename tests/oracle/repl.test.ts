// Sessions of the repl, beside those of C++ Nix. Skipped where FLOE_ORACLE is unset.

import { type LineSession, testSessions } from './sessions.ts';

const FILES = {
  'set.nix': `{ number ? 3 }: {
  inherit number;
  "a b" = 2;
  /** Adds one. */
  increment = x: x + 1;
  curried =
    /**
      Two of them.

        indented
    */
    a: b: a;
  nested.value = { };
  drv = derivation { name = "x"; system = "none"; builder = "/bin/sh"; };
  broken = throw "broken";
}
`,
  'flake/flake.nix': '{ outputs = _: { one = 1; set.two = 2; }; }',
};

const SESSIONS: Readonly<Record<string, LineSession>> = {
  values: {
    lines: [
      '1',
      '[ 1 2.5 "a\\"b\\n" null true ./x (x: x) builtins.add (builtins.add 1) { } [ ] { a = 1; } [ [ 1 ] ] ]',
      ':p [ 1 2.5 "a" (x: x) { a.b = { c = throw "x"; }; } ]',
      'rec { a = b; b = { inherit a; }; }',
      ':p let x = { inherit x; y = [ x ]; }; in x',
      '"text"',
      ':p "text\\nmore"',
      'x: x',
      '{ a = throw "later"; b = 1; }',
      'throw "now"',
      'assert false; 1',
      'nosuch',
      '{ abc = 1; }.abd',
      'import ./nothing.nix',
      ':t x: x',
      ':t 1.5',
      ':t { }',
    ],
  },
  bindings: {
    lines: [
      'a = 1',
      'b = a + 1; c = { inherit a; }',
      'a = 5',
      '[ a b c.a ]',
      'inherit (c) a',
      'a',
      'inherit b;',
      'inherit (c) nothing',
      'nothing',
      'd.e.f = 1',
      'd',
      'f = x:',
      '  x + 1',
      'f 1',
      "s = ''",
      '  lines',
      "''",
      's',
      'x = x',
      'x + ',
      ' 1',
      '1 + ) 2',
      'let a = 1; in',
      '',
      'a',
      'g = x: y: x',
      'g 1',
    ],
  },
  commands: {
    lines: [
      ':?',
      ':ll',
      ':a { q = 1; "a b" = 2; z = 3; }',
      ':ll',
      ':a 1',
      ':l ./set.nix',
      'number',
      'increment',
      ':doc increment',
      ':doc curried',
      ':doc nested.value',
      ':doc number',
      ':doc nested.nothing',
      'drv',
      ':p { inherit drv; }',
      'broken',
      ':te',
      'broken',
      ':te false',
      ':te nonsense',
      ':nonsense',
      ':b 1',
      ':log 1',
      ':r',
      'q',
      ':lf',
      ':q',
      'never',
    ],
  },
  'a file': { words: ['--file', 'set.nix', '--arg', 'number', '4'], lines: ['number', ':r', 'number'] },
  'an expression': { words: ['--expr', '{ u = 1; }'], lines: ['u'] },
  flakes: { words: ['path:./flake', 'path:./flake#set'], lines: ['one + two', ':lf path:./flake', 'outputs.one'] },
};

testSessions('a session', ['nix', 'repl'], FILES, SESSIONS);
