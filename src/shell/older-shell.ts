// The shell of `nix-shell`: which of the user's variables stay, which variables a build would have, and the start file that sources the
// derivation's setup. C++ Nix 2.34.8, nix-build/nix-build.cc: the same text, so that shells behave the same. Texts of the start file and
// of variables are byte strings.

import { quoteForBash } from './rc.ts';

/** The user's variables that stay with `--pure`. */
const KEPT_VARIABLES = [
  'HOME',
  'XDG_RUNTIME_DIR',
  'USER',
  'LOGNAME',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'WAYLAND_SOCKET',
  'PATH',
  'TERM',
  'IN_NIX_SHELL',
  'NIX_SHELL_PRESERVE_PROMPT',
  'TZ',
  'PAGER',
  'NIX_BUILD_SHELL',
  'SHLVL',
  ...['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [name, name.toUpperCase()]),
];

/** What of the user's environment the shell starts from. */
export function olderShellEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  { isPure, keep }: { readonly isPure: boolean; readonly keep: readonly string[] },
): Map<string, string> {
  const kept = new Set([...KEPT_VARIABLES, ...keep]);
  const result = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) if (value !== undefined && (!isPure || kept.has(name))) result.set(name, value);
  // NIX: keeps NixOS' /etc/bashrc from sourcing /etc/profile.
  if (isPure) result.set('__ETC_PROFILE_SOURCED', '1');
  return result;
}

export interface OlderShellOptions {
  /** Holds all files of this shell; removed when it ends. */
  readonly folder: string;
  readonly isPure: boolean;
  /** The bash that runs, and whether its folder leads PATH. */
  readonly shell: { readonly path: string; readonly leadsPath: boolean };
  /** Declarations of structured attributes; "" for none. */
  readonly structuredAttrs: string;
  /** The user's TZ. */
  readonly timeZone: string | undefined;
  /** What runs at the end; "" for an interactive shell. */
  readonly command: string;
  readonly isRoot: boolean;
}

/** The start file. */
export function makeOlderShellScript(options: OlderShellOptions): string {
  const { isPure, shell, timeZone } = options;
  const folder = quoteForBash(options.folder);
  const shellFolder = shell.path.slice(0, Math.max(shell.path.lastIndexOf('/'), 0));
  const colour = options.isRoot ? 31 : 32;
  return [
    `_nix_shell_clean_tmpdir() { command rm -rf ${folder}; };`,
    'trap _nix_shell_clean_tmpdir EXIT; ',
    'exitHooks+=(_nix_shell_clean_tmpdir); ',
    'failureHooks+=(_nix_shell_clean_tmpdir); ',
    isPure ? '' : '[ -n "$PS1" ] && [ -e ~/.bashrc ] && source ~/.bashrc;p=$PATH; ',
    'unset PATH;dontAddDisableDepTrack=1;\n',
    options.structuredAttrs,
    '\n[ -e $stdenv/setup ] && source $stdenv/setup; ',
    isPure ? '' : 'PATH=$PATH:$p; unset p; ',
    shell.leadsPath ? `PATH=${quoteForBash(shellFolder)}:"$PATH"; ` : '',
    `SHELL=${quoteForBash(shell.path)}; BASH=${quoteForBash(shell.path)}; set +e; `,
    '[ -n "$PS1" -a -z "$NIX_SHELL_PRESERVE_PROMPT" ] && ',
    `PS1='\\n\\[\\033[1;${colour}m\\][nix-shell:\\w]\\$\\[\\033[0m\\] '; `,
    'if [ "$(type -t runHook)" = function ]; then runHook shellHook; fi; ',
    'unset NIX_ENFORCE_PURITY; shopt -u nullglob; unset TZ; ',
    timeZone === undefined ? '' : `export TZ=${quoteForBash(timeZone)}; `,
    'shopt -s execfail;',
    options.command,
  ].join('');
}

/** A script's `-i`: the command that runs the interpreter on the script. */
export function interpreterCommand(interpreter: string, script: string, args: readonly string[]): string {
  // Perl runs the script's own interpreter unless its name is another; Ruby too, unless the file is loaded.
  const flags = interpreter.includes('perl') ? '-a PERL' : '';
  const words = `${quoteForBash(script)} ${args.map((arg) => `${quoteForBash(arg)} `).join('')}`;
  return interpreter.includes('ruby')
    ? `exec ${flags} ${interpreter} -e 'load(ARGV.shift)' -- ${words}`
    : `exec ${flags} ${interpreter} ${words}`;
}
