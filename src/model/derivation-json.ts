// Derivations as JSON, version 4, as `nix derivation show` of C++ Nix 2.34.8 prints and `nix derivation add` reads them. Store paths
// are base names; structured attributes stand apart from the environment. Nix manual, "Derivation JSON format".

import { parseJson, printJson, type Json } from '../base/canonical-json.ts';
import { compareStrings } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';
import { parseHashAlgorithm, parseSri, printHash, type HashAlgorithm } from '../base/hash.ts';
import { type ContentAddressMethod, makeContentPath, NO_REFERENCES } from './content-address.ts';
import type { Derivation, DerivationOutput, DynamicInput } from './derivation.ts';
import { jsonArray, jsonBoolean, jsonMember, jsonObject, type JsonObject, jsonString, jsonStrings, jsonUnsigned } from './json-fields.ts';
import { parseStorePathBaseName, type StoreDir, type StorePath } from './store-path.ts';

/** Version of the format. */
export const DERIVATION_JSON_VERSION = 4;

/** The environment variable that carries structured attributes in ATerm. */
export const STRUCTURED_ATTRS_VARIABLE = '__json';

function outputToJson(output: DerivationOutput): Json {
  switch (output.kind) {
    case 'input-addressed':
      return { path: output.path };
    case 'fixed':
      return { method: output.address.method, hash: printHash(output.address.hash, 'sri') };
    case 'floating':
      return { method: output.method, hashAlgo: output.algorithm };
    case 'deferred':
      return {};
    case 'impure':
      return { method: output.method, hashAlgo: output.algorithm, impure: true };
  }
}

function inputToJson({ outputs, dynamic }: DynamicInput): Json {
  return { outputs, dynamicOutputs: new Map([...(dynamic ?? [])].map(([output, input]) => [output, inputToJson(input)])) };
}

/** One derivation as a JSON value. */
export function derivationToJson(derivation: Derivation): Json {
  const env = new Map(derivation.env);
  const structured = env.get(STRUCTURED_ATTRS_VARIABLE);
  env.delete(STRUCTURED_ATTRS_VARIABLE);
  return {
    name: derivation.name,
    version: DERIVATION_JSON_VERSION,
    outputs: new Map([...derivation.outputs].map(([name, output]) => [name, outputToJson(output)])),
    inputs: {
      srcs: derivation.inputSources,
      drvs: new Map(
        [...derivation.inputDerivations].map(([path, outputs]) => [
          path,
          inputToJson({ outputs, dynamic: derivation.dynamicInputs?.get(path) }),
        ]),
      ),
    },
    system: derivation.system,
    builder: derivation.builder,
    args: derivation.args,
    env,
    structuredAttrs:
      structured === undefined
        ? undefined
        : parseJson(structured, `variable ${STRUCTURED_ATTRS_VARIABLE} of derivation '${derivation.name}'`),
  };
}

/** What `nix derivation show` prints for several. */
export function derivationsToJson(derivations: ReadonlyMap<StorePath, Derivation>): Json {
  return {
    derivations: new Map([...derivations].map(([path, derivation]) => [path, derivationToJson(derivation)])),
    version: DERIVATION_JSON_VERSION,
  };
}

function methodFromJson(value: Json): ContentAddressMethod {
  const text = jsonString(value, "'method'");
  if (text === 'flat' || text === 'nar' || text === 'text' || text === 'git') return text;
  throw new FormatError(`unknown content address method '${text}', expect 'flat', 'nar', 'text' or 'git'`);
}

function outputFromJson(value: Json, output: string, name: string, storeDir: StoreDir): DerivationOutput {
  const where = `output '${output}'`;
  const object = jsonObject(value, where);
  const keys = [...object.keys()].sort(compareStrings).join(' ');
  const algorithm = (): HashAlgorithm => parseHashAlgorithm(jsonString(jsonMember(object, 'hashAlgo', where), "'hashAlgo'"));
  switch (keys) {
    case 'path':
      return { kind: 'input-addressed', path: parseStorePathBaseName(jsonString(object.get('path')!, where)) };
    case 'hash method': {
      const address = { method: methodFromJson(object.get('method')!), hash: parseSri(jsonString(object.get('hash')!, where)) };
      const pathName = output === 'out' ? name : `${name}-${output}`;
      return { kind: 'fixed', path: makeContentPath(pathName, address, NO_REFERENCES, storeDir), address };
    }
    case 'hashAlgo method':
      return { kind: 'floating', method: methodFromJson(object.get('method')!), algorithm: algorithm() };
    case '':
      return { kind: 'deferred' };
    case 'hashAlgo impure method':
      if (!jsonBoolean(object.get('impure')!, where)) break;
      return { kind: 'impure', method: methodFromJson(object.get('method')!), algorithm: algorithm() };
  }
  throw new FormatError(`invalid JSON for derivation output '${output}'`);
}

const byKey = <V>(a: readonly [string, V], b: readonly [string, V]) => compareStrings(a[0], b[0]);
const sortedSet = <T extends string>(texts: readonly T[]) => [...new Set(texts)].sort(compareStrings);

function inputFromJson(value: Json, name: string): DynamicInput {
  const where = `input '${name}'`;
  const object = jsonObject(value, where);
  const dynamic = Array.from(
    jsonObject(jsonMember(object, 'dynamicOutputs', where), where),
    ([output, input]) => [output, inputFromJson(input, output)] as const,
  );
  const outputs = sortedSet(jsonStrings(jsonMember(object, 'outputs', where), where));
  return dynamic.length === 0 ? { outputs } : { outputs, dynamic: new Map(dynamic.sort(byKey)) };
}

function inputsFromJson(inputs: JsonObject): Pick<Derivation, 'inputDerivations' | 'dynamicInputs' | 'inputSources'> {
  const all = Array.from(
    jsonObject(jsonMember(inputs, 'drvs', "'inputs'"), "'drvs'"),
    ([path, value]) => [parseStorePathBaseName(path), inputFromJson(value, path)] as const,
  ).sort(byKey);
  const dynamicInputs = new Map(all.flatMap(([path, { dynamic }]) => (dynamic === undefined ? [] : [[path, dynamic] as const])));
  const sources = jsonArray(jsonMember(inputs, 'srcs', "'inputs'"), "'srcs'").map((path) =>
    parseStorePathBaseName(jsonString(path, "'srcs'")),
  );
  return {
    inputDerivations: new Map(all.map(([path, { outputs }]) => [path, outputs])),
    ...(dynamicInputs.size === 0 ? {} : { dynamicInputs }),
    inputSources: sortedSet(sources),
  };
}

/** Reads one derivation; its output paths are taken as they stand (see fillInOutputPaths and checkOutputPaths). */
export function derivationFromJson(value: Json, storeDir: StoreDir): Derivation {
  const object = jsonObject(value, 'a derivation');
  const member = (key: string) => jsonMember(object, key, 'a derivation');
  const version = jsonUnsigned(member('version'), "'version'");
  if (version !== DERIVATION_JSON_VERSION) {
    throw new FormatError(
      `Unsupported derivation JSON format version ${version}, only format version ${DERIVATION_JSON_VERSION} is currently supported.`,
    );
  }
  const name = jsonString(member('name'), "'name'");
  const outputs = [...jsonObject(member('outputs'), "'outputs'")].map(
    ([output, value]) => [output, outputFromJson(value, output, name, storeDir)] as const,
  );
  const env = [...jsonObject(member('env'), "'env'")].map(([key, value]) => [key, jsonString(value, `'env.${key}'`)] as const);
  if (env.some(([key]) => key === STRUCTURED_ATTRS_VARIABLE)) {
    throw new FormatError(
      `Cannot have an environment variable named '${STRUCTURED_ATTRS_VARIABLE}'. This key is reserved for encoding structured attrs`,
    );
  }
  const structured = object.get('structuredAttrs');
  if (structured !== undefined) env.push([STRUCTURED_ATTRS_VARIABLE, printJson(jsonObject(structured, "'structuredAttrs'"))]);
  return {
    name,
    outputs: new Map(outputs.sort(byKey)),
    ...inputsFromJson(jsonObject(member('inputs'), "'inputs'")),
    system: jsonString(member('system'), "'system'"),
    builder: jsonString(member('builder'), "'builder'"),
    args: jsonStrings(member('args'), "'args'"),
    env: new Map(env.sort(byKey)),
  };
}
