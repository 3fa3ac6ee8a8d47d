// Where packages are defined, for `edit`: the file and line that `meta.position` names, and the editor's words. libexpr/attr-path.cc,
// libcmd/editor-for.cc.

import { byteStringToUtf8 } from '../base/bytes.ts';
import { FloeError, ParseError } from '../base/errors.ts';
import { EMPTY_ATTRS } from '../eval/attrs.ts';
import { coerceToPath } from '../eval/coerce.ts';
import { NO_POSITION } from '../eval/position.ts';
import { ContextAccumulator } from '../eval/string-context.ts';
import { Lambda, type Value } from '../eval/value.ts';
import { splitStorePath } from '../model/store-path.ts';
import { findAlongAttrPath } from './derivation-values.ts';
import type { Engine } from './engine.ts';
import type { Target } from './installables.ts';
import { becomeProgram } from './start-program.ts';

/** A file, as this machine has it (a byte string), and a line in it; 0 for none. */
export interface Definition {
  readonly file: string;
  readonly line: number;
}

/** Where `meta.position` says that a derivation is defined. `what` names it in messages. */
export function placeOfDerivation(engine: Engine, value: Value, what: string): Definition {
  const { evaluator } = engine.evaluation();
  const { state } = evaluator;
  return evaluator.guard(() => {
    let position: Value;
    try {
      position = findAlongAttrPath(state, 'meta.position', EMPTY_ATTRS, value);
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      // NIX: without the second quote.
      throw new FloeError('FLOE_NO_POSITION', `cannot find position information for '${what}`, { cause: error });
    }
    const text = coerceToPath(
      state,
      NO_POSITION,
      position,
      new ContextAccumulator(),
      "while evaluating the 'meta.position' attribute of a derivation",
    );
    const match = /^(.*):([0-9]+)$/s.exec(text);
    if (match === null) throw new ParseError(`cannot parse 'meta.position' attribute '${text}'`);
    return onThisMachine(engine, match[1]!, Number(match[2]));
  });
}

/** Where a function is written, or the file that a path or string names. */
export function placeToEdit(engine: Engine, value: Value): Definition {
  const { evaluator } = engine.evaluation();
  const { state } = evaluator;
  return evaluator.guard(() => {
    if (!(value instanceof Lambda)) {
      const path = coerceToPath(state, NO_POSITION, value, new ContextAccumulator(), 'while evaluating the filename to edit');
      return onThisMachine(engine, path, 0);
    }
    const place = state.positions.resolve(value.code.position);
    const path = state.positions.originOf(value.code.position)?.source.path;
    if (place === undefined || path === null || path === undefined)
      throw new FloeError('FLOE_EDITOR', `'${state.positions.print(value.code.position)}' cannot be shown in an editor`);
    return onThisMachine(engine, path, place.line);
  });
}

function onThisMachine(engine: Engine, path: string, line: number): Definition {
  const { host } = engine.evaluation();
  const stored = splitStorePath(path, engine.storeDir);
  if (stored === undefined) return { file: path, line };
  // A working tree is edited where it is.
  const shown = host.showPath(path);
  if (shown?.startsWith('/') && !shown.startsWith(`${engine.storeDir}/`)) return { file: shown, line };
  // Other sources were only read so far.
  host.flush([stored.storePath]);
  return { file: engine.store.toRealPath(stored.storePath) + stored.rest, line };
}

/** $EDITOR and its arguments for a place. */
export function editorWords(engine: Engine, { file, line }: Definition): string[] {
  const editor = engine.env['EDITOR'] ?? 'cat';
  const words = editor.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) throw new FloeError('FLOE_EDITOR', "the variable 'EDITOR' is empty");
  const knowsLines = ['emacs', 'nano', 'vim', 'kak'].some((name) => editor.includes(name));
  return [...words, ...(line > 0 && knowsLines ? [`+${line}`] : []), byteStringToUtf8(file)];
}

/** Becomes $EDITOR, with the file that defines what the target stands for. */
export async function editDefinition(engine: Engine, target: Target): Promise<never> {
  const [program, ...args] = editorWords(engine, placeOfDerivation(engine, target.value().value, target.what));
  const env = Object.fromEntries(Object.entries(engine.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  return becomeProgram(engine, { program: program!, args, env, cwd: engine.cwd });
}
