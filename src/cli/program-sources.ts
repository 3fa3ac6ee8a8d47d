// Which programs the older commands (nix-instantiate, nix-build) work on: standard input, files, or expressions in place of files.

import { byteStringOf, utf8ToByteString } from '../base/bytes.ts';
import type { SourceChoice } from '../engine/engine.ts';
import type { BaseCommand } from './base-command.ts';

/** In the order in which they are worked on; ./default.nix where nothing is named. */
export function programSources(
  command: BaseCommand,
  words: readonly string[],
  choice: { readonly fromStdin: boolean; readonly fromArguments: boolean },
): SourceChoice[] {
  const named = words.map((word): SourceChoice =>
    choice.fromArguments ? { kind: 'expression', text: utf8ToByteString(word), label: undefined } : { kind: 'file', path: word },
  );
  if (choice.fromStdin) return [{ kind: 'expression', text: byteStringOf(command.session.stdin.readAll()), label: '«stdin»' }, ...named];
  return named.length === 0 && !choice.fromArguments ? [{ kind: 'file', path: './default.nix' }] : named;
}
