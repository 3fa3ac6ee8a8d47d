// What a daemon tells its client while it works: every room's progress as messages of the protocol, kept back while the protocol has no
// room for them (between two requests). libstore/daemon.cc, TunnelLogger, at 2.34.8.

import { utf8ToByteString } from '../base/bytes.ts';
import {
  type Activity,
  ACTIVITY_TYPES,
  LOG_LEVELS,
  type LogLevel,
  type Progress,
  type ProgressFields,
  RESULT_TYPES,
} from '../base/progress.ts';
import { WireWriter } from '../base/wire.ts';
import { since, WORKER_MESSAGES, writeFields } from '../model/worker-protocol.ts';

const SILENT_ACTIVITY: Activity = { result() {}, stop() {} };

/** Escapes of the terminal, as C++ Nix sends them. */
const WARNING = '\u001b[35;1mwarning:\u001b[0m ';

/** Progress that goes to one client. */
export class Tunnel implements Progress {
  /** What the client wants to hear. */
  level: LogLevel = 'info';
  /** The lower of both versions, once known. */
  version = since(38);
  private readonly send: (bytes: Uint8Array) => void;
  private readonly ids = new WeakMap<Activity, bigint>();
  private waiting: Uint8Array[] = [];
  private isOpen = false;
  private nextId: bigint;

  constructor(send: (bytes: Uint8Array) => void, processId: number) {
    this.send = send;
    this.nextId = (BigInt(processId) << 32n) + 1n;
  }

  /** A request is worked on: messages may go out. */
  open(): void {
    this.isOpen = true;
    for (const message of this.waiting.splice(0)) this.send(message);
  }

  /** The result follows. */
  close(): void {
    this.isOpen = false;
  }

  private message(write: (writer: WireWriter) => void): void {
    const chunks: Uint8Array[] = [];
    write(new WireWriter((chunk) => void chunks.push(chunk)));
    const bytes = Buffer.concat(chunks);
    if (this.isOpen) this.send(bytes);
    else this.waiting.push(bytes);
  }

  private wants(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(this.level);
  }

  log(level: LogLevel, text: string): void {
    if (!this.wants(level)) return;
    const line = level === 'warn' ? WARNING + text.replace(/^warning: /, '') : text;
    this.message((writer) => writer.number(WORKER_MESSAGES.next).string(utf8ToByteString(`${line}\n`)));
  }

  start(...[type, text, { fields = [], parent, level = 'vomit' } = {}]: Parameters<Progress['start']>): Activity {
    if (this.version < since(20)) {
      if (text !== '') this.log(level, `${text}...`);
      return SILENT_ACTIVITY;
    }
    const id = this.nextId++;
    this.message((writer) => {
      writer.number(WORKER_MESSAGES.startActivity).number(id).number(LOG_LEVELS.indexOf(level)).number(ACTIVITY_TYPES[type]);
      writer.string(utf8ToByteString(text));
      writeFields(writer, encoded(fields));
      writer.number((parent && this.ids.get(parent)) ?? 0n);
    });
    let isOver = false;
    const activity: Activity = {
      result: (resultType, values) => {
        this.message((writer) => {
          writer.number(WORKER_MESSAGES.result).number(id).number(RESULT_TYPES[resultType]);
          writeFields(writer, encoded(values));
        });
      },
      stop: () => {
        if (!isOver) this.message((writer) => writer.number(WORKER_MESSAGES.stopActivity).number(id));
        isOver = true;
      },
    };
    this.ids.set(activity, id);
    return activity;
  }
}

const encoded = (fields: ProgressFields): ProgressFields =>
  fields.map((field) => (typeof field === 'string' ? utf8ToByteString(field) : field));
