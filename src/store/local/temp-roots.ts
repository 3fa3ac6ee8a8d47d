// Temporary roots: paths this process is using or about to make, which no garbage collector (floe's or C++ Nix's) may delete until the
// process ends. They stand in `temproots/<pid>-<letters>` under an exclusive lock that dies with the process; a root is written while the
// collector's lock is held shared, or told to a running collector over its socket. libstore/gc.cc, addTempRoot and findTempRoots.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { connect, type Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { FormatError } from '../../base/errors.ts';
import { type Progress } from '../../base/progress.ts';
import { parseStorePath, type StoreDir, type StorePath } from '../../model/store-path.ts';
import { lockDescriptors, lockDescriptorsSync, type LockMode, type LockRequest, openLockFile } from './locks.ts';
import { guardIo, systemErrorCode } from './system-error.ts';

const RETRY_MS = 100;

/** Path of the collector's lock below a state directory. */
export const gcLockPath = (stateDir: string): string => `${stateDir}/gc.lock`;
/** Path of the collector's socket below a state directory. */
export const gcSocketPath = (stateDir: string): string => `${stateDir}/gc-socket/socket`;

export interface TempRootsOptions {
  readonly stateDir: string;
  readonly storeDir: StoreDir;
  readonly progress: Progress;
}

/** Lock files opened for one addition, those that are held already left out. */
interface WantedLocks {
  readonly requests: readonly LockRequest[];
  readonly bigLock: number | undefined;
  readonly file: { readonly path: string; readonly fd: number } | undefined;
  readonly gcLock: number | undefined;
}

/** The temporary roots of one process. */
export class TempRoots {
  readonly #options: TempRootsOptions;
  readonly #known = new Set<StorePath>();
  /** The locked roots file. */
  #file: { readonly path: string; readonly fd: number } | undefined;
  /** Held shared so that no other process's schema change or collection runs meanwhile. */
  #bigLock: number | undefined;
  /** Additions run one after the other. */
  #last: Promise<void> = Promise.resolve();
  /** Set while this very process collects garbage: roots then go straight to it. */
  #collector: ((path: StorePath) => void) | undefined;

  constructor(options: TempRootsOptions) {
    this.#options = options;
  }

  /** Where roots go while this process itself collects; pass undefined when that ends. */
  setCollector(collector: ((path: StorePath) => void) | undefined): void {
    this.#collector = collector;
  }

  /** Paths already added. */
  has(path: StorePath): boolean {
    return this.#known.has(path);
  }

  #missing(paths: Iterable<StorePath>): StorePath[] {
    return [...new Set(paths)].filter((path) => !this.#known.has(path));
  }

  /** What must be locked before roots can be written; the collector's lock last, without waiting. */
  #open(): WantedLocks {
    const { stateDir } = this.#options;
    const requests: LockRequest[] = [];
    const open = (path: string, mode: LockMode, wait: boolean): number => {
      const fd = openLockFile(path);
      requests.push({ fd, mode, wait });
      return fd;
    };
    const bigLock = this.#bigLock === undefined ? open(`${stateDir}/db/big-lock`, 'shared', true) : undefined;
    // The number alone is C++ Nix's own name and would not be unique between containers; readers ignore the letters after it.
    const path = `${stateDir}/temproots/${process.pid}-${randomBytes(6).toString('hex')}`;
    const file = this.#file === undefined ? { path, fd: open(path, 'exclusive', true) } : undefined;
    const gcLock = this.#collector === undefined ? open(gcLockPath(stateDir), 'shared', false) : undefined;
    return { requests, bigLock, file, gcLock };
  }

  /** Takes over what is kept until the end. */
  #adopt({ bigLock, file }: WantedLocks): void {
    if (bigLock !== undefined) {
      if (this.#bigLock === undefined) this.#bigLock = bigLock;
      else fs.closeSync(bigLock);
    }
    if (file === undefined) return;
    // A collector may have seen the file before it was locked, and deleted it; or a synchronous addition came in between.
    if (this.#file === undefined && fs.fstatSync(file.fd).size === 0) this.#file = file;
    else {
      fs.rmSync(file.path, { force: true });
      fs.closeSync(file.fd);
    }
  }

  #write(paths: readonly StorePath[]): void {
    const { path, fd } = this.#file!;
    const { storeDir } = this.#options;
    const bytes = Buffer.from(paths.map((root) => `${storeDir}/${root}\0`).join(''), 'latin1');
    guardIo('writing', path, () => {
      for (let offset = 0; offset < bytes.length;) offset += fs.writeSync(fd, bytes, offset);
    });
    for (const root of paths) {
      this.#collector?.(root);
      this.#known.add(root);
    }
  }

  /** Adds roots in one go; while another process collects garbage, the collector is told. */
  add(paths: Iterable<StorePath>): Promise<void> {
    const missing = this.#missing(paths);
    if (missing.length === 0) return Promise.resolve();
    this.#last = this.#last.catch(() => undefined).then(() => this.#add(missing));
    return this.#last;
  }

  async #add(paths: readonly StorePath[]): Promise<void> {
    for (let missing = this.#missing(paths); missing.length > 0; missing = this.#missing(missing)) {
      const wanted = this.#open();
      try {
        const answers = await lockDescriptors(wanted.requests);
        this.#adopt(wanted);
        if (this.#file === undefined) continue;
        const isFree = wanted.gcLock === undefined || answers.at(-1) === true;
        if (isFree || (await tellCollector(this.#options, missing))) this.#write(missing);
        else await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      } finally {
        if (wanted.gcLock !== undefined) fs.closeSync(wanted.gcLock);
      }
    }
  }

  /** The same, blocking. */
  addSync(paths: Iterable<StorePath>): void {
    for (let missing = this.#missing(paths); missing.length > 0; missing = this.#missing(missing)) {
      const wanted = this.#open();
      try {
        const answers = lockDescriptorsSync(wanted.requests);
        this.#adopt(wanted);
        if (this.#file === undefined) continue;
        const isFree = wanted.gcLock === undefined || answers.at(-1) === true;
        if (isFree || tellCollectorSync(this.#options, missing)) this.#write(missing);
        else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
      } finally {
        // INVARIANT: never kept longer than one addition. Kept until a timer, it would block a collector that this process waits for.
        if (wanted.gcLock !== undefined) fs.closeSync(wanted.gcLock);
      }
    }
  }

  /** Drops all roots. */
  close(): void {
    if (this.#file !== undefined) {
      const { path, fd } = this.#file;
      this.#file = undefined;
      fs.rmSync(path, { force: true });
      fs.closeSync(fd);
    }
    if (this.#bigLock !== undefined) fs.closeSync(this.#bigLock);
    this.#bigLock = undefined;
    this.#known.clear();
  }
}

/** Sends roots to a running collector, each acknowledged. False where it has ended or is not listening yet. */
async function tellCollector({ stateDir, storeDir }: TempRootsOptions, paths: readonly StorePath[]): Promise<boolean> {
  const socket = await new Promise<Socket | undefined>((resolve) => {
    const connection = connect(gcSocketPath(stateDir), () => resolve(connection));
    connection.on('error', () => resolve(undefined));
  });
  if (socket === undefined) return false;
  try {
    return await new Promise<boolean>((resolve) => {
      let acknowledged = 0;
      socket.on('data', (data: Buffer) => {
        acknowledged += data.length;
        if (acknowledged >= paths.length) resolve(true);
      });
      socket.on('error', () => resolve(false));
      socket.on('close', () => resolve(false));
      socket.write(paths.map((path) => `${storeDir}/${path}\n`).join(''));
    });
  } finally {
    socket.destroy();
  }
}

/** Node has no sockets that block: another Node talks to the collector. What it does is what tellCollector does. */
const TELLER = `
const [path, count] = process.argv.slice(1);
const socket = require('node:net').connect(path);
let acknowledged = 0;
socket.on('data', (data) => { acknowledged += data.length; if (acknowledged >= Number(count)) process.exit(0); });
socket.on('error', () => process.exit(1));
socket.on('close', () => process.exit(1));
process.stdin.pipe(socket, { end: false });
`;

function tellCollectorSync({ stateDir, storeDir }: TempRootsOptions, paths: readonly StorePath[]): boolean {
  const socket = gcSocketPath(stateDir);
  if (!fs.existsSync(socket)) return false;
  const input = Buffer.from(paths.map((path) => `${storeDir}/${path}\n`).join(''), 'latin1');
  const { status } = spawnSync(process.execPath, ['-e', TELLER, '--', socket, String(paths.length)], {
    input,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return status === 0;
}

/** Temporary roots of all living processes, with `{temp:<pid>}` for each. Files of dead ones are removed. */
export function findTempRoots({ stateDir, storeDir, progress }: TempRootsOptions): Map<StorePath, Set<string>> {
  const folder = `${stateDir}/temproots`;
  const files: { path: string; pid: string; fd: number }[] = [];
  for (const name of fs.readdirSync(folder)) {
    const pid = /^[0-9]+/.exec(name)?.[0];
    if (pid === undefined) continue;
    try {
      files.push({ path: `${folder}/${name}`, pid, fd: fs.openSync(`${folder}/${name}`, 'r+') });
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
  }
  const roots = new Map<StorePath, Set<string>>();
  const add = (path: StorePath, pid: string) => void (roots.get(path) ?? roots.set(path, new Set()).get(path)!).add(`{temp:${pid}}`);
  try {
    // A lock we can have is one whose owner died.
    const stale = lockDescriptorsSync(files.map(({ fd }) => ({ fd, mode: 'exclusive', wait: false })));
    files.forEach(({ path, pid, fd }, index) => {
      if (stale[index] === true) {
        progress.log('info', `removing stale temporary roots file '${path}'`);
        fs.rmSync(path, { force: true });
        fs.writeSync(fd, 'd');
        return;
      }
      for (const text of fs.readFileSync(fd, 'latin1').split('\0').slice(0, -1)) {
        try {
          add(parseStorePath(text, storeDir), pid);
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
        }
      }
    });
  } finally {
    for (const { fd } of files) fs.closeSync(fd);
  }
  return roots;
}
