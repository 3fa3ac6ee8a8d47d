// The last step of `develop`, `run`, `shell` and `nix-shell` as plain data: what evaluation and building found, enough to become the shell or program
// now or, as long as all that it was made from still holds, in a later run that evaluates nothing. PERF: nothing here leads to the
// evaluator or the store.

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf, utf8ToByteString } from '../base/bytes.ts';
import { chooseShell } from '../shell/choose-shell.ts';
import { applyEnvironmentChoices, type EnvironmentChoices, prependPath, type Variables } from '../shell/compose.ts';
import { type DevEnvironment, environmentSystem, parseDevEnvironment } from '../shell/dev-env.ts';
import { launch, type LaunchManner, type StoreMount } from '../shell/launch.ts';
import { writeCompiledCode } from './compiled-code.ts';
import { makeRcScript, makeShellScript, shellArguments, type ShellFile, type ShellTask } from '../shell/rc.ts';
import { becomeOlderShell, type KeptOlderShell } from './kept-older-shell.ts';

/** A program out of the store, or with programs of the store first in PATH. */
export interface KeptProgram {
  readonly kind: 'program';
  /** Undefined for the user's own shell. */
  readonly program: string | undefined;
  readonly args: readonly string[];
  /** Lead PATH. */
  readonly folders: readonly string[];
  readonly choices: EnvironmentChoices;
  readonly cwd: string;
  readonly mount: StoreMount | undefined;
}

/** A development shell, or a command in one. */
export interface KeptShell {
  readonly kind: 'shell';
  /** Where the file with the environment lies, and what it is called in the store. */
  readonly environmentFile: string;
  readonly environmentPath: string;
  /** The bash that the derivation is built with. */
  readonly builder: string | undefined;
  readonly task: ShellTask;
  readonly choices: EnvironmentChoices;
  readonly redirects: readonly (readonly [path: string, folder: string])[];
  readonly prompt: { readonly whole: string; readonly prefix: string; readonly suffix: string };
  /** Where the user is, and where the shell starts. */
  readonly userFolder: string;
  readonly cwd: string;
  readonly mount: StoreMount | undefined;
}

export type KeptLaunch = KeptProgram | KeptShell | KeptOlderShell;

/** This process becomes it. */
export function becomeKept(kept: KeptLaunch, env: Variables, manner: LaunchManner): never {
  switch (kept.kind) {
    case 'program':
      return becomeProgram(kept, env, manner);
    case 'shell':
      return becomeShell(kept, env, manner);
    case 'older-shell':
      return becomeOlderShell(kept, env, manner);
  }
}

function becomeProgram({ program, args, folders, choices, cwd, mount }: KeptProgram, given: Variables, manner: LaunchManner): never {
  const chosen = applyEnvironmentChoices(given, choices);
  const env = folders.length === 0 ? chosen : { ...chosen, PATH: prependPath(folders, chosen['PATH']) };
  writeCompiledCode();
  return launch({ program: program ?? chosen['SHELL'] ?? 'bash', args, env, cwd, mount, ...manner });
}

/** The script of an environment, and files that it reads. */
export function environmentScript(
  environment: DevEnvironment,
  { userFolder, redirects }: { readonly userFolder: string; readonly redirects: ReadonlyMap<string, string> },
  temporaryFolder: string,
): { script: string; files: ShellFile[] } {
  return makeRcScript(environment, {
    outputsFolder: utf8ToByteString(join(userFolder, 'outputs')),
    temporaryFolder: utf8ToByteString(temporaryFolder),
    redirects,
  });
}

function becomeShell(kept: KeptShell, given: Variables, manner: LaunchManner): never {
  const { task, mount, prompt } = kept;
  const environment = parseDevEnvironment(fs.readFileSync(kept.environmentFile, 'latin1'));
  const folder = fs.mkdtempSync(join(tmpdir(), 'nix-develop.'));
  const { script, files } = environmentScript(environment, { ...kept, redirects: new Map(kept.redirects) }, folder);
  for (const file of files) fs.writeFileSync(file.path, bytesOf(file.content));
  if (files.length === 0) fs.rmdirSync(folder);
  // PERF: node:crypto's random names would cost more than all the rest here.
  const rcPath = join(tmpdir(), `nix-shell.${process.pid}-${Math.random().toString(36).slice(2)}`);
  const env = { ...applyEnvironmentChoices(given, kept.choices), NIX_GCROOT: kept.environmentPath };
  const shell = chooseShell(kept.builder === undefined ? [] : [kept.builder], mount);
  const whole = makeShellScript(script, {
    task: task.kind === 'command' ? { kind: 'command', words: task.words.map(utf8ToByteString) } : task,
    rcPath: utf8ToByteString(rcPath),
    shell,
    prompt: utf8ToByteString(prompt.whole),
    promptPrefix: utf8ToByteString(prompt.prefix),
    promptSuffix: utf8ToByteString(prompt.suffix),
    isTraced: false,
  });
  // The script removes the file; nobody else may have made it.
  fs.writeFileSync(rcPath, bytesOf(whole), { mode: 0o600, flag: 'wx' });
  writeCompiledCode();
  return launch({
    program: shell.path,
    args: shellArguments(task, shell.path, rcPath).slice(1),
    env: { ...env, SHELL: shell.path },
    cwd: kept.cwd,
    mount,
    system: environmentSystem(environment),
    ...manner,
  });
}
