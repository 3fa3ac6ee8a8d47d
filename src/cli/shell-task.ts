// What a `nix-shell` runs: `--command`, `--run`, and the interpreter of a script (`-i`). The last of them counts, but one `--run` is
// enough for a shell without a terminal's comforts. NIX 2.34.8: nix-build/nix-build.cc.

import { Option } from 'clipanion';

/** The choice. */
export interface ShellTaskChoice {
  readonly kind: 'command' | 'interpreter';
  readonly text: string;
  /** Whether the shell is not interactive in any case. */
  readonly isBatch: boolean;
}

const OPTIONS = {
  '--command': 'Run shell code in place of an interactive shell, with its comforts at a terminal. {cmd}',
  '--run': 'The same without the comforts: a plain shell. {cmd}',
  '-i': 'In a script: the interpreter that runs it. {program}',
} as const;

/** Declares the options; undefined where none is given. */
export function shellTaskOption(): ShellTaskChoice | undefined {
  return Option.makeCommandOption<ShellTaskChoice | undefined>({
    definition(builder) {
      for (const [name, description] of Object.entries(OPTIONS)) builder.addOption({ names: [name], arity: 1, description });
    },
    transformer(_builder, _key, state) {
      const given = state.options.filter(({ name }) => Object.hasOwn(OPTIONS, name));
      const last = given.at(-1);
      if (last === undefined) return undefined;
      const isBatch = given.some(({ name }) => name !== '--command');
      return { kind: last.name === '-i' ? 'interpreter' : 'command', text: String(last.value), isBatch };
    },
  }) as unknown as ShellTaskChoice | undefined;
}
