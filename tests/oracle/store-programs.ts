// Random programs about what lies outside of the language: files and folders with odd names (path, filterSource, readDir, readFileType,
// hashFile, import, ...), derivations with odd attributes, and the contexts of strings that come from both. Whole command lines are compared:
// paths in the store, which stand for the bytes of what is there, messages and traces.
//
//   FLOE_ORACLE=... node tests/oracle/store-programs.ts [SEED] [COUNT]

import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compareInvocations, hunt, type Invocation, type Random, temporaryPlace, type Workplace } from './compare.ts';

const FILES: Readonly<Record<string, string>> = {
  plain: 'text\n',
  empty: '',
  é: 'latin',
  'a b': 'blank',
  '.hidden': 'dot',
  'ques?tion': 'q',
  'back\\slash': 'b',
  'UP.TXT': 'up',
  bytes: '\xff\xfe\x80\x00x',
  'dir/a': 'a',
  'dir/.b': 'b',
  'dir/sub/c c': 'c',
  'dir/sub/exec*': '#!/bin/sh\n',
  'dir/z.drv': 'not a derivation',
  'value.nix': '{ a = 1; b = "x"; f = x: x; }',
  'function.nix': '{ x ? 1, y }: x + y',
  'broken.nix': '{ a = ; }',
  'throws.nix': 'throw "from throws.nix"',
  'imports.nix': '(import ./value.nix) // { c = import ./modules; }',
  'modules/default.nix': 'map import [ ./one.nix ./two.nix ]',
  'modules/one.nix': '{ one = __curPos; here = ./.; }',
  'modules/two.nix': 'builtins.readDir ./.',
  'latin.nix': '# \xe9\n"\xe9" + 1',
  'crlf.nix': '{\r\n  a = 1;\r\n  b = a;\r\n}\r\n',
  'cr.nix': '{\r  a = throw "x";\r  b = 1;\r}',
  'tabs.nix': '{\n\ta =\t1 +\t"x";\n}\n',
  'bom.nix': '\xef\xbb\xbf1',
  'data.json': '{"a": [1, 2.5, null], "é": "\\u00e9"}',
  'data.toml': 'a = 1\n[t]\nd = "x"\n',
};
const LINKS: Readonly<Record<string, string>> = { link: 'plain', dangling: 'nowhere', dirlink: 'dir', 'dir/up': '../plain', loop: 'loop' };

/** Writes the files that programs speak of. */
export function fillWorkplace({ work }: Workplace): void {
  if (existsSync(join(work, 'plain'))) return;
  for (const [name, text] of Object.entries(FILES)) {
    const isExecutable = name.endsWith('*');
    const file = join(work, isExecutable ? name.slice(0, -1) : name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, Buffer.from(text, name.endsWith('.json') || name === 'é' ? 'utf8' : 'latin1'));
    if (isExecutable) chmodSync(file, 0o755);
  }
  for (const [name, target] of Object.entries(LINKS)) symlinkSync(target, join(work, name));
}

// Not the root: it has the whole machine below it.
const PLACES = [
  ...Object.keys(FILES).map((name) => name.replace('*', '')),
  ...Object.keys(LINKS),
  'dir',
  'dir/sub',
  'modules',
  'nothing',
  'dir/none/x',
  'plain/x',
  'dirlink/a',
  '.',
  '..',
  '',
];
const NIX_FILES = PLACES.filter((name) => name.endsWith('.nix')).concat('modules', 'plain', 'dir', 'nothing', 'data.json');
const HASHES = ['"sha256"', '"sha512"', '"sha1"', '"md5"', '"blake3"', '"sha3"', '""'];
const SYSTEMS = ['"x86_64-linux"', '"s"', 'builtins.currentSystem', '""'];
const FIXED = [
  '"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="',
  '"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"',
  '"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="',
  '"sha1:2jmj7l5rSw0yVb/vlWAYkK/YBwk="',
  '"sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="',
  '""',
  '"zzz"',
  'null',
  '1',
  '"1b2m2y8asgtpgamy7phcjg==" ',
  '"d41d8cd98f00b204e9800998ecf8427e"',
  '"sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"',
];

class Programs {
  readonly #random: Random;
  constructor(random: Random) {
    this.#random = random;
  }

  #pick(...makes: (() => string)[]): string {
    return this.#random.pick(makes)();
  }

  #quote(text: string): string {
    return `"${text.replace(/["\\$]/g, '\\$&')}"`;
  }

  /** A path value, or now and then a string that names one. */
  path(): string {
    const { once, pick } = this.#bound();
    const place = pick(PLACES);
    if (once(8) && place !== '') return this.#quote(`/${place}`);
    if (once(8)) return `(toString ./. + ${this.#quote(`/${place}`)})`;
    return place === '' || place === '.' ? './.' : `(./. + ${this.#quote(`/${place}`)})`;
  }

  #bound(): { once: (times: number) => boolean; pick: <T>(choices: readonly T[]) => T } {
    const random = this.#random;
    return { once: (times) => random.once(times), pick: (choices) => random.pick(choices) };
  }

  #filter(): string {
    return this.#random.pick([
      '(p: t: true)',
      '(p: t: false)',
      '(p: t: t == "regular")',
      '(p: t: t != "directory" || baseNameOf p != "sub")',
      '(p: t: builtins.match ".*[ab].*" (baseNameOf p) != null)',
      '(p: t: 1)',
      '(p: true)',
      '(p: t: throw "${t}: ${baseNameOf p}")',
      '(p: t: builtins.readFileType p == t)',
    ]);
  }

  /** An expression about files. */
  file(depth: number): string {
    const { once, pick } = this.#bound();
    return this.#pick(
      () => `builtins.readFile ${this.path()}`,
      () => `builtins.readDir ${this.path()}`,
      () => `builtins.readFileType ${this.path()}`,
      () => `builtins.pathExists ${this.path()}`,
      () => `builtins.hashFile ${pick(HASHES)} ${this.path()}`,
      () => `builtins.filterSource ${this.#filter()} ${this.path()}`,
      () =>
        `builtins.path { path = ${this.path()};${once(2) ? ` name = ${this.name()};` : ''}${once(2) ? ` filter = ${this.#filter()};` : ''}${once(2) ? ` recursive = ${pick(['true', 'false', 'false', '1'])};` : ''}${once(4) ? ` sha256 = ${pick(FIXED)};` : ''}${once(20) ? ' odd = 1;' : ''} }`,
      () => `"\${${this.path()}}"`,
      () => `builtins.toString ${this.path()}`,
      () => `baseNameOf ${this.path()}`,
      () => `dirOf ${this.path()}`,
      () => `builtins.storePath ${this.path()}`,
      () => `builtins.toJSON ${this.path()}`,
      () => `builtins.toXML ${this.path()}`,
      () => `builtins.toPath ${this.path()}`,
      () =>
        `builtins.findFile [ { prefix = ${pick(['""', '"a"', '"dir"'])}; path = ${pick(['./.', './dir', '(toString ./.)', '"/nowhere"'])}; } ] ${pick(['"dir"', '"plain"', '"a"', '"dir/a"', '"a/a"', '""', '"none"'])}`,
      () => `builtins.fromJSON (builtins.readFile ${pick(['./data.json', './data.toml', './plain'])})`,
      () => `builtins.fromTOML (builtins.readFile ${pick(['./data.json', './data.toml', './plain'])})`,
      () => `(${this.path()} + ${this.#quote(pick(['', '/', 'x', '/..', '/a', '/../..', '\x00'.slice(1), '//dir//a']))})`,
      () => `import ${pick(NIX_FILES.map((name) => (name.includes('.') ? `./${name}` : `(./. + "/${name}")`)))}`,
      () => `import ./function.nix { ${pick(['y = 2;', 'x = "s"; y = 1;', '', 'z = 1;', 'y = throw "y";'])} }`,
      () =>
        `scopedImport { ${pick(['a = 1;', 'import = x: 5;', 'throw = x: "caught ${x}";', ''])} } ${pick(['./value.nix', './throws.nix', './modules', './crlf.nix'])}`,
      () => `(import ./imports.nix).${pick(['a', 'c', 'f', 'none', 'f 1'])}`,
      () => `(import ./${pick(['crlf', 'cr', 'tabs', 'latin', 'bom', 'broken'])}.nix)${pick(['', '.a', '.b', '.c'])}`,
      () => (depth > 0 ? `builtins.getContext ${this.string(depth - 1)}` : '1'),
      () => `builtins.unsafeGetAttrPos ${pick(['"a"', '"b"', '"none"'])} (import ./${pick(['value', 'imports', 'tabs'])}.nix)`,
    );
  }

  name(): string {
    return this.#random.pick([
      '"x"',
      '"x-1.0"',
      '"a+b_c?d=e"',
      '""',
      '".x"',
      '"x.drv"',
      '"a b"',
      '"é"',
      '"x/y"',
      `"${'n'.repeat(211)}"`,
      `"${'n'.repeat(212)}"`,
      '"..x"',
      '"."',
      '".."',
      '".-x"',
      '"x" + "y"',
      '1',
      'null',
      '"0"',
    ]);
  }

  /** An expression for a string, often with context. */
  string(depth: number): string {
    const { once } = this.#bound();
    const sub = (): string => this.string(depth - 1);
    if (depth <= 0 || once(4)) {
      return this.#pick(
        () => this.#quote(this.#random.pick(['', 'a', 'x y', '/nix/store', 'é', '$out', 'a\\n'])),
        () => '"${./plain}"',
        () => '(builtins.toFile "t" "text")',
        () => 'D.outPath',
        () => 'D.drvPath',
        () => 'M.dev',
        () => '"${M}"',
        () => '"${C}"',
        () => '(builtins.placeholder "out")',
        () => '"${F}"',
        () => '(toString ./dir)',
      );
    }
    return this.#pick(
      () => `(${sub()} + ${sub()})`,
      () => `"${'a${'}${sub()}} \${${sub()}}"`,
      () => `(builtins.unsafeDiscardStringContext ${sub()})`,
      () => `(builtins.unsafeDiscardOutputDependency ${sub()})`,
      () => `(builtins.addDrvOutputDependencies ${sub()})`,
      () => `(builtins.appendContext ${sub()} (builtins.getContext ${sub()}))`,
      () => `(builtins.appendContext ${sub()} ${this.context(depth - 1)})`,
      () => `(builtins.substring ${this.#random.pick(['0', '1', '5', '100'])} ${this.#random.pick(['0', '3', '(-1)'])} ${sub()})`,
      () => `(builtins.replaceStrings [ ${sub()} "a" ] [ ${sub()} "b" ] ${sub()})`,
      () => `(builtins.concatStringsSep ${sub()} [ ${sub()} ${sub()} ])`,
      () => `(builtins.toJSON { a = ${sub()}; b = [ ${sub()} ]; })`,
      () => `(builtins.toXML [ ${sub()} D ])`,
      () => `(builtins.toFile ${this.name()} ${sub()})`,
      () => `(baseNameOf ${sub()})`,
      () => `(dirOf ${sub()})`,
      () => `(builtins.elemAt (builtins.split "(-)" ${sub()}) 0)`,
      () => `(builtins.hashString "md5" ${sub()})`,
      () => `(builtins.head (builtins.attrNames { \${${sub()}} = 1; }))`,
      () => `(toString [ ${sub()} D ./plain ])`,
      () => `(builtins.storePath ${sub()})`,
      () => `(builtins.readFile ${sub()})`,
      () => `(builtins.toString (builtins.path { path = ./dir; name = ${sub()}; }))`,
      () => `(builtins.outputOf ${sub()} "out")`,
    );
  }

  context(depth: number): string {
    const { once, pick } = this.#bound();
    const key = pick([
      '"${builtins.unsafeDiscardStringContext D.drvPath}"',
      '"${builtins.unsafeDiscardStringContext F}"',
      '"/nix/store/x"',
      '"a"',
      `"\${builtins.storeDir}/${'0'.repeat(32)}-x"`,
      `"\${builtins.storeDir}/${'0'.repeat(32)}-x.drv"`,
    ]);
    const parts = [
      'path = true;',
      'allOutputs = true;',
      'outputs = [ "out" "dev" ];',
      'path = false;',
      'outputs = [ ];',
      'odd = 1;',
      'path = 1;',
      'outputs = "out";',
    ];
    return once(6) ? `(builtins.getContext ${this.string(depth - 1)})` : `{ ${key} = { ${parts.filter(() => once(5)).join(' ')} }; }`;
  }

  /** A value for a derivation's attribute. */
  value(depth: number): string {
    const { once } = this.#bound();
    const sub = (): string => this.value(depth - 1);
    if (depth <= 0 || once(3))
      return this.#pick(
        () => this.string(1),
        () => '1',
        () => 'true',
        () => 'false',
        () => 'null',
        () => '1.5',
        () => '(-7)',
        () => './plain',
        () => 'D',
        () => '[ ]',
        () => '{ }',
        () => '1.0e100',
        () => '9223372036854775807',
      );
    return this.#pick(
      () => `[ ${this.#random.list(4, sub).join(' ')} ]`,
      () => `{ ${this.#random.list(3, (index) => `${['a', '"b c"', 'c'][index]} = ${sub()};`).join(' ')} }`,
      () => '{ outPath = "/o"; }',
      () => '{ __toString = self: "ts"; x = 1; }',
      () => '(x: x)',
      () => '(throw "value")',
      () => `(builtins.toJSON ${sub()})`,
      () => this.string(depth),
      () => '{ outPath = D; type = "derivation"; }',
    );
  }

  derivation(depth: number): string {
    const { once, pick } = this.#bound();
    const outputs = (): string =>
      pick([
        '[ "out" ]',
        '[ "out" "dev" ]',
        '[ "dev" "out" ]',
        '[ "bin" "lib" "doc" ]',
        '[ ]',
        '[ "out" "out" ]',
        '"out dev"',
        '[ "drv" ]',
        '[ "drvPath" ]',
        '[ "outPath" ]',
        '[ "a b" ]',
        '[ 1 ]',
        '[ "" ]',
        '[ "out" ./plain ]',
        'null',
      ]);
    const extra: (() => string)[] = [
      () => `args = ${pick([`[ ${this.#random.list(3, () => this.value(1)).join(' ')} ]`, '[ "-c" "x" ]', '"x"', 'null'])};`,
      () => `outputs = ${outputs()};`,
      () => `__structuredAttrs = ${pick(['true', 'true', 'false', 'null', '1'])};`,
      () => `__ignoreNulls = ${pick(['true', 'true', 'false', '1'])};`,
      () => `outputHash = ${pick(FIXED)};`,
      () => `outputHashAlgo = ${pick(['"sha256"', 'null', '""', '"sha1"', '"md5"', '"sha512"', '"x"', '"nar"'])};`,
      () => `outputHashMode = ${pick(['"flat"', '"recursive"', '"nar"', '"text"', '"git"', '"x"', 'null'])};`,
      () => `__contentAddressed = ${pick(['true', 'false'])};`,
      () => `__impure = ${pick(['true', 'false'])};`,
      () => `__json = ${pick(['"{}"', '"{\\"a\\":1}"', '"x"'])};`,
      () =>
        `exportReferencesGraph = ${pick(['[ "g" D ]', '[ "g" ]', '{ g = [ D ]; }', '[ "g" D "h" M.dev ]', '[ "g" D.drvPath ]', '"g ${D}"'])};`,
      () =>
        `${pick(['allowedReferences', 'disallowedRequisites', 'allowedRequisites', 'disallowedReferences'])} = ${pick(['[ ]', '[ "out" ]', '[ D ]', 'null', '"x"'])};`,
      () => `outputChecks = ${pick(['{ out.maxSize = 1; }', '{ }', '1'])};`,
      () => `impureEnvVars = [ "A" ];`,
      () => `passAsFile = ${pick(['[ "a" ]', '"a"'])};`,
      () => `preferLocalBuild = ${pick(['true', '"x"'])};`,
      () => `requiredSystemFeatures = ${pick(['[ "x" ]', '"x"'])};`,
      () => `nul = null;`,
      () => `a = ${this.value(depth)};`,
      () => `b = ${this.value(depth)};`,
      () => `"c d" = ${this.value(depth - 1)};`,
      () => `out = ${this.value(0)};`,
      () => `é = ${this.value(0)};`,
      () => `meta = { x = throw "meta"; };`,
      () => `env = { A = 1; };`,
      () => `drvPath = "x";`,
      () => `type = ${this.value(0)};`,
    ];
    const all = [
      `name = ${once(5) ? this.name() : '"x"'};`,
      `system = ${once(5) ? pick([...SYSTEMS, '1', 'null']) : '"s"'};`,
      `builder = ${once(5) ? this.value(1) : '"/b"'};`,
    ].filter(() => !once(30));
    return `{ ${[...all, ...extra.filter(() => once(7)).map((make) => make())].join(' ')} }`;
  }

  program(): string {
    const { pick } = this.#bound();
    const d = (): string => `derivation ${this.derivation(2)}`;
    return this.#pick(
      () => this.file(2),
      () => this.file(2),
      () => `builtins.getContext ${this.string(3)}`,
      () => `let s = ${this.string(3)}; in [ s (builtins.hasContext s) (builtins.getContext s) ]`,
      () => `let d = ${d()}; in [ d.drvPath d.outPath ]`,
      () => `let d = ${d()}; in [ d.drvPath (builtins.attrNames d) (map (o: o.outPath) d.all) d.outputName or null ]`,
      () => `(${d()}).${pick(['drvPath', 'outPath', 'dev', 'out.dev', 'all', 'type', 'drvAttrs.name', 'bin.outputName'])}`,
      () => `derivationStrict ${this.derivation(2)}`,
      () => `"\${${d()}}"`,
      () => `builtins.toJSON (${d()})`,
      () => `let d = ${d()}; in builtins.getContext "\${d}\${d.drvPath}"`,
    );
  }
}

const PRELUDE = `let
  D = derivation { name = "d"; system = "s"; builder = "/b"; };
  M = derivation { name = "m"; system = "s"; builder = "/b"; outputs = [ "out" "dev" ]; };
  C = derivation { name = "c"; system = "s"; builder = "/b"; args = [ D M.dev ]; src = ./dir; };
  F = derivation { name = "f"; system = "s"; builder = "builtin:fetchurl"; outputHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; outputHashMode = "recursive"; };
in`;
const FEATURES = [
  '',
  '',
  '',
  'ca-derivations',
  'impure-derivations ca-derivations',
  'dynamic-derivations ca-derivations',
  'blake3-hashes git-hashing',
];

/** Whether a derivation's path was asked for before shows in messages with the whole set; builds are refused in another order. */
export function comparableMessages(text: string): string {
  return text
    .replace(/^[^]*(Cannot build|build of )[^]*$/, 'cannot build')
    .replace(/drvPath = (\xc2\xabthunk\xc2\xbb|"[^"]*")/g, 'drvPath');
}

/** A program and how it is evaluated. */
export function storeProgram(random: Random): Invocation {
  const text = `${PRELUDE}\n${new Programs(random).program()}`;
  const features = random.pick(FEATURES);
  const words = [
    'nix-instantiate',
    '--eval',
    '--strict',
    '--read-write-mode',
    ...random.pick([[], [], ['--show-trace'], ['--json'], ['--xml']]),
  ];
  if (features !== '') words.push('--extra-experimental-features', features);
  return { words: [...words, '-'], stdin: Buffer.from(text, 'utf8').toString('latin1') };
}

if (process.argv[1] === import.meta.filename)
  await hunt('programs', 100, (random, size, command) => {
    fillWorkplace(temporaryPlace());
    return compareInvocations(
      temporaryPlace(),
      command,
      Array.from({ length: size }, () => storeProgram(random)),
      comparableMessages,
    );
  });
