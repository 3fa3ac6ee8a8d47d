// All builtins, by name: one list that the evaluator, the documentation and the repl read. Each stands in the file of its family; the
// exported constant is the builtin's name, a reserved word with a trailing underscore.

import type { BuiltinConstant, BuiltinDefinition, BuiltinTable } from '../builtin.ts';
import * as arithmetic from './arithmetic.ts';
import * as attrs from './attrs.ts';
import * as constants from './constants.ts';
import * as context from './context.ts';
import * as control from './control.ts';
import * as derivation from './derivation.ts';
import * as fetchers from './fetchers.ts';
import * as files from './files.ts';
import * as flakes from './flakes.ts';
import * as hashing from './hashing.ts';
import * as imports from './imports.ts';
import * as json from './json.ts';
import * as lists from './lists.ts';
import * as regex from './regex.ts';
import * as strings from './strings.ts';
import * as toml from './toml.ts';
import * as types from './types.ts';
import * as versions from './versions.ts';
import * as xml from './xml.ts';

/** Modules of builtins, each export with a `text` being one. */
const FAMILIES: readonly Readonly<Record<string, unknown>>[] = [
  arithmetic,
  attrs,
  constants,
  context,
  control,
  derivation,
  fetchers,
  files,
  flakes,
  hashing,
  imports,
  json,
  lists,
  regex,
  strings,
  toml,
  types,
  versions,
  xml,
];

type Documented = { readonly text: string; readonly name?: string };

function isDocumented(value: unknown): value is Documented {
  return typeof value === 'object' && value !== null && typeof (value as Documented).text === 'string';
}

/** The name programs use for what is exported as `exported`. */
function builtinName(exported: string, definition: Documented): string {
  return definition.name ?? exported.replace(/_$/, '');
}

function gather(): BuiltinTable {
  const found: [string, Documented][] = [];
  for (const family of FAMILIES) {
    for (const [exported, value] of Object.entries(family)) if (isDocumented(value)) found.push([builtinName(exported, value), value]);
  }
  found.sort(([a], [b]) => (a < b ? -1 : 1));
  const functions: Record<string, BuiltinDefinition> = {};
  const values: Record<string, BuiltinConstant> = {};
  for (const [name, value] of found) {
    if ('run' in value) functions[name] = value as BuiltinDefinition;
    else values[name] = value as unknown as BuiltinConstant;
  }
  return { functions, constants: values };
}

/** Every builtin, sorted by name. Those with an `experimentalFeature` are there only where it is on. */
export const BUILTINS: BuiltinTable = gather();
