// `nix-env --install`, `--upgrade`, `--uninstall`, `--set`, `--set-flag`, `--query`.

import { resolve } from 'node:path';
import { bytesOf, utf8ToByteString } from '../../base/bytes.ts';
import { UsageError } from '../../base/errors.ts';
import { type ListingRequest, PackageListing } from '../../engine/package-listing.ts';
import type { InstallSource } from '../../engine/package-sources.ts';
import type { UpgradeKind } from '../../engine/user-environments.ts';
import { type EnvLine, readInstallSource, refuseFlag, refuseFlags } from './line.ts';
import type { EnvRun } from './run.ts';

function sourceOf({ flags, engine }: EnvRun): { readonly source: InstallSource; readonly rest: EnvLine['flags'] } {
  const { source, rest } = readInstallSource(flags);
  return { source: source.kind === 'profile' ? { kind: 'profile', path: resolve(engine.cwd, source.path) } : source, rest };
}

/** `nix-env --install`. */
export async function install(run: EnvRun): Promise<void> {
  const { source, rest } = sourceOf(run);
  let preserveInstalled = false;
  let removeAll = false;
  let priority: number | undefined;
  for (const { name, value } of rest) {
    if (name === '--preserve-installed' || name === '-P') preserveInstalled = true;
    else if (name === '--remove-all' || name === '-r') removeAll = true;
    else if (name === '--priority') {
      if (!/^-?[0-9]+$/.test(value!)) throw new UsageError("'--priority' requires an integer argument");
      priority = Number(value);
    } else refuseFlag(name);
  }
  await run.environments.install(source, run.args, { preserveInstalled, removeAll, priority });
}

const UPGRADES: Readonly<Record<string, UpgradeKind>> = {
  '--lt': 'newer',
  '--leq': 'newer-or-equal',
  '--eq': 'equal',
  '--always': 'always',
};

/** `nix-env --upgrade`. */
export async function upgrade(run: EnvRun): Promise<void> {
  const { source, rest } = sourceOf(run);
  let kind: UpgradeKind = 'newer';
  for (const { name } of rest) kind = UPGRADES[name] ?? refuseFlag(name);
  await run.environments.upgrade(source, run.args, kind);
}

/** `nix-env --uninstall`. */
export async function uninstall(run: EnvRun): Promise<void> {
  refuseFlags(run.flags);
  await run.environments.uninstall(run.args);
}

/** `nix-env --set-flag`. */
export async function setFlag(run: EnvRun): Promise<void> {
  refuseFlags(run.flags);
  const [name, value, ...words] = run.args;
  if (name === undefined || value === undefined) throw new UsageError("not enough arguments to '--set-flag'");
  await run.environments.setFlag(name, value, words);
}

/** `nix-env --set`. */
export async function set(run: EnvRun): Promise<void> {
  const { source, rest } = sourceOf(run);
  refuseFlags(rest);
  await run.environments.set(source, run.args);
}

type Switch = { -readonly [Key in keyof ListingRequest as ListingRequest[Key] extends boolean ? Key : never]?: boolean };

const QUERY_FLAGS: Readonly<Record<string, Switch | Pick<ListingRequest, 'source'> | Pick<ListingRequest, 'form'>>> = {
  '--status': { status: true },
  '-s': { status: true },
  '--no-name': { name: false },
  '--system': { system: true },
  '--description': { description: true },
  '--compare-versions': { compareVersions: true },
  '-c': { compareVersions: true },
  '--drv-path': { drvPaths: true },
  '--out-path': { outPaths: true },
  '--meta': { meta: true },
  '--attr-path': { attrPaths: true },
  '-P': { attrPaths: true },
  '--installed': { source: 'installed' },
  '--available': { source: 'available' },
  '-a': { source: 'available' },
  '--xml': { form: 'xml' },
  '--json': { form: 'json' },
};

/** `nix-env --query`. */
export async function query(run: EnvRun): Promise<void> {
  let request: ListingRequest = {
    source: 'installed',
    profile: run.profile.path,
    attrPath: '',
    words: run.args,
    form: 'table',
    prebuiltOnly: run.choices.prebuiltOnly,
    status: false,
    name: true,
    attrPaths: false,
    system: false,
    drvPaths: false,
    outPaths: false,
    description: false,
    meta: false,
    compareVersions: false,
  };
  for (const { name, value } of run.flags) {
    if (value !== undefined && name.startsWith('--query-attr')) request = { ...request, attrPath: utf8ToByteString(value) };
    else if (QUERY_FLAGS[name] !== undefined) request = { ...request, ...QUERY_FLAGS[name] };
    else refuseFlag(name);
  }
  // JSON comes before XML where both are asked for.
  if (run.flags.some(({ name }) => name === '--json')) request = { ...request, form: 'json' };
  run.write(bytesOf(await new PackageListing(run.engine, run.sources, request).print()));
}
