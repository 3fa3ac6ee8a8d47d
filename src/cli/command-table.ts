// Which words are commands, and the one file behind each. Loading is by need: a command line loads the file it names, help and
// completion load all. A house test compares words and paths: `flake lock` is commands/flake/lock.ts.

import type { BaseCommand } from './base-command.ts';

/** A command's class. */
export type CommandClass = (new () => BaseCommand) &
  Pick<typeof BaseCommand, 'paths' | 'usage' | 'forcesImpure' | 'keepsOutput' | 'exitsWithBuildStatus'>;

/** Words, and how to load the class. */
export const COMMANDS: Readonly<Record<string, () => Promise<CommandClass>>> = {
  'config check': async () => (await import('./commands/config/check.ts')).ConfigCheckCommand,
  'config show': async () => (await import('./commands/config/show.ts')).ConfigShowCommand,
  build: async () => (await import('./commands/build.ts')).BuildCommand,
  bundle: async () => (await import('./commands/bundle.ts')).BundleCommand,
  completion: async () => (await import('./commands/completion.ts')).CompletionCommand,
  copy: async () => (await import('./commands/copy.ts')).CopyCommand,
  develop: async () => (await import('./commands/develop.ts')).DevelopCommand,
  'print-dev-env': async () => (await import('./commands/print-dev-env.ts')).PrintDevEnvCommand,
  repl: async () => (await import('./commands/repl.ts')).ReplCommand,
  run: async () => (await import('./commands/run.ts')).RunCommand,
  'env shell': async () => (await import('./commands/env/shell.ts')).EnvShellCommand,
  eval: async () => (await import('./commands/eval.ts')).EvalCommand,
  'flake show': async () => (await import('./commands/flake/show.ts')).FlakeShowCommand,
  'flake init': async () => (await import('./commands/flake/init.ts')).FlakeInitCommand,
  'flake new': async () => (await import('./commands/flake/new.ts')).FlakeNewCommand,
  'flake lock': async () => (await import('./commands/flake/lock.ts')).FlakeLockCommand,
  'flake update': async () => (await import('./commands/flake/update.ts')).FlakeUpdateCommand,
  'flake metadata': async () => (await import('./commands/flake/metadata.ts')).FlakeMetadataCommand,
  'hash convert': async () => (await import('./commands/hash/convert.ts')).HashConvertCommand,
  'hash file': async () => (await import('./commands/hash/file.ts')).HashFileCommand,
  'hash path': async () => (await import('./commands/hash/path.ts')).HashPathCommand,
  'hash to-base16': async () => (await import('./commands/hash/to-base16.ts')).HashToBase16Command,
  'hash to-base32': async () => (await import('./commands/hash/to-base32.ts')).HashToBase32Command,
  'hash to-base64': async () => (await import('./commands/hash/to-base64.ts')).HashToBase64Command,
  'hash to-sri': async () => (await import('./commands/hash/to-sri.ts')).HashToSriCommand,
  'derivation add': async () => (await import('./commands/derivation/add.ts')).DerivationAddCommand,
  'derivation show': async () => (await import('./commands/derivation/show.ts')).DerivationShowCommand,
  log: async () => (await import('./commands/log.ts')).LogCommand,
  'key generate-secret': async () => (await import('./commands/key/generate-secret.ts')).KeyGenerateSecretCommand,
  'key convert-secret-to-public': async () => (await import('./commands/key/convert-secret-to-public.ts')).KeyConvertSecretToPublicCommand,
  'nar cat': async () => (await import('./commands/nar/cat.ts')).NarCatCommand,
  'nar dump-path': async () => (await import('./commands/nar/dump-path.ts')).NarDumpPathCommand,
  'nar ls': async () => (await import('./commands/nar/ls.ts')).NarLsCommand,
  'nar pack': async () => (await import('./commands/nar/pack.ts')).NarPackCommand,
  'registry list': async () => (await import('./commands/registry/list.ts')).RegistryListCommand,
  'realisation info': async () => (await import('./commands/realisation/info.ts')).RealisationInfoCommand,
  'registry add': async () => (await import('./commands/registry/add.ts')).RegistryAddCommand,
  'registry remove': async () => (await import('./commands/registry/remove.ts')).RegistryRemoveCommand,
  'registry pin': async () => (await import('./commands/registry/pin.ts')).RegistryPinCommand,
  'registry resolve': async () => (await import('./commands/registry/resolve.ts')).RegistryResolveCommand,
  'flake check': async () => (await import('./commands/flake/check.ts')).FlakeCheckCommand,
  'flake archive': async () => (await import('./commands/flake/archive.ts')).FlakeArchiveCommand,
  'flake prefetch': async () => (await import('./commands/flake/prefetch.ts')).FlakePrefetchCommand,
  'flake prefetch-inputs': async () => (await import('./commands/flake/prefetch-inputs.ts')).FlakePrefetchInputsCommand,
  'flake info': async () => (await import('./commands/flake/info.ts')).FlakeInfoCommand,
  'flake clone': async () => (await import('./commands/flake/clone.ts')).FlakeCloneCommand,
  'why-depends': async () => (await import('./commands/why-depends.ts')).WhyDependsCommand,
  fmt: async () => (await import('./commands/fmt.ts')).FmtCommand,
  'formatter run': async () => (await import('./commands/formatter/run.ts')).FormatterRunCommand,
  'formatter build': async () => (await import('./commands/formatter/build.ts')).FormatterBuildCommand,
  daemon: async () => (await import('./commands/daemon.ts')).FloeDaemonCommand,
  edit: async () => (await import('./commands/edit.ts')).EditCommand,
  'path-info': async () => (await import('./commands/path-info.ts')).PathInfoCommand,
  'profile add': async () => (await import('./commands/profile/add.ts')).ProfileAddCommand,
  'profile diff-closures': async () => (await import('./commands/profile/diff-closures.ts')).ProfileDiffClosuresCommand,
  'profile history': async () => (await import('./commands/profile/history.ts')).ProfileHistoryCommand,
  'profile list': async () => (await import('./commands/profile/list.ts')).ProfileListCommand,
  'profile remove': async () => (await import('./commands/profile/remove.ts')).ProfileRemoveCommand,
  'profile rollback': async () => (await import('./commands/profile/rollback.ts')).ProfileRollbackCommand,
  'profile upgrade': async () => (await import('./commands/profile/upgrade.ts')).ProfileUpgradeCommand,
  'profile wipe-history': async () => (await import('./commands/profile/wipe-history.ts')).ProfileWipeHistoryCommand,
  search: async () => (await import('./commands/search.ts')).SearchCommand,
  'store add': async () => (await import('./commands/store/add.ts')).StoreAddCommand,
  'store add-file': async () => (await import('./commands/store/add-file.ts')).StoreAddFileCommand,
  'store add-path': async () => (await import('./commands/store/add-path.ts')).StoreAddPathCommand,
  'store cat': async () => (await import('./commands/store/cat.ts')).StoreCatCommand,
  'store copy-log': async () => (await import('./commands/store/copy-log.ts')).StoreCopyLogCommand,
  'store copy-sigs': async () => (await import('./commands/store/copy-sigs.ts')).StoreCopySigsCommand,
  'store delete': async () => (await import('./commands/store/delete.ts')).StoreDeleteCommand,
  'store diff-closures': async () => (await import('./commands/store/diff-closures.ts')).StoreDiffClosuresCommand,
  'store dump-path': async () => (await import('./commands/store/dump-path.ts')).StoreDumpPathCommand,
  'store gc': async () => (await import('./commands/store/gc.ts')).StoreGcCommand,
  'store info': async () => (await import('./commands/store/info.ts')).StoreInfoCommand,
  'store ls': async () => (await import('./commands/store/ls.ts')).StoreLsCommand,
  'store make-content-addressed': async () => (await import('./commands/store/make-content-addressed.ts')).StoreMakeContentAddressedCommand,
  'store optimise': async () => (await import('./commands/store/optimise.ts')).StoreOptimiseCommand,
  'store path-from-hash-part': async () => (await import('./commands/store/path-from-hash-part.ts')).StorePathFromHashPartCommand,
  'store prefetch-file': async () => (await import('./commands/store/prefetch-file.ts')).StorePrefetchFileCommand,
  'store repair': async () => (await import('./commands/store/repair.ts')).StoreRepairCommand,
  'store sign': async () => (await import('./commands/store/sign.ts')).StoreSignCommand,
  'store verify': async () => (await import('./commands/store/verify.ts')).StoreVerifyCommand,
  'help-stores': async () => (await import('./commands/help-stores.ts')).HelpStoresCommand,
  help: async () => (await import('./commands/help.ts')).HelpCommand,
};

/** Commands known by names of their own (links, or `floe nix-build`); they read their words by the older rules. */
export const LEGACY_COMMANDS: Readonly<Record<string, () => Promise<CommandClass>>> = {
  'nix-build': async () => (await import('./commands/legacy/nix-build.ts')).NixBuildCommand,
  'nix-channel': async () => (await import('./commands/legacy/nix-channel.ts')).NixChannelCommand,
  'nix-collect-garbage': async () => (await import('./commands/legacy/nix-collect-garbage.ts')).NixCollectGarbageCommand,
  'nix-copy-closure': async () => (await import('./commands/legacy/nix-copy-closure.ts')).NixCopyClosureCommand,
  'nix-daemon': async () => (await import('./commands/legacy/nix-daemon.ts')).NixDaemonCommand,
  'nix-env': async () => (await import('./commands/legacy/nix-env.ts')).NixEnvCommand,
  'nix-hash': async () => (await import('./commands/legacy/nix-hash.ts')).NixHashCommand,
  'nix-instantiate': async () => (await import('./commands/legacy/nix-instantiate.ts')).NixInstantiateCommand,
  'nix-prefetch-url': async () => (await import('./commands/legacy/nix-prefetch-url.ts')).NixPrefetchUrlCommand,
  'nix-shell': async () => (await import('./commands/legacy/nix-shell.ts')).NixShellCommand,
  'nix-store': async () => (await import('./commands/legacy/nix-store.ts')).NixStoreCommand,
};

/** Words of Nix that floe knows and does not follow, and what it says to them. A command that appears above takes its word over. */
export const REFUSED_COMMANDS: Readonly<Record<string, { readonly why: string; readonly hint: string }>> = {
  'store roots-daemon': { why: 'floe has no daemon for roots', hint: "'store gc' finds the roots itself" },
  'upgrade-nix': { why: 'floe does not upgrade itself', hint: 'use what installed it: npm update -g, or git pull and npm ci' },
};

/** Words that only group commands: "flake", "store", ... */
export function groupNames(): string[] {
  return [
    ...new Set(
      [...Object.keys(COMMANDS), ...Object.keys(REFUSED_COMMANDS)].flatMap((words) =>
        words.includes(' ') ? [words.slice(0, words.indexOf(' '))] : [],
      ),
    ),
  ];
}

/** The words one level below a group, or at the top (""). */
export function wordsBelow(group: string): string[] {
  const prefix = group === '' ? '' : `${group} `;
  const words = Object.keys(COMMANDS).filter((name) => name.startsWith(prefix));
  return [...new Set(words.map((name) => name.slice(prefix.length).split(' ')[0]!))].sort();
}
