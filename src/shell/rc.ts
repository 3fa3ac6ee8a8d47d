// The start file of a development shell: bash code that turns the user's shell into what the build would find. `makeRcScript` is what
// `print-dev-env` prints, `makeShellScript` what `develop` gives to bash. C++ Nix 2.34.8, nix/develop.cc: the same text, because users
// and tools (direnv) read it. All strings are byte strings.

import { compareStrings } from '../base/bytes.ts';
import { FloeError, UsageError } from '../base/errors.ts';
import { type DevEnvironment, environmentOutputs } from './dev-env.ts';

/** Variables of the build that a shell of the user's keeps as they are. */
const IGNORED_VARIABLES: ReadonlySet<string> = new Set([
  'BASHOPTS',
  'HOME',
  'NIX_BUILD_TOP',
  'NIX_ENFORCE_PURITY',
  'NIX_LOG_FD',
  'NIX_REMOTE',
  'PPID',
  'SHELLOPTS',
  'SSL_CERT_FILE',
  'TEMP',
  'TEMPDIR',
  'TERM',
  'TMP',
  'TMPDIR',
  'TZ',
  'UID',
]);

/** Variables to which the user's own values are added: commands, and the completions of commands. */
const SAVED_VARIABLES = ['PATH', 'XDG_DATA_DIRS'];

/** A word as bash reads it literally. */
export function quoteForBash(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Declarations of all variables and functions. */
function printEnvironment(environment: DevEnvironment): string {
  let text = '';
  for (const [name, variable] of environment.variables) {
    if (IGNORED_VARIABLES.has(name)) continue;
    if (variable.kind === 'string') {
      text += `${name}=${quoteForBash(variable.value)}\n${variable.isExported ? `export ${name}\n` : ''}`;
    } else if (variable.kind === 'array') {
      text += `declare -a ${name}=(${variable.values.map((value) => `${quoteForBash(value)} `).join('')})\n`;
    } else {
      text += `declare -A ${name}=(${[...variable.values].map(([key, value]) => `[${quoteForBash(key)}]=${quoteForBash(value)} `).join('')})\n`;
    }
  }
  for (const [name, body] of environment.functions) text += `${name} ()\n{\n${body}}\n`;
  return text;
}

/** A file that must exist while the shell runs. */
export interface ShellFile {
  readonly path: string;
  readonly content: string;
}

/** What turns store paths into places that can be written. */
export interface RcOptions {
  /** Where outputs go instead of the store: `<working folder>/outputs`. */
  readonly outputsFolder: string;
  /** A folder of this shell alone, for the files of structured attributes. */
  readonly temporaryFolder: string;
  /** Store paths that stand for folders (`--redirect`). */
  readonly redirects?: ReadonlyMap<string, string>;
}

function replaceAllOf(text: string, replacements: ReadonlyMap<string, string>): string {
  let result = text;
  for (const [from, to] of [...replacements].sort(([a], [b]) => compareStrings(a, b))) {
    if (from !== '' && from !== to) result = result.replaceAll(from, () => to);
  }
  return result;
}

/** The bash code that makes the environment, and the files it speaks of. */
export function makeRcScript(environment: DevEnvironment, options: RcOptions): { script: string; files: ShellFile[] } {
  const script = [
    'unset shellHook\n',
    ...SAVED_VARIABLES.map((name) => `${name}=\${${name}:-}\nnix_saved_${name}="$${name}"\n`),
    printEnvironment(environment),
    ...SAVED_VARIABLES.map((name) => `${name}="$${name}\${nix_saved_${name}:+:$nix_saved_${name}}"\n`),
    'export NIX_BUILD_TOP="$(mktemp -d -t nix-shell.XXXXXX)"\n',
    ...['TMP', 'TMPDIR', 'TEMP', 'TEMPDIR'].map((name) => `export ${name}="$NIX_BUILD_TOP"\n`),
    'eval "${shellHook:-}"\n',
  ].join('');
  const replacements = new Map<string, string>();
  for (const [name, path] of environmentOutputs(environment)) replacements.set(path, `${options.outputsFolder}/${name}`);
  for (const [from, to] of options.redirects ?? []) replacements.set(from, to);
  const files: ShellFile[] = [];
  if (environment.structuredAttrs !== undefined) {
    const { sh, json } = environment.structuredAttrs;
    for (const [variable, extension, content] of [
      ['NIX_ATTRS_SH_FILE', 'sh', sh],
      ['NIX_ATTRS_JSON_FILE', 'json', json],
    ] as const) {
      const inBuild = environment.variables.get(variable);
      if (inBuild?.kind !== 'string') throw new FloeError('FLOE_DEVELOP', `the build environment has no variable '${variable}'`);
      const path = `${options.temporaryFolder}/.attrs.${extension}`;
      replacements.set(inBuild.value, path);
      files.push({ path, content });
    }
  }
  return { script: replaceAllOf(script, replacements), files };
}

/** What runs in the environment: an interactive shell, one command, or one phase of the build. */
export type ShellTask =
  | { readonly kind: 'interactive' }
  | { readonly kind: 'command'; readonly words: readonly string[] }
  | { readonly kind: 'phase'; readonly name: string };

export interface ShellScriptOptions {
  readonly task: ShellTask;
  /** Path of the file the script will lie in; it removes itself. */
  readonly rcPath: string;
  /** The bash that runs it, and whether it was chosen for the environment (its folder then leads PATH). */
  readonly shell: { readonly path: string; readonly leadsPath: boolean };
  /** Settings bash-prompt, bash-prompt-prefix, bash-prompt-suffix; "" for none. */
  readonly prompt: string;
  readonly promptPrefix: string;
  readonly promptSuffix: string;
  /** Print each line as it runs. */
  readonly isTraced: boolean;
}

/** The whole start file, around the text of makeRcScript. */
export function makeShellScript(rcScript: string, options: ShellScriptOptions): string {
  const { task, shell } = options;
  let script = rcScript;
  if (options.isTraced) script += 'set -x\n';
  script += `command rm -f '${options.rcPath}'\n`;
  if (task.kind === 'phase') {
    // NIX: buildPhase alone would set foundMakefile, which later phases ask for.
    script += `foundMakefile=1\nrunHook ${task.name}Phase\n`;
  } else if (task.kind === 'command') {
    if (task.words.length === 0) throw new UsageError('--command requires at least one argument');
    script += `exec ${task.words.map(quoteForBash).join(' ')}\n`;
  } else {
    script = `[ -n "$PS1" ] && [ -e ~/.bashrc ] && source ~/.bashrc;\nshopt -u expand_aliases\n${script}\nshopt -s expand_aliases\n`;
    if (options.prompt !== '') script += `[ -n "$PS1" ] && PS1=${quoteForBash(options.prompt)};\n`;
    if (options.promptPrefix !== '') script += `[ -n "$PS1" ] && PS1=${quoteForBash(options.promptPrefix)}"$PS1";\n`;
    if (options.promptSuffix !== '') script += `[ -n "$PS1" ] && PS1+=${quoteForBash(options.promptSuffix)};\n`;
  }
  script += `SHELL="${shell.path}"\n`;
  if (shell.leadsPath) script += `PATH="${shell.path.slice(0, shell.path.lastIndexOf('/'))}\${PATH:+:$PATH}"\n`;
  return script;
}

/** Arguments of bash, its name first. */
export function shellArguments(task: ShellTask, shellPath: string, rcPath: string): string[] {
  const name = shellPath.slice(shellPath.lastIndexOf('/') + 1);
  // A single command must not leave an interactive shell behind when it is interrupted.
  return task.kind === 'interactive' ? [name, '--rcfile', rcPath] : [name, rcPath];
}
