// Versions and names of packages: how they are taken apart and which of two versions is the older. Nix manual,
// "nix-env --upgrade" ("Versions"); libstore/names.cc.

import { makeAttrs } from '../attrs.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { forceStringNoContext } from '../coerce.ts';
import { compareStrings } from '../../base/bytes.ts';

/** A run of digits, or a run of anything that is no digit, dot or dash. */
const COMPONENT = /[0-9]+|[^0-9.-]+/g;

/** The components of a version, in order: dots and dashes separate, and so does the border between digits and other characters. */
export function splitVersionText(version: string): string[] {
  return version.match(COMPONENT) ?? [];
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isSeparator = (code: number): boolean => code === 0x2e || code === 0x2d;

/** Walks over the components of a version. PERF: comparing two makes no array and no text but the components. */
class Components {
  private readonly version: string;
  private at = 0;
  constructor(version: string) {
    this.version = version;
  }
  get isAtEnd(): boolean {
    return this.at >= this.version.length;
  }
  /** The next component; "" where there is none. */
  next(): string {
    const { version } = this;
    let { at } = this;
    while (at < version.length && isSeparator(version.charCodeAt(at))) at++;
    const start = at;
    if (at < version.length) {
      const wantsDigits = isDigit(version.charCodeAt(at));
      while (at < version.length && isDigit(version.charCodeAt(at)) === wantsDigits && !isSeparator(version.charCodeAt(at))) at++;
    }
    this.at = at;
    return version.slice(start, at);
  }
}

/** A component's value as a number of 32 bits; -1 where it is none. */
function numberOf(component: string): number {
  if (component === '' || !isDigit(component.charCodeAt(0))) return -1;
  const value = Number(component);
  return value <= 0x7fffffff ? value : -1;
}

/** Whether the first component comes before the second. Missing components are "". */
function isEarlier(a: string, b: string): boolean {
  const x = numberOf(a);
  const y = numberOf(b);
  if (x >= 0 && y >= 0) return x < y;
  if (a === '' && y >= 0) return true;
  if (a === 'pre' && b !== 'pre') return true;
  if (b === 'pre') return false;
  // "2.3a" is earlier than "2.3.1".
  if (y >= 0) return true;
  if (x >= 0) return false;
  return compareStrings(a, b) < 0;
}

/** -1, 0 or 1, as the first version is older than, equal to or newer than the second. */
export function compareVersionTexts(a: string, b: string): number {
  const x = new Components(a);
  const y = new Components(b);
  while (!x.isAtEnd || !y.isAtEnd) {
    const p = x.next();
    const q = y.next();
    if (p === q) continue;
    if (isEarlier(p, q)) return -1;
    if (isEarlier(q, p)) return 1;
  }
  return 0;
}

/** Name and version of a package: the version starts after the first dash that no letter follows. */
export function parsePackageName(text: string): { name: string; version: string } {
  const dash = text.search(/-[^a-zA-Z]/);
  return dash < 0 ? { name: text, version: '' } : { name: text.slice(0, dash), version: text.slice(dash + 1) };
}

/** builtins.compareVersions */
export const compareVersions: BuiltinDefinition = {
  args: ['s1', 's2'],
  forces: [0, 1],
  firstForced: 'string',
  text: '`-1` where version *s1* is older than *s2*, `1` where it is newer, `0` where they are equal.',
  run(state, pos, a, b) {
    const x = forceStringNoContext(state, a!, pos, 'while evaluating the first argument passed to builtins.compareVersions');
    const y = forceStringNoContext(state, b!, pos, 'while evaluating the second argument passed to builtins.compareVersions');
    return compareVersionTexts(x, y);
  },
};

/** builtins.splitVersion */
export const splitVersion: BuiltinDefinition = {
  args: ['s'],
  text: 'The components of a version as a list of strings, as `compareVersions` compares them.',
  run: (state, pos, slot) =>
    splitVersionText(forceStringNoContext(state, slot!, pos, 'while evaluating the first argument passed to builtins.splitVersion')),
};

/** builtins.parseDrvName */
export const parseDrvName: BuiltinDefinition = {
  args: ['s'],
  text:
    'Takes a package name with version apart: `"nix-0.12pre12876"` gives `{ name = "nix"; version = "0.12pre12876"; }`. The version ' +
    'starts after the first dash that no letter follows.',
  run(state, pos, slot) {
    const text = forceStringNoContext(state, slot!, pos, 'while evaluating the first argument passed to builtins.parseDrvName');
    const { name, version } = parsePackageName(text);
    return makeAttrs([
      ['name', name],
      ['version', version],
    ]);
  },
};
