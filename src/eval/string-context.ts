// String contexts: which store objects a string's text speaks of. An element is one byte string as C++ Nix encodes it: "<path>" (the
// object itself, opaque), "=<drv>" (a derivation with its whole closure), "!<output>!<drv>" (one output, built). Paths are base names
// without the store directory. A context is a frozen, sorted array without doubles and never empty; strings without context are plain
// JavaScript strings. libexpr/value/context.hh.

import { compareStrings } from '../base/bytes.ts';
import type { StorePath } from '../model/store-path.ts';

/** One element in its encoded form. */
export type ContextElement = string;

/** Sorted, without doubles, shared and never changed. */
export type StringContext = readonly ContextElement[];

/** An element taken apart. */
export type ParsedContextElement =
  | { readonly kind: 'opaque'; readonly path: StorePath }
  | { readonly kind: 'deep'; readonly path: StorePath }
  /** `output` of the derivation; `drv` may itself be encoded ("!out!x.drv") with dynamic derivations. */
  | { readonly kind: 'built'; readonly drv: StorePath; readonly output: string };

/** The element for a store object itself. */
export function opaqueElement(path: StorePath): ContextElement {
  return path;
}

/** The element for a derivation file with its closure. */
export function deepElement(drv: StorePath): ContextElement {
  return `=${drv}`;
}

/** The element for one output of a derivation. */
export function builtElement(drv: StorePath, output: string): ContextElement {
  return `!${output}!${drv}`;
}

/** Takes an element apart. */
export function parseContextElement(element: ContextElement): ParsedContextElement {
  const first = element.charCodeAt(0);
  if (first === 0x3d) return { kind: 'deep', path: element.slice(1) as StorePath };
  if (first === 0x21) {
    const end = element.indexOf('!', 1);
    return { kind: 'built', output: element.slice(1, end), drv: element.slice(end + 1) as StorePath };
  }
  return { kind: 'opaque', path: element as StorePath };
}

// PERF: the strings of one package repeat the same few elements; one shared array an element saves most small arrays.
let singletons = new Map<ContextElement, StringContext>();

/** The context of a single element. */
export function contextOf(element: ContextElement): StringContext {
  let context = singletons.get(element);
  if (context === undefined) {
    if (singletons.size >= 65536) singletons = new Map();
    context = [element];
    singletons.set(element, context);
  }
  return context;
}

/** A context from elements in any order; null where there are none. */
export function makeContext(elements: Iterable<ContextElement>): StringContext | null {
  const sorted = [...new Set(elements)].sort(compareStrings);
  return sorted.length === 0 ? null : sorted.length === 1 ? contextOf(sorted[0]!) : sorted;
}

/** The union of two contexts; gives one of them back where it holds the other. Null stands for the empty one. */
export function mergeContexts(a: StringContext | null, b: StringContext | null): StringContext | null {
  if (a === null || a === b) return b;
  if (b === null) return a;
  // INVARIANT: both are sorted. First see whether the longer holds the shorter, which is the common case.
  const long = a.length >= b.length ? a : b;
  const short = long === a ? b : a;
  let i = 0;
  let missing = 0;
  for (let j = 0; j < short.length; j++) {
    const element = short[j]!;
    while (i < long.length && long[i]! < element) i++;
    if (i >= long.length || long[i] !== element) missing++;
  }
  if (missing === 0) return long;
  const merged: ContextElement[] = new Array(long.length + missing);
  let at = 0;
  let x = 0;
  let y = 0;
  while (x < long.length && y < short.length) {
    const p = long[x]!;
    const q = short[y]!;
    if (p === q) {
      merged[at++] = p;
      x++;
      y++;
    } else if (p < q) {
      merged[at++] = p;
      x++;
    } else {
      merged[at++] = q;
      y++;
    }
  }
  while (x < long.length) merged[at++] = long[x++]!;
  while (y < short.length) merged[at++] = short[y++]!;
  return merged;
}

/**
 * Gathers contexts while strings are put together: pass one to the coercions, then make the result with `makeString(text,
 * accumulator.context)`.
 */
export class ContextAccumulator {
  context: StringContext | null = null;
  add(context: StringContext | null): void {
    this.context = mergeContexts(this.context, context);
  }
  addElement(element: ContextElement): void {
    this.context = mergeContexts(this.context, contextOf(element));
  }
}
