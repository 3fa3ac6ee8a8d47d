// floe's public interface where there is no Node: the language (parse, evaluate, values) and the formats. Everything here is
// synchronous, reads nothing of the machine, and runs in a browser; `floe` itself (index.ts) adds stores, builds and flakes.
//
//   import { openEvaluator } from 'floe/pure';
//   const nix = openEvaluator({ files: { '/lib/default.nix': '{ twice = x: x * 2; }' } });
//   nix.evaluate('(import /lib).twice 21').toPlain();   // 42

import { byteStringToUtf8, utf8ToByteString } from './base/bytes.ts';
import { BUILTINS } from './eval/builtins/index.ts';
import { Evaluator } from './eval/evaluator.ts';
import { MemoryHost } from './eval/memory-host.ts';
import { NixValue } from './eval/value-handle.ts';
import type { EvalLogLevel } from './eval/host.ts';
import { internAll } from './eval/symbol.ts';
import { bind, type GlobalNames } from './lang/bind.ts';
import { parse } from './lang/parser.ts';
import { resolvePathLiteral } from './lang/path-literal.ts';
import { stringSource } from './lang/position.ts';
import { printNode } from './lang/print-ast.ts';

/** What a pure evaluation sees of the world. Nothing else exists for it. */
export interface EvaluatorChoices {
  /** Files by absolute path; text is UTF-8. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** What `builtins.getEnv` finds. */
  readonly env?: Readonly<Record<string, string>>;
  /** `builtins.currentSystem`; "x86_64-linux" unless said. */
  readonly system?: string;
  /** `builtins.storeDir`; "/nix/store" unless said. */
  readonly storeDir?: string;
  /** `builtins.currentTime`, seconds since 1970; 0 unless said. */
  readonly currentTime?: number;
  /** What `<name>` finds: folders by prefix, as `-I name=/folder`. */
  readonly searchPath?: Readonly<Record<string, string>>;
  /** Pure evaluation, as `nix eval` without `--impure`: no time, no system, no environment, no search path. */
  readonly pureEval?: boolean;
  /** Experimental features that are on ("flakes", "pipe-operators", ...). */
  readonly features?: readonly string[];
  /** Gets what programs say (`builtins.trace`, `builtins.warn`). */
  readonly log?: (level: EvalLogLevel, message: string) => void;
}

/** An evaluator over files in memory. Files are evaluated once; the same evaluator gives the same values. */
export class PureEvaluator {
  readonly #host: MemoryHost;
  readonly #evaluator: Evaluator;

  constructor(choices: EvaluatorChoices = {}) {
    const { log, searchPath = {} } = choices;
    this.#host = new MemoryHost({
      ...(choices.files === undefined ? {} : { files: choices.files }),
      ...(choices.env === undefined ? {} : { env: choices.env }),
      ...(log === undefined ? {} : { log: (level, message) => log(level, byteStringToUtf8(message)) }),
      constants: {
        ...(choices.system === undefined ? {} : { currentSystem: choices.system }),
        ...(choices.storeDir === undefined ? {} : { storeDir: choices.storeDir }),
        currentTime: choices.pureEval === true ? undefined : (choices.currentTime ?? 0),
        nixPath: Object.entries(searchPath).map(([prefix, path]) => ({ prefix, path: utf8ToByteString(path) })),
        pureEval: choices.pureEval ?? false,
        experimentalFeatures: new Set(choices.features ?? []),
      },
    });
    this.#evaluator = new Evaluator({ host: this.#host, builtins: BUILTINS });
  }

  /** The value of an expression. Relative paths in it start at `folder`. Throws ParseError, EvalError. */
  evaluate(expression: string, folder = '/'): NixValue {
    return new NixValue(this.#evaluator, this.#evaluator.evalText(utf8ToByteString(expression), utf8ToByteString(folder)));
  }

  /** The value of a file, as `import` gives it; of a folder, that of its default.nix. */
  evaluateFile(path: string): NixValue {
    return new NixValue(this.#evaluator, this.#evaluator.evalFile(utf8ToByteString(path)));
  }

  /** Puts a file in place, or another one where it is not evaluated yet. */
  addFile(path: string, content: string | Uint8Array): void {
    this.#host.addFile(path, content);
  }

  /** Names that are in scope everywhere. */
  get globalNames(): GlobalNames {
    return this.#evaluator.state.globalNames;
  }

  /** Text of every derivation that evaluation has made so far, by the base name of its store path. */
  derivations(): ReadonlyMap<string, string> {
    return new Map([...this.#host.derivations].map(([path, { aterm }]) => [path as string, byteStringToUtf8(aterm)]));
  }
}

/** An evaluator over what `choices` give. */
export function openEvaluator(choices: EvaluatorChoices = {}): PureEvaluator {
  return new PureEvaluator(choices);
}

/** Parses an expression and prints it in Nix's canonical form, as `nix-instantiate --parse` does. Throws ParseError. */
export function printParsed(expression: string, folder = '/'): string {
  const source = stringSource(utf8ToByteString(expression));
  const { root, names } = parse(source);
  bind(root, source, new PureEvaluator().globalNames, { symbols: () => internAll(names) });
  // There is no home here: what starts there is printed as it was written.
  const base = { directory: utf8ToByteString(folder), home: '~' };
  return byteStringToUtf8(printNode(root, (literal) => resolvePathLiteral(literal, base)));
}

export { NixValue, type PlainValue } from './eval/value-handle.ts';
export type { EvalLogLevel } from './eval/host.ts';
export {
  AbortError,
  AssertionError,
  CatchableError,
  EvalError,
  FloeError,
  FormatError,
  MissingAttributeError,
  ParseError,
  ThrownError,
  UndefinedVariableError,
  WrongTypeError,
  type SourcePosition,
  type TraceFrame,
} from './base/errors.ts';
export { parseHash, printHash, type Hash, type HashAlgorithm } from './base/hash.ts';
export { parseATerm, printATerm } from './model/aterm.ts';
export type { Derivation } from './model/derivation.ts';
export { parseFlakeRef, printFlakeRef, type FlakeRef } from './model/flake-ref.ts';
export { parseLockFile, printLockFile, type LockFile } from './model/lock-file.ts';
export { NarReader, NarWriter, writeNar, type FileTree } from './model/nar.ts';
export { parseNarInfo, printNarInfo, type NarInfo } from './model/narinfo.ts';
export { parseStorePath, printStorePath, type StorePath } from './model/store-path.ts';
