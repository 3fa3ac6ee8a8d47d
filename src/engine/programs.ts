// Starting programs out of a store: apps of flakes, main programs of packages, shells with packages on PATH. nix/app.cc, nix/run.cc
// and nix/shell.cc decide what is started.

import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { byteStringToUtf8 } from '../base/bytes.ts';
import { EvalError, FloeError } from '../base/errors.ts';
import { Attrs } from '../eval/attrs.ts';
import { forceString, forceStringNoContext } from '../eval/coerce.ts';
import { NO_POSITION } from '../eval/position.ts';
import { parseContextElement, type ContextElement } from '../eval/string-context.ts';
import { internSymbol, symbols } from '../eval/symbol.ts';
import { stringContext, stringText } from '../eval/value.ts';
import type { DerivedPath } from '../model/derived-path.ts';
import { splitStorePath } from '../model/store-path.ts';
import type { BuiltPath } from './builds.ts';
import { FoundDerivation } from './derivation-values.ts';
import type { Engine } from './engine.ts';
import type { Findings } from './findings.ts';
import type { Target } from './installables.ts';
import { type EnvironmentChoices, packageFolders } from './start-program.ts';

/** A name without its version: "hello" of "hello-2.12". */
function nameWithoutVersion(name: string): string {
  const match = /-[^A-Za-z]/.exec(name);
  return match === null ? name : name.slice(0, match.index);
}

/** A program, once `paths` are there. */
export interface WantedProgram extends Findings {
  /** As the flake names it, a byte string. */
  readonly program: string;
}

export class Programs {
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Finds the program that `run` starts. */
  find(target: Target): WantedProgram {
    return this.engine.evaluation().evaluator.guard(() => this.resolveApp(target));
  }

  /** Its absolute path; what it needs is built first. */
  async app(wanted: WantedProgram): Promise<string> {
    const { engine } = this;
    const program = engine.builds.fillIn(wanted.program, await engine.builds.build(wanted.paths));
    if (splitStorePath(program, engine.storeDir) === undefined)
      throw new FloeError('FLOE_APP', `app program '${program}' is not in the Nix store`);
    return byteStringToUtf8(program);
  }

  private resolveApp(target: Target): WantedProgram {
    const { state } = this.engine.evaluation().evaluator;
    const { value, attrPath } = target.value();
    const text = (attrs: Attrs, symbol: number, name: string) => {
      const slot = attrs.get(symbol);
      return slot === undefined
        ? undefined
        : forceStringNoContext(state, slot, attrs.position(symbol), `while evaluating the '${name}' attribute of '${attrPath}'`);
    };
    if (!(value instanceof Attrs)) throw new EvalError(`attribute '${attrPath}' should be an app or a derivation`);
    const first = attrPath.split('.')[0];
    const expected = first === 'apps' || first === 'defaultApp' ? 'app' : 'derivation';
    if (text(value, symbols.type, 'type') !== expected) throw new EvalError(`attribute '${attrPath}' should have type '${expected}'`);
    if (expected === 'app') {
      const slot = value.get(internSymbol('program'));
      if (slot === undefined) throw new EvalError(`attribute '${attrPath}.program' does not exist`);
      const program = forceString(
        state,
        slot,
        value.position(internSymbol('program')),
        `while evaluating the 'program' attribute of '${attrPath}'`,
      );
      return { program: stringText(program), paths: (stringContext(program) ?? []).map(contextPath) };
    }
    const derivation = new FoundDerivation(state, value, attrPath);
    const meta = value.force(symbols.meta);
    const main =
      (meta instanceof Attrs ? text(meta, internSymbol('mainProgram'), 'meta.mainProgram') : undefined) ??
      text(value, internSymbol('pname'), 'pname') ??
      nameWithoutVersion(derivation.name);
    const outPath = forceString(
      state,
      value.get(symbols.outPath)!,
      NO_POSITION,
      "while evaluating the 'outPath' attribute of a derivation",
    );
    return {
      program: `${stringText(outPath)}/bin/${main}`,
      paths: [{ kind: 'built', derivation: derivation.drvPath, outputs: [derivation.outputName || 'out'] }],
    };
  }

  /** Becomes the program; the engine is closed first. */
  async start(program: string, args: readonly string[], choices: EnvironmentChoices): Promise<never> {
    const { engine } = this;
    const { mount } = engine.storeAccess.placement;
    return engine.become({ kind: 'program', program, args, folders: [], choices, cwd: engine.cwd, mount });
  }

  /** Becomes the user's shell, or the command, with the packages' programs first in PATH. */
  async startShell(built: readonly BuiltPath[], command: readonly string[] | undefined, choices: EnvironmentChoices): Promise<never> {
    const { engine } = this;
    const { storeDir, store } = engine;
    const real = (path: string) => {
      const inStore = splitStorePath(path, storeDir);
      return inStore ? store.toRealPath(inStore.storePath) + inStore.rest : path;
    };
    const paths = built.flatMap(({ outputs }) => [...outputs.values()].map((path) => `${storeDir}/${path}`));
    const folders = packageFolders(paths, {
      resolve: (path) => {
        const found = resolveLinks(path, storeDir, real);
        if (!path.endsWith('/bin') || found.startsWith(`${storeDir}/`)) return found;
        throw new FloeError('FLOE_OUTSIDE_STORE', `path '${found}' is not in the Nix store`);
      },
      readFile: (path) => (fs.existsSync(real(path)) ? fs.readFileSync(real(path), 'utf8') : undefined),
    });
    const [program, ...args] = command ?? [];
    return engine.become({ kind: 'program', program, args, folders, choices, cwd: engine.cwd, mount: engine.storeAccess.placement.mount });
  }
}

const MAX_LINKS = 40;

/** Follows symbolic links among the parts of a path, as far as it exists; `real` says where a path lies. */
function resolveLinks(path: string, storeDir: string, real: (path: string) => string): string {
  let at = '';
  const rest = path.split('/').filter((part) => part !== '');
  for (let links = 0; rest.length > 0;) {
    const part = rest.shift()!;
    if (part === '.') continue;
    const next = part === '..' ? dirname(at) : `${at}/${part}`;
    // Folders on the way to the store are the machine's own affair.
    const isLink = !`${storeDir}/`.startsWith(`${next}/`) && fs.lstatSync(real(next), { throwIfNoEntry: false })?.isSymbolicLink() === true;
    if (!isLink || ++links > MAX_LINKS) {
      at = next === '/' ? '' : next;
      continue;
    }
    const target = fs.readlinkSync(real(next));
    if (target.startsWith('/')) at = '';
    rest.unshift(...target.split('/').filter((one) => one !== ''));
  }
  return at;
}

function contextPath(element: ContextElement): DerivedPath {
  const parsed = parseContextElement(element);
  switch (parsed.kind) {
    case 'opaque':
      return { kind: 'opaque', path: parsed.path };
    case 'deep':
      return { kind: 'built', derivation: parsed.path, outputs: 'all' };
    case 'built':
      return { kind: 'built', derivation: parsed.derivation, outputs: [parsed.output] };
  }
}
