// One file of the network, or of this machine by a `file:` address, written to a path: what builtin:fetchurl and the commands that
// prefetch do.

import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FetchError } from '../base/errors.ts';
import type { Progress, Activity } from '../base/progress.ts';
import type { Net } from '../io/io.ts';
import { guardIo, systemPath } from '../store/local/system-error.ts';
import { download, type DownloadSettings } from '../io/download.ts';
import type { MirrorAddress, MirrorResolver } from './mirrors.ts';

/** Everything downloads need. */
export interface FetchingSettings {
  readonly net: Net;
  readonly download: DownloadSettings;
  readonly mirrors: MirrorResolver;
  /** Servers that offer files by hash, asked first. */
  readonly hashedMirrors: readonly string[];
}

/** Begins showing a download; what it gives is told of progress, and called with nothing at the end. */
export type StartTransfer = (url: string) => (done?: number, expected?: number) => void;

export interface DownloadFileContext {
  readonly fetching: FetchingSettings;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
  readonly startTransfer: StartTransfer;
}

/** Writes what lies at an address to a path (a byte string) where nothing lies yet. FetchError where it cannot be had. */
export async function downloadFile(address: MirrorAddress, path: string, context: DownloadFileContext): Promise<void> {
  const { url } = address;
  if (/^https?:\/\//i.test(url)) await downloadTo(context, address, path);
  else if (url.startsWith('file:')) copyLocalFile(url, path);
  else throw new FetchError(`unable to download '${url}': floe knows no protocol '${/^[^:]*/.exec(url)![0]}'`, { data: { url } });
}

const TELL_AFTER_MS = 100;

/** Shows downloads as activities below `parent`. */
export function transferShower(progress: Progress, parent?: Activity): StartTransfer {
  return (url) => {
    const activity = progress.start('file-transfer', `downloading '${url}'`, { fields: [url], parent, level: 'talkative' });
    let told = 0;
    return (done, expected) => {
      if (done === undefined) return activity.stop();
      const now = Date.now();
      if (now - told < TELL_AFTER_MS && done !== expected) return;
      told = now;
      activity.result('progress', [done, expected ?? 0, 0, 0]);
    };
  };
}

async function downloadTo(
  { fetching, signal, warn, startTransfer }: DownloadFileContext,
  { url, headers }: MirrorAddress,
  path: string,
): Promise<void> {
  const transfer = startTransfer(url);
  const file = guardIo('creating', path, () => fs.openSync(systemPath(path), 'w', 0o666));
  let position = 0;
  try {
    await download({
      url,
      headers,
      net: fetching.net,
      settings: fetching.download,
      signal,
      warn,
      onProgress: transfer,
      sink: {
        write(chunk) {
          guardIo('writing', path, () => {
            for (let offset = 0; offset < chunk.length;)
              offset += fs.writeSync(file, chunk, offset, chunk.length - offset, position + offset);
          });
          position += chunk.length;
        },
        restart() {
          position = 0;
          fs.ftruncateSync(file, 0);
        },
      },
    });
  } finally {
    fs.closeSync(file);
    transfer();
  }
}

/** `file:` addresses name files of this machine; the hash makes sure that the right one is there. */
function copyLocalFile(url: string, path: string): void {
  let source: string;
  try {
    source = fileURLToPath(url);
  } catch (error) {
    throw new FetchError(`unable to download '${url}': ${(error as Error).message}`, { data: { url }, cause: error });
  }
  if (!fs.existsSync(source)) {
    throw new FetchError(`unable to download '${url}': Could not open file ${source}`, { code: 'FLOE_NOT_FOUND', data: { url } });
  }
  if (!fs.statSync(source).isFile()) throw new FetchError(`unable to download '${url}': it is no file`, { data: { url } });
  guardIo('copying', path, () => {
    fs.copyFileSync(source, systemPath(path));
    fs.chmodSync(systemPath(path), 0o644);
  });
}
