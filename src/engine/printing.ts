// Values as commands show them: Nix syntax, raw strings, JSON, XML, files. All texts are byte strings.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { byteStringToUtf8, bytesOf, utf8ToByteString } from '../base/bytes.ts';
import { FloeError, WrongTypeError } from '../base/errors.ts';
import { Attrs, AttrsBuilder } from '../eval/attrs.ts';
import { forceDeep } from '../eval/builtins/deep.ts';
import { printValueAsJson } from '../eval/builtins/json.ts';
import { writeValueAsXml, type XmlOptions } from '../eval/builtins/xml.ts';
import { callFunction } from '../eval/call.ts';
import { coerceToString } from '../eval/coerce.ts';
import { NO_POSITION } from '../eval/position.ts';
import { PRINT_DEFAULTS, printValue, writeAmbiguous } from '../eval/print.ts';
import { ContextAccumulator } from '../eval/string-context.ts';
import { symbolName, symbols } from '../eval/symbol.ts';
import { force, isString, type Slot, stringText, type Value } from '../eval/value.ts';
import type { Parts } from '../flake/parts.ts';
import type { StorePath } from '../model/store-path.ts';
import type { Engine } from './engine.ts';
import { walkTogether } from './shared-work.ts';

/** Stands where the printer met an error. */
const ERROR_MARK = utf8ToByteString('«error: ');

/** Prints values of one engine's evaluator. */
export class Printing {
  private readonly engine: Engine;
  private readonly context = new ContextAccumulator();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Paths that what was printed so far refers to. */
  printedPaths(): StorePath[] {
    return (this.context.context ?? []).map(({ path }) => path);
  }

  private guard<T>(run: () => T): T {
    return this.engine.evaluation().evaluator.guard(run);
  }

  private get state() {
    return this.engine.evaluation().evaluator.state;
  }

  /** The result of the function in `text`, applied to the value. */
  apply(text: string, value: Value): Value {
    return this.guard(() => callFunction(this.state, this.state.evalText(text, utf8ToByteString(this.engine.cwd)), [value], NO_POSITION));
  }

  /** Everything below evaluated, derivations as their paths: what `nix eval` prints. */
  forced(value: Value): string {
    const text = this.guard(() => printValue(this.state, value, { ...PRINT_DEFAULTS, force: true, derivationPaths: true }));
    const { kept } = this.state;
    if (kept !== null) {
      const { reads } = this.engine;
      // Which of several errors is met first can depend on names that other programs had, too.
      if (text.includes(ERROR_MARK)) reads?.refuse('an error is printed');
      if (kept.calls.exposes(value)) reads?.refuse('a copy is printed, where the original may be, too');
    }
    return text;
  }

  /** What `nix-instantiate --eval` prints; with `strict` everything below is evaluated first. */
  writeAmbiguous(value: Value, strict: boolean, write: (text: string) => void): void {
    this.guard(() => {
      if (strict) forceDeep(value);
      writeAmbiguous(value, write);
    });
  }

  raw(value: Value, what: string): string {
    return this.guard(() => coerceToString(this.state, NO_POSITION, value, this.context, what, { more: false, copyToStore: true }));
  }

  /** Unless `strict`, what is not evaluated yet is refused. */
  json(value: Value, copyToStore: boolean, strict = true): string {
    return this.guard(() => printValueAsJson(this.state, value, NO_POSITION, this.context, copyToStore, strict));
  }

  /** The same for a set, attribute by attribute, with the help of other processes where it takes long. */
  sharedJson(take: () => Value, writes: boolean, copyToStore: boolean, strict = true): Promise<string> {
    return walkTogether(this.engine, {
      writes,
      show() {},
      run: (parts: Parts<string>) => {
        const value = take();
        const isPlainSet = value instanceof Attrs && value.get(symbols.outPath) === undefined && value.get(symbols.toString) === undefined;
        if (!isPlainSet) return this.json(value, copyToStore, strict);
        const order = value.order();
        parts.expect('', order.length);
        // The text and its name as JSON has them, which may fail too: names that are no UTF-8.
        const texts = order.map((index) => {
          const name = symbolName(value.keys()[index]!);
          return parts.part('', name, '', () => this.json(alone(value, index), copyToStore, strict).slice(1, -1));
        });
        return `{${texts.join(',')}}`;
      },
    });
  }

  writeXml(value: Value, options: XmlOptions, write: (text: string) => void): void {
    this.guard(() => writeValueAsXml(this.state, value, NO_POSITION, this.context, options, write));
  }

  /** A string as a file, a set as a folder of such. Nothing may lie there yet. */
  writeTo(path: string, value: Value): void {
    if (fs.lstatSync(path, { throwIfNoEntry: false })) throw new FloeError('FLOE_EXISTS', `path '${path}' already exists`);
    this.guard(() => this.writeBelow(path, value));
  }

  private writeBelow(path: string, slot: Slot): void {
    const value = force(slot);
    if (isString(value)) return fs.writeFileSync(path, bytesOf(stringText(value)));
    if (!(value instanceof Attrs)) throw new WrongTypeError(`value at '«none»:0' is not a string or an attribute set`);
    fs.mkdirSync(path);
    for (const index of value.order()) {
      const name = byteStringToUtf8(symbolName(value.keys()[index]!));
      if (name === '.' || name === '..' || name === '' || name.includes('/'))
        throw new FloeError('FLOE_FILE_NAME', `invalid file name '${name}'`);
      this.writeBelow(join(path, name), value.slots()[index]!);
    }
  }
}

/** The set of one attribute of a set, which stands where it stood. */
function alone(set: Attrs, index: number): Attrs {
  return new AttrsBuilder().set(set.keys()[index]!, set.slots()[index]!, set.positionAt(index)).build();
}
