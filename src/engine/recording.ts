// The doors to the machine with a log behind them (reads.ts): what fetchers, the search for a flake and evaluation see through them is
// written down as they see it. What lies in the store, or among git's objects, is named by its content and cannot change: of store
// objects it is only written down that they are valid.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { byteStringToUtf8 } from '../base/bytes.ts';
import type { PathKind } from '../eval/host.ts';
import type { FetchCache } from '../fetch/fetch-cache.ts';
import type { PathProbe } from '../flake/find.ts';
import type { Files, FileStat, Io, Processes } from '../io/io.ts';
import type { StoreMachine } from '../store/placement.ts';
import { DiskTree } from './host-tree.ts';
import { kindLetter, listingText, type Look, type ReadLog, statOf } from './reads.ts';

type Stats = Look | undefined;

const KINDS: Readonly<Record<string, FileStat['kind']>> = { f: 'regular', d: 'directory', l: 'symlink', '?': 'unknown' };

/** What lies there; where the system will not say, that is for whoever reads to complain about. */
function lookAt(log: ReadLog, path: string, follow = false): Stats {
  try {
    return statOf(path, follow);
  } catch {
    log.refuse(`'${byteStringToUtf8(path)}' cannot be looked at`);
    return undefined;
  }
}

/** Git's own files: what is in them counts, not when they were written. `shallow` is told by its size. */
function isTimeless(path: string): boolean {
  return path.includes('/.git/') && !path.endsWith('/shallow');
}

/** Files as fetchers read them: they see times, so times count. Nothing below what `isFixed` accepts ever changes. */
export function recordingFiles(files: Files, log: ReadLog, isFixed: (path: string) => boolean): Files {
  const folders = new Map<string, Look>();
  // Whoever lists a .git copies the whole folder: to him, all below are files like others, with their times.
  const copied = new Set<string>();
  const isGits = (path: string): boolean => {
    for (let at = path.indexOf('/.git/'); at >= 0; at = path.indexOf('/.git/', at + 1)) if (copied.has(path.slice(0, at))) return false;
    return true;
  };
  const isObject = (path: string): boolean => path.includes('/.git/objects/') && isGits(path);
  const skips = (path: string): boolean => isObject(path) || isFixed(path);
  const content = <Data extends Uint8Array | string>(path: string, read: () => Data): Data => {
    if (skips(path)) return read();
    const isLink = lookAt(log, path)?.isSymbolicLink() === true;
    const stats = lookAt(log, path, isLink);
    const data = read();
    log.content(path, stats, data, isLink);
    return data;
  };
  return {
    ...files,
    stat(path) {
      if (skips(path)) return files.stat(path);
      let stats: Stats;
      try {
        stats = statOf(path);
      } catch (error) {
        log.refuse(`'${path}' cannot be looked at`);
        files.stat(path);
        throw error;
      }
      if (stats?.isFile() === true && !(isTimeless(path) && isGits(path))) log.lookExactly(path, stats);
      else log.look(path, stats);
      if (stats === undefined) return undefined;
      // Only who lists a folder, or reads a link, may care for its times.
      if (!stats.isFile()) folders.set(path, stats);
      return {
        kind: KINDS[kindLetter(stats)]!,
        executable: (stats.mode & 0o100n) !== 0n,
        size: Number(stats.size),
        modifiedNs: stats.mtimeNs,
        changedNs: stats.ctimeNs,
        inode: stats.ino,
        device: stats.dev,
      };
    },
    readFile: (path) => content(path, () => files.readFile(path)),
    readText: (path) => content(path, () => files.readText(path)),
    readDir(path) {
      if (skips(path)) return files.readDir(path);
      if (path.endsWith('/.git')) copied.add(path.slice(0, -'/.git'.length));
      const seen = folders.get(path);
      const before = seen ?? lookAt(log, path);
      const entries = files.readDir(path);
      log.content(path, before, listingText(entries));
      if (seen !== undefined && !(isTimeless(path) && isGits(path))) log.lookExactly(path, seen);
      return entries;
    },
    readLink(path) {
      const target = files.readLink(path);
      if (!skips(path)) log.link(path, target);
      return target;
    },
    readRange(path, offset, length) {
      if (!skips(path)) log.lookExactly(path, lookAt(log, path));
      return files.readRange(path, offset, length);
    },
  };
}

/** Everything fetchers can reach. Answers of the network cannot be checked later, and neither can those of most programs. */
export function recordingIo(io: Io, log: ReadLog, isFixed: (path: string) => boolean): Io {
  return {
    ...io,
    files: recordingFiles(io.files, log, isFixed),
    processes: recordingProcesses(io, log),
    net: {
      request(request) {
        log.refuse('the network was asked');
        return io.net.request(request);
      },
    },
  };
}

/** Git about local repositories: what it says rests on files that are known. */
function recordingProcesses({ processes, env }: Pick<Io, 'processes' | 'env'>, log: ReadLog): Processes {
  return {
    run(program, args, options) {
      const repository = args[0] === '-C' ? args[1]! : undefined;
      const words = args.filter((word, index) => !word.startsWith('-') && !(repository !== undefined && index === 1));
      const isKnown = program === 'git' && repository !== undefined && (words[0] === 'config' || words[0] === 'diff');
      // By the names of objects: they cannot change.
      const isFixed = program === 'git' && (args.includes('cat-file') || (words[0] === 'rev-list' && args.includes('--count')));
      if (isKnown) observeGitConfiguration(log, env, repository, words[0] === 'diff' ? args : []);
      else if (!isFixed) log.refuse(`the program '${program}' was asked`);
      return processes.run(program, args, options);
    },
  };
}

function observeGitConfiguration(log: ReadLog, env: Io['env'], repository: string, literals: readonly string[]): void {
  const home = env['HOME'] ?? '/';
  const own = join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'git');
  const files = ['/etc/gitconfig', '/etc/gitattributes', join(own, 'config'), join(own, 'attributes'), join(home, '.gitconfig')];
  for (const file of files) {
    log.observe(file);
    if (file.endsWith('config') && includesOthers(file)) log.refuse(`'${file}' includes other files`);
  }
  log.observe(`${repository}/.git/info/attributes`);
  for (const literal of literals) {
    const path = /^:\(literal\)(.*)$/s.exec(literal)?.[1];
    if (path === undefined) continue;
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      log.observe(`${repository}/${path.slice(0, slash)}/.gitattributes`);
    }
    log.observe(`${repository}/.gitattributes`);
  }
}

function includesOthers(file: string): boolean {
  try {
    return /^\s*\[\s*include|attributesfile|hookspath|fsmonitor/im.test(fs.readFileSync(file, 'latin1'));
  } catch {
    return false;
  }
}

/** Entries that name content by its hash or revision: they never change. */
const FIXED_ENTRIES = ['nar-hash', 'git-rev-count', 'forge-revision'];

/** What earlier fetches found out. Answers of servers count for `ttlS` seconds, and only as long as nobody asked again. */
export function recordingCache(fixed: FetchCache, recorded: FetchCache, log: ReadLog, ttlS: number): FetchCache {
  return {
    folder: fixed.folder,
    lookup(kind, key) {
      if (FIXED_ENTRIES.includes(kind)) return fixed.lookup(kind, key);
      const entry = recorded.lookup(kind, key);
      if (entry !== undefined) log.expires(entry.writtenMs + ttlS * 1000);
      return entry;
    },
    store(kind, key, value) {
      (FIXED_ENTRIES.includes(kind) ? fixed : recorded).store(kind, key, value);
    },
  };
}

/** The search for a flake. */
export function recordingProbe(log: ReadLog): PathProbe {
  return {
    kind(path) {
      const stats = statOf(path);
      log.look(path, stats);
      return stats && KINDS[kindLetter(stats)];
    },
    readLink(path) {
      const target = fs.readlinkSync(path);
      log.link(path, target);
      return target;
    },
    device(path) {
      const stats = statOf(path, true);
      if (stats !== undefined) log.device(path, stats);
      return Number(stats?.dev ?? fs.statSync(path).dev);
    },
  };
}

/** What the place of the store depends on. */
export function recordingMachine(machine: StoreMachine, log: ReadLog): StoreMachine {
  return {
    ...machine,
    isWritableFolder(path) {
      const answer = machine.isWritableFolder(path);
      log.writable(path, answer);
      return answer;
    },
    exists(path) {
      const stats = lookAt(log, path, true);
      log.look(path, stats, true);
      return stats !== undefined;
    },
  };
}

/** A folder of the machine as evaluation reads it: kinds and contents count, times do not. */
export class RecordingDiskTree extends DiskTree {
  private readonly log: ReadLog;
  private readonly place: string;
  /** What was last looked at: its content is often read next. */
  private last: { readonly path: string; readonly stats: Stats } | undefined;

  constructor(log: ReadLog, root: string, shown = root) {
    super(root, shown);
    this.log = log;
    this.place = root;
  }

  private full(path: string): string {
    return this.place + path || '/';
  }

  private statsOf(path: string): Stats {
    return this.last?.path === path ? this.last.stats : lookAt(this.log, path);
  }

  override kind(path: string): PathKind | undefined {
    const full = this.full(path);
    let stats: Stats;
    try {
      stats = statOf(full);
    } catch {
      this.log.refuse(`'${byteStringToUtf8(full)}' cannot be looked at`);
      return super.kind(path);
    }
    this.log.look(full, stats);
    this.last = { path: full, stats };
    return stats && KINDS[kindLetter(stats)];
  }

  override readFile(path: string): string {
    const full = this.full(path);
    const stats = this.statsOf(full);
    const text = super.readFile(path);
    this.note(full, stats, text);
    return text;
  }

  override readBytes(path: string): Uint8Array {
    const full = this.full(path);
    const stats = this.statsOf(full);
    const bytes = super.readBytes(path);
    this.note(full, stats, bytes);
    return bytes;
  }

  private note(full: string, stats: Stats, data: Uint8Array | string): void {
    if (stats?.isFile() === true) this.log.content(full, stats, data);
    else {
      // Behind a link, or no ordinary file (whose content may differ each time).
      const behind = lookAt(this.log, full, true);
      if (behind?.isFile() === true) this.log.content(full, behind, data, true);
      else this.log.refuse(`'${byteStringToUtf8(full)}' is no ordinary file`);
    }
  }

  override readDir(path: string): { name: string; kind: PathKind }[] {
    const full = this.full(path);
    const stats = this.statsOf(full);
    const entries = super.readDir(path);
    if (stats?.isDirectory() === true) this.log.content(full, stats, listingText(entries));
    else this.log.refuse(`'${byteStringToUtf8(full)}' is a link to a folder`);
    return entries;
  }

  override readLink(path: string): string {
    const target = super.readLink(path);
    this.log.link(this.full(path), target);
    return target;
  }

  override isExecutable(path: string): boolean {
    const answer = super.isExecutable(path);
    this.log.executable(this.full(path), 'f', answer);
    return answer;
  }
}
