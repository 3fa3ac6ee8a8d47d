// Channels: names for archives of Nix expressions, which `nix-channel --update` downloads and unpacks into a profile of their own, so that
// `<name>` and `nix-env` find them. nix-channel/nix-channel.cc.

import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { compareStrings } from '../base/bytes.ts';
import { FetchError, FloeError, UsageError } from '../base/errors.ts';
import type { StorePath } from '../model/store-path.ts';
import { replaceLink } from '../store/local/roots.ts';
import type { Engine } from './engine.ts';
import { PackageSources } from './package-sources.ts';
import { prefetchFile } from './prefetch.ts';
import { Profile } from './profiles.ts';
import { UserEnvironments } from './user-environments.ts';
import { defaultExpressionPath, isRoot, profilesFolder, rootProfilesFolder, userFile } from './user-folders.ts';

/** Unpacks an archive into a folder of the channel's name. */
const UNPACK = `{ name, channelName, src }: derivation {
  builder = "builtin:unpack-channel";
  system = "builtin";
  preferLocalBuild = true;
  inherit name channelName src;
}`;

const FILE_MODE = 0o644;

/** Makes ~/.nix-defexpr with the user's channels in it, where there is none; where it cannot be made nothing is lost. */
export function prepareDefaultExpression(engine: Engine): void {
  const folder = defaultExpressionPath(engine);
  if (fs.lstatSync(folder, { throwIfNoEntry: false }) !== undefined) return;
  try {
    fs.mkdirSync(profilesFolder(engine), { recursive: true });
    fs.mkdirSync(folder, { recursive: true });
    replaceLink(join(folder, 'channels'), join(profilesFolder(engine), 'channels'));
    if (!isRoot()) replaceLink(join(folder, 'channels_root'), join(rootProfilesFolder(engine), 'channels'));
  } catch {
    // A home folder that cannot be written.
  }
}

/** A string of the language. */
function quote(text: string): string {
  return `"${text.replace(/["\\]|\$(?=\{)/g, '\\$&')}"`;
}

/** The channels of this user. */
export class Channels {
  private readonly engine: Engine;
  private readonly listFile: string;
  /** The generations of all channels together. */
  readonly profile: Profile;

  constructor(engine: Engine) {
    this.engine = engine;
    this.listFile = userFile(engine, '.nix-channels', 'channels');
    const folder = profilesFolder(engine);
    fs.mkdirSync(folder, { recursive: true });
    this.profile = new Profile(engine, join(folder, 'channels'));
  }

  /** Addresses by name, in order. */
  list(): Map<string, string> {
    const channels = new Map<string, string>();
    if (!fs.existsSync(this.listFile)) return channels;
    for (const line of fs.readFileSync(this.listFile, 'utf8').split('\n')) {
      const [address, name] = line.trim().split(/ +/);
      if (address === undefined || address === '' || address.startsWith('#')) continue;
      const url = address.replace(/\/*$/, '');
      channels.set(name ?? basename(url), url);
    }
    return new Map([...channels].sort(([a], [b]) => compareStrings(a, b)));
  }

  private write(channels: ReadonlyMap<string, string>): void {
    const lines = [...channels].sort(([a], [b]) => compareStrings(a, b)).map(([name, url]) => `${url} ${name}\n`);
    fs.mkdirSync(dirname(this.listFile), { recursive: true });
    const file = fs.existsSync(this.listFile) ? fs.realpathSync(this.listFile) : this.listFile;
    const temporary = `${file}.${process.pid}.new`;
    fs.writeFileSync(temporary, lines.join(''), { mode: FILE_MODE, flush: true });
    fs.renameSync(temporary, file);
  }

  /** Adds a channel, or changes its address. Without a name it is called after the address. */
  add(
    url: string,
    name = basename(url)
      .replace(/-unstable$/, '')
      .replace(/-stable$/, ''),
  ): void {
    if (!/^(file|http|https):\/\//.test(url)) throw new FloeError('FLOE_CHANNEL', `invalid channel URL '${url}'`);
    if (!/^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$/.test(name)) throw new FloeError('FLOE_CHANNEL', `invalid channel identifier '${name}'`);
    this.write(this.list().set(name, url));
  }

  /** Takes a channel out, with what was unpacked of it. */
  async remove(name: string): Promise<void> {
    const channels = this.list();
    channels.delete(name);
    this.write(channels);
    await this.environments(undefined).uninstall([name]);
  }

  private environments(expression: string | undefined): UserEnvironments {
    const { engine, profile } = this;
    const sources = new PackageSources(engine, { file: undefined, expression, systemFilter: '*' });
    const options = { dryRun: false, prebuiltOnly: false, forceName: undefined, repair: false, isQuiet: expression !== undefined };
    return new UserEnvironments(engine, profile, sources, options);
  }

  /** Downloads and unpacks channels, all unless names are given; the others stay as they are. */
  async update(names: ReadonlySet<string>): Promise<void> {
    const { engine, profile } = this;
    const expressions: string[] = [];
    for (const [name, url] of this.list()) {
      const version = /-\d.*$/.exec(basename(url))?.[0] ?? '';
      const isKept = names.size > 0 && !names.has(name);
      expressions.push(isKept ? this.kept(name, `${name}${version}`) : await this.fetched(name, `${name}${version}`, url));
    }
    engine.progress.log('error', `unpacking ${expressions.length} channels...`);
    const install = { preserveInstalled: false, removeAll: true, priority: undefined };
    await this.environments(UNPACK).install({ kind: 'expressions' }, expressions, install);
    this.linkDefaultExpression(profile.path);
  }

  /** What is unpacked already. */
  private kept(name: string, fullName: string): string {
    const link = join(this.profile.path, name);
    const { storeAccess, store } = this.engine;
    const environment = storeAccess.followToStore(this.profile.path);
    const real = environment === undefined ? link : join(store.toRealPath(basename(environment) as StorePath), name);
    let target: string;
    try {
      target = dirname(fs.readlinkSync(real));
    } catch (error) {
      throw new FloeError('FLOE_CHANNEL', `channel '${name}' was never unpacked: there is no '${link}'`, {
        hint: `run 'nix-channel --update ${name}' or 'nix-channel --update'`,
        cause: error,
      });
    }
    const path = `outPath = builtins.storePath ${quote(target)};`;
    return `f: rec { name = ${quote(fullName)}; type = "derivation"; outputs = [ "out" ]; system = "builtin"; ${path} out = { inherit outPath; }; }`;
  }

  private async fetched(name: string, fullName: string, url: string): Promise<string> {
    const path = /\.tar\.(gz|bz2|xz)$/.test(url) ? await this.download(url) : await this.downloadExpressions(url);
    const source = `builtins.storePath ${quote(`${this.engine.storeDir}/${path}`)}`;
    return `f: f { name = ${quote(fullName)}; channelName = ${quote(name)}; src = ${source}; }`;
  }

  private async downloadExpressions(url: string): Promise<StorePath> {
    try {
      return await this.download(`${url}/nixexprs.tar.xz`);
    } catch (error) {
      if (!(error instanceof FetchError)) throw error;
      return this.download(`${url}/nixexprs.tar.bz2`);
    }
  }

  private async download(url: string): Promise<StorePath> {
    const { storePath } = await prefetchFile(this.engine, { url, algorithm: 'sha256', unpack: false, executable: false });
    return storePath;
  }

  /** Back to the state before the current one, or to one by its number. */
  async rollback(number: string | undefined): Promise<void> {
    if (number !== undefined && !/^[0-9]{1,15}$/.test(number)) throw new UsageError('expected a generation number');
    await this.profile.rollback(number === undefined ? undefined : Number(number), false);
  }

  private linkDefaultExpression(profile: string): void {
    const folder = defaultExpressionPath(this.engine);
    // Very old ones are links.
    if (fs.lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink() === true) fs.unlinkSync(folder);
    fs.mkdirSync(folder, { recursive: true });
    replaceLink(join(folder, 'channels'), profile);
  }
}
