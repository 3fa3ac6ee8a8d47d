// The interactive environment: lines in, values out, names kept between. Reading lines and colours of errors are the command's matter;
// what a line means is here. libcmd/repl.cc decides the commands and every word they print.

import * as fs from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import { FloeError, ParseError } from '../base/errors.ts';
import { Attrs } from '../eval/attrs.ts';
import { autoCallFunction } from '../eval/auto-call.ts';
import { Builtin } from '../eval/builtin.ts';
import { callFlake } from '../eval/call-flake.ts';
import { callFunction, enterCall, leaveCall } from '../eval/call.ts';
import { forceAttrs } from '../eval/coerce.ts';
import { isDerivation } from '../eval/equality.ts';
import { addFrame } from '../eval/error-position.ts';
import type { Evaluator } from '../eval/evaluator.ts';
import { NO_POSITION, type PositionId } from '../eval/position.ts';
import { PRINT_DEFAULTS, type PrintPalette, printValue } from '../eval/print.ts';
import type { EvalState } from '../eval/state.ts';
import { internSymbol, symbolName, symbols } from '../eval/symbol.ts';
import { describeType, force, isString, Lambda, NixPath, type Slot, stringText, type Value } from '../eval/value.ts';
import { type Node, NodeKind, Select } from '../lang/ast.ts';
import { docOfAttribute, docOfFunction } from '../lang/doc-comments.ts';
import { parse } from '../lang/parser.ts';
import { stringSource } from '../lang/position.ts';
import { printIdentifier } from '../lang/print-ast.ts';
import { isLockedInput } from '../model/input-scheme.ts';
import type { StorePath } from '../model/store-path.ts';
import { editorWords, placeToEdit, placeOfDerivation } from './definitions.ts';
import { FoundDerivation } from './derivation-values.ts';
import type { Engine } from './engine.ts';
import type { FoundValue } from './installables.ts';
import { parseOptionsOf } from './evaluation.ts';
import { answerForDerivation, type DerivationAnswer, type DerivationRequest } from './repl-derivations.ts';

/** What becomes of the session after a line. `incomplete` wants more lines of the same input. */
export type LineResult = 'again' | 'quit' | 'incomplete';

/** What the session speaks through. */
export interface ReplFace {
  /** Text on standard output, a byte string. */
  write(text: string): void;
  /** A line on standard error. */
  notice(text: string): void;
  /** Runs what may take long; the user may end it, which throws. */
  interruptible<Result>(run: () => Result): Result;
  /** Text in Markdown as the user's terminal shows it. Byte strings. */
  renderMarkdown(text: string): string;
  /** Starts floe with these words, with the user's terminal. */
  runFloe(words: readonly string[]): void;
  /** Sets whether errors come with their whole trace; says whether they did. */
  showTrace(on?: boolean): boolean;
  readonly palette: PrintPalette;
}

/** What is loaded at the start and again by `:reload`: values, and what to call them. */
export type LoadValues = () => Promise<readonly { readonly value: FoundValue['value']; readonly what: string }[]>;

/** `inside`: evaluation stands still behind the session, so nothing in it may give the event loop a turn. */
export type ReplPlace = 'alone' | 'inside';

const SHOWN_NAMES = 20;
const HELP: readonly (readonly [words: string, text: string])[] = [
  ['<expr>', 'Evaluate and print expression'],
  ['<x> = <expr>', 'Bind expression to variable'],
  [':a, :add <expr>', 'Add attributes from resulting set to scope'],
  [':b <expr>', 'Build a derivation'],
  [':bl <expr>', 'Build a derivation, creating GC roots in the\nworking directory'],
  [':e, :edit <expr>', 'Open package or function in $EDITOR'],
  [':i <expr>', 'Build derivation, then install result into\ncurrent profile'],
  [':l, :load <path>', 'Load Nix expression and add it to scope'],
  [':lf, :load-flake <ref>', 'Load Nix flake and add it to scope'],
  [':ll, :last-loaded', 'Show most recently loaded variables added to scope'],
  [':p, :print <expr>', 'Evaluate and print expression recursively\nStrings are printed directly, without escaping.'],
  [':q, :quit', 'Exit nix-repl'],
  [':r, :reload', 'Reload all files'],
  [':sh <expr>', 'Build dependencies of derivation, then start\nnix-shell'],
  [':t <expr>', 'Describe result of evaluation'],
  [':u <expr>', 'Build derivation, then start nix-shell'],
  [':doc <expr>', 'Show documentation of a builtin function'],
  [':log <expr>', 'Show logs for a derivation'],
  [':te, :trace-enable [bool]', 'Enable, disable or toggle showing traces for\nerrors'],
  [':?, :help', 'Brings up this help menu'],
];
const HELP_COLUMN = 29;

/** A command's first word and the rest. */
export function splitCommand(line: string): { readonly command: string; readonly argument: string } {
  const blank = line.search(/[ \n\r\t]/);
  return blank < 0 ? { command: line, argument: '' } : { command: line.slice(0, blank), argument: line.slice(blank).trim() };
}

function printHelp(): string {
  const rows = HELP.map(([words, text]) => `  ${words.padEnd(HELP_COLUMN)}${text.replaceAll('\n', `\n  ${' '.repeat(HELP_COLUMN)}`)}\n`);
  return `The following commands are available:\n\n${rows.join('')}`;
}

/** Input that goes on in the next line. */
function isUnfinished(error: unknown): boolean {
  return error instanceof ParseError && error.message.includes('unexpected end of file');
}

/** What was read is nothing of that form; names that do not exist are another matter. */
function isSyntaxError(error: unknown): boolean {
  return error instanceof ParseError && !error.message.startsWith('undefined variable');
}

/** One session over an engine. */
export class Repl {
  private readonly engine: Engine;
  private readonly face: ReplFace;
  private readonly loadValues: LoadValues;
  private readonly place: ReplPlace;
  private readonly scope = new Map<string, Slot>();
  private loadedFiles: string[] = [];
  private loadedFlakes: string[] = [];
  private lastLoaded: Attrs | undefined;

  constructor(engine: Engine, face: ReplFace, place: ReplPlace, loadValues: LoadValues = async () => []) {
    this.engine = engine;
    this.face = face;
    this.place = place;
    this.loadValues = loadValues;
  }

  private get evaluator(): Evaluator {
    return this.engine.evaluation().evaluator;
  }

  private get state(): EvalState {
    return this.evaluator.state;
  }

  private get folder(): string {
    return utf8ToByteString(this.engine.cwd);
  }

  /** What is loaded first. */
  async start(): Promise<void> {
    await this.loadAgain();
  }

  // ---- evaluating

  private parse(text: string, isBindings: boolean, shown?: string, transform?: (root: Node) => Node): () => Value {
    const names = [...this.scope.keys()];
    const program = this.evaluator.parseScoped(text, this.folder, names, {
      isBindings,
      ...(shown === undefined ? {} : { shown }),
      ...(transform === undefined ? {} : { transform }),
    });
    const slots = [...this.scope.values()];
    return () => this.face.interruptible(() => this.evaluator.guard(() => program.eval(slots)));
  }

  private evaluate(text: string): Value {
    let program: () => Value;
    try {
      program = this.parse(text, false);
    } catch (error) {
      if (isUnfinished(error)) throw new Unfinished();
      throw error;
    }
    return program();
  }

  /** The set of what a line binds; undefined where it is no bindings. */
  private bindings(text: string): Attrs | undefined {
    try {
      return this.parse(text, true)() as Attrs;
    } catch (error) {
      if (!isSyntaxError(error)) throw error;
    }
    // `inherit x` without its semicolon. Messages show what was typed.
    try {
      return this.parse(`${text};`, true, text)() as Attrs;
    } catch (error) {
      if (!isSyntaxError(error)) throw error;
      if (isUnfinished(error)) throw new Unfinished();
      return undefined;
    }
  }

  private print(value: Value, maxDepth: number): string {
    const options = { ...PRINT_DEFAULTS, force: true, derivationPaths: true, maxDepth, indent: 2, palette: this.face.palette };
    const onPartial = (text: string): void => this.face.write(text);
    return this.face.interruptible(() =>
      this.evaluator.guard(() => printValue(this.state, value, { ...options, errors: 'throw-at-top', onPartial })),
    );
  }

  // ---- names

  private addToScope(value: Value): void {
    const what = 'while evaluating an attribute set to be merged in the global scope';
    const attrs = this.evaluator.guard(() => forceAttrs(this.state, value, NO_POSITION, what));
    attrs.keys().forEach((key, index) => this.scope.set(symbolName(key), attrs.slots()[index]!));
    this.face.notice(`Added ${attrs.size} variables.`);
    this.lastLoaded = attrs;
    const names = attrs.order().map((index) => symbolName(attrs.keys()[index]!));
    this.face.notice(byteStringToUtf8(names.slice(0, SHOWN_NAMES).map(printIdentifier).join(', ')));
    if (names.length > SHOWN_NAMES) this.face.notice(`... and ${names.length - SHOWN_NAMES} more; view with :ll`);
  }

  private loadFile(path: string): void {
    this.loadedFiles = [...this.loadedFiles.filter((known) => known !== path), path];
    const value = this.evaluator.evalFile(this.engine.lookupFile(path));
    this.addToScope(this.evaluator.guard(() => autoCallFunction(this.state, this.engine.autoArgs(), value)));
  }

  private loadFlake(text: string): void {
    if (text === '')
      throw new FloeError('FLOE_USAGE', "cannot use ':load-flake' without a path specified. (Use '.' for the current working directory.)");
    this.loadedFlakes = [...this.loadedFlakes.filter((known) => known !== text), text];
    const { flakes, isPure } = this.engine;
    const ref = flakes.parse(text, true);
    if (isPure && !isLockedInput(ref.input))
      throw new FloeError('FLOE_IMPURE', `cannot use ':load-flake' on unlocked flake reference '${text}' (use --impure to override)`);
    this.addToScope(this.face.interruptible(() => this.evaluator.guard(() => callFlake(this.state, flakes.lockForEvaluation(ref, true)))));
  }

  private loadAgain(): void | Promise<void> {
    const [files, loadedFlakes] = [this.loadedFiles, this.loadedFlakes];
    this.loadedFiles = [];
    this.loadedFlakes = [];
    for (const file of files) {
      this.face.notice(`Loading "${file}"...`);
      this.loadFile(file);
    }
    const loadFlakes = (): void => {
      for (const flake of loadedFlakes) {
        this.face.notice(`Loading flake '${flake}'...`);
        this.loadFlake(flake);
      }
    };
    if (this.place === 'inside') return loadFlakes();
    return this.loadValues().then((values) => {
      for (const { value, what } of values) {
        this.face.notice(`Loading installable '${what}'...`);
        this.addToScope(value);
      }
      loadFlakes();
    });
  }

  private reload(): void | Promise<void> {
    this.evaluator.resetFiles();
    this.engine.flakes.forget();
    this.scope.clear();
    return this.loadAgain();
  }

  // ---- lines

  /**
   * Does what a line, or several, ask for. Errors are thrown; the session can go on after them. A promise comes, never inside of an
   * evaluation, from commands that have to wait for something.
   */
  processLine(input: string): LineResult | Promise<LineResult> {
    const line = input.trim();
    if (line === '') return 'again';
    try {
      if (!line.startsWith(':')) {
        this.processExpression(line);
        return 'again';
      }
      const { command, argument } = splitCommand(line);
      const result = this.processCommand(command, argument);
      return result instanceof Promise ? result.then(() => 'again') : (result ?? 'again');
    } catch (error) {
      if (error instanceof Unfinished) return 'incomplete';
      throw error;
    }
  }

  /** Names and values beside those of the base environment, in the place of all others. */
  setScope(values: ReadonlyMap<string, Slot>): void {
    this.scope.clear();
    for (const [name, slot] of values) this.scope.set(name, slot);
  }

  private processExpression(line: string): void {
    const bound = this.bindings(line);
    if (bound === undefined) this.face.write(`${this.print(this.evaluate(line), 1)}\n`);
    else bound.keys().forEach((key, index) => this.scope.set(symbolName(key), bound.slots()[index]!));
  }

  private processCommand(command: string, argument: string): LineResult | void | Promise<void> {
    const { face } = this;
    switch (command) {
      case ':?':
      case ':help':
        face.write(printHelp());
        return;
      case ':a':
      case ':add':
        return this.addToScope(this.evaluate(argument));
      case ':l':
      case ':load':
        this.evaluator.resetFiles();
        return this.loadFile(byteStringToUtf8(argument));
      case ':lf':
      case ':load-flake':
        return this.loadFlake(byteStringToUtf8(argument));
      case ':ll':
      case ':last-loaded':
        if (this.lastLoaded === undefined) throw new FloeError('FLOE_REPL', 'nothing has been loaded yet');
        for (const key of this.lastLoaded.keys()) face.write(`${symbolName(key)}\n`);
        return;
      case ':r':
      case ':reload':
        return this.reload();
      case ':e':
      case ':edit':
        return this.edit(argument);
      case ':t':
        face.write(`${describeType(this.evaluate(argument))}\n`);
        return;
      case ':u': {
        const value = this.evaluate(argument);
        const shell = this.evaluate('drv: (import <nixpkgs> {}).runCommand "shell" { buildInputs = [ drv ]; } ""');
        const result = this.evaluator.guard(() => callFunction(this.state, shell, [value], NO_POSITION));
        return this.runFloe(['nix-shell', this.printed(this.derivationPath(result))]);
      }
      case ':i':
        return this.runFloe(['nix-env', '-i', this.printed(this.derivationPath(this.evaluate(argument)))]);
      case ':sh':
        return this.runFloe(['nix-shell', this.printed(this.derivationPath(this.evaluate(argument)))]);
      case ':b':
      case ':bl':
        return this.withAnswer(
          { wanted: command === ':b' ? 'build' : 'build-and-link', derivation: this.derivationPath(this.evaluate(argument)) },
          ({ outputs }) => {
            face.write('\nThis derivation produced the following outputs:\n');
            for (const [shown, path] of outputs) face.write(`  ${shown} -> ${this.printed(path)}\n`);
          },
        );
      case ':log':
        return this.withAnswer({ wanted: 'log', derivation: this.derivationPath(this.evaluate(argument)) }, ({ log }) =>
          face.write(`${log}\n`),
        );
      case ':p':
      case ':print': {
        const value = this.evaluate(argument);
        face.write(`${isString(value) ? stringText(value) : this.print(value, Infinity)}\n`);
        return;
      }
      case ':q':
      case ':quit':
        return 'quit';
      case ':doc':
        face.write(`${face.renderMarkdown(this.documentation(argument)).trim()}\n`);
        return;
      case ':te':
      case ':trace-enable': {
        const on = argument === '' ? !face.showTrace() : argument === 'true';
        if (!['', 'true', 'false'].includes(argument)) throw new FloeError('FLOE_REPL', `unexpected argument '${argument}' to ${command}`);
        face.showTrace(on);
        this.evaluator.showTrace(on);
        face.write(on ? 'showing error traces\n' : 'not showing error traces\n');
        return;
      }
      default:
        throw new FloeError('FLOE_REPL', `unknown command '${command}'`);
    }
  }

  // ---- derivations

  private printed(path: StorePath): string {
    return `${this.engine.storeDir}/${path}`;
  }

  private derivationPath(value: Value): StorePath {
    if (!isDerivation(value))
      throw new FloeError('FLOE_NOT_A_DERIVATION', "expression does not evaluate to a derivation, so I can't build it");
    const derivation = value;
    if (this.evaluator.guard(() => derivation.get(symbols.drvPath)) === undefined)
      throw new FloeError('FLOE_NOT_A_DERIVATION', "expression did not evaluate to a valid derivation (no 'drvPath' attribute)");
    const path = this.evaluator.guard(() => new FoundDerivation(this.state, derivation, '').drvPath);
    if (!this.engine.readOnly) this.engine.builds.flush([{ kind: 'built', derivation: path, outputs: 'all' }]);
    if (!this.engine.evalStore.isValidPathSync(path))
      throw new FloeError('FLOE_NOT_A_DERIVATION', `expression evaluated to invalid derivation '${this.printed(path)}'`);
    return path;
  }

  private withAnswer(request: DerivationRequest, use: (answer: DerivationAnswer) => void): void | Promise<void> {
    if (this.place === 'inside') return use(this.engine.callBridge('derivation', request) as DerivationAnswer);
    return answerForDerivation(this.engine, request).then(use);
  }

  private runFloe(words: readonly string[]): void {
    // NIX: from inside of an evaluation its programs are not to be had.
    if (this.place === 'inside')
      throw new FloeError(
        'FLOE_REPL',
        `Cannot run '${words[0]}' because no method of calling the Nix CLI was provided. This is a configuration problem pertaining to how this program was built. See Nix 2.25 release notes`,
      );
    this.face.runFloe(words);
  }

  private edit(argument: string): void | Promise<void> {
    const value = this.evaluate(argument);
    const { engine } = this;
    const place =
      isString(value) || value instanceof NixPath || value instanceof Lambda
        ? placeToEdit(engine, value)
        : placeOfDerivation(engine, value, byteStringToUtf8(argument));
    const [program, ...args] = editorWords(engine, place);
    const env = engine.env as NodeJS.ProcessEnv;
    const result = spawnSync(program!, args, { stdio: 'inherit', cwd: engine.cwd, env });
    if (result.error) throw new FloeError('FLOE_EDITOR', `cannot start editor '${program}': ${result.error.message}`);
    return this.reload();
  }

  // ---- documentation

  private documentation(argument: string): string {
    // Of `a.b` the attribute's own place may have a comment, whatever its value is.
    let place: PositionId = NO_POSITION;
    let name = '';
    const selection = this.lastSelection(argument);
    if (selection !== undefined) {
      name = selection.name;
      const what = 'while evaluating an attribute set to look for documentation';
      const attrs = this.evaluator.guard(() => forceAttrs(this.state, selection.subject(), NO_POSITION, what));
      const symbol = internSymbol(name);
      if (attrs.get(symbol) === undefined) this.evaluate(argument);
      place = attrs.position(symbol);
    }
    const value = this.evaluate(argument);
    const text = this.evaluator.guard(() => this.documentationOf(value));
    if (text !== undefined) return text;
    const origin = this.state.positions.originOf(place);
    if (origin === undefined) throw new FloeError('FLOE_REPL', 'value does not have documentation');
    const doc = origin.isFile ? docOfAttribute(origin.source.text, place - origin.base) : undefined;
    const title = `Attribute \`${name}\`\n\n  ${utf8ToByteString('…')} defined at ${this.state.positions.print(place)}\n\n`;
    return title + (doc ?? 'No documentation found.\n\n');
  }

  /** What an expression's last attribute is selected from; undefined where the expression is no selection, or its last name is computed. */
  private lastSelection(text: string): { readonly name: string; readonly subject: () => Value } | undefined {
    const { root } = parse(stringSource(text), parseOptionsOf(this.engine.settings, this.engine.isPure));
    const last = root instanceof Select ? root.path.at(-1) : undefined;
    if (typeof last !== 'string') return undefined;
    const subject = this.parse(text, false, undefined, (node) => {
      if (!(node instanceof Select) || node.kind !== NodeKind.Select) return node;
      return node.path.length === 1 ? node.subject : new Select(node.position, node.subject, node.path.slice(0, -1), null);
    });
    return { name: last, subject };
  }

  private documentationOf(value: Value): string | undefined {
    const { positions } = this.state;
    if (value instanceof Builtin) {
      const { args, text } = value.definition;
      const synopsis = `**Synopsis:** \`builtins.${value.name}\` ${args.map((arg) => `*${arg}*`).join(' ')}\n\n`;
      return synopsis + utf8ToByteString(text);
    }
    if (value instanceof Lambda) {
      const { name, position } = value.code;
      const origin = positions.originOf(position);
      const shown = origin === undefined ? '' : `defined at ${positions.print(position)}`;
      const title = name === null ? 'Function ' : `Function \`${name}\`\\\n${origin === undefined ? '' : `  ${utf8ToByteString('…')} `}`;
      const doc =
        origin === undefined || !origin.isFile
          ? undefined
          : docOfFunction(origin.source.text, position - origin.base, parseOptionsOf(this.engine.settings, this.engine.isPure));
      return `${title}${shown}${doc === undefined || doc === '' ? '' : `\n\n${doc}`}`;
    }
    const functor = value instanceof Attrs ? value.get(symbols.functor) : undefined;
    if (functor === undefined) return undefined;
    try {
      const partly = callFunction(this.state, force(functor), [value], NO_POSITION);
      enterCall(NO_POSITION);
      const text = this.documentationOf(partly);
      leaveCall();
      return text;
    } catch (error) {
      if (error instanceof FloeError) addFrame(error, NO_POSITION, "while partially calling '__functor' to retrieve documentation");
      throw error;
    }
  }

  // ---- completion

  /** What the last word of `prefix`, the line up to the cursor, may become, and that word. */
  complete(prefix: string): { readonly word: string; readonly candidates: string[] } {
    const word = prefix.slice(prefix.search(/[^ \n\r\t(){}[\]]*$/));
    return { word, candidates: this.completeWord(word) };
  }

  private completeWord(word: string): string[] {
    const slash = word.lastIndexOf('/');
    if (slash >= 0) return this.completeFile(word.slice(0, slash), word.slice(slash + 1));
    const dot = word.lastIndexOf('.');
    if (dot < 0) {
      const names = [...this.scope.keys(), ...this.evaluator.globalNames()];
      return [...new Set(names)].filter((name) => name.startsWith(word)).sort();
    }
    const [subject, name] = [word.slice(0, dot), word.slice(dot + 1)];
    try {
      const value = this.evaluate(subject);
      if (!(value instanceof Attrs)) return [];
      const names = value.order().map((index) => symbolName(value.keys()[index]!));
      return names.filter((one) => one.startsWith(name)).map((one) => `${subject}.${one}`);
    } catch (error) {
      if (error instanceof FloeError || error instanceof Unfinished) return [];
      throw error;
    }
  }

  private completeFile(folder: string, name: string): string[] {
    try {
      const names = fs.readdirSync(resolve(this.engine.cwd, folder === '' ? '/' : folder));
      return names.filter((one) => !one.startsWith('.') && one.startsWith(name)).map((one) => `${folder}/${one}`);
    } catch {
      return [];
    }
  }
}

/** Thrown inside this file: the input is the beginning of something. */
class Unfinished extends Error {}

/** The file that earlier sessions' lines are kept in; its folder is made. */
export function historyFile({ env }: Pick<Engine, 'env'>): string | undefined {
  const data =
    env['NIX_DATA_HOME'] ?? (env['XDG_DATA_HOME'] ? `${env['XDG_DATA_HOME']}/nix` : env['HOME'] && `${env['HOME']}/.local/share/nix`);
  if (!data) return undefined;
  const file = `${data}/repl-history`;
  try {
    fs.mkdirSync(dirname(file), { recursive: true });
  } catch {
    return undefined;
  }
  return file;
}
