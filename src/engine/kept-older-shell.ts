// The last step of `nix-shell` as plain data, and that step: a folder with the shell's files is made, and this process becomes the shell.
// As in kept-launch.ts, nothing here leads to the evaluator or the store. nix-build/nix-build.cc.

import * as fs from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { byteStringToUtf8, byteStringToUtf8Strict, bytesOf, utf8ToByteString } from '../base/bytes.ts';
import type { Variables } from '../shell/compose.ts';
import { launch, type LaunchManner, type StoreMount } from '../shell/launch.ts';
import { interpreterCommand, makeOlderShellScript, olderShellEnvironment } from '../shell/older-shell.ts';
import { quoteForBash } from '../shell/rc.ts';
import { writeCompiledCode } from './compiled-code.ts';

/** What runs in the shell. */
export type OlderShellTask =
  | { readonly kind: 'interactive' }
  /** `--command`, `--run`: shell code, with or without a terminal's comforts. */
  | { readonly kind: 'command'; readonly text: string; readonly isInteractive: boolean }
  /** `-i` of a script. */
  | { readonly kind: 'interpreter'; readonly program: string; readonly script: string; readonly args: readonly string[] };

/** A shell with the variables of a derivation. */
export interface KeptOlderShell {
  readonly kind: 'older-shell';
  readonly task: OlderShellTask;
  readonly isPure: boolean;
  /** Variables of the user that a pure shell keeps. */
  readonly keep: readonly string[];
  readonly shell: { readonly path: string; readonly leadsPath: boolean };
  readonly storeDir: string;
  /** The setting; 0 for all cores. */
  readonly cores: number;
  /** The derivation's variables: byte strings. */
  readonly variables: readonly (readonly [name: string, value: string])[];
  /** Of these, the ones that go into files. */
  readonly passAsFile: readonly string[];
  /** Structured attributes as JSON and as declarations of bash; byte strings. */
  readonly structuredAttrs: { readonly json: string; readonly shell: string } | undefined;
  readonly cwd: string;
  readonly mount: StoreMount | undefined;
}

/** This process becomes the shell. */
export function becomeOlderShell(kept: KeptOlderShell, given: Variables, manner: LaunchManner): never {
  const { task, shell, structuredAttrs, isPure, cwd, mount } = kept;
  const env = { ...given, IN_NIX_SHELL: isPure ? 'pure' : 'impure' };
  // PERF: node:crypto's random names would cost more than all the rest here; the folder is made by this process or nothing is.
  const folder = join(given['TMPDIR'] || '/tmp', `nix-shell-${process.pid}-${Math.random().toString(36).slice(2, 10)}`);
  const variables = olderShellEnvironment(env, kept);
  for (const name of ['NIX_BUILD_TOP', 'TMPDIR', 'TEMPDIR', 'TMP', 'TEMP']) variables.set(name, folder);
  variables.set('NIX_STORE', kept.storeDir).set('NIX_BUILD_CORES', String(kept.cores || availableParallelism()));
  const files = new Map<string, string>();
  if (structuredAttrs !== undefined) files.set('.attrs.json', structuredAttrs.json).set('.attrs.sh', structuredAttrs.shell);
  // Values that are no UTF-8 cannot be handed over as this process becomes the shell, so that sets them.
  let setting = '';
  for (const [name, value] of kept.variables) {
    if (name === '__json' && structuredAttrs !== undefined) continue;
    if (kept.passAsFile.includes(name)) {
      const file = `.attr-${files.size}`;
      files.set(file, value);
      variables.set(`${byteStringToUtf8(name)}Path`, join(folder, file));
    } else {
      const text = byteStringToUtf8Strict(value);
      if (text !== undefined) variables.set(byteStringToUtf8(name), text);
      else if (/^[A-Za-z_]\w*$/.test(name)) setting += `export ${name}=${quoteForBash(value)}; `;
    }
  }
  if (structuredAttrs !== undefined)
    variables.set('NIX_ATTRS_SH_FILE', join(folder, '.attrs.sh')).set('NIX_ATTRS_JSON_FILE', join(folder, '.attrs.json'));
  const script = makeOlderShellScript({
    folder: utf8ToByteString(folder),
    isPure,
    shell: { ...shell, path: utf8ToByteString(shell.path) },
    structuredAttrs: structuredAttrs?.shell ?? '',
    timeZone: given['TZ'] === undefined ? undefined : utf8ToByteString(given['TZ']),
    command: utf8ToByteString(commandOf(task)),
    isRoot: process.getuid?.() === 0,
  });
  files.set('rc', setting + script);
  fs.mkdirSync(folder, { mode: 0o700 });
  try {
    for (const [name, content] of files) fs.writeFileSync(join(folder, name), bytesOf(content));
    const rc = join(folder, 'rc');
    const isInteractive = task.kind === 'interactive' || (task.kind === 'command' && task.isInteractive);
    const args = isInteractive ? ['--rcfile', rc] : [rc];
    writeCompiledCode();
    return launch({ program: shell.path, args, env: Object.fromEntries(variables), cwd, mount, ...manner });
  } catch (error) {
    fs.rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function commandOf(task: OlderShellTask): string {
  if (task.kind === 'interactive') return '';
  return task.kind === 'command' ? `${task.text}\nexit` : interpreterCommand(task.program, task.script, task.args);
}
