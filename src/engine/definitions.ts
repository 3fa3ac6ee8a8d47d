// Where packages are defined, for `edit`: the file and line that `meta.position` names, and the editor's words. libexpr/attr-path.cc,
// libcmd/editor-for.cc.

import { byteStringToUtf8 } from '../base/bytes.ts';
import { FloeError, ParseError } from '../base/errors.ts';
import { EMPTY_ATTRS } from '../eval/attrs.ts';
import { coerceToPath } from '../eval/coerce.ts';
import { NO_POSITION } from '../eval/position.ts';
import { ContextAccumulator } from '../eval/string-context.ts';
import type { Value } from '../eval/value.ts';
import { splitStorePath } from '../model/store-path.ts';
import { findAlongAttrPath } from './derivation-values.ts';
import type { Engine } from './engine.ts';
import type { Target } from './installables.ts';
import { becomeProgram } from './start-program.ts';

interface Definition {
  /** As this machine has it; a byte string. */
  readonly file: string;
  readonly line: number;
}

function findDefinition(engine: Engine, target: Target): Definition {
  const { evaluator, host } = engine.evaluation();
  const { state } = evaluator;
  const { value } = target.value();
  return evaluator.guard(() => {
    let position: Value;
    try {
      position = findAlongAttrPath(state, 'meta.position', EMPTY_ATTRS, value);
    } catch (error) {
      if (!(error instanceof FloeError)) throw error;
      // NIX: without the second quote.
      throw new FloeError('FLOE_NO_POSITION', `cannot find position information for '${target.what}`, { cause: error });
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
    const line = Number(match[2]);
    const stored = splitStorePath(match[1]!, engine.storeDir);
    if (stored === undefined) return { file: match[1]!, line };
    // A working tree is edited where it is.
    const shown = host.showPath(match[1]!);
    if (shown?.startsWith('/') && !shown.startsWith(`${engine.storeDir}/`)) return { file: shown, line };
    // Other sources were only read so far.
    host.flush([stored.storePath]);
    return { file: engine.store.toRealPath(stored.storePath) + stored.rest, line };
  });
}

/** Becomes $EDITOR, with the file that defines what the target stands for. */
export async function editDefinition(engine: Engine, target: Target): Promise<never> {
  const { file, line } = findDefinition(engine, target);
  const editor = engine.env['EDITOR'] ?? 'cat';
  const words = editor.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) throw new FloeError('FLOE_EDITOR', "the variable 'EDITOR' is empty");
  const knowsLines = ['emacs', 'nano', 'vim', 'kak'].some((name) => editor.includes(name));
  const args = [...words.slice(1), ...(line > 0 && knowsLines ? [`+${line}`] : []), byteStringToUtf8(file)];
  const env = Object.fromEntries(Object.entries(engine.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  return becomeProgram(engine, { program: words[0]!, args, env, cwd: engine.cwd });
}
