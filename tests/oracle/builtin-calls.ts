// Random calls of builtins, evaluated here and by a real Nix, values and messages compared. The calls that succeed here go to the other
// in one program (and in halves where that differs), each that fails in one of its own.
//
//   FLOE_ORACLE=... node tests/oracle/builtin-calls.ts [SEED] [COUNT] [BUILTIN ...]

import { spawnSync } from 'node:child_process';
import { filterEscapes } from '../../src/cli/terminal.ts';
import { printError } from '../../src/cli/print-error.ts';
import { FloeError } from '../../src/base/errors.ts';
import { utf8ToByteString } from '../../src/base/bytes.ts';
import { BUILTINS } from '../../src/eval/builtins/index.ts';
import { Evaluator } from '../../src/eval/evaluator.ts';
import { printAmbiguous } from '../../src/eval/print.ts';
import { DiskHost } from '../support/eval-host.ts';
import { type Difference, hunt, narrowDown, type Random } from './compare.ts';

const INTEGERS =
  '0 1 (-1) 2 3 7 10 (-5) 255 256 65536 4294967296 (-4294967297) 9007199254740992 9007199254740993 4611686018427387904 9223372036854775807 (-9223372036854775807) (-9223372036854775807-1)'.split(
    ' ',
  );
const FLOATS =
  '0.0 (-0.0) 0.5 1.0 1.5 (-2.5) 1.0e10 1.0e-7 123456.789 0.0078125 100000.5 1234565.0 1.0e300 3.0e-310 0.1 1.0e21 2.5e15 1.0e6 999999.5 0.0001 0.00001 9007199254740993.0 9.3e18'.split(
    ' ',
  );
const CHARACTERS = ['a', 'b', 'c', 'A', '1', '2', '0', '.', '-', '/', ' ', '_', 'é', '\n', '"', '\\', '$', '{', '+', '=', ':', '\t', '日'];
const WORDS = ['', 'a', 'b', 'aa', 'ab', 'x', 'key', 'out', '1.2', 'pre', 'a-1', '/a/b', 'sha256', 'é'];
const REGEXES =
  'a|a*|(a)(b)?|[ab]+|.*|(a|b)*|([^/]*)/(.*)|a{2}|[[:digit:]]+|^a|b$|(a|ab)(c|bcd)*|()|[^a]|\\\\.|(x)|(.)|a+|([a-c])([a-c])?'.split('|');

/** Makes random expressions, by kind. */
export class Expressions {
  readonly random: Random;
  constructor(random: Random) {
    this.random = random;
  }

  text(): string {
    const { random } = this;
    if (random.below(3) === 0) return random.pick(WORDS);
    let text = '';
    for (let length = random.below(9); length > 0; length--) text += random.pick(CHARACTERS);
    return text;
  }
  quote(text: string): string {
    return `"${text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(/\$/g, '\\$')}"`;
  }
  string(): string {
    const { random } = this;
    switch (random.below(12)) {
      case 0:
        return `"a\${derivation { name = "${random.pick(['x', 'y'])}"; system = "s"; builder = "/b"; outputs = [ "out" "dev" ]; }}"`;
      case 1:
        return `(builtins.toFile "${random.pick(['x', 'y'])}" ${this.quote(this.text())})`;
      default:
        return this.quote(this.text());
    }
  }
  name(): string {
    return this.quote(this.random.pick(['a', 'b', 'c', 'name', 'value', 'a b', 'key', 'if', '']));
  }
  int(): string {
    return this.random.pick(INTEGERS);
  }
  small(): string {
    return this.random.pick(['0', '1', '2', '3', '(-1)', '5']);
  }
  number(): string {
    return this.random.pick([this.int(), this.small(), this.random.pick(FLOATS)]);
  }
  list(element: () => string, most = 6): string {
    let text = '[ ';
    for (let length = this.random.below(most); length > 0; length--) text += `${element()} `;
    return `${text}]`;
  }
  set(value: () => string): string {
    const names = ['a', 'b', 'c', 'name', 'value', '"a b"', 'key', 'd'].filter(() => this.random.below(3) === 0);
    return `{ ${names.map((name) => `${name} = ${value()}; `).join('')}}`;
  }
  any(depth = 2): string {
    const { random } = this;
    switch (random.below(depth > 0 ? 14 : 9)) {
      case 0:
      case 1:
        return this.number();
      case 2:
      case 3:
        return this.string();
      case 4:
        return random.pick(['true', 'false', 'null']);
      case 5:
        return random.pick(['/a/b', '/a', './files/text']);
      case 6:
        return random.pick(['(x: x)', 'builtins.add', '(builtins.add 1)', '({ a, b ? 1, ... }: a)']);
      case 7:
        return random.pick(['(throw "t")', '1', '"s"']);
      case 8:
        return '[ ]';
      case 9:
      case 10:
        return this.list(() => this.any(depth - 1), 4);
      case 11:
        return random.pick([
          '{ outPath = "/o"; }',
          '{ __toString = self: "ts"; }',
          '{ type = "derivation"; outPath = "/o"; }',
          '{ __functor = self: x: x; }',
        ]);
      default:
        return this.set(() => this.any(depth - 1));
    }
  }
  /** A value without functions and errors. */
  data(depth = 2): string {
    const { random } = this;
    switch (random.below(depth > 0 ? 8 : 5)) {
      case 0:
        return this.number();
      case 1:
      case 2:
        return this.quote(this.text());
      case 3:
        return random.pick(['true', 'false', 'null', '{ }', '[ ]']);
      case 4:
        return random.pick(INTEGERS);
      case 5:
      case 6:
        return this.list(() => this.data(depth - 1), 4);
      default:
        return this.set(() => this.data(depth - 1));
    }
  }
  predicate(): string {
    return this.random.pick(['(x: true)', '(x: false)', '(x: x == 1)', '(x: builtins.isString x)', '(x: x)', '(x: builtins.lessThan 1 x)']);
  }
  function1(): string {
    return this.random.pick(['(x: x)', '(x: [ x x ])', 'toString', '(x: [ ])', '(x: { inherit x; })', '(x: 1)', 'builtins.typeOf']);
  }
  function2(): string {
    return this.random.pick([
      '(a: b: a)',
      '(a: b: b)',
      '(a: b: [ a b ])',
      'builtins.add',
      '(a: b: a < b)',
      '(a: b: true)',
      'builtins.lessThan',
      '(a: b: b < a)',
    ]);
  }
  version(): string {
    let text = '';
    for (let length = this.random.below(6); length > 0; length--) {
      text += this.random.pick(['1', '2', '10', '.', '-', 'a', 'pre', 'rc1', '.', '01', '99999999999', '_', 'x']);
    }
    return this.quote(text);
  }
  json(): string {
    const { random } = this;
    let text = '';
    const pieces =
      '1 -1 0 1.5 -0 1e3 1e400 01 9223372036854775807 9223372036854775808 true false null nul "a" "é" "\\u00e9" "\\ud83d\\ude00" "\\ud800" "\\q" [ ] { } , : " - + . tru "a": "b": \\ 1. 1e [] {}'.split(
        ' ',
      );
    if (random.below(2) === 0) {
      const value = (depth: number): string => {
        const choice = random.below(depth > 0 ? 9 : 6);
        if (choice < 6) return random.pick(pieces.slice(0, 17));
        if (choice < 8)
          return `[${Array.from({ length: random.below(4) }, () => value(depth - 1)).join(random.pick([',', ', ', ' ,\n']))}]`;
        return `{${Array.from({ length: random.below(4) }, () => `"${random.pick(['a', 'b', 'é', ''])}"${random.pick([':', ' : '])}${value(depth - 1)}`).join(',')}}`;
      };
      text = value(3);
    } else {
      for (let length = random.below(8); length > 0; length--) text += random.pick(pieces) + random.pick(['', '', ' ', '\n']);
    }
    return this.quote(text);
  }
  toml(): string {
    const { random } = this;
    let text = '';
    const value = (depth: number): string => {
      const choice = random.below(depth > 0 ? 14 : 11);
      if (choice < 11) {
        return random.pick(
          '1 -1 +2 0x1F 0o17 0b11 1_000 1.5 -1.5e3 1e5 inf nan true false "a" "é" "\\u00e9" "\\n" \'lit\' """a\nb""" \'\'\'c\'\'\' "" 1__0 01 1. .5 tru "a 9223372036854775808 \'x'.split(
            ' ',
          ),
        );
      }
      if (choice < 13) return `[${Array.from({ length: random.below(4) }, () => value(depth - 1)).join(random.pick([',', ', ', ',\n']))}]`;
      return `{ ${Array.from({ length: random.below(3) }, () => `${key()} = ${value(depth - 1)}`).join(', ')} }`;
    };
    const key = (): string => random.pick(['a', 'b', 'c', 'a.b', '"q r"', 'a.c', "'l'", '1', 'b.a', '-']);
    for (let lines = random.below(6); lines > 0; lines--) {
      text += random.pick([
        () => `${key()} = ${value(2)}`,
        () => `${key()} = ${value(2)}`,
        () => `${key()}=${value(1)} # c`,
        () => `[${key()}]`,
        () => `[[${key()}]]`,
        () => '',
        () => '# comment',
        () => random.pick(['a', '= 1', '[a', 'a = 1 2', ' \t', 'é = 1']),
      ])();
      text += random.pick(['\n', '\n', '\r\n']);
    }
    return this.quote(text).replace(/\r/g, '\\r');
  }
  hash(): string {
    return this.random.pick([
      '"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="',
      '"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"',
      '"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"',
      '"0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"',
      '"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="',
      '"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="',
      '"md5:d41d8cd98f00b204e9800998ecf8427e"',
      '"sha512-abc="',
      '"sha256-"',
      '""',
      '"zzz"',
      '"sha256:zzz"',
      '"sha9:abc"',
      '"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV="',
      '"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"',
    ]);
  }
  derivation(): string {
    const { random } = this;
    const parts = [
      `name = ${random.pick(['"x"', '"x-1.0"', this.quote(this.text()), '"a+b_c?d=e"'])};`,
      'system = "s";',
      `builder = ${random.pick(['"/b"', '"/b"', '""', './files/text'])};`,
    ];
    const extra = [
      () => `args = ${this.list(() => this.data(1), 4)};`,
      () =>
        `outputs = ${random.pick(['[ "out" ]', '[ "out" "dev" ]', '"dev out"', '[ "lib" ]', '[ ]', '[ "out" "out" ]', '[ "drvPath" ]'])};`,
      () => `__structuredAttrs = ${random.pick(['true', 'false', 'true'])};`,
      () => `__ignoreNulls = ${random.pick(['true', 'false'])};`,
      () => `outputHash = ${this.hash()};`,
      () => `outputHashAlgo = ${random.pick(['"sha256"', 'null', '""', '"sha1"', '"md5"', '"zzz"'])};`,
      () => `outputHashMode = ${random.pick(['"flat"', '"recursive"', '"nar"', '"text"', '"x"'])};`,
      () => `a = ${this.data(2)};`,
      () => `b = ${this.any(1)};`,
      () => `c = ${this.string()};`,
      () => `n = null;`,
      () => `__json = ${random.pick(['"{}"', '"{\\"a\\": 1.0}"', '"[]"', '"x"'])};`,
      () => `"a b" = 1;`,
      () => `d = derivation { name = "dep"; system = "s"; builder = "/b"; };`,
    ];
    for (const make of extra) if (random.below(4) === 0) parts.push(make());
    return `{ ${parts.join(' ')} }`;
  }
  closure(): string {
    const key = this.random.pick([() => this.small(), () => this.quote(this.random.pick(WORDS)), () => this.number(), () => this.data(1)]);
    const operator = this.random.pick([
      '(x: [ ])',
      '(x: [ { key = "z"; } ])',
      '(x: if x.key == 1 then [ { key = 2; } { key = 3; } ] else [ ])',
      '(x: 1)',
    ]);
    return `{ startSet = ${this.list(() => this.random.pick([`{ key = ${key()}; }`, `{ key = ${key()}; v = 1; }`]), 6)}; operator = ${operator}; }`;
  }
}

type Make = (make: Expressions) => string[];

/** Arguments for each builtin, mostly of the kinds it wants. */
const CALLS: Readonly<Record<string, Make>> = {
  add: (m) => [m.number(), m.number()],
  sub: (m) => [m.number(), m.number()],
  mul: (m) => [m.number(), m.number()],
  div: (m) => [m.number(), m.number()],
  ceil: (m) => [m.number()],
  floor: (m) => [m.number()],
  bitAnd: (m) => [m.int(), m.int()],
  bitOr: (m) => [m.int(), m.int()],
  bitXor: (m) => [m.int(), m.int()],
  lessThan: (m) => m.random.pick([() => [m.number(), m.number()], () => [m.string(), m.string()], () => [m.data(), m.data()]])(),
  attrNames: (m) => [m.set(() => m.any())],
  attrValues: (m) => [m.set(() => m.data())],
  getAttr: (m) => [m.name(), m.set(() => m.data())],
  hasAttr: (m) => [m.name(), m.set(() => m.any())],
  removeAttrs: (m) => [m.set(() => m.data()), m.list(() => m.name())],
  intersectAttrs: (m) => [m.set(() => m.any()), m.set(() => m.data())],
  catAttrs: (m) => [m.name(), m.list(() => m.set(() => m.data()))],
  listToAttrs: (m) => [m.list(() => `{ name = ${m.name()}; value = ${m.data()}; }`)],
  mapAttrs: (m) => [m.function2(), m.set(() => m.data())],
  zipAttrsWith: (m) => [m.function2(), m.list(() => m.set(() => m.data()))],
  all: (m) => [m.predicate(), m.list(() => m.data(1))],
  any: (m) => [m.predicate(), m.list(() => m.data(1))],
  concatLists: (m) => [m.list(() => m.list(() => m.data(1)))],
  concatMap: (m) => [m.function1(), m.list(() => m.data(1))],
  elem: (m) => [m.data(1), m.list(() => m.data(1), 12)],
  elemAt: (m) => [m.list(() => m.data(1)), m.small()],
  head: (m) => [m.list(() => m.any(1))],
  tail: (m) => [m.list(() => m.data(1))],
  length: (m) => [m.list(() => m.any(1))],
  map: (m) => [m.function1(), m.list(() => m.data(1))],
  filter: (m) => [m.predicate(), m.list(() => m.data(1))],
  "foldl'": (m) => [m.function2(), m.data(1), m.list(() => m.data(1))],
  genList: (m) => [m.function1(), m.small()],
  sort: (m) =>
    m.random.pick([
      () => [m.function2(), m.list(() => m.small(), 30)],
      () => ['builtins.lessThan', m.list(() => m.number(), 8)],
      () => ['builtins.lessThan', m.list(() => m.string())],
      () => [m.function2(), m.list(() => m.data(1))],
      () => ['(a: b: a.a < b.a)', m.list(() => `{ a = ${m.small()}; b = ${m.number()}; }`, 25)],
    ])(),
  partition: (m) => [m.predicate(), m.list(() => m.data(1))],
  groupBy: (m) => [m.random.pick(['toString', 'builtins.typeOf', '(x: x)']), m.list(() => m.data(1))],
  genericClosure: (m) => [m.closure()],
  toString: (m: Expressions) => [m.random.pick([() => m.any(), () => m.number(), () => m.data()])()],
  substring: (m) => [m.small(), m.small(), m.string()],
  stringLength: (m) => [m.string()],
  concatStringsSep: (m) => [m.string(), m.list(() => m.string())],
  replaceStrings: (m) => {
    const count = m.random.below(4);
    const strings = () => `[ ${Array.from({ length: count }, () => m.string()).join(' ')} ]`;
    return [strings(), strings(), m.string()];
  },
  match: (m) => [m.quote(m.random.pick(REGEXES)), m.string()],
  split: (m) => [m.quote(m.random.pick(REGEXES)), m.string()],
  compareVersions: (m) => [m.version(), m.version()],
  splitVersion: (m) => [m.version()],
  parseDrvName: (m) => [m.version()],
  functionArgs: (m) => [m.any()],
  typeOf: (m) => [m.any()],
  isAttrs: (m) => [m.any()],
  isFunction: (m) => [m.any()],
  isString: (m) => [m.any()],
  tryEval: (m) => [m.any()],
  seq: (m) => [m.any(), m.data()],
  deepSeq: (m) => [m.any(), m.data()],
  getContext: (m) => [m.string()],
  hasContext: (m) => [m.string()],
  unsafeDiscardStringContext: (m) => [m.any(1)],
  unsafeDiscardOutputDependency: (m) => [m.string()],
  addDrvOutputDependencies: (m) => [m.string()],
  toJSON: (m) => [m.random.pick([() => m.data(3), () => m.any()])()],
  fromJSON: (m) => [m.json()],
  fromTOML: (m) => [m.toml()],
  toXML: (m) => [m.random.pick([() => m.data(3), () => m.any()])()],
  hashString: (m) => [m.random.pick(['"md5"', '"sha1"', '"sha256"', '"sha512"', '"x"']), m.string()],
  convertHash: (m) => [
    `{ hash = ${m.hash()}; ${m.random.pick(['', 'hashAlgo = "sha256";', 'hashAlgo = "sha1";'])} toHashFormat = ${m.random.pick(['"base16"', '"nix32"', '"base64"', '"sri"'])}; }`,
  ],
  baseNameOf: (m) => [m.string()],
  dirOf: (m) => [m.random.pick([m.string(), '/a/b', '/.'])],
  toPath: (m) => [m.random.pick([m.string(), '"/a/../b"', '/a'])],
  toFile: (m) => [m.random.pick(['"x"', m.quote(m.text())]), m.string()],
  placeholder: (m) => [m.string()],
  derivationStrict: (m) => [m.derivation()],
  parseFlakeRef: (m) => [
    m.random.pick(
      '"github:a/b" "github:a/b/c" "github:a/b?ref=x" "github:a/b?dir=c&rev=0123456789012345678901234567890123456789" "gitlab:a/b" "git+file:///x?ref=m" "git+https://h/p?rev=0123456789012345678901234567890123456789" "path:/x" "/x" "nixpkgs" "nixpkgs/r" "https://h/x.tar.gz" "tarball+https://h/x" "file+https://h/x" "flake:a" "github:a" "x:y" "" "sourcehut:~a/b" "hg+https://h/x" "path:./x" "git+ssh://git@h/x" "github:a/b#c"'.split(
        ' ',
      ),
    ),
  ],
  flakeRefToString: (m) => [
    `{ type = ${m.random.pick(['"github"', '"git"', '"path"', '"indirect"', '"tarball"', '"x"'])}; ${['owner = "o";', 'repo = "r";', 'url = "https://h/x";', 'path = "/p";', 'id = "i";', 'ref = "m";', 'dir = "d";', 'lastModified = 1;'].filter(() => m.random.below(2) === 0).join(' ')} }`,
  ],
};

/** One call, as source text. Now and then an argument is of any kind. */
export function randomCall(random: Random, names: readonly string[]): string {
  const make = new Expressions(random);
  const name = random.pick(names);
  const args = CALLS[name]!(make).map((argument) => (random.below(25) === 0 ? make.any() : argument));
  return `(builtins.${name} ${args.join(' ')})`;
}

export const CALLED_BUILTINS: readonly string[] = Object.keys(CALLS);

/** What an evaluation gave: the printed value, or the message of the error. */
export type Outcome = { readonly value: string } | { readonly error: string };

function messageOf(report: string): string {
  const text = filterEscapes(report, true);
  const start = text.lastIndexOf('error: ');
  return (
    text
      .slice(start + 'error: '.length)
      .replace(/\nTry '[a-z-]+ --help' for more information\./, '')
      // Blanks at a line's end stay where C++ Nix's colours hide them.
      .replace(/^ +| +$/gm, '')
      .replace(/\nat «[^]*/, '')
      // A function in a set or list is a thunk there, until something looks at it.
      .replace(/«(?:lambda|primop|partially applied primop)[^«»]*(?:«[^»]*»[^»]*)?»/g, '«thunk»')
      // A byte that is no character by itself.
      .replace(/illegal character '[^\x20-\x7e]'/g, "illegal character '?'")
      // Of several errors in a TOML text, the first.
      .replace(/(while parsing TOML: \[error\][^]*?)\n?\[error\][^]*/, '$1')
      .trim()
  );
}

/** The value or message of an expression, here. */
export function evaluateHere(expression: string, folder: string): Outcome {
  const evaluator = new Evaluator({ host: new DiskHost({ log: () => {} }), builtins: BUILTINS });
  try {
    const value = evaluator.evalText(utf8ToByteString(expression), folder, '«stdin»');
    evaluator.forceDeep(value);
    return { value: Buffer.from(printAmbiguous(value), 'latin1').toString('utf8') };
  } catch (error) {
    if (error instanceof FloeError) return { error: messageOf(printError(error, { showTrace: true })) };
    return { error: `host error: ${String(error)}` };
  }
}

/** The same from a real Nix; `command` is what it is started with. */
export function evaluateThere(command: readonly string[], expression: string, folder: string): Outcome {
  const { status, stdout, stderr } = spawnSync(command[0]!, [...command.slice(1), 'nix-instantiate', '--eval', '--strict', '-'], {
    input: expression,
    encoding: 'utf8',
    cwd: folder,
    env: { ...process.env, NIX_STORE_DIR: '/nix/store' },
    maxBuffer: 1 << 28,
  });
  return status === 0 ? { value: stdout.trimEnd() } : { error: messageOf(stderr) };
}

/** Evaluates calls both ways and gives those that differ. */
export function compareCalls(command: readonly string[], calls: readonly string[], folder: string): Difference[] {
  const differences: Difference[] = [];
  const good: { expression: string; value: string }[] = [];
  for (const expression of calls) {
    const here = evaluateHere(expression, folder);
    if ('value' in here) {
      good.push({ expression, value: here.value });
      continue;
    }
    const there = evaluateThere(command, expression, folder);
    // Where several attributes fail, the first is the one whose name was seen first, here by the whole process.
    if ('error' in there && /^\(builtins\.(?:mapAttrs|zipAttrsWith) /.test(expression)) continue;
    if (!('error' in there) || there.error !== here.error)
      differences.push({ shown: expression, here: here.error, there: printOutcome(there) });
  }
  const agree = (cases: readonly (typeof good)[number][]): boolean => {
    const there = evaluateThere(command, `[ ${cases.map(({ expression }) => expression).join('\n')} ]`, folder);
    return 'value' in there && there.value === `[ ${cases.map(({ value }) => value).join(' ')} ]`;
  };
  for (const { expression, value } of narrowDown(good, agree))
    differences.push({ shown: expression, here: value, there: printOutcome(evaluateThere(command, expression, folder)) });
  return differences;
}

const printOutcome = (outcome: Outcome): string => ('value' in outcome ? outcome.value : outcome.error);

if (process.argv[1] === import.meta.filename)
  await hunt('calls', 250, (random, size, command, names) => {
    const calls = Array.from({ length: size }, () => randomCall(random, names.length === 0 ? CALLED_BUILTINS : names));
    return compareCalls(command, calls, `${import.meta.dirname}/../builtins`);
  });
