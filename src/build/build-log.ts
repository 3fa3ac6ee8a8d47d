// Logs of builds: a builder's output cut into lines (messages for Nix itself among them understood), kept on disk where C++ Nix keeps
// and finds it, and read back. libstore/build/build-log.cc; Nix manual, "nix log". Logs are written plain, which is the form C++ Nix
// has with `compress-build-log = false`; those it compressed are read too.

import * as fs from 'node:fs';
import { byteStringToUtf8 } from '../base/bytes.ts';
import { type Json, parseJson } from '../base/canonical-json.ts';
import {
  ACTIVITY_TYPES,
  type Activity,
  LOG_LEVELS,
  type Progress,
  type ProgressFields,
  RESULT_TYPES,
  type ResultType,
} from '../base/progress.ts';
import type { StorePath } from '../model/store-path.ts';
import { guardIo, systemPath } from '../store/local/system-error.ts';
import { exists, makeFolders, readFile } from './host-files.ts';

/** Cuts output into lines as a terminal would show them: after a carriage return a line is written over from its start. */
export class LineCutter {
  readonly #onLine: (line: string) => void;
  #line = '';
  #position = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** Takes a byte string. */
  push(text: string): void {
    // PERF: lines without carriage returns, nearly all, are taken whole.
    for (let start = 0; start < text.length;) {
      let end = text.indexOf('\n', start);
      const ends = end >= 0;
      if (!ends) end = text.length;
      this.#write(text.slice(start, end));
      if (ends) this.#flush();
      start = end + 1;
    }
  }

  #write(piece: string): void {
    for (const [index, part] of piece.split('\r').entries()) {
      if (index > 0) this.#position = 0;
      this.#line = this.#line.slice(0, this.#position) + part + this.#line.slice(this.#position + part.length);
      this.#position += part.length;
    }
  }

  #flush(): void {
    const line = this.#line.slice(0, this.#position);
    this.#line = '';
    this.#position = 0;
    this.#onLine(line);
  }

  /** Gives what is left as a last line. */
  end(): void {
    if (this.#line !== '') this.#flush();
  }
}

const MESSAGE_PREFIX = '@nix ';
const RESULT_NAMES = new Map(Object.entries(RESULT_TYPES).map(([name, number]) => [number as number, name as ResultType]));

/** Understands `@nix {...}` lines of a builder that nobody vouches for: phases, messages, downloads. */
export class BuilderMessages {
  readonly #progress: Progress;
  readonly #build: Activity;
  readonly #started = new Map<number, Activity>();

  constructor(progress: Progress, build: Activity) {
    this.#progress = progress;
    this.#build = build;
  }

  /** Whether the line was a message and needs not be shown. */
  take(line: string): boolean {
    if (!line.startsWith(MESSAGE_PREFIX)) return false;
    let message: Json;
    try {
      message = parseJson(line.slice(MESSAGE_PREFIX.length), 'a message of the derivation builder');
    } catch (error) {
      this.#progress.log('error', `bad JSON log message from the derivation builder: ${(error as Error).message}`);
      return false;
    }
    const problem = message instanceof Map ? undefined : `it is no object`;
    const action = message instanceof Map ? message.get('action') : undefined;
    if (problem !== undefined || typeof action !== 'string') {
      const why = problem ?? `its 'action' is no string`;
      this.#progress.log('warn', `Unable to handle a JSON message from the derivation builder: ${why}`);
      return false;
    }
    this.#handle(message as ReadonlyMap<string, Json>);
    return true;
  }

  #handle(message: ReadonlyMap<string, Json>): void {
    const get = (key: string) => message.get(key);
    const text = (key: string) => String(get(key) ?? '');
    const id = Number(get('id'));
    switch (get('action')) {
      case 'setPhase':
        return this.#build.result('set-phase', [text('phase')]);
      case 'msg':
        return this.#progress.log(LOG_LEVELS[Number(get('level'))] ?? 'info', byteStringToUtf8(text('msg')));
      case 'start':
        if (get('type') !== ACTIVITY_TYPES['file-transfer']) return;
        this.#started.set(
          id,
          this.#progress.start('file-transfer', byteStringToUtf8(text('text')), { fields: fieldsOf(get('fields')), parent: this.#build }),
        );
        return;
      case 'stop':
        this.#started.get(id)?.stop();
        return void this.#started.delete(id);
      case 'result': {
        const type = RESULT_NAMES.get(Number(get('type')));
        if (type !== undefined) this.#started.get(id)?.result(type, fieldsOf(get('fields')));
        return;
      }
    }
  }

  /** Ends what the builder began and left. */
  end(): void {
    for (const activity of this.#started.values()) activity.stop();
    this.#started.clear();
  }
}

function fieldsOf(value: Json | undefined): ProgressFields {
  if (!Array.isArray(value)) return [];
  return (value as readonly Json[]).map((field) =>
    typeof field === 'number' ? field : typeof field === 'string' ? byteStringToUtf8(field) : String(field),
  );
}

/** Where the log of a derivation lies, without the ending of a compressed one. */
export function logPath(logDir: string, derivation: StorePath): string {
  return `${logDir}/drvs/${derivation.slice(0, 2)}/${derivation.slice(2)}`;
}

/** A log being written. */
export class LogFile {
  readonly #path: string;
  #file: number | undefined;

  /** Replaces the log of an earlier build. */
  constructor(logDir: string, derivation: StorePath) {
    this.#path = logPath(logDir, derivation);
    makeFolders(this.#path.slice(0, this.#path.lastIndexOf('/')));
    this.#file = guardIo('creating log file', this.#path, () => {
      // C++ Nix's compressed log of an earlier build would otherwise lie beside this one.
      fs.rmSync(systemPath(`${this.#path}.bz2`), { force: true });
      return fs.openSync(systemPath(this.#path), 'w', 0o666);
    });
  }

  write(chunk: Uint8Array): void {
    if (this.#file === undefined) return;
    guardIo('writing log file', this.#path, () => {
      for (let offset = 0; offset < chunk.length;) offset += fs.writeSync(this.#file!, chunk, offset, chunk.length - offset);
    });
  }

  close(): void {
    if (this.#file !== undefined) fs.closeSync(this.#file);
    this.#file = undefined;
  }
}

/** The kept log of a derivation's last build, as bytes; undefined where there is none. */
export async function readBuildLog(logDir: string, derivation: StorePath): Promise<Uint8Array | undefined> {
  for (const path of [logPath(logDir, derivation), `${logDir}/drvs/${derivation}`]) {
    if (exists(path)) return readFile(path);
    if (!exists(`${path}.bz2`)) continue;
    // The package declares no types.
    const { default: bunzip } = (await import('seek-bzip' as string)) as { default: { decode(data: Buffer): Buffer } };
    return bunzip.decode(readFile(`${path}.bz2`));
  }
  return undefined;
}
