// Random programs over the whole language (all kinds of values, scopes, laziness, errors), evaluated here and by a real Nix. Programs with
// a value are compared by that value, many in one run of the other; programs that fail by all that is written to standard error, traces included.
//
//   FLOE_ORACLE=... node tests/oracle/programs.ts [SEED] [COUNT]

import { spawnSync } from 'node:child_process';
import { FloeError } from '../../src/base/errors.ts';
import { byteStringOf, byteStringToUtf8, bytesOf, bytesOfText, textOfByteString, utf8ToByteString } from '../../src/base/bytes.ts';
import { printError } from '../../src/cli/print-error.ts';
import { filterEscapes } from '../../src/cli/terminal.ts';
import { BUILTINS } from '../../src/eval/builtins/index.ts';
import { Evaluator } from '../../src/eval/evaluator.ts';
import { printAmbiguous } from '../../src/eval/print.ts';
import { DiskHost } from '../support/eval-host.ts';
import { hunt, narrowDown, type Difference, type Random } from './compare.ts';

type Kind = 'int' | 'float' | 'string' | 'bool' | 'null' | 'list' | 'set' | 'function';

const KINDS: readonly Kind[] = ['int', 'int', 'float', 'string', 'string', 'bool', 'null', 'list', 'set', 'set', 'function'];
const NAMES = ['a', 'b', 'c', 'd', 'x', 'y', 'f', 'foo', "p'", 'n-1'];
const ATTRS = ['a', 'b', 'c', 'd', 'x', 'foo', '"x y"', 'or'];

interface Variable {
  readonly name: string;
  readonly kind: Kind | undefined;
}

/** Makes programs; `scope` holds the variables in sight. */
class Programs {
  readonly #random: Random;
  #scope: Variable[] = [];
  constructor(random: Random) {
    this.#random = random;
  }

  #chance(oneIn: number): boolean {
    return this.#random.below(oneIn) === 0;
  }

  #kind(): Kind {
    return this.#random.pick(KINDS);
  }

  #within<T>(variables: readonly Variable[], make: () => T): T {
    const before = this.#scope;
    this.#scope = [...before.filter(({ name }) => !variables.some((other) => other.name === name)), ...variables];
    const result = make();
    this.#scope = before;
    return result;
  }

  #variable(kind: Kind): string | undefined {
    const fitting = this.#scope.filter((variable) => variable.kind === undefined || variable.kind === kind);
    return fitting.length === 0 ? undefined : this.#random.pick(fitting).name;
  }

  /** An expression, nearly always of that kind. */
  expression(kind: Kind, depth: number): string {
    const random = this.#random;
    if (this.#chance(60)) return this.#failure(depth);
    if (this.#chance(40)) return this.expression(this.#kind(), depth - 1);
    if (random.below(3) === 0) {
      const name = this.#variable(kind);
      if (name !== undefined) return name;
    }
    if (depth <= 0) return this.#literal(kind);
    switch (random.below(14)) {
      case 0:
        return `(if ${this.expression('bool', depth - 1)} then ${this.expression(kind, depth - 1)} else ${this.expression(kind, depth - 1)})`;
      case 1:
        return this.#let(kind, depth);
      case 2:
        return this.#application(kind, depth);
      case 3:
        return this.#selection(kind, depth);
      case 4:
        return this.#with(kind, depth);
      case 5:
        return this.#chance(2)
          ? `(assert ${this.expression('bool', depth - 1)}; ${this.expression(kind, depth - 1)})`
          : this.#strictly(kind, depth);
      default:
        return this.#compound(kind, depth);
    }
  }

  #failure(depth: number): string {
    const random = this.#random;
    return random.pick([
      () => '(throw "t")',
      () => `(throw ${this.expression('string', depth - 1)})`,
      () => '(abort "a")',
      () => '(assert false; 1)',
      () => '(assert 1 == 2; 1)',
      () => '{ a = 1; }.b',
      () => '(let x = x; in x)',
      () => '(1 + "a")',
      () => '(rec { a = b; b = a; }.a)',
      () => '(builtins.head [ ])',
      () => '(1 / 0)',
      () => '(9223372036854775807 + 1)',
      () => '({ a, b }: a) { a = 1; }',
      () => '({ a }: a) { a = 1; foo = 2; }',
      () => '(builtins.elemAt [ 1 ] 3)',
    ])();
  }

  #literal(kind: Kind): string {
    const random = this.#random;
    switch (kind) {
      case 'int':
        return random.pick(
          ['0', '1', '2', '3', '-1', '7', '100', '9007199254740993', '9223372036854775807'].map((text) =>
            text[0] === '-' ? `(${text})` : text,
          ),
        );
      case 'float':
        return random.pick(['1.0', '0.5', '2.25', '1.0e10', '(-0.0)', '3.0e-5', '100000.0', '1234567.0']);
      case 'string':
        return random.pick([
          '"a"',
          '""',
          '"foo"',
          '"a b"',
          '"\\n\\t\\"\\\\"',
          "''  x\n  y''",
          '"$"',
          '"\\${a}"',
          "''''${x} '' ''",
          '"é"',
          "''''",
        ]);
      case 'bool':
        return random.pick(['true', 'false']);
      case 'null':
        return 'null';
      case 'list':
        return random.pick(['[ ]', '[ 1 2 ]', '[ "a" ]']);
      case 'set':
        return random.pick(['{ }', '{ a = 1; }', '{ a = 1; b = "x"; }', '{ a.b = 1; }']);
      case 'function':
        return random.pick([
          '(x: x)',
          '(x: y: x)',
          '({ a, ... }: a)',
          '({ a ? 1, ... }@args: args)',
          'builtins.typeOf',
          '(builtins.add 1)',
        ]);
    }
  }

  #compound(kind: Kind, depth: number): string {
    const random = this.#random;
    const sub = (of: Kind): string => this.expression(of, depth - 1);
    switch (kind) {
      case 'int':
        return random.pick([
          () => `(${sub('int')} ${random.pick(['+', '-', '*', '/'])} ${sub('int')})`,
          () => `(- ${sub('int')})`,
          () => `(builtins.length ${sub('list')})`,
          () => `(builtins.stringLength ${sub('string')})`,
          () => `(builtins.foldl' (a: b: a + 1) 0 ${sub('list')})`,
          () => `(builtins.${random.pick(['bitAnd', 'bitOr', 'bitXor'])} ${sub('int')} ${sub('int')})`,
        ])();
      case 'float':
        return random.pick([
          () => `(${sub('float')} ${random.pick(['+', '-', '*', '/'])} ${sub('float')})`,
          () => `(${sub('float')} + ${sub('int')})`,
          () => `(${sub('int')} * ${sub('float')})`,
        ])();
      case 'string':
        return random.pick([
          () => `(${sub('string')} + ${sub('string')})`,
          () => `"x\${${sub('string')}}y"`,
          () => `"\${${sub('string')}}\${toString ${this.expression(this.#kind(), depth - 2)}}"`,
          () => `''\n  l\${${sub('string')}}\n    m\n''`,
          () => `(toString ${this.expression(random.pick(['int', 'bool', 'null', 'list', 'float'] as const), depth - 1)})`,
          () => `(builtins.concatStringsSep "," ${this.#listOf('string', depth - 1)})`,
          () => `(builtins.toJSON ${this.expression(this.#kind(), depth - 1)})`,
          () => `(builtins.typeOf ${this.expression(this.#kind(), depth - 1)})`,
          () => `(builtins.substring ${random.pick(['0', '1'])} ${sub('int')} ${sub('string')})`,
          () => `(builtins.replaceStrings [ "a" "" ] [ "b" ${sub('string')} ] ${sub('string')})`,
        ])();
      case 'bool':
        return random.pick([
          () => `(${this.expression(this.#kind(), depth - 1)} ${random.pick(['==', '!='])} ${this.expression(this.#kind(), depth - 1)})`,
          () => {
            const same = this.#kind();
            return `(${sub(same)} ${random.pick(['==', '!='])} ${sub(same)})`;
          },
          () => `(${sub('int')} ${random.pick(['<', '>', '<=', '>='])} ${sub('int')})`,
          () => `(${sub('string')} < ${sub('string')})`,
          () => `(${sub('list')} < ${sub('list')})`,
          () => `(${sub('bool')} ${random.pick(['&&', '||', '->'])} ${sub('bool')})`,
          () => `(! ${sub('bool')})`,
          () => `(${sub('set')} ? ${this.#path()})`,
          () =>
            `(builtins.${random.pick(['isAttrs', 'isFunction', 'isList', 'isString', 'isInt'])} ${this.expression(this.#kind(), depth - 1)})`,
          () => `(builtins.elem ${this.expression(this.#kind(), depth - 1)} ${sub('list')})`,
          () => `(builtins.tryEval ${this.expression(this.#kind(), depth - 1)}).success`,
          () => `(builtins.all (x: true) ${sub('list')})`,
        ])();
      case 'null':
        return random.pick([() => 'null', () => `(builtins.match "q" ${sub('string')})`])();
      case 'list':
        return random.pick([
          () => this.#listOf(undefined, depth),
          () => this.#listOf(undefined, depth),
          () => `(${sub('list')} ++ ${sub('list')})`,
          () => `(map ${this.#lambda(undefined, depth - 1)} ${sub('list')})`,
          () => `(builtins.filter (${this.#lambda('bool', depth - 1)}) ${sub('list')})`,
          () => `(builtins.attrNames ${sub('set')})`,
          () => `(builtins.attrValues ${sub('set')})`,
          () => `(builtins.genList ${this.#lambda(undefined, depth - 1)} ${random.pick(['0', '2', '3'])})`,
          () => `(builtins.concatMap (x: [ x x ]) ${sub('list')})`,
          () => `(builtins.sort (a: b: builtins.lessThan a b) [ ${sub('int')} ${sub('int')} ${sub('int')} ])`,
        ])();
      case 'set':
        return random.pick([
          () => this.#set(depth),
          () => this.#set(depth),
          () => this.#set(depth),
          () => `(${sub('set')} // ${sub('set')})`,
          () =>
            `(builtins.mapAttrs (n: v: ${this.#within(
              [
                { name: 'n', kind: 'string' },
                { name: 'v', kind: undefined },
              ],
              () => this.expression(this.#kind(), depth - 1),
            )}) ${sub('set')})`,
          () => `(builtins.removeAttrs ${sub('set')} [ "a" ])`,
          () => `(builtins.intersectAttrs ${sub('set')} ${sub('set')})`,
          () => `(builtins.listToAttrs [ { name = ${sub('string')}; value = ${this.expression(this.#kind(), depth - 1)}; } ])`,
          () => `(builtins.tryEval ${this.expression(this.#kind(), depth - 1)})`,
          () => `{ __functor = self: ${this.#lambda(undefined, depth - 1)}; a = 2; }`,
          () => `{ outPath = ${sub('string')}; __toString = self: ${sub('string')}; }`,
        ])();
      case 'function':
        return this.#lambda(undefined, depth);
    }
  }

  #listOf(kind: Kind | undefined, depth: number): string {
    let text = '[ ';
    for (let length = this.#random.below(4); length > 0; length--) text += `${this.#item(kind ?? this.#kind(), depth - 1)} `;
    return `${text}]`;
  }

  /** In parentheses where an item of a list, or an argument, needs them. */
  #item(kind: Kind, depth: number): string {
    return `(${this.expression(kind, depth)})`;
  }

  #path(): string {
    const random = this.#random;
    const name = (): string => (this.#chance(6) ? `\${${random.pick(['"a"', '"b"', '"x y"'])}}` : random.pick(ATTRS.slice(0, 7)));
    return this.#chance(3) ? `${name()}.${name()}` : name();
  }

  #lambda(result: Kind | undefined, depth: number): string {
    const random = this.#random;
    const kind = result ?? this.#kind();
    const name = random.pick(NAMES);
    const body = (variables: readonly Variable[]): string => this.#within(variables, () => this.expression(kind, depth - 1));
    switch (random.below(6)) {
      case 0: {
        const other = random.pick(NAMES);
        return `(${name}: ${other}: ${body([
          { name, kind: undefined },
          { name: other, kind: undefined },
        ])})`;
      }
      case 1:
        return `({ a, b ? ${this.#within([{ name: 'a', kind: undefined }], () => this.expression(this.#kind(), depth - 1))}, ... }: ${body([
          { name: 'a', kind: undefined },
          { name: 'b', kind: undefined },
        ])})`;
      case 2:
        return `({ a ? ${this.expression(this.#kind(), depth - 1)}${this.#chance(2) ? ', ...' : ''} }@${random.pick(['args', 'x'])}: ${body([{ name: 'a', kind: undefined }])})`;
      default:
        return `(${name}: ${body([{ name, kind: undefined }])})`;
    }
  }

  #application(kind: Kind, depth: number): string {
    const random = this.#random;
    const name = random.pick(NAMES);
    const argument = this.#kind();
    switch (random.below(4)) {
      case 0: {
        const other = random.pick(NAMES.filter((one) => one !== name));
        const second = this.#kind();
        const body = this.#within(
          [
            { name, kind: argument },
            { name: other, kind: second },
          ],
          () => this.expression(kind, depth - 1),
        );
        return `((${name}: ${other}: ${body}) ${this.#item(argument, depth - 1)} ${this.#item(second, depth - 1)})`;
      }
      case 1: {
        const body = this.#within(
          [
            { name: 'a', kind: argument },
            { name: 'b', kind },
          ],
          () => this.expression(kind, depth - 1),
        );
        return `(({ a, b ? ${this.#within([{ name: 'a', kind: argument }], () => this.expression(kind, depth - 1))}${this.#chance(3) ? ', ...' : ''} }: ${body}) { a = ${this.expression(argument, depth - 1)};${this.#chance(2) ? ` b = ${this.expression(kind, depth - 1)};` : ''} })`;
      }
      default:
        return `((${name}: ${this.#within([{ name, kind: argument }], () => this.expression(kind, depth - 1))}) ${this.#item(argument, depth - 1)})`;
    }
  }

  #selection(kind: Kind, depth: number): string {
    const random = this.#random;
    const name = random.pick(ATTRS.slice(0, 7));
    const set = `{ ${name} = ${this.expression(kind, depth - 1)}; foo = 3; }`.replace(/foo = (.*); foo = 3;/s, 'foo = $1;');
    switch (random.below(4)) {
      case 0:
        return `(${set}.${this.#path()} or ${this.#item(kind, depth - 1)})`;
      case 1:
        return `(rec ${set}.${name})`;
      case 2:
        return `({ q = ${set}; }.q.${name})`;
      default:
        return `(${set}.${name})`;
    }
  }

  #with(kind: Kind, depth: number): string {
    const random = this.#random;
    const names = NAMES.slice(0, 8).filter(() => this.#chance(3));
    const variables = names.map((name) => ({ name, kind: this.#kind() }));
    const members = variables.map((variable) => `${variable.name} = ${this.expression(variable.kind, depth - 1)};`);
    // Variables around win over those of a with.
    const added = variables.filter(({ name }) => !this.#scope.some((other) => other.name === name));
    const body = this.#within(added, () => this.expression(kind, depth - 1));
    return `(with ${random.pick(['', 'rec '])}{ ${members.join(' ')} }; ${body})`;
  }

  #let(kind: Kind, depth: number): string {
    const count = 1 + this.#random.below(3);
    const names = NAMES.filter(() => this.#chance(2)).slice(0, count);
    if (names.length === 0) names.push('a');
    const variables = names.map((name) => ({ name, kind: this.#kind() }));
    return this.#within(variables, () => {
      // A binding mostly sees what stands before it, so that most programs end.
      const bindings = variables.map((variable, i) => {
        const visible = this.#chance(12) ? variables : variables.slice(0, i);
        const hidden: readonly Variable[] = variables.filter((other) => !visible.includes(other));
        const before = this.#scope;
        this.#scope = before.filter((one) => !hidden.includes(one));
        const text = this.expression(variable.kind, depth - 1);
        this.#scope = before;
        return `${variable.name} = ${text};`;
      });
      return `(let ${bindings.join(' ')} in ${this.expression(kind, depth - 1)})`;
    });
  }

  #set(depth: number): string {
    const random = this.#random;
    const names = ATTRS.filter(() => this.#chance(3));
    const isRecursive = this.#chance(5);
    const members: string[] = [];
    for (const name of names) {
      const inherited = this.#scope.find((variable) => variable.name === name);
      if (inherited !== undefined && this.#chance(4)) members.push(`inherit ${name};`);
      else if (this.#chance(10)) members.push(`inherit (${this.expression('set', depth - 1)}) ${name};`);
      else if (this.#chance(8)) members.push(`${name}.${random.pick(['a', 'q'])} = ${this.expression(this.#kind(), depth - 1)};`);
      else if (this.#chance(10))
        members.push(
          `\${${this.#chance(5) ? this.expression('string', depth - 1) : `"${name.replace(/"/g, '')}z"`}} = ${this.expression(this.#kind(), depth - 1)};`,
        );
      else members.push(`${name} = ${this.expression(this.#kind(), depth - 1)};`);
    }
    return `${isRecursive ? 'rec ' : ''}{ ${members.join(' ')} }`;
  }

  #strictly(kind: Kind, depth: number): string {
    const other = this.expression(this.#kind(), depth - 1);
    return this.#random.pick([
      `(builtins.seq (${other}) ${this.#item(kind, depth - 1)})`,
      `(builtins.deepSeq (${other}) ${this.#item(kind, depth - 1)})`,
      `(builtins.addErrorContext "ctx" (${this.expression(kind, depth - 1)}))`,
      `(builtins.trace (${other}) ${this.#item(kind, depth - 1)})`,
    ]);
  }
}

// Of several attributes that fail, that one is reported whose name was seen first: every program begins with all names in one order.
const ALL_NAMES = [...new Set([...NAMES, ...ATTRS, 'q', ...ATTRS.map((name) => `"${name.replace(/"/g, '')}z"`)])];
const PREFIX = `if { ${ALL_NAMES.map((name) => `${name} = 0; `).join('')}} == null then null else`;

/** One program, as source text. */
export function randomProgram(random: Random): string {
  const depth = 2 + random.below(4);
  return `${PREFIX}\n${new Programs(random).expression(random.pick(KINDS), depth)}`;
}

/** What a run printed, as byte strings. */
export interface Run {
  /** Standard output; undefined where evaluation failed. */
  readonly value: string | undefined;
  readonly messages: string;
}

/** The bytes that floe writes to standard error for a text. */
const shownBytes = (text: string): string => byteStringOf(bytesOfText(filterEscapes(text, true)));

/** Evaluates a program here, as `nix-instantiate --eval --strict -` would. */
export function runHere(program: string, showTrace: boolean): Run {
  let messages = '';
  const host = new DiskHost({
    log: (level, message) => {
      messages += shownBytes(`${level === 'warn' ? 'warning' : level}: ${textOfByteString(message)}\n`);
    },
  });
  const evaluator = new Evaluator({ host, builtins: BUILTINS, settings: { showTrace } });
  try {
    const value = evaluator.evalText(utf8ToByteString(program), '/', '«stdin»');
    evaluator.forceDeep(value);
    return { value: printAmbiguous(value), messages };
  } catch (error) {
    if (!(error instanceof FloeError))
      return { value: undefined, messages: `${messages}host error: ${String(error)} ${(error as Error).stack ?? ''}` };
    return { value: undefined, messages: messages + shownBytes(printError(error, { showTrace })) };
  }
}

/** The same by a real Nix; `command` is what it is started with. */
export function runThere(command: readonly string[], program: string, showTrace: boolean): Run {
  const args = ['nix-instantiate', '--eval', '--strict', ...(showTrace ? ['--show-trace'] : []), '-'];
  const { status, stdout, stderr } = spawnSync(command[0]!, [...command.slice(1), ...args], {
    input: bytesOf(utf8ToByteString(program)),
    encoding: 'latin1',
    cwd: '/',
    env: { ...process.env, NIX_STORE_DIR: '/nix/store' },
    maxBuffer: 1 << 28,
  });
  return { value: status === 0 ? stdout.trimEnd() : undefined, messages: stderr.trimEnd() };
}

// « and » are C2 AB and C2 BB.
const THUNKS =
  /\xc2\xab(?:lambda|primop|partially applied primop)(?:(?!\xc2[\xab\xbb])[^])*(?:\xc2\xab(?:(?!\xc2\xbb)[^])*\xc2\xbb(?:(?!\xc2\xbb)[^])*)?\xc2\xbb/g;

/** Texts of thunks and closures in messages depend on what happened to be evaluated before. */
function comparable(messages: string): string {
  return messages.replace(THUNKS, utf8ToByteString('«thunk»')).trimEnd();
}

/** Evaluates programs both ways and gives those that differ. */
export function comparePrograms(command: readonly string[], programs: readonly string[], showTrace: boolean): Difference[] {
  const differences: Difference[] = [];
  const good: { program: string; value: string }[] = [];
  for (const program of programs) {
    const here = runHere(program, showTrace);
    if (here.value !== undefined) {
      good.push({ program, value: here.value });
      continue;
    }
    const there = runThere(command, program, showTrace);
    if (there.value !== undefined || comparable(there.messages) !== comparable(here.messages))
      differences.push({ shown: program, here: byteStringToUtf8(here.messages), there: byteStringToUtf8(there.value ?? there.messages) });
  }
  const agree = (cases: readonly (typeof good)[number][]): boolean => {
    const all = `[ ${cases.map(({ program }) => `(${program})`).join('\n')} ]`;
    return runThere(command, all, false).value === `[ ${cases.map(({ value }) => value).join(' ')} ]`;
  };
  for (const { program, value } of narrowDown(good, agree)) {
    const alone = runThere(command, program, showTrace);
    if (alone.value !== value)
      differences.push({ shown: program, here: byteStringToUtf8(value), there: byteStringToUtf8(alone.value ?? alone.messages) });
  }
  return differences;
}

if (process.argv[1] === import.meta.filename) {
  let isTraced = false;
  await hunt('programs', 100, (random, size, command) => {
    isTraced = !isTraced;
    return comparePrograms(
      command,
      Array.from({ length: size }, () => randomProgram(random)),
      isTraced,
    );
  });
}
