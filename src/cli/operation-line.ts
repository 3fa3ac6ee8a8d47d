// The words of `nix-store`: one operation, its flags, its arguments. Flags belong to the operation, which refuses those it does not
// know; so they are gathered as they come. NIX 2.34.8: nix-store.cc, main_nix_store.

import { Option } from 'clipanion';
import { UsageError } from '../base/errors.ts';
import { ANY_FLAG } from './words.ts';

/** Operations by their flags, and what help says about them. */
const OPERATIONS = {
  realise: ['--realise,--realize,-r', 'Build or fetch paths. With --dry-run, --check, --repair, --ignore-unknown.'],
  add: ['--add,-A', 'Copy files or folders into the store.'],
  'add-fixed': ['--add-fixed', 'Copy them to the paths of fixed outputs: algorithm, paths. With --recursive.'],
  'print-fixed-path': ['--print-fixed-path', 'Print the path of a fixed output: algorithm, hash, name. With --recursive.'],
  delete: ['--delete', 'Delete paths that nothing needs. With --ignore-liveness.'],
  query: ['--query,-q', 'Ask about paths: --outputs, --requisites, --references, --referrers, --deriver, --roots, --tree, ...'],
  'print-env': ['--print-env', "Print a derivation's environment for a shell."],
  'read-log': ['--read-log,-l', 'Print the log of a build.'],
  'dump-db': ['--dump-db', 'Print what the database says about paths.'],
  'load-db': ['--load-db', 'Register what --dump-db printed.'],
  'register-validity': ['--register-validity', 'Register paths whose files are there. With --reregister, --hash-given.'],
  'check-validity': ['--check-validity', 'Fail where a path is not valid. With --print-invalid.'],
  gc: ['--gc', 'Collect garbage. With --print-roots, --print-live, --print-dead, --max-freed BYTES.'],
  dump: ['--dump', 'Write the NAR of any path to standard output.'],
  restore: ['--restore', 'Unpack a NAR from standard input.'],
  export: ['--export', 'Write store paths to standard output.'],
  import: ['--import', 'Add what --export wrote.'],
  init: ['--init', 'Make the store where there is none.'],
  verify: ['--verify', 'Check the store against its database. With --check-contents, --repair.'],
  'verify-path': ['--verify-path', 'Check the contents of paths.'],
  'repair-path': ['--repair-path', 'Fetch or build damaged paths again.'],
  optimise: ['--optimise,--optimize', 'Link equal files of the store together.'],
  serve: ['--serve', 'Serve the store to a client of the older ssh protocol.'],
  'generate-binary-cache-key': ['--generate-binary-cache-key', 'Make a key pair: name, file of the secret key, file of the public key.'],
} as const satisfies Record<string, readonly [string, string]>;

export type OperationName = keyof typeof OPERATIONS;

/** What the flags of one line say. */
export interface OperationLine {
  /** Undefined where none was named. */
  readonly operation: OperationName | undefined;
  /** Flags that are the operation's, in order; the number behind --max-freed is one of them. */
  readonly flags: readonly string[];
}

const BY_FLAG = new Map(
  (Object.entries(OPERATIONS) as [OperationName, readonly [string, string]][]).flatMap(([name, [flags]]) =>
    flags.split(',').map((flag) => [flag, name] as const),
  ),
);
const WITH_NUMBER = ['--max-freed', '--max-links', '--max-atime'];

/** Declares the operations, and takes every flag that is no other option. */
export function operationLine(): OperationLine {
  return Option.makeCommandOption<OperationLine>({
    definition(builder) {
      for (const [flags, description] of Object.values(OPERATIONS)) builder.addOption({ names: flags.split(','), arity: 0, description });
      builder.addOption({ names: WITH_NUMBER, arity: 1, description: 'With --gc: stop after that many bytes. {bytes}' });
      builder.addOption({ names: [ANY_FLAG], arity: 0, description: 'Flags of the operation.', hidden: true });
    },
    transformer(_builder, _key, state) {
      let operation: OperationName | undefined;
      const flags: string[] = [];
      for (const { name, value } of state.options) {
        const named = BY_FLAG.get(name);
        if (named !== undefined) {
          if (operation !== undefined && operation !== named) throw new UsageError('only one operation may be specified');
          operation = named;
        } else if (WITH_NUMBER.includes(name)) flags.push(name, String(value));
        else if (!OWN_OPTIONS.includes(name)) flags.push(name);
      }
      return { operation, flags };
    },
  }) as unknown as OperationLine;
}

/** Options of the command itself, declared beside this. */
const OWN_OPTIONS = ['--add-root', '--indirect', '--no-output', '--stdin'];
