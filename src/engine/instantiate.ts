// What `nix-instantiate` does: whole programs (files, text, standard input) parsed and printed, evaluated, or turned into derivations in
// the store. The command prints. nix-instantiate/nix-instantiate.cc.

import { utf8ToByteString } from '../base/bytes.ts';
import { EvalError, FloeError } from '../base/errors.ts';
import { autoCallFunction } from '../eval/auto-call.ts';
import { NO_POSITION } from '../eval/position.ts';
import type { Value } from '../eval/value.ts';
import { internAll } from '../eval/symbol.ts';
import { bind } from '../lang/bind.ts';
import { parse } from '../lang/parser.ts';
import { resolvePathLiteral } from '../lang/path-literal.ts';
import { fileSource, Source } from '../lang/position.ts';
import { printNode } from '../lang/print-ast.ts';
import { aloneParts, type Parts } from '../flake/parts.ts';
import type { StorePath } from '../model/store-path.ts';
import { findAlongAttrPath, findDerivations } from './derivation-values.ts';
import type { Engine, SourceChoice } from './engine.ts';
import { type Evaluation, parseOptionsOf } from './evaluation.ts';
import { walkTogether } from './shared-work.ts';

/** A derivation that was written, and the output that the value stood for. */
export interface Instantiated {
  readonly path: StorePath;
  readonly output: string;
}

/** Of a derivation that another process evaluates. */
const NOWHERE: readonly [StorePath, string] = ['' as StorePath, ''];

/** Works on programs with one engine. */
export class Instantiation {
  readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  private evaluation(source: SourceChoice): Evaluation {
    return this.engine.evaluation(source.kind === 'file' ? `file:${source.path}` : this.engine.cwd);
  }

  /** The tree of a program in Nix's own syntax; a byte string. Nothing is evaluated. */
  parsed(source: SourceChoice): string {
    const { evaluator, host } = this.evaluation(source);
    return evaluator.guard(() => {
      const text = this.readSource(source);
      const { root, names } = parse(text, {
        ...parseOptionsOf(this.engine.settings, this.engine.isPure),
        warn: ({ message, offset }) => host.log('warn', message, offset === undefined ? [] : [{ text: '', position: text.at(offset) }]),
      });
      bind(root, text, evaluator.state.globalNames, { symbols: () => internAll(names) });
      const directory =
        text.path === null ? utf8ToByteString(this.engine.cwd) : text.path.slice(0, Math.max(text.path.lastIndexOf('/'), 1));
      return printNode(root, (literal) => resolvePathLiteral(literal, { directory, home: host.getEnv('HOME') }));
    });
  }

  private readSource(source: SourceChoice): Source {
    if (source.kind === 'expression') return new Source(null, source.label ?? '«string»', source.text);
    const { state } = this.evaluation(source).evaluator;
    const path = state.resolveImport(this.engine.lookupFile(source.path));
    return fileSource(path, state.host.readFile(path));
  }

  /** The value of a program. */
  value(source: SourceChoice): Value {
    const { evaluator } = this.evaluation(source);
    if (source.kind === 'expression') return evaluator.evalText(source.text, utf8ToByteString(this.engine.wordsFolder), source.label);
    return evaluator.evalProgram(this.engine.lookupFile(source.path));
  }

  /** What lies at an attribute path, called with `--arg`s where there are any. */
  evaluated(root: Value, attrPath: string): Value {
    const { evaluator } = this.engine.evaluation();
    return evaluator.guard(() => {
      const autoArgs = this.engine.autoArgs();
      const value = findAlongAttrPath(evaluator.state, attrPath, autoArgs, root);
      return this.engine.autoArguments.length === 0 ? value : autoCallFunction(evaluator.state, autoArgs, value);
    });
  }

  /** All derivations at an attribute path, not written yet. `onFound` gets each as it is evaluated. */
  found(
    root: Value,
    attrPath: string,
    parts: Parts<string> = aloneParts(() => {}),
    onFound: (one: Instantiated) => void = () => {},
  ): Instantiated[] {
    const { evaluator } = this.engine.evaluation();
    return evaluator.guard(() => {
      const autoArgs = this.engine.autoArgs();
      const value = findAlongAttrPath(evaluator.state, attrPath, autoArgs, root);
      const all = findDerivations(evaluator.state, value, autoArgs);
      parts.expect('', all.length);
      return all.map((derivation, index) => {
        const [path, output] = parts.part('', String(index), NOWHERE, () => {
          const { drvPath, outputName } = derivation;
          if (outputName === '') throw new EvalError(`derivation '${this.engine.storeDir}/${drvPath}' lacks an 'outputName' attribute`);
          return [drvPath, outputName] as readonly [StorePath, string];
        });
        const one: Instantiated = { path, output };
        onFound(one);
        return one;
      });
    });
  }

  /** Writes all derivations at an attribute path with what they need, and reports each. After a failure too, as far as it came. */
  async derivations(root: () => Value, attrPath: string, report: (one: Instantiated) => Promise<void>): Promise<void> {
    let done: Instantiated[] = [];
    try {
      await walkTogether(this.engine, {
        writes: true,
        show() {},
        run: (parts: Parts<string>) => {
          done = [];
          this.found(root(), attrPath, parts, (one) => void done.push(one));
        },
      });
    } finally {
      this.engine.builds.flushAll();
      for (const one of done) await report(one);
    }
  }

  /** Where `<name>` leads. */
  findFile(name: string): string {
    const { evaluator } = this.engine.evaluation();
    const path = evaluator.guard(() => evaluator.state.findFile(evaluator.state.searchPath, utf8ToByteString(name), NO_POSITION));
    if (path.startsWith('<')) throw new FloeError('FLOE_NO_FILE', `'${path}' has no physical path`);
    return path;
  }
}

export type { Value };
