// The words of `nix-env`: one operation, its flags, its arguments. Which flags an operation has is its own affair, so they are gathered
// as they come. NIX 2.34.8: nix-env/nix-env.cc, main_nix_env.

import { Option } from 'clipanion';
import { UsageError } from '../../base/errors.ts';
import type { InstallSource } from '../../engine/package-sources.ts';
import { ANY_FLAG, splitCompound } from '../words.ts';

/** Operations by their flags, and what help says about them. */
const OPERATIONS = {
  install: ['--install,-i', 'Add packages. With -A, --from-expression, --from-profile, --preserve-installed, --remove-all, --priority.'],
  uninstall: ['--uninstall,-e', 'Take packages out.'],
  upgrade: ['--upgrade,-u', 'Replace packages by newer ones. With --lt, --leq, --eq, --always.'],
  'set-flag': ['--set-flag', 'Set a meta attribute of packages: name, value, packages.'],
  set: ['--set', 'Make one package the whole profile.'],
  query: ['--query,-q', 'List packages, installed ones or (-a) those that could be.'],
  'switch-profile': ['--switch-profile,-S', "Make a profile the user's own."],
  'switch-generation': ['--switch-generation,-G', 'Make another generation of the profile the current one.'],
  rollback: ['--rollback', 'Make the generation before the current one.'],
  'list-generations': ['--list-generations', 'List the generations of the profile.'],
  'delete-generations': ['--delete-generations', 'Delete generations: numbers, old, 30d, +5.'],
} as const satisfies Record<string, readonly [string, string]>;

export type EnvOperationName = keyof typeof OPERATIONS;

/** What help says about flags of operations; all others an operation refuses in its own words. */
const FLAGS: Readonly<Record<string, string>> = {
  '--from-expression,-E': 'Install: the arguments are functions of the expression.',
  '--preserve-installed': 'Install: keep packages of the same name.',
  '--remove-all,-r': 'Install: into an empty environment.',
  '--lt': 'Upgrade: to newer versions (the default).',
  '--leq': 'Upgrade: to newer versions or another build of the same.',
  '--eq': 'Upgrade: to another build of the same version.',
  '--always': 'Upgrade: to the best package, also an older one.',
  '--available,-a': 'Query: packages that could be installed.',
  '--installed': 'Query: packages of the profile (the default).',
  '--status,-s': 'Query: whether packages are installed (I), present (P), substitutable (S).',
  '--attr-path,-P': 'Query: attribute paths of packages. Install: as --preserve-installed.',
  '--no-name': 'Query: leave out the names.',
  '--compare-versions,-c': 'Query: compare installed with available versions.',
  '--system': 'Query: the systems of packages.',
  '--drv-path': 'Query: the derivations of packages.',
  '--out-path': 'Query: the outputs of packages.',
  '--description': 'Query: what packages say about themselves.',
  '--meta': 'Query: all meta attributes (with --xml or --json).',
  '--xml': 'Query: print XML.',
  '--json': 'Query: print JSON.',
  '--attr,-A': 'Install, upgrade: the arguments are attribute paths. Query: look at one attribute path, the next word.',
};
const FLAGS_WITH_VALUE: Readonly<Record<string, string>> = {
  '--from-profile': 'Install: take packages from another profile. {path}',
  '--priority': 'Install: the rank of the packages; a lower number wins. {number}',
};
/** What `-A` of a query becomes, which takes a word where that of an installation takes none. */
const QUERY_ATTR = '--query-attr';

/** What the flags of one line say. */
export interface EnvLine {
  /** Undefined where none was named. */
  readonly operation: EnvOperationName | undefined;
  /** Flags that are the operation's, in order, each with its value. */
  readonly flags: readonly { readonly name: string; readonly value: string | undefined }[];
}

const BY_FLAG = new Map(
  (Object.entries(OPERATIONS) as [EnvOperationName, readonly [string, string]][]).flatMap(([name, [flags]]) =>
    flags.split(',').map((flag) => [flag, name] as const),
  ),
);

/** Declares the operations, and takes every flag that is no other option. */
export function envLine(others: readonly string[]): EnvLine {
  return Option.makeCommandOption<EnvLine>({
    definition(builder) {
      for (const [flags, description] of Object.values(OPERATIONS)) builder.addOption({ names: flags.split(','), arity: 0, description });
      for (const [flags, description] of Object.entries(FLAGS)) builder.addOption({ names: flags.split(','), arity: 0, description });
      for (const [flag, description] of Object.entries(FLAGS_WITH_VALUE)) builder.addOption({ names: [flag], arity: 1, description });
      builder.addOption({ names: [QUERY_ATTR], arity: 1, description: 'Query: look at one attribute path. {path}', hidden: true });
      builder.addOption({ names: [ANY_FLAG], arity: 0, description: 'Flags of the operation.', hidden: true });
    },
    transformer(_builder, _key, state) {
      let operation: EnvOperationName | undefined;
      const flags: { name: string; value: string | undefined }[] = [];
      for (const { name, value } of state.options) {
        const named = BY_FLAG.get(name);
        if (named !== undefined) {
          if (operation !== undefined && operation !== named) throw new UsageError('only one operation may be specified');
          operation = named;
        } else if (!others.includes(name)) flags.push({ name, value: typeof value === 'string' ? value : undefined });
      }
      return { operation, flags };
    },
  }) as unknown as EnvLine;
}

/** Queries take `-A path` where installations have `-A` alone: behind `-q` it becomes a flag of its own. */
export function markQueryAttrs(words: readonly string[]): string[] {
  let isQuery = false;
  return words.flatMap((word) => {
    if (!/^(-[A-Za-z]+|--query|--attr)$/.test(word)) return [word];
    return splitCompound(word).map((flag) => {
      isQuery ||= BY_FLAG.get(flag) === 'query';
      return isQuery && (flag === '-A' || flag === '--attr') ? QUERY_ATTR : flag;
    });
  });
}

/** Flags that say where packages come from are taken out; the others stay. */
export function readInstallSource(flags: EnvLine['flags']): { readonly source: InstallSource; readonly rest: EnvLine['flags'] } {
  let source: InstallSource = { kind: 'names' };
  const rest = flags.filter(({ name, value }) => {
    if (name === '--from-expression' || name === '-E') source = { kind: 'expressions' };
    else if (name === '--attr' || name === '-A') source = { kind: 'attr-paths' };
    else if (name === '--from-profile') source = { kind: 'profile', path: value! };
    else return true;
    return false;
  });
  return { source, rest };
}

export function refuseFlag(name: string): never {
  throw new UsageError(`unknown flag '${name === QUERY_ATTR ? '--attr' : name}'`);
}

/** For operations without flags of their own. */
export function refuseFlags(flags: EnvLine['flags']): void {
  if (flags.length > 0) refuseFlag(flags[0]!.name);
}
