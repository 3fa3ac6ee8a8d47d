// The text of .drv files: `Derive([outputs],[input derivations],[input sources],system,builder,[args],[env])`, as byte strings, to the
// byte what C++ Nix 2.34.8 writes. Nix manual, "Derivation ATerm format". The reader is strict: what Nix would not print, it refuses
// (C++ Nix lets missing or doubled commas pass). A derivation with dynamic inputs has the form `DrvWithVersion("xp-dyn-drv",...)`.

import { compareStrings, printHex } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';
import { isHashAlgorithm, parseHash, type Hash, type HashAlgorithm } from '../base/hash.ts';
import { type ContentAddressMethod, printMethodPrefix } from './content-address.ts';
import type { Derivation, DerivationOutput, DynamicInput, DynamicInputs } from './derivation.ts';
import { isDerivationPath, parseStorePath, type StoreDir, type StorePath, storePathName } from './store-path.ts';

/** What stands in the place of input derivations while hashing modulo: hash in base 16 and the outputs wanted, sorted by hash. */
export type ATermInputs = Iterable<readonly [hashModulo: string, outputs: readonly string[]]>;

export interface ATermOptions {
  /** Leave output paths empty, in the list of outputs and in the environment. */
  readonly maskOutputs?: boolean;
  /** Printed instead of the paths of the input derivations; also as printATermInputs gives them. */
  readonly inputs?: ATermInputs | string | undefined;
}

/** How the text of a derivation with dynamic inputs begins. */
const DYNAMIC = 'DrvWithVersion("xp-dyn-drv",';

const NEEDS_ESCAPE = /["\\\n\r\t]/;
const TO_ESCAPE = /["\\\n\r\t]/g;
const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const escapeCharacter = (character: string) => ESCAPES[character]!;

/** With escapes. PERF: most strings need none, and a test is a third of a replace. */
function escape(text: string): string {
  return NEEDS_ESCAPE.test(text) ? text.replace(TO_ESCAPE, escapeCharacter) : text;
}

/** With quotes and escapes. */
function quote(text: string): string {
  return `"${escape(text)}"`;
}

/** Names Nix prints as they are (it forbids in them what would need an escape). */
function printPlainList(texts: readonly string[]): string {
  if (texts.length === 1) return texts[0] === 'out' ? '["out"]' : `["${texts[0]!}"]`;
  return texts.length === 0 ? '[]' : `["${texts.join('","')}"]`;
}

/** What is wanted of an input: a list of outputs, or such a list and what is wanted of outputs of outputs. */
function printInput(outputs: readonly string[], dynamic: DynamicInputs | undefined): string {
  if (dynamic === undefined) return printPlainList(outputs);
  const inner = Array.from(dynamic, ([output, input]) => `("${output}",${printInput(input.outputs, input.dynamic)})`);
  return `(${printPlainList(outputs)},[${inner.join(',')}])`;
}

function printOutput(name: string, output: DerivationOutput, storeDir: StoreDir, mask: boolean): string {
  switch (output.kind) {
    case 'input-addressed':
      return mask ? `("${name}","","","")` : `("${name}","${storeDir}/${output.path}","","")`;
    case 'fixed': {
      const { method, hash } = output.address;
      const path = mask ? '' : `${storeDir}/${output.path}`;
      return `("${name}","${path}","${printMethodPrefix(method)}${hash.algorithm}","${printHex(hash.bytes)}")`;
    }
    case 'floating':
      return `("${name}","","${printMethodPrefix(output.method)}${output.algorithm}","")`;
    case 'deferred':
      return `("${name}","","","")`;
    case 'impure':
      return `("${name}","","${printMethodPrefix(output.method)}${output.algorithm}","impure")`;
  }
}

/** `("hash",["out"]),...`: input derivations by hash, as they stand in what is hashed. */
export function printATermInputs(inputs: ATermInputs): string {
  const parts: string[] = [];
  for (const [hash, outputs] of inputs) parts.push(parts.length === 0 ? '("' : ',("', hash, '",', printPlainList(outputs), ')');
  return parts.join('');
}

/**
 * Prints one derivation several times, with its output paths masked or not and its inputs by path or hash. PERF: what is long and wants
 * escapes, the arguments and the environment, is put together once; evaluation prints each derivation three times.
 */
export class ATermPrinter {
  readonly #storeDir: StoreDir;
  /** From the input sources to the beginning of the environment. */
  readonly #middle: string;
  /** The environment: text, then the value of an output's variable, then text, ... */
  readonly #texts: string[] = [];
  readonly #outputVariables: string[] = [];

  constructor(derivation: Derivation, storeDir: StoreDir) {
    this.#storeDir = storeDir;
    let text = '],[';
    let separator = '';
    for (const path of derivation.inputSources) {
      text += `${separator}"${storeDir}/${path}"`;
      separator = ',';
    }
    text += `],"${derivation.system}",${quote(derivation.builder)},[`;
    separator = '';
    for (const argument of derivation.args) {
      text += separator + quote(argument);
      separator = ',';
    }
    this.#middle = `${text}],[`;
    const { outputs } = derivation;
    // PERF: parts are joined to one flat text; one that grows is as many texts as it has parts, and is flattened when it is hashed.
    let parts: string[] = [];
    separator = '("';
    derivation.env.forEach((value, name) => {
      parts.push(separator, escape(name));
      if (outputs.has(name)) {
        parts.push('",');
        this.#texts.push(parts.join(''));
        this.#outputVariables.push(name);
        parts = [];
        separator = '),("';
      } else {
        parts.push('","', escape(value));
        separator = '"),("';
      }
    });
    // What closes the last variable, where there is one.
    parts.push(separator === '("' ? '' : separator.slice(0, -3), '])');
    this.#texts.push(parts.join(''));
  }

  /** The text of the derivation it was made for, or of one that differs in outputs, their variables and input derivations alone. */
  print(derivation: Derivation, options: ATermOptions = {}): string {
    const mask = options.maskOutputs === true;
    const storeDir = this.#storeDir;
    let text = derivation.dynamicInputs === undefined ? 'Derive([' : `${DYNAMIC}[`;
    let separator = '';
    derivation.outputs.forEach((output, name) => {
      text += separator + printOutput(name, output, storeDir, mask);
      separator = ',';
    });
    text += '],[';
    if (options.inputs !== undefined) {
      text += typeof options.inputs === 'string' ? options.inputs : printATermInputs(options.inputs);
    } else {
      const parts: string[] = [];
      const { dynamicInputs } = derivation;
      derivation.inputDerivations.forEach((outputs, path) => {
        parts.push(parts.length === 0 ? '("' : ',("', storeDir, '/', path, '",', printInput(outputs, dynamicInputs?.get(path)), ')');
      });
      text += parts.join('');
    }
    text += this.#middle;
    const texts = this.#texts;
    const variables = this.#outputVariables;
    for (let i = 0; i < variables.length; i++) text += texts[i]! + (mask ? '""' : quote(derivation.env.get(variables[i]!)!));
    return text + texts[variables.length]!;
  }
}

/** The derivation's text; trusts that its maps and lists are sorted as `Derivation` says. */
export function printATerm(derivation: Derivation, storeDir: StoreDir, options: ATermOptions = {}): string {
  return new ATermPrinter(derivation, storeDir).print(derivation, options);
}

/** Walks one text; every method consumes what it names or throws FormatError. */
class ATermReader {
  readonly text: string;
  readonly what: string;
  position = 0;
  constructor(text: string, what: string) {
    this.text = text;
    this.what = what;
  }

  fail(problem: string): never {
    throw new FormatError(problem, { data: { derivation: this.what, offset: this.position } });
  }

  expect(literal: string): void {
    if (!this.text.startsWith(literal, this.position)) this.fail(`expected string '${literal}'`);
    this.position += literal.length;
  }

  string(): string {
    this.expect('"');
    const { text } = this;
    const start = this.position;
    let end = text.indexOf('"', start);
    if (end < 0) this.fail('unterminated string in derivation');
    const backslash = text.indexOf('\\', start);
    if (backslash < 0 || backslash > end) {
      this.position = end + 1;
      return text.slice(start, end);
    }
    let result = '';
    let from = start;
    for (let at = backslash; ;) {
      if (at + 1 >= text.length) this.fail('unterminated string in derivation');
      const escaped = text[at + 1]!;
      result += text.slice(from, at) + (escaped === 'n' ? '\n' : escaped === 'r' ? '\r' : escaped === 't' ? '\t' : escaped);
      from = at + 2;
      end = text.indexOf('"', from);
      if (end < 0) this.fail('unterminated string in derivation');
      at = text.indexOf('\\', from);
      if (at < 0 || at > end) break;
    }
    this.position = end + 1;
    return result + text.slice(from, end);
  }

  /** A bracketed list, `element` called once for each. */
  list(element: () => void): void {
    this.expect('[');
    if (this.text[this.position] === ']') {
      this.position++;
      return;
    }
    for (;;) {
      element();
      const next = this.text[this.position];
      if (next === ']') {
        this.position++;
        return;
      }
      if (next !== ',') this.fail(`expected ',' or ']'`);
      this.position++;
    }
  }

  strings(): string[] {
    const result: string[] = [];
    this.list(() => result.push(this.string()));
    return result;
  }

  storePath(storeDir: StoreDir): StorePath {
    const path = this.string();
    if (path[0] !== '/') this.fail(`bad path '${path}' in derivation`);
    return parseStorePath(path, storeDir);
  }
}

function parseMethodAlgorithm(reader: ATermReader, text: string): { method: ContentAddressMethod; algorithm: HashAlgorithm } {
  const colon = text.indexOf(':');
  const prefix = colon < 0 ? '' : text.slice(0, colon);
  const algorithm = text.slice(colon + 1);
  const method = prefix === '' ? 'flat' : prefix === 'r' ? 'nar' : prefix === 'text' || prefix === 'git' ? prefix : undefined;
  if (method === undefined || (colon >= 0 && prefix === '') || !isHashAlgorithm(algorithm)) {
    reader.fail(`unknown hash algorithm '${text}'`);
  }
  return { method, algorithm };
}

function parseOutput(reader: ATermReader, storeDir: StoreDir): DerivationOutput {
  reader.expect(',');
  const path = reader.string();
  reader.expect(',');
  const methodAlgorithm = reader.string();
  reader.expect(',');
  const hashText = reader.string();
  if (methodAlgorithm === '') {
    if (hashText !== '') reader.fail('output has a hash but no hash algorithm');
    return path === '' ? { kind: 'deferred' } : { kind: 'input-addressed', path: parseStorePath(path, storeDir) };
  }
  const { method, algorithm } = parseMethodAlgorithm(reader, methodAlgorithm);
  if (hashText === 'impure') {
    if (path !== '') reader.fail('impure derivation output should not specify output path');
    return { kind: 'impure', method, algorithm };
  }
  if (hashText === '') {
    if (path !== '') reader.fail('content-addressing derivation output should not specify output path');
    return { kind: 'floating', method, algorithm };
  }
  const hash: Hash = parseHash(hashText, algorithm);
  return { kind: 'fixed', path: parseStorePath(path, storeDir), address: { method, hash } };
}

function isSorted(keys: readonly string[]): boolean {
  for (let i = 1; i < keys.length; i++) if (keys[i - 1]! >= keys[i]!) return false;
  return true;
}

/** In key order; PERF: texts written by Nix are sorted already, so the common case only compares. */
function sortedMap<K extends string, V>(map: Map<K, V>): ReadonlyMap<K, V> {
  return isSorted([...map.keys()]) ? map : new Map([...map].sort((a, b) => compareStrings(a[0], b[0])));
}

function sortedSet<T extends string>(texts: readonly T[]): readonly T[] {
  return isSorted(texts) ? texts : [...new Set(texts)].sort(compareStrings);
}

function parseDynamicInput(reader: ATermReader): DynamicInput {
  if (reader.text[reader.position] === '[') return { outputs: sortedSet(reader.strings()) };
  if (reader.text[reader.position] !== '(') reader.fail('invalid inputDrvs entry in derivation');
  reader.position++;
  const outputs = sortedSet(reader.strings());
  reader.expect(',');
  const dynamic = new Map<string, DynamicInput>();
  reader.list(() => {
    reader.expect('(');
    const output = reader.string();
    reader.expect(',');
    dynamic.set(output, parseDynamicInput(reader));
    reader.expect(')');
  });
  reader.expect(')');
  return dynamic.size === 0 ? { outputs } : { outputs, dynamic: sortedMap(dynamic) };
}

/** Reads a derivation's text. `name` is the derivation's name without ".drv" (the text does not hold it). */
export function parseATerm(text: string, name: string, storeDir: StoreDir): Derivation {
  const reader = new ATermReader(text, name);
  reader.expect('D');
  const isDynamic = text[1] === 'r';
  if (isDynamic) {
    reader.expect('rvWithVersion(');
    const version = reader.string();
    if (version !== 'xp-dyn-drv') throw new FormatError(`Unknown derivation ATerm format version '${version}'`);
    reader.expect(',');
  } else if (text[1] === 'e') {
    reader.expect('erive(');
  } else {
    throw new FormatError("derivation does not start with 'Derive' or 'DrvWithVersion'", { data: { derivation: name } });
  }

  const outputs = new Map<string, DerivationOutput>();
  reader.list(() => {
    reader.expect('(');
    const output = reader.string();
    if (outputs.has(output)) reader.fail(`output '${output}' occurs twice`);
    outputs.set(output, parseOutput(reader, storeDir));
    reader.expect(')');
  });
  reader.expect(',');
  const inputDerivations = new Map<StorePath, readonly string[]>();
  const dynamicInputs = new Map<StorePath, DynamicInputs>();
  reader.list(() => {
    reader.expect('(');
    const path = reader.storePath(storeDir);
    reader.expect(',');
    const { outputs, dynamic } = isDynamic ? parseDynamicInput(reader) : { outputs: sortedSet(reader.strings()) };
    inputDerivations.set(path, outputs);
    if (dynamic !== undefined) dynamicInputs.set(path, dynamic);
    reader.expect(')');
  });
  reader.expect(',');
  const inputSources: StorePath[] = [];
  reader.list(() => inputSources.push(reader.storePath(storeDir)));
  reader.expect(',');
  const system = reader.string();
  reader.expect(',');
  const builder = reader.string();
  reader.expect(',');
  const args = reader.strings();
  reader.expect(',');
  const env = new Map<string, string>();
  reader.list(() => {
    reader.expect('(');
    const key = reader.string();
    reader.expect(',');
    env.set(key, reader.string());
    reader.expect(')');
  });
  reader.expect(')');
  if (reader.position !== text.length) reader.fail('unexpected text after the end');
  return {
    name,
    outputs: sortedMap(outputs),
    inputDerivations: sortedMap(inputDerivations),
    ...(dynamicInputs.size === 0 ? {} : { dynamicInputs: sortedMap(dynamicInputs) }),
    inputSources: sortedSet(inputSources),
    system,
    builder,
    args,
    env: sortedMap(env),
  };
}

/** Reads a .drv file of a store. Errors name it. */
export function parseDerivationFile(path: StorePath, text: string, storeDir: StoreDir): Derivation {
  try {
    if (!isDerivationPath(path)) throw new FormatError(`store path '${path}' is not a valid derivation path`);
    return parseATerm(text, storePathName(path).slice(0, -'.drv'.length), storeDir);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new FormatError(`error parsing derivation '${storeDir}/${path}': ${error.message}`, { data: error.data });
  }
}
