// `flake show`: the outputs of a flake as a tree, or as JSON. Only what the well-known outputs promise is looked into; everything else is
// "unknown", so that nothing is evaluated without need. Errors in legacyPackages are passed over. (Nix: CmdFlakeShow in nix/flake.cc.)

import type { Json } from '../base/canonical-json.ts';
import { EvalError, WrongTypeError } from '../base/errors.ts';
import { Attrs } from '../eval/attrs.ts';
import { isDerivation } from '../eval/equality.ts';
import { internSymbol, printSymbol, type SymbolId, symbolName } from '../eval/symbol.ts';
import type { Parts } from './parts.ts';
import { describeType, force, isString, NixPath, type Slot, stringText, type Value } from '../eval/value.ts';

export interface ShowOptions {
  readonly system: string;
  readonly allSystems: boolean;
  readonly legacy: boolean;
  /** Gather JSON; else lines of text. */
  readonly json: boolean;
}

/** A line of the tree, a warning, or which attribute it begins to look into and that it is done with that. */
export type ShowSaying = readonly [kind: 'line' | 'warn' | 'visiting', text: string] | readonly ['visited'];

/** Colours, or nothing. */
export interface ShowStyle {
  green(text: string): string;
  bold(text: string): string;
  warning(text: string): string;
}

// The branches of the tree, as the bytes of their UTF-8.
const BRANCH = '\xe2\x94\x9c\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80';
const LAST_BRANCH = '\xe2\x94\x94\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80';
const PAST_BRANCH = '\xe2\x94\x82   ';
const PAST_LAST = '    ';

const [NAME, META, DESCRIPTION, TYPE] = ['name', 'meta', 'description', 'type'].map(internSymbol) as [
  SymbolId,
  SymbolId,
  SymbolId,
  SymbolId,
];
/** Outputs of systems of names, looked into at two levels before a derivation (or an app) is expected. */
const BY_SYSTEM = new Set(['checks', 'packages', 'devShells', 'apps']);
const BY_NAME = new Set([
  ...['defaultPackage', 'devShell', 'formatter', 'nixosConfigurations', 'nixosModules', 'defaultApp', 'templates', 'overlays'],
]);
const PACKAGE_OF_SYSTEM = new Set(['defaultPackage', 'devShell', 'formatter']);
const PACKAGE_BY_NAME = new Set(['checks', 'packages', 'devShells']);
const HIDDEN_WHEN_EMPTY = new Set(['apps', 'checks', 'devShells', 'legacyPackages', 'packages']);
const HIDDEN_WHEN_EMPTY_AT_TOP = new Set(['formatter', 'nixosConfigurations', 'nixosModules', 'overlays']);

/** Building while evaluating was forbidden; outputs that need it are named as left out. */
function needsBuilding(error: unknown): boolean {
  return error instanceof EvalError && error.code === 'FLOE_IMPORT_FROM_DERIVATION';
}

/** Shows the outputs. `title` heads the tree. Gives the JSON, or an empty object for text. */
export function showFlake(outputs: Slot, title: string, options: ShowOptions, style: ShowStyle, parts: Parts<ShowSaying>): Json {
  return new Show(options, style, parts).visit(outputs, [], style.bold(title), '');
}

class Show {
  private readonly options: ShowOptions;
  private readonly style: ShowStyle;
  private readonly parts: Parts<ShowSaying>;

  constructor(options: ShowOptions, style: ShowStyle, parts: Parts<ShowSaying>) {
    this.options = options;
    this.style = style;
    this.parts = parts;
  }

  private line(text: string): void {
    this.parts.say(['line', text]);
  }

  private warn(text: string): void {
    this.parts.say(['warn', text]);
  }

  /** A package or app is a part; of those of other systems nothing is evaluated. */
  private isPart(path: readonly string[]): boolean {
    const [top, system] = path as [string, string | undefined];
    const depth = BY_SYSTEM.has(top) || (top === 'legacyPackages' && this.options.legacy) ? 3 : PACKAGE_OF_SYSTEM.has(top) ? 2 : undefined;
    return path.length === depth && (top === 'apps' || !this.isOtherSystem(system!));
  }

  private names(value: Value, path: readonly string[]): string[] {
    if (!(value instanceof Attrs)) throw new WrongTypeError(`'${path.join('.')}' is not an attribute set`);
    return value.order().map((index) => symbolName(value.keys()[index]!));
  }

  private attr(value: Value, name: string): Slot {
    return (value as Attrs).get(internSymbol(name))!;
  }

  private text(slot: Slot, path: readonly string[]): string {
    const value = force(slot);
    if (isString(value)) return stringText(value);
    if (value instanceof NixPath) return value.path;
    throw new WrongTypeError(`'${path.join('.')}' is not a string but ${describeType(value)}`);
  }

  /** A set that holds nothing worth a line is left out; what fails may hold something. */
  private hasContent(slot: Slot, path: readonly string[]): boolean {
    const [top] = path as [string];
    const isHiddenWhenEmpty = (HIDDEN_WHEN_EMPTY.has(top) && path.length <= 2) || (HIDDEN_WHEN_EMPTY_AT_TOP.has(top) && path.length === 1);
    if (!isHiddenWhenEmpty) return true;
    try {
      const value = force(slot);
      return this.names(value, path).some((name) => this.hasContent(this.attr(value, name), [...path, name]));
    } catch (error) {
      if (error instanceof EvalError) return true;
      throw error;
    }
  }

  visit(slot: Slot, path: readonly string[], header: string, prefix: string): Json {
    this.parts.say(['visiting', path.join('.')]);
    try {
      return this.visitOutput(slot, path, header, prefix);
    } catch (error) {
      if (error instanceof EvalError && path[0] === 'legacyPackages') return {};
      throw error;
    } finally {
      this.parts.say(['visited']);
    }
  }

  private visitOutput(slot: Slot, path: readonly string[], header: string, prefix: string): Json {
    const [top, second] = path;
    const depth = path.length;
    if (top === undefined || (depth === 1 && BY_NAME.has(top)) || (depth <= 2 && BY_SYSTEM.has(top)))
      return this.recurse(slot, path, header, prefix);
    if ((depth === 2 && PACKAGE_OF_SYSTEM.has(top)) || (depth === 3 && PACKAGE_BY_NAME.has(top))) {
      if (this.isOtherSystem(second!)) return this.omit(path, header, "omitted (use '--all-systems' to show)");
      return this.unlessBuilding(path, header, () => {
        const value = force(slot);
        if (isDerivation(value)) return this.showDerivation(value, path, header);
        this.warn(`${[...path, 'name'].join('.')} is not a derivation`);
        return {};
      });
    }
    if (top === 'hydraJobs') {
      return this.unlessBuilding(path, header, () => {
        const value = force(slot);
        return isDerivation(value) ? this.showDerivation(value, path, header) : this.recurse(value, path, header, prefix);
      });
    }
    if (top === 'legacyPackages') return this.visitLegacy(slot, path, header, prefix);
    if ((depth === 2 && top === 'defaultApp') || (depth === 3 && top === 'apps')) return this.showApp(slot, path, header);
    if ((depth === 1 && top === 'defaultTemplate') || (depth === 2 && top === 'templates')) {
      const description = this.text(this.required(slot, DESCRIPTION, path), [...path, 'description']);
      return this.leaf(header, `: template: ${this.style.bold(description)}`, { type: 'template', description });
    }
    const [type, words] = wellKnownType(top, depth);
    return this.leaf(header, `: ${this.style.warning(words)}`, { type });
  }

  private visitLegacy(slot: Slot, path: readonly string[], header: string, prefix: string): Json {
    if (path.length === 1) return this.recurse(slot, path, header, prefix);
    if (!this.options.legacy) return this.omit(path, header, "omitted (use '--legacy' to show)");
    if (this.isOtherSystem(path[1]!)) return this.omit(path, header, "omitted (use '--all-systems' to show)");
    return this.unlessBuilding(path, header, () => {
      const value = force(slot);
      if (isDerivation(value)) return this.showDerivation(value, path, header);
      return path.length <= 2 ? this.recurse(value, path, header, prefix) : {};
    });
  }

  private isOtherSystem(system: string): boolean {
    return !this.options.allSystems && system !== this.options.system;
  }

  private recurse(slot: Slot, path: readonly string[], header: string, prefix: string): Json {
    const { parts, style } = this;
    if (!this.options.json) this.line(header);
    const value = force(slot);
    const shown = this.names(value, path).filter((name) => this.hasContent(this.attr(value, name), [...path, name]));
    const members = new Map<string, Json>();
    const group = path[1] ?? '';
    const isPart = (name: string): boolean => this.isPart([...path, name]);
    // Systems, or packages of one.
    for (const name of shown)
      if (isPart(name) || this.isPart([...path, name, ''])) parts.expect(isPart(name) ? group : name, isPart(name) ? 1 : 0);
    shown.forEach((name, index) => {
      const last = index === shown.length - 1;
      const childHeader = `${style.green(prefix + (last ? LAST_BRANCH : BRANCH))}${style.bold(printSymbol(internSymbol(name)))}`;
      const below = [...path, name];
      const visit = () => this.visit(this.attr(value, name), below, childHeader, prefix + (last ? PAST_LAST : PAST_BRANCH));
      members.set(name, isPart(name) ? parts.part(group, below.join('\0'), null, visit) : visit());
    });
    return members;
  }

  private leaf(header: string, words: string, json: Json): Json {
    if (!this.options.json) this.line(header + words);
    return json;
  }

  private omit(path: readonly string[], header: string, words: string): Json {
    const [first, ...rest] = words.split(' ');
    if (this.options.json) this.warn(`${path.join('.')} ${words}`);
    else this.line(`${header} ${this.style.warning(first!)} ${rest.join(' ')}`);
    return {};
  }

  private unlessBuilding(path: readonly string[], header: string, show: () => Json): Json {
    try {
      return show();
    } catch (error) {
      if (!needsBuilding(error)) throw error;
      const words = 'omitted due to use of import from derivation';
      if (this.options.json) this.warn(`${path.join('.')} ${words}`);
      else this.line(`${header} ${this.style.warning(words)}`);
      return {};
    }
  }

  private required(slot: Slot, symbol: SymbolId, path: readonly string[]): Slot {
    const value = force(slot);
    const found = value instanceof Attrs ? value.get(symbol) : undefined;
    if (found === undefined) throw new EvalError(`attribute '${[...path, symbolName(symbol)].join('.')}' does not exist`);
    return found;
  }

  private description(value: Value, path: readonly string[]): string | undefined {
    const meta = value instanceof Attrs ? value.force(META) : undefined;
    const description = meta instanceof Attrs ? meta.get(DESCRIPTION) : undefined;
    return description === undefined ? undefined : this.text(description, [...path, 'meta', 'description']);
  }

  private showDerivation(value: Attrs, path: readonly string[], header: string): Json {
    const name = this.text(this.required(value, NAME, path), [...path, 'name']);
    if (this.options.json) return { type: 'derivation', name, description: this.description(value, path) ?? '' };
    const [top] = path;
    const isShell = (path.length === 2 && top === 'devShell') || (path.length >= 2 && top === 'devShells');
    const what = isShell
      ? 'development environment'
      : (path.length === 3 && top === 'checks') || top === 'hydraJobs'
        ? 'derivation'
        : 'package';
    this.line(`${header}: ${what} '${name}'`);
    return {};
  }

  private showApp(slot: Slot, path: readonly string[], header: string): Json {
    const value = force(slot);
    const type = value instanceof Attrs ? value.get(TYPE) : undefined;
    const description = this.description(value, path);
    if (type === undefined || this.text(type, [...path, 'type']) !== 'app') throw new EvalError('not an app definition');
    return this.leaf(header, `: app: ${this.style.bold(description ?? 'no description')}`, { type: 'app', description });
  }
}

function wellKnownType(top: string, depth: number): readonly [type: string, words: string] {
  if ((depth === 1 && top === 'overlay') || (depth === 2 && top === 'overlays')) return ['nixpkgs-overlay', 'Nixpkgs overlay'];
  if (depth === 2 && top === 'nixosConfigurations') return ['nixos-configuration', 'NixOS configuration'];
  if ((depth === 1 && top === 'nixosModule') || (depth === 2 && top === 'nixosModules')) return ['nixos-module', 'NixOS module'];
  return ['unknown', 'unknown'];
}
