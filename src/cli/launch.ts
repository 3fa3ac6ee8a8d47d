// What bin/floe hands over as leading arguments: the name floe was called by, and what it hid from this process and children must
// get back (the soft stack limit, NODE_OPTIONS). Without the launcher (tests, `node src/cli/main.ts`) nothing was hidden.

/** How this process was started, as far as commands and children care. */
export interface Launch {
  /** The path or word floe was called by; its base name chooses the command family (`nix-build`, ...). */
  readonly calledAs: string;
  /** The soft stack limit that children get back, in KiB or "unlimited"; undefined where it was never raised. */
  readonly childStackLimit: string | undefined;
  /** The user's own arguments. */
  readonly words: readonly string[];
}

const MARK = '--launched';

/** Splits the launcher's arguments from the user's, and puts NODE_OPTIONS back into `env` for children. */
export function readLaunch(argv: readonly string[], env: Record<string, string | undefined>): Launch {
  const args = argv.slice(2);
  if (args[0] !== MARK || args.length < 4) return { calledAs: 'floe', childStackLimit: undefined, words: args };
  const options = args[3]!;
  if (options.startsWith('set:')) env['NODE_OPTIONS'] = options.slice('set:'.length);
  return { calledAs: args[1]!, childStackLimit: args[2]!, words: args.slice(4) };
}
