// Random derivations with the attributes that builders, checks and registration go by, built by floe and by a real Nix in the same empty
// store: exit statuses, messages and what the stores know afterwards must be equal.
//
//   FLOE_ORACLE=... node tests/oracle/derivations.ts [SEED] [COUNT] [sandboxed]

import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { isDeepStrictEqual } from 'node:util';
import { ComparedStore, type Ran } from '../support/compared-store.ts';
import { findStaticBusybox } from '../support/static-busybox.ts';
import { Random } from './compare.ts';

const CONFIG = `extra-experimental-features = nix-command ca-derivations impure-derivations dynamic-derivations
allowed-impure-host-deps = /etc`;
/** What scripts start; all of it is one program in the sandbox. */
const APPLETS = ['sh', 'mkdir', 'ln', 'chmod', 'cp'];

const OUTPUTS = [['out'], ['out'], ['out'], ['out', 'dev'], ['dev', 'out'], ['lib', 'bin']];
const HASHES = ['sha256', 'sha1', 'sha512', 'md5'];

/** Structured attributes that are not what they should be. C++ Nix repeats warnings, so what is only warned of is not here. */
export const WRONG_TYPES: readonly string[] = [
  'outputChecks = [ ];',
  'outputChecks.out = 1;',
  'outputChecks.out.allowedReferences = "out";',
  'outputChecks.out.disallowedRequisites = [ 1 ];',
  'outputChecks.out.maxSize = "1";',
  'outputChecks.out.maxSize = -1;',
  'outputChecks.out.maxClosureSize = 1.5;',
  'unsafeDiscardReferences = true;',
  'unsafeDiscardReferences.out = 1;',
  'exportReferencesGraph.graph = 1;',
  'exportReferencesGraph.graph = "/nowhere";',
  'requiredSystemFeatures = "kvm";',
  'requiredSystemFeatures = [ 1 ];',
  'allowSubstitutes = "1";',
  'preferLocalBuild = 1;',
  '__noChroot = "1";',
  'impureEnvVars = "HOME";',
  '__impureHostDeps = null;',
  '__sandboxProfile = 1;',
  '__darwinAllowLocalNetworking = 1;',
  'outputChecks.nowhere.allowedReferences = [ ];',
  'outputChecks.out.allowedReferences = [ "dev" ];',
  'outputChecks.out.unknown = 1;',
  'passAsFile = [ "text" ]; text = "x";',
];

/** One file of derivations `d0`, `d1`, ...; later ones may name earlier ones. */
class Derivations {
  readonly #random: Random;
  readonly #outputs: (readonly string[])[] = [];
  /** Whether a derivation can be named at all (impure ones are refused by most). */
  readonly #named: boolean[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  #chance(oneIn: number): boolean {
    return this.#random.below(oneIn) === 0;
  }

  /** An expression for a path of an earlier derivation; undefined where there is none. */
  #earlier(): string | undefined {
    const names = this.#outputs.flatMap((outputs, index) => (this.#named[index]! ? outputs.map((output) => `d${index}.${output}`) : []));
    return names.length === 0 ? undefined : this.#random.pick(names);
  }

  /** A reference as checks name them. */
  #reference(outputs: readonly string[]): string {
    const earlier = this.#earlier();
    if (this.#chance(12)) return this.#random.pick(['"nowhere"', '"/nix/store"', '"x y"', '"\${builtins.storeDir}/x"', 'null']);
    if (earlier !== undefined && this.#chance(2)) return earlier;
    return `"${this.#random.pick(outputs)}"`;
  }

  #references(outputs: readonly string[]): string {
    return `[ ${Array.from({ length: this.#random.below(3) }, () => this.#reference(outputs)).join(' ')} ]`;
  }

  #checks(outputs: readonly string[]): string[] {
    const names = ['allowedReferences', 'allowedRequisites', 'disallowedReferences', 'disallowedRequisites'];
    return names.flatMap((name) => (this.#chance(5) ? [`${name} = ${this.#references(outputs)};`] : []));
  }

  /** What one output is made of, as shell words. */
  #making(output: string, outputs: readonly string[], structured: boolean): string {
    const own = (name: string) => (structured ? `\${builtins.placeholder "${name}"}` : `$${name}`);
    const path = own(output);
    const mention = [`text${this.#random.below(3)}`];
    if (this.#chance(3)) mention.push(own(this.#random.pick(outputs)));
    const earlier = this.#earlier();
    if (earlier !== undefined && this.#chance(2)) mention.push(`\${${earlier}}`);
    if (earlier !== undefined && this.#chance(5)) mention.push(`\${builtins.unsafeDiscardStringContext ${earlier}}`);
    const words = mention.join(' ');
    switch (this.#random.below(12)) {
      case 0:
        return `mkdir ${path}; echo ${words} > ${path}/file; ln -s ${mention.at(-1)!} ${path}/link; mkdir ${path}/empty`;
      case 1:
        return `ln -s ${mention.at(-1)!} ${path}`;
      case 2:
        return `mkdir ${path}; echo ${words} > ${path}/a; chmod ${this.#random.pick(['755', '600', '777', '4755'])} ${path}/a`;
      case 3:
        return this.#chance(3) ? `echo not made` : `echo ${words} > ${path}`;
      case 4:
        return this.#chance(3)
          ? `echo ${words} > ${path}; chmod ${this.#random.pick(['666', '755', '000'])} ${path}`
          : `echo ${words} > ${path}`;
      default:
        return `echo ${words} > ${path}`;
    }
  }

  #script(outputs: readonly string[], structured: boolean): string {
    const parts = outputs.map((output) => this.#making(output, outputs, structured));
    if (this.#chance(4)) parts.unshift(`echo "log line" >&2`);
    if (this.#chance(15)) parts.push(this.#random.pick(['exit 3', 'kill -9 $$', 'false; exit', 'exit 0']));
    return `PATH=/usr/bin:/bin; set -e; ${parts.join('; ')}; :`;
  }

  #addressing(outputs: readonly string[]): { attributes: string[]; isImpure: boolean; outputs: readonly string[] } {
    const random = this.#random;
    const mode = () => random.pick(['"recursive"', '"nar"', '"flat"', '"flat"', '"text"']);
    switch (random.below(9)) {
      case 0:
      case 1: {
        const attributes = ['__contentAddressed = true;'];
        const wanted = this.#chance(2) ? '"recursive"' : mode();
        if (!this.#chance(3)) attributes.push(`outputHashMode = ${wanted};`);
        if (!this.#chance(3)) attributes.push(`outputHashAlgo = "${wanted === '"text"' ? 'sha256' : random.pick(HASHES)}";`);
        return { attributes, isImpure: false, outputs };
      }
      case 2: {
        const wanted = mode();
        // C++ Nix crashes on text hashed otherwise.
        const algorithm = wanted === '"text"' ? 'sha256' : random.pick(HASHES);
        const hash = `builtins.hashString "${algorithm}" "text${random.below(3)}\\n"`;
        const attributes = [`outputHash = ${this.#chance(8) ? '""' : hash};`, `outputHashAlgo = "${algorithm}";`];
        if (wanted === '"text"' || this.#chance(3)) attributes.push(`outputHashMode = ${wanted};`);
        if (this.#chance(12)) attributes.push('__contentAddressed = true;');
        return { attributes, isImpure: false, outputs: this.#chance(12) ? outputs : ['out'] };
      }
      case 3:
        return this.#chance(2)
          ? { attributes: ['__impure = true;'], isImpure: true, outputs }
          : { attributes: [], isImpure: false, outputs };
      default:
        return { attributes: [], isImpure: false, outputs };
    }
  }

  #oddities(outputs: readonly string[], structured: boolean): string[] {
    const found: string[] = [];
    const maybe = (oneIn: number, ...texts: readonly string[]) => {
      if (this.#chance(oneIn)) found.push(this.#random.pick(texts));
    };
    const earlier = this.#earlier();
    maybe(15, 'requiredSystemFeatures = [ "big-parallel" ];', 'requiredSystemFeatures = [ "dance" ];', 'requiredSystemFeatures = [ ];');
    maybe(15, '__noChroot = true;', '__noChroot = false;');
    maybe(20, '__impureHostDeps = [ "/etc/passwd" ];', '__impureHostDeps = [ "/elsewhere" ];');
    maybe(15, 'preferLocalBuild = true;', 'allowSubstitutes = false;');
    maybe(20, 'impureEnvVars = [ "HOME" ];', 'impureEnvVars = [ "HOME" "NOWHERE" ];');
    maybe(15, '__ignoreNulls = true; nothing = null;', 'nothing = null; yes = true; no = false; number = 1; list = [ 1 "b" ];');
    maybe(40, 'system = "riscv-linux";', 'builder = "/nonexistent";', 'builder = "builtin:nothing";');
    if (earlier !== undefined)
      maybe(8, `exportReferencesGraph = ${structured ? `{ graph = [ ${earlier} ]; }` : `[ "graph" ${earlier} ]`};`);
    if (structured) {
      maybe(5, `unsafeDiscardReferences.${this.#random.pick(outputs)} = true;`);
      maybe(12, ...WRONG_TYPES);
      const limits = this.#random.pick(['', 'maxSize = 200;', 'maxSize = 100000;', 'maxClosureSize = 400;']);
      if (this.#chance(2)) {
        const checks = [...this.#checks(outputs), limits].join(' ').replaceAll('null', '"null"');
        found.push(`outputChecks.${this.#random.pick(outputs)} = { ${checks} };`);
      }
    } else {
      maybe(10, 'passAsFile = [ "text" ]; text = "some\\ntext";');
      found.push(...this.#checks(outputs));
    }
    return found;
  }

  /** The next derivation, as an attribute. */
  next(): string {
    const index = this.#outputs.length;
    const structured = this.#chance(3);
    const { attributes, isImpure, outputs } = this.#addressing(this.#random.pick(OUTPUTS));
    const lines = [
      `name = "n${index}";`,
      ...(outputs.length === 1 && outputs[0] === 'out' ? [] : [`outputs = [ ${outputs.map((output) => `"${output}"`).join(' ')} ];`]),
      ...(structured ? ['__structuredAttrs = true;'] : []),
      ...attributes,
      `args = [ "-c" "${this.#script(outputs, structured).replaceAll('"', '\\"').replaceAll('\\"out\\"', '"out"')}" ];`,
      ...this.#oddities(outputs, structured),
    ];
    this.#outputs.push(outputs);
    this.#named.push(!isImpure || this.#chance(10));
    // Attributes that are said twice are no program.
    const seen = new Set<string>();
    const unique = lines
      .flatMap((line) => line.split(/(?<=;) (?=[a-zA-Z_]+ = )/))
      .filter((line) => {
        const name = line.slice(0, line.indexOf(' ='));
        if (seen.has(name)) return false;
        seen.add(name);
        return true;
      });
    return `  d${index} = make {\n    ${unique.join('\n    ')}\n  };`;
  }
}

export interface Difference {
  readonly program: string;
  readonly words: string;
  readonly floe: unknown;
  readonly oracle: unknown;
}

/** Builds one file of derivations with both. */
export function compareDerivations(store: ComparedStore, random: Random, count: number): Difference[] {
  const derivations = new Derivations(random);
  const bodies = Array.from({ length: count }, () => derivations.next());
  const program = `rec {
  make = args: derivation ({ system = "x86_64-linux"; builder = "/bin/sh"; } // args);
${bodies.join('\n')}
}
`;
  writeFileSync(`${store.folder}/d.nix`, program);
  const lines = bodies.flatMap((_, index) => {
    const older = ['nix-build', 'd.nix', '--no-out-link', '-A', `d${index}`];
    const newer = ['nix', 'build', '--no-link', '--json', '-f', 'd.nix', `d${index}^*`];
    // C++ Nix's nix-build crashes on what is impure.
    const usesNewer = bodies[index]!.includes('__impure = true') || random.below(3) === 0;
    const [first, again] = usesNewer ? [newer, [...newer, '--rebuild']] : [older, [...older, '--check']];
    return random.below(4) === 0 ? [first, again] : [first];
  });
  const { floe, oracle } = store.compare(lines);
  const found: Difference[] = [];
  lines.forEach((words, index) => {
    const [ours, theirs] = [shown(floe.runs[index]!), shown(oracle.runs[index]!)];
    if (!isDeepStrictEqual(ours, theirs)) found.push({ program, words: words.join(' '), floe: ours, oracle: theirs });
  });
  if (!isDeepStrictEqual(floe.facts, oracle.facts)) {
    const only = (a: unknown[], b: unknown[]) => {
      const there = new Set(b.flatMap((list) => (list as unknown[]).map((one) => JSON.stringify(one))));
      return a.flatMap((list) => (list as unknown[]).map((one) => JSON.stringify(one))).filter((one) => !there.has(one));
    };
    found.push({ program, words: 'what the store knows', floe: only(floe.facts, oracle.facts), oracle: only(oracle.facts, floe.facts) });
  }
  return found;
}

/** Without times, and without the places where outputs lie while they are looked at. */
function shown({ status, stdout, stderr }: Ran): Ran {
  return {
    status,
    stdout: stdout.replace(/"(?:startTime|stopTime|cpuUser|cpuSystem)":\d+,?/g, ''),
    stderr: stderr.replace(/output path "[^"]*" should/g, 'output path should'),
  };
}

/** `busybox` is a static one, for sandboxed builds; without it there is no sandbox. */
export function derivationsStore(busybox?: string): ComparedStore {
  if (busybox === undefined) return new ComparedStore(CONFIG);
  const paths = APPLETS.map((name) => `/bin/${name}=${busybox}`).join(' ');
  return new ComparedStore(`${CONFIG}\nsandbox = relaxed\nsandbox-fallback = false\nsandbox-paths = ${paths}`);
}

if (process.argv[1] === import.meta.filename) {
  const [seed = '1', count = '10', sandboxed] = process.argv.slice(2);
  const store = derivationsStore(sandboxed === undefined ? undefined : findStaticBusybox());
  let different = 0;
  for (let round = 0; round < Number(count); round++) {
    const found = compareDerivations(store, new Random(Number(seed) + round), 8);
    for (const { words, floe, oracle, program } of found) {
      different++;
      const name = / (d\d+)/.exec(words)?.[1];
      const body = name === undefined ? '' : program.slice(program.indexOf(`  ${name} = `)).split('\n  };')[0]!;
      console.log(
        `--- seed ${Number(seed) + round}: ${words}\n${body}\nfloe:   ${JSON.stringify(floe, undefined, 1)}\noracle: ${JSON.stringify(oracle, undefined, 1)}`,
      );
    }
  }
  console.log(`${count} files, ${different} differences`);
  process.exit(different === 0 ? 0 : 1);
}
