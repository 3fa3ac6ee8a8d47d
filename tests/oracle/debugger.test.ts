// Sessions of `--debugger`, beside those of C++ Nix. Skipped where FLOE_ORACLE is unset.

import { type LineSession, testSessions } from './sessions.ts';

const FILES = {
  'file.nix': 'let h = { a, b ? 2 }: a + b + (throw "in file"); in h { a = 1; }\n',
  'call.nix': '(x: throw x) (import ./set.nix).none\n',
  'set.nix': '{ number = 5; f = x: x; }\n',
  'flake/flake.nix': '{ outputs = _: { one = 1; set.two = 2; }; }',
};

const DERIVATION = `derivation { name = "x"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo log; echo text > $out" ]; }`;
const LOOK = [':env', ':bt', ':st', ':st 1'];
const SESSIONS: Readonly<Record<string, LineSession>> = {
  'a throw below let, with and a function': {
    words: ['--expr', 'let x.a = 1; in\nwith x;\n(y: builtins.seq x.a (throw "oh snap")) x.a'],
    lines: [...LOOK, 'x', 'y', ':p [ x y ]', 'z = y', 'z', ':c'],
  },
  'a break': { words: ['--expr', 'let f = z: w: builtins.break (z + w); in f 2 3'], lines: [':env', 'z', ':s', ':bt', ':c'] },
  'attributes of a recursive set': {
    words: ['--expr', 'rec { a = 1; b = c.d; c = { d = throw "q"; }; }.b'],
    lines: [...LOOK, 'a', 'nosuch', ':nonsense', ':?', ':q'],
  },
  'the end of input': { words: ['--expr', '(_: throw "oh snap") 42'], lines: [':env'] },
  'steps through calls': {
    words: ['--expr', 'let s = { f = x: x.a + 1; }; in s.f { a = builtins.length [ 1 ]; }'],
    lines: [':s', ':s', ':c'],
  },
  'an error that tryEval catches': { words: ['--expr', '(_: builtins.tryEval (throw "y")) 1'], lines: [':c'] },
  'the same, ignored': { words: ['--ignore-try', '--expr', '(_: builtins.tryEval (throw "y")) 1'], lines: [':c'] },
  'traces and warnings': {
    words: ['--option', 'debugger-on-trace', 'true', '--expr', 'let x = 5; in builtins.trace "t" (builtins.warn "w" x)'],
    lines: ['x', ':c', ':c'],
  },
  'nothing wrong': { words: ['--expr', 'let f = x: x; in f 1'], lines: ['never read'] },
  'a type error': { words: ['--expr', 'let g = x: x + "a"; in g 1'], lines: [':env', 'x', ':c'] },
  'a file': { words: ['-f', 'file.nix'], lines: [...LOOK, 'a', 'b', ':q'] },
  'builds, logs, files and flakes': {
    words: ['--impure', '--expr', `let drv = ${DERIVATION}; f = x: builtins.break x; in f drv`],
    lines: [
      ':b drv',
      ':bl drv',
      ':log drv',
      ':b 1',
      ':b throw "inside"',
      ':i drv',
      ':sh drv',
      ':l ./set.nix',
      'number',
      ':e f',
      'x',
      ':lf path:./flake',
      'set',
      ':a { more = 1; }',
      'more',
      ':r',
      'more',
      ':u drv',
      ':te',
      ':p throw "x"',
      ':te nonsense',
      ':b',
      ':lf',
      ':c',
    ],
  },
  'a condition that is no Boolean': { words: ['--expr', 'let x = 5; in if x + 1 then 1 else 2'], lines: [':env', ':bt', ':st 1', ':c'] },
  'a condition without a place': { words: ['--expr', 'if 1 then 1 else 2'], lines: [':bt', ':env', ':c'] },
  'an operand of &&': { words: ['--expr', 'let f = x: true && x; in f "s"'], lines: [':bt', ':env', 'x', ':c'] },
  'an operand of //': { words: ['--expr', 'let f = x: { a = 1; } // x; in f "s"'], lines: [':bt', ':env', 'x', ':c'] },
  'an operand of !': { words: ['--expr', 'let f = x: !x; in f "s"'], lines: [':bt', ':env', 'x', ':c'] },
  'adding to an integer': { words: ['--expr', 'let f = x: 1 + x; in f "s"'], lines: [':bt', ':env', 'x', ':c'] },
  'an assertion': { words: ['--expr', 'let f = x: assert x == 2 || false; x; in f 1'], lines: [':bt', ':st 0', 'x', ':c'] },
  'an assertion of equality': { words: ['--expr', 'let f = x: assert x == 2; x; in f 1'], lines: [':bt', 'x', ':c'] },
  'a missing attribute': { words: ['--expr', 'let x = { ab = 1; }; in x.aa'], lines: [':bt', ':env', ':st 1', 'x', ':c'] },
  'a missing argument': { words: ['--expr', 'let y = 1; f = { a, b }: a; in f { a = 1; }'], lines: [':bt', ':env', 'y', ':c'] },
  'an unexpected argument': { words: ['--expr', 'let y = 1; f = { aa }: aa; in f { aa = 1; ab = 2; }'], lines: [':bt', ':env', ':c'] },
  'an undefined variable in a with': { words: ['--expr', 'let s = { a = 1; }; in with s; b'], lines: [':bt', ':env', 'a', ':c'] },
  'a dynamic attribute twice': { words: ['--expr', 'let f = x: { a = 1; ${x} = 2; }; in f "a"'], lines: [':bt', ':env', ':c'] },
  'what an error leaves behind': {
    words: ['--expr', 'let t = builtins.tryEval; f = x: [ (t (assert x == 2 || false; x)) (throw "later") ]; in builtins.deepSeq (f 1) 2'],
    lines: [':bt', ':c', ':bt', ':c'],
  },
  'the same, ignored before': {
    words: [
      '--ignore-try',
      '--expr',
      'let t = builtins.tryEval; f = x: [ (t (assert x == 2 || false; x)) (throw "later") ]; in builtins.deepSeq (f 1) 2',
    ],
    lines: [':bt', ':c'],
  },
  'a break that a builtin calls': {
    words: ['--expr', 'builtins.head (map builtins.break [ (throw "q") ])'],
    lines: [':bt', ':q'],
  },
  'more than 200 names': {
    words: [
      '--expr',
      `(rec { ${Array.from({ length: 210 }, (_, i) => `a${i} = ${i};`).join(' ')} f = throw "x"; inherit (builtins) add; }).f`,
    ],
    lines: ['a209', 'a0', 'f', 'add', ':c'],
  },
  'a function whose body has no place': { words: ['--expr', 'let f = x: let y = throw x; in y; in f "q"'], lines: [':bt', ':env', ':c'] },
  'a file with a place': { words: ['-f', 'call.nix'], lines: [...LOOK, ':c'] },
  'a type error of a builtin': { words: ['--expr', 'let x = 1; in builtins.length x'], lines: [':bt', ':env', ':c'] },
  'infinite recursion': { words: ['--expr', 'let x = y; y = x; in (z: z + x) 1'], lines: [':bt', ':env', ':c'] },
  'a computed name': { words: ['--expr', 'let n = "a"; s = { a.b = throw "x"; }; in s.${n}.${"b"}'], lines: [':bt', ':c'] },
  'a flake in pure mode': {
    words: ['--expr', 'let f = x: throw "stop"; in f 1'],
    lines: [':lf path:./flake', ':b derivation { name = "x"; system = "none"; builder = "/bin/sh"; }', ':c'],
  },
};

testSessions('--debugger', ['nix', 'eval', '--debugger'], FILES, SESSIONS);
