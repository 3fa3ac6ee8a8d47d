// What bin/floe hands over as leading arguments: the name floe was called by, and what it hid from this process and children must
// get back (the soft stack limit, NODE_OPTIONS). Without the launcher (tests, `node src/cli/start.ts`) nothing was hidden. This file
// is loaded on every start and imports nothing.

/** floe's own version; a house test keeps it equal to package.json's. */
export const FLOE_VERSION = '0.1.0';

/** The C++ Nix whose behaviour floe has, as `builtins.nixVersion` and `--version` say it. */
export const NIX_VERSION = '2.34.8';

/** How this process was started, as far as commands and children care. */
export interface Launch {
  /** The path or word floe was called by; its base name chooses the command family (`nix-build`, ...). */
  readonly calledAs: string;
  /** The soft stack limit that children get back, in KiB or "unlimited"; undefined where it was never raised. */
  readonly childStackLimit: string | undefined;
  /** The user's own arguments. */
  readonly words: readonly string[];
  /** In a process that helps another one with its evaluation: engine/shared-work.ts. */
  readonly help?: { readonly parent: number; readonly number: number; readonly block: number; readonly startedS: number };
}

const MARK = '--launched';
/** Stands first in the arguments of a process that helps; four numbers follow. */
export const HELP_MARK = '--helping';

/** Stands first in the arguments of the warm evaluator; its socket, the minutes that it waits, and the session it is started in follow. */
export const WARM_MARK = '--warm-evaluator';

/** Splits the launcher's arguments from the user's, and puts NODE_OPTIONS back into `env` for children. */
export function readLaunch(argv: readonly string[], env: Record<string, string | undefined>): Launch {
  const given = argv.slice(2);
  const isHelp = given[0] === HELP_MARK && given[5] === MARK;
  const [parent, number, block, startedS] = given.slice(1, 5).map(Number) as [number, number, number, number];
  const help = isHelp ? { help: { parent, number, block, startedS } } : {};
  const args = isHelp ? given.slice(5) : given;
  if (args[0] !== MARK || args.length < 4) return { calledAs: 'floe', childStackLimit: undefined, words: args };
  const options = args[3]!;
  if (options.startsWith('set:')) env['NODE_OPTIONS'] = options.slice('set:'.length);
  return { calledAs: args[1]!, childStackLimit: args[2]!, words: args.slice(4), ...help };
}

/** Base name of the command floe was called as, an extension cut off: "floe", "nix", "nix-build", ... */
export function programName(launch: Launch): string {
  const base = launch.calledAs.slice(launch.calledAs.lastIndexOf('/') + 1);
  const dot = base.lastIndexOf('.');
  return dot > 0 ? base.slice(0, dot) : base;
}

/** The line `--version` prints. Tools read Nix's version from it, so that is the first number there. */
export function printVersion(launch: Launch): string {
  const name = programName(launch);
  return name === 'floe' ? `floe (Nix) ${NIX_VERSION}, floe ${FLOE_VERSION}\n` : `${name} (Nix) ${NIX_VERSION}\n`;
}
