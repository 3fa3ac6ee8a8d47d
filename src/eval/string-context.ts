// String contexts: which store objects a string's text speaks of. An element is a store object itself (opaque), a derivation with its
// whole closure (deep), or one output of a derivation (built); C++ Nix encodes them "<path>", "=<drv>" and "!<output>!<drv>", with base
// names for paths, and "!<output>!<output>!<drv>" for an output of a derivation that is itself an output. A context is an array without doubles, ordered by the elements' numbers, shared, never changed and never
// empty; strings without context are plain JavaScript strings. libexpr/value/context.hh.
//
// PERF: elements are unique objects (a table for the whole program, like that of symbols), so uniting contexts compares no text. As Sets
// of strings contexts were 590 MB of one run's allocations.

import { baseDerivation, type DerivationRef, type SingleDerivedPath } from '../model/derived-path.ts';
import type { StorePath } from '../model/store-path.ts';

/** One element. Equal elements are the same object. */
export class ContextElement {
  readonly kind: 'opaque' | 'deep' | 'built';
  /** The object; of the deep and built kinds, the derivation (that at the bottom, where outputs are derivations). */
  readonly path: StorePath;
  /** What the built kind is an output of; otherwise the object. */
  readonly derivation: DerivationRef;
  /** The output's name of the built kind; otherwise empty. */
  readonly output: string;
  readonly number: number;
  /** The union this was last seen in. */
  mark = 0;
  /** The context of this element alone. */
  readonly alone: StringContext;
  constructor(kind: 'opaque' | 'deep' | 'built', path: StorePath, derivation: DerivationRef, output: string, number: number) {
    this.kind = kind;
    this.path = path;
    this.derivation = derivation;
    this.output = output;
    this.number = number;
    this.alone = [this];
  }
}

/** Ordered by number, without doubles, shared and never changed. */
export type StringContext = readonly ContextElement[];

/** An element taken apart. */
export type ParsedContextElement = SingleDerivedPath | { readonly kind: 'deep'; readonly path: StorePath };

const opaqueElements = new Map<StorePath, ContextElement>();
const deepElements = new Map<StorePath, ContextElement>();
/** By what they are outputs of: a derivation's path, or the element of the output that is the derivation. */
const builtElements = new Map<StorePath | ContextElement, Map<string, ContextElement>>();
let elementCount = 0;

/** The element for a store object itself. */
export function opaqueElement(path: StorePath): ContextElement {
  let element = opaqueElements.get(path);
  if (element === undefined) opaqueElements.set(path, (element = new ContextElement('opaque', path, path, '', elementCount++)));
  return element;
}

/** The element for a derivation file with its closure. */
export function deepElement(drv: StorePath): ContextElement {
  let element = deepElements.get(drv);
  if (element === undefined) deepElements.set(drv, (element = new ContextElement('deep', drv, drv, '', elementCount++)));
  return element;
}

/** The element for one output of a derivation. */
export function builtElement(derivation: DerivationRef, output: string): ContextElement {
  const key = typeof derivation === 'string' ? derivation : builtElement(derivation.derivation, derivation.output);
  let outputs = builtElements.get(key);
  if (outputs === undefined) builtElements.set(key, (outputs = new Map()));
  let element = outputs.get(output);
  if (element === undefined) {
    const base = baseDerivation(derivation);
    outputs.set(output, (element = new ContextElement('built', base, derivation, output, elementCount++)));
  }
  return element;
}

/** Takes an element apart. */
export function parseContextElement({ kind, path, derivation, output }: ContextElement): ParsedContextElement {
  return kind === 'built' ? { kind, derivation, output } : { kind, path };
}

/** An element as C++ Nix encodes it. */
export function printContextElement({ kind, path, derivation, output }: ContextElement): string {
  if (kind !== 'built') return kind === 'opaque' ? path : `=${path}`;
  let text = `!${output}!`;
  let ref = derivation;
  for (; typeof ref !== 'string'; ref = ref.derivation) text += `${ref.output}!`;
  return text + ref;
}

/** The context of a single element. */
export function contextOf(element: ContextElement): StringContext {
  return element.alone;
}

let unionCount = 0;

function byNumber(a: ContextElement, b: ContextElement): number {
  return a.number - b.number;
}

/** The union of `first` and the others; `first` itself where it holds them all. */
function unite(first: StringContext, others: readonly StringContext[]): StringContext {
  const mark = ++unionCount;
  for (let i = 0; i < first.length; i++) first[i]!.mark = mark;
  let added: ContextElement[] | null = null;
  for (let j = 0; j < others.length; j++) {
    const context = others[j]!;
    for (let i = 0; i < context.length; i++) {
      const element = context[i]!;
      if (element.mark === mark) continue;
      element.mark = mark;
      if (added === null) added = [element];
      else added.push(element);
    }
  }
  if (added === null) return first;
  // Where one of the others holds everything, that one is the union.
  const size = first.length + added.length;
  for (let j = 0; j < others.length; j++) if (others[j]!.length === size) return others[j]!;
  const united = first.concat(added);
  return united.sort(byNumber);
}

/** The elements of all these, in no order. */
export function uniteAll(contexts: Iterable<StringContext>): ContextElement[] {
  const mark = ++unionCount;
  const united: ContextElement[] = [];
  for (const context of contexts) {
    for (let i = 0; i < context.length; i++) {
      const element = context[i]!;
      if (element.mark === mark) continue;
      element.mark = mark;
      united.push(element);
    }
  }
  return united;
}

/** A context from elements in any order; null where there are none. */
export function makeContext(elements: Iterable<ContextElement>): StringContext | null {
  const contexts = Array.from(elements, contextOf);
  return contexts.length === 0 ? null : unite(contexts[0]!, contexts);
}

/** The union of two contexts; gives one of them back where it holds the other. Null stands for the empty one. */
export function mergeContexts(a: StringContext | null, b: StringContext | null): StringContext | null {
  if (a === null || a === b) return b;
  return b === null ? a : unite(a, [b]);
}

/**
 * Gathers contexts while strings are put together: pass one to the coercions, then make the result with `makeString(text,
 * accumulator.context)`.
 */
export class ContextAccumulator {
  #first: StringContext | null = null;
  #others: StringContext[] | null = null;

  add(context: StringContext | null): void {
    if (context === null || context === this.#first) return;
    if (this.#first === null) this.#first = context;
    else if (this.#others === null) this.#others = [context];
    else if (this.#others[this.#others.length - 1] !== context) this.#others.push(context);
  }

  addElement(element: ContextElement): void {
    this.add(element.alone);
  }

  /** The union of what was added; null where that is nothing. */
  get context(): StringContext | null {
    if (this.#others !== null) {
      this.#first = unite(this.#first!, this.#others);
      this.#others = null;
    }
    return this.#first;
  }
}
