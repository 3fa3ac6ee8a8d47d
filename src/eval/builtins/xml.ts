// Values as XML: `builtins.toXML`, `--eval --xml`. libexpr/value-to-xml.cc.

import { Attrs } from '../attrs.ts';
import type { BuiltinDefinition } from '../builtin.ts';
import { enterCall, leaveCall } from '../call.ts';
import { isDerivation } from '../equality.ts';
import { printFloatShort } from '../number.ts';
import type { PositionId } from '../position.ts';
import type { EvalState } from '../state.ts';
import { ContextAccumulator } from '../string-context.ts';
import { symbolName, symbols, type SymbolId } from '../symbol.ts';
import { ContextString, force, isString, Lambda, makeString, NixFloat, NixPath, peek, type Slot, stringText, Thunk } from '../value.ts';

const ESCAPES: Readonly<Record<string, string>> = { '"': '&quot;', '<': '&lt;', '>': '&gt;', '&': '&amp;', '\n': '&#xA;' };

const NEEDS_ESCAPE = /["<>&\n]/;

function escape(text: string): string {
  return NEEDS_ESCAPE.test(text) ? text.replace(/["<>&\n]/g, (character) => ESCAPES[character]!) : text;
}

type XmlAttributes = readonly (readonly [name: string, value: string])[];

/** How values are written. */
export interface XmlOptions {
  /** Evaluate what is met; otherwise what waits is `<unevaluated />`. */
  readonly strict: boolean;
  /** Write where attributes and functions were defined. */
  readonly locations: boolean;
}

/** Text goes on when so much has been gathered. */
const CHUNK = 65536;

class XmlWriter {
  private readonly state: EvalState;
  private readonly options: XmlOptions;
  private readonly context: ContextAccumulator;
  /** Paths of the derivations written so far; each is written in full once. */
  private readonly derivations = new Set<string>();
  private readonly write: (text: string) => void;
  private text = "<?xml version='1.0' encoding='utf-8'?>\n";
  private depth = 0;
  constructor(state: EvalState, options: XmlOptions, context: ContextAccumulator, write: (text: string) => void) {
    this.write = write;
    this.state = state;
    this.options = options;
    this.context = context;
  }

  document(slot: Slot, pos: PositionId): void {
    try {
      this.element('expr', [], () => this.value(slot, pos));
    } finally {
      this.write(this.text);
    }
  }

  private emit(text: string): void {
    this.text += text;
    if (this.text.length < CHUNK) return;
    this.write(this.text);
    this.text = '';
  }

  private tag(name: string, attributes: XmlAttributes, end: string): void {
    let text = `${'  '.repeat(this.depth)}<${name}`;
    // INVARIANT: attributes are given in the order of their names, which is how C++ Nix writes them.
    for (const [key, value] of attributes) text += ` ${key}="${escape(value)}"`;
    this.emit(`${text}${end}\n`);
  }

  private empty(name: string, attributes: XmlAttributes = []): void {
    this.tag(name, attributes, ' />');
  }

  private element(name: string, attributes: XmlAttributes, content: () => void): void {
    this.tag(name, attributes, '>');
    this.depth++;
    try {
      content();
    } finally {
      this.depth--;
      this.emit(`${'  '.repeat(this.depth)}</${name}>\n`);
    }
  }

  /** Attributes that say where something was defined; `name` goes between them in order. */
  private location(pos: PositionId, name?: string): XmlAttributes {
    const named: XmlAttributes = name === undefined ? [] : [['name', name]];
    if (!this.options.locations) return named;
    const position = this.state.positions.resolve(pos);
    if (position === undefined)
      return name === undefined
        ? [
            ['column', '0'],
            ['line', '0'],
          ]
        : named;
    const { path } = position.origin.source;
    return [
      ['column', String(position.column)],
      ['line', String(position.line)],
      ...named,
      ...(path === null ? [] : [['path', path] as const]),
    ];
  }

  private value(slot: Slot, pos: PositionId): void {
    enterCall(pos);
    const value = this.options.strict ? force(slot, pos) : peek(slot);
    if (value instanceof Thunk) this.empty('unevaluated');
    else if (typeof value === 'string') this.empty('string', [['value', value]]);
    else if (value instanceof ContextString) {
      this.context.add(value.context);
      this.empty('string', [['value', value.text]]);
    } else if (typeof value === 'number' || typeof value === 'bigint') this.empty('int', [['value', String(value)]]);
    else if (typeof value === 'boolean') this.empty('bool', [['value', String(value)]]);
    else if (value === null) this.empty('null');
    else if (value instanceof NixPath) this.empty('path', [['value', value.path]]);
    else if (value instanceof NixFloat) this.empty('float', [['value', printFloatShort(value.value)]]);
    else if (Array.isArray(value)) {
      this.element('list', [], () => {
        for (const element of value) this.value(element, pos);
      });
    } else if (value instanceof Attrs) this.attrs(value);
    else if (value instanceof Lambda) this.lambda(value);
    else this.empty('unevaluated');
    leaveCall();
  }

  private stringOf(attrs: Attrs, symbol: SymbolId): string | undefined {
    const slot = attrs.get(symbol);
    if (slot === undefined) return undefined;
    const value = this.options.strict ? force(slot, attrs.position(symbol)) : peek(slot);
    return !(value instanceof Thunk) && isString(value) ? stringText(value) : undefined;
  }

  private attrs(attrs: Attrs): void {
    if (!isDerivation(attrs)) {
      this.element('attrs', [], () => this.members(attrs));
      return;
    }
    const drvPath = this.stringOf(attrs, symbols.drvPath);
    const outPath = this.stringOf(attrs, symbols.outPath);
    const xmlAttributes: (readonly [string, string])[] = [];
    if (drvPath !== undefined) xmlAttributes.push(['drvPath', drvPath]);
    if (outPath !== undefined) xmlAttributes.push(['outPath', outPath]);
    this.element('derivation', xmlAttributes, () => {
      if (drvPath === undefined || drvPath === '' || this.derivations.has(drvPath)) this.empty('repeated');
      else {
        this.derivations.add(drvPath);
        this.members(attrs);
      }
    });
  }

  private members(attrs: Attrs): void {
    for (const i of attrs.order()) {
      const position = attrs.positionAt(i);
      this.element('attr', this.location(position, symbolName(attrs.keys()[i]!)), () => this.value(attrs.slots()[i]!, position));
    }
  }

  private lambda({ code }: Lambda): void {
    const name = code.parameterName;
    this.element('function', this.location(code.position), () => {
      if (code.formals === null) {
        this.empty('varpat', [['name', name ?? '']]);
        return;
      }
      const attributes: (readonly [string, string])[] = [];
      if (code.ellipsis) attributes.push(['ellipsis', '1']);
      if (name !== null) attributes.push(['name', name]);
      const names = code.formals.map((formal) => symbolName(formal.symbol)).sort();
      this.element('attrspat', attributes, () => {
        for (const formal of names) this.empty('attr', [['name', formal]]);
      });
    });
  }
}

/**
 * Writes a value as an XML document, piece by piece; what is there already, with all its ends, where evaluation fails. Contexts of its
 * strings go to `context`.
 */
export function writeValueAsXml(
  state: EvalState,
  slot: Slot,
  pos: PositionId,
  context: ContextAccumulator,
  options: XmlOptions,
  write: (text: string) => void,
): void {
  new XmlWriter(state, options, context, write).document(slot, pos);
}

/** builtins.toXML */
export const toXML: BuiltinDefinition = {
  args: ['e'],
  text: 'The value as an XML document.',
  run(state, pos, slot) {
    const context = new ContextAccumulator();
    let text = '';
    writeValueAsXml(state, slot!, pos, context, { strict: true, locations: false }, (piece) => (text += piece));
    return makeString(text, context.context);
  },
};
