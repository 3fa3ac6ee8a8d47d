// What `nix-env --query` prints: packages as a table, as JSON, as XML. nix-env/nix-env.cc. All texts are byte strings.

import { compareStrings, utf8ToByteString } from '../base/bytes.ts';
import { type Json, parseJson, printJson } from '../base/canonical-json.ts';
import { printShortFloat } from '../base/float-text.ts';
import { AssertionError, FloeError, UsageError } from '../base/errors.ts';
import { Attrs } from '../eval/attrs.ts';
import { compareVersionTexts, parsePackageName } from '../eval/builtins/versions.ts';
import { addFrame } from '../eval/error-position.ts';
import { NO_POSITION } from '../eval/position.ts';
import { symbolName } from '../eval/symbol.ts';
import { isInteger, isString, NixFloat, peek, stringText, type Value } from '../eval/value.ts';
import type { StorePath } from '../model/store-path.ts';
import type { Engine } from './engine.ts';
import type { Package } from './package.ts';
import type { PackageSources } from './package-sources.ts';
import { availablePaths } from './user-environments.ts';

export interface ListingRequest {
  readonly source: 'installed' | 'available';
  /** The profile whose packages count as installed. */
  readonly profile: string;
  /** Where in the expression packages are looked for. */
  readonly attrPath: string;
  readonly words: readonly string[];
  readonly form: 'table' | 'json' | 'xml';
  readonly prebuiltOnly: boolean;
  readonly status: boolean;
  readonly name: boolean;
  readonly attrPaths: boolean;
  readonly system: boolean;
  readonly drvPaths: boolean;
  readonly outPaths: boolean;
  readonly description: boolean;
  readonly meta: boolean;
  readonly compareVersions: boolean;
}

/** What the store says of the packages, where that is asked for. */
interface StoreStatus {
  readonly installed: ReadonlySet<StorePath>;
  readonly valid: ReadonlySet<StorePath>;
  readonly substitutable: ReadonlySet<StorePath>;
}

type XmlAttributes = Record<string, string>;

/** Element names, attributes in order of their names, two blanks a level. */
class XmlText {
  text = "<?xml version='1.0' encoding='utf-8'?>\n";
  private readonly open: string[] = [];

  private start(name: string, attributes: XmlAttributes): string {
    const printed = Object.entries(attributes)
      .sort(([a], [b]) => compareStrings(a, b))
      .map(([key, value]) => ` ${key}="${escapeAttribute(value)}"`);
    return `${'  '.repeat(this.open.length)}<${name}${printed.join('')}`;
  }

  empty(name: string, attributes: XmlAttributes): void {
    this.text += `${this.start(name, attributes)} />\n`;
  }

  within(name: string, attributes: XmlAttributes, inside: () => void): void {
    this.text += `${this.start(name, attributes)}>\n`;
    this.open.push(name);
    inside();
    this.open.pop();
    this.text += `${'  '.repeat(this.open.length)}</${name}>\n`;
  }
}

const XML_ESCAPES: Readonly<Record<string, string>> = { '"': '&quot;', '<': '&lt;', '>': '&gt;', '&': '&amp;', '\n': '&#xA;' };

function escapeAttribute(text: string): string {
  return text.replace(/["<>&\n]/g, (character) => XML_ESCAPES[character]!);
}

/** Columns as wide as their widest cell, two blanks apart. */
function printTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const print = (row: readonly string[]): string =>
    row.map((cell, column) => cell.replaceAll('\n', ' ').padEnd(column < row.length - 1 ? widths[column]! + 2 : 0)).join('');
  return rows.map((row) => `${print(row)}\n`).join('');
}

function compareNames(a: string, b: string): number {
  const upper = (text: string): string => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
  return compareStrings(upper(a), upper(b));
}

/** Prints packages for one engine. */
export class PackageListing {
  private readonly engine: Engine;
  private readonly sources: PackageSources;
  private readonly request: ListingRequest;

  constructor(engine: Engine, sources: PackageSources, request: ListingRequest) {
    if (request.attrPaths && request.source !== 'available') throw new UsageError('--attr-path(-P) only works with --available');
    this.engine = engine;
    this.sources = sources;
    this.request = request;
  }

  private guard<T>(run: () => T): T {
    return this.engine.evaluation().evaluator.guard(run);
  }

  private path(path: StorePath): string {
    return `${this.engine.storeDir}/${path}`;
  }

  /** The whole text. */
  async print(): Promise<string> {
    const { source, profile, attrPath, words, status, compareVersions } = this.request;
    const isAvailable = source === 'available';
    const installed = !isAvailable || compareVersions || status ? this.sources.installed(profile) : [];
    const available = isAvailable || compareVersions ? this.sources.available(attrPath) : [];
    const chosen = this.sources.select(isAvailable ? available : installed, words);
    const packages = this.guard(() => {
      const named = chosen.map((one) => ({ one, name: one.name }));
      return named.sort((a, b) => compareNames(a.name, b.name)).map(({ one }) => one);
    });
    const known = await this.storeStatus(packages, installed);
    return this.guard(() => {
      if (this.request.form === 'json') return `${printJson(this.json(packages), 2)}\n`;
      return this.request.form === 'xml'
        ? this.xml(packages, known, isAvailable ? installed : available)
        : this.table(packages, known, isAvailable ? installed : available);
    });
  }

  private async storeStatus(packages: readonly Package[], installed: readonly Package[]): Promise<StoreStatus> {
    const { status, prebuiltOnly } = this.request;
    const none = { installed: new Set<StorePath>(), valid: new Set<StorePath>(), substitutable: new Set<StorePath>() };
    if (!status && !prebuiltOnly) return none;
    const paths = this.guard(() => packages.flatMap((one) => this.outPathUnlessAsserted(one) ?? []));
    const valid = await this.engine.store.queryValidPaths(paths);
    const missing = paths.filter((path) => !valid.has(path));
    const substitutable = await availablePaths(this.engine, missing);
    return { installed: new Set(status ? this.guard(() => installed.map(({ outPath }) => outPath)) : []), valid, substitutable };
  }

  private outPathUnlessAsserted(one: Package): StorePath | undefined {
    try {
      return one.outPath;
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      this.skip(one);
      one.hasFailed = true;
      return undefined;
    }
  }

  private skip({ name }: Package): void {
    this.engine.progress.log('talkative', `skipping derivation named '${name}' which gives an assertion failure`);
  }

  /** Does something for each package that can be evaluated. */
  private each(packages: readonly Package[], visit: (one: Package) => void): void {
    for (const one of packages) {
      if (one.hasFailed) continue;
      try {
        visit(one);
      } catch (error) {
        if (error instanceof AssertionError) this.skip(one);
        else {
          if (error instanceof FloeError) addFrame(error, NO_POSITION, `while querying the derivation named '${one.name}'`);
          throw error;
        }
      }
    }
  }

  private isLeftOut(one: Package, { valid, substitutable }: StoreStatus): boolean {
    return this.request.prebuiltOnly && !valid.has(one.outPath) && !substitutable.has(one.outPath);
  }

  private table(packages: readonly Package[], known: StoreStatus, others: readonly Package[]): string {
    const { request } = this;
    const rows: string[][] = [];
    this.each(packages, (one) => {
      if (this.isLeftOut(one, known)) return;
      const row: string[] = [];
      if (request.status) {
        const marks = [known.installed, known.valid, known.substitutable].map((set, index) => (set.has(one.outPath) ? 'IPS'[index] : '-'));
        row.push(marks.join(''));
      }
      if (request.attrPaths) row.push(one.attrPath);
      if (request.name) row.push(one.name);
      if (request.compareVersions) {
        const { mark, version } = compareWith(one, others);
        row.push(`${mark} ${version}`);
      }
      if (request.system) row.push(one.system);
      if (request.drvPaths) row.push(one.drvPath === undefined ? '-' : this.path(one.drvPath));
      if (request.outPaths) row.push(this.outputsText(one));
      if (request.description) row.push(one.metaString('description'));
      rows.push(row);
    });
    return printTable(rows);
  }

  private outputsText(one: Package): string {
    return [...one.outputs()].map(([name, path]) => `${name === 'out' ? '' : `${name}=`}${this.path(path!)}`).join(';');
  }

  private json(packages: readonly Package[]): Json {
    const { drvPaths, outPaths, meta } = this.request;
    const all = new Map<string, Json>();
    this.each(packages, (one) => {
      const { name, version } = parsePackageName(one.name);
      const described = new Map<string, Json>([
        ['name', one.name],
        ['pname', name],
        ['version', version],
        ['system', one.system],
        ['outputName', one.outputName],
      ]);
      all.set(one.attrPath, described);
      described.set(
        'outputs',
        new Map([...one.outputs(outPaths)].map(([output, path]) => [output, path === undefined ? null : this.path(path)])),
      );
      if (drvPaths && one.drvPath !== undefined) described.set('drvPath', this.path(one.drvPath));
      if (meta) described.set('meta', this.metaJson(one));
    });
    return all;
  }

  private metaJson(one: Package): Json {
    const { printing } = this.engine;
    const entries = one.metaNames().map((name): [string, Json] => {
      const value = this.readMeta(one, name);
      return [name, value === undefined ? null : parseJson(printing.json(value, true), 'a meta attribute')];
    });
    return new Map(entries);
  }

  private readMeta(one: Package, name: string): Value | undefined {
    const value = one.meta(name);
    if (value === undefined) this.engine.progress.log('error', `derivation '${one.name}' has invalid meta attribute '${name}'`);
    return value;
  }

  private xml(packages: readonly Package[], known: StoreStatus, others: readonly Package[]): string {
    const xml = new XmlText();
    xml.within('items', {}, () => {
      this.each(packages, (one) => {
        if (this.isLeftOut(one, known)) return;
        const attributes = this.xmlAttributes(one, known, others);
        xml.within('item', attributes, () => {
          for (const [name, path] of one.outputs(this.request.outPaths))
            xml.empty('output', { name, ...(path && { path: this.path(path) }) });
          if (this.request.meta) for (const name of one.metaNames()) this.xmlMeta(xml, one, name);
        });
      });
    });
    return xml.text;
  }

  private xmlAttributes(one: Package, known: StoreStatus, others: readonly Package[]): XmlAttributes {
    const { request } = this;
    const { name, version } = parsePackageName(one.name);
    const attributes: XmlAttributes = { attrPath: one.attrPath, name: one.name, pname: name, version, outputName: one.outputName };
    if (request.status) {
      const flag = (set: ReadonlySet<StorePath>): string => (set.has(one.outPath) ? '1' : '0');
      Object.assign(attributes, { installed: flag(known.installed), valid: flag(known.valid), substitutable: flag(known.substitutable) });
    }
    if (request.compareVersions) {
      const compared = compareWith(one, others);
      if (compared.mark !== '-') Object.assign(attributes, { versionDiff: compared.mark, maxComparedVersion: compared.version });
    }
    if (one.system !== '') attributes['system'] = one.system;
    if (request.drvPaths && one.drvPath !== undefined) attributes['drvPath'] = this.path(one.drvPath);
    const description = request.description ? one.metaString('description') : '';
    if (description !== '') attributes['description'] = description;
    return attributes;
  }

  private xmlMeta(xml: XmlText, one: Package, name: string): void {
    const value = this.readMeta(one, name);
    if (value === undefined) return;
    const scalar = scalarText(value);
    if (scalar !== undefined) return xml.empty('meta', { name, ...scalar });
    xml.within('meta', { name, type: 'strings' }, () => {
      if (Array.isArray(value)) {
        for (const slot of value) {
          const item = peek(slot) as Value;
          if (isString(item)) xml.empty('string', { value: stringText(item) });
        }
      } else if (value instanceof Attrs) {
        for (const index of value.keys().keys()) {
          const item = peek(value.slots()[index]!) as Value;
          if (isString(item)) xml.empty('string', { type: symbolName(value.keys()[index]!), value: stringText(item) });
        }
      }
    });
  }
}

function scalarText(value: Value): { readonly type: string; readonly value: string } | undefined {
  if (isString(value)) return { type: 'string', value: stringText(value) };
  if (isInteger(value)) return { type: 'int', value: String(value) };
  if (value instanceof NixFloat) return { type: 'float', value: utf8ToByteString(printShortFloat(value.value)) };
  return typeof value === 'boolean' ? { type: 'bool', value: String(value) } : undefined;
}

/** How a package stands to those of the same name: newer than all (">"), as new as one ("="), older than one ("<"), alone ("-"). */
function compareWith(one: Package, others: readonly Package[]): { readonly mark: string; readonly version: string } {
  const { name, version } = parsePackageName(one.name);
  let mark = '-';
  let compared = '?';
  for (const other of others) {
    const is = parsePackageName(other.name);
    if (is.name !== name) continue;
    const order = compareVersionTexts(version, is.version);
    if (order < 0) {
      mark = '<';
      compared = is.version;
    } else if (mark !== '<' && order === 0) {
      mark = '=';
      compared = is.version;
    } else if (mark !== '<' && mark !== '=' && order > 0) {
      mark = '>';
      if (compared === '' || compareVersionTexts(compared, is.version) < 0) compared = is.version;
    }
  }
  return { mark, version: compared };
}
