// The socket of floe's warm evaluator, both ends: one question a connection, lines of JSON. Who may open it is the file system's to say:
// it lies in a folder of mode 0700 of the user's own, with mode 0600, and either end looks that it is so. Its name tells the
// floe, the machine since its last start, and the namespaces that both ends must share, so that neither meets a stranger.
//
// The server says hello as soon as it hears of a client, so a client knows within milliseconds whether anybody is there who has time.
// PERF: clients load this before anything else; node:net is loaded when there is a socket.

import * as fs from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import process from 'node:process';

/** Changes with what goes over the socket. */
const PROTOCOL = 1;
/** What a socket's path may be long (sockaddr_un). */
const MAX_PATH = 100;
const HELLO_MS = 60;

/** First line of a server. */
interface Hello {
  readonly protocol: number;
  readonly installation: string;
  readonly pid: number;
  /** When the process began, as the system counts it; so that its number is not taken for that of another. */
  readonly started: string;
}

/** What came of a question: an answer, nobody there, somebody who had no time, or somebody who knew no answer. */
export type WarmReply = { readonly kind: 'answer'; readonly answer: unknown } | { readonly kind: 'none' | 'busy' | 'unknown' };

function readFact(path: string): string {
  try {
    return fs.readFileSync(path, 'latin1').trim();
  } catch {
    return '';
  }
}

function linkFact(path: string): string {
  try {
    return fs.readlinkSync(path);
  } catch {
    return '';
  }
}

/** What the system counts of a process, from its state on. */
function countsOf(pid: number | 'self'): string[] {
  // The name of the program, in parentheses, may hold anything.
  return readFact(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ');
}

/** When a process began; "" where that cannot be known. */
function startOf(pid: number): string {
  return countsOf(pid)[19] ?? '';
}

/** Names the session of this process by the process that leads it: the shell of a terminal, most often. "" where nobody leads it any more. */
export function sessionOfProcess(): string {
  const leader = Number(countsOf('self')[3]);
  const started = leader > 0 ? startOf(leader) : '';
  return started === '' ? '' : `${leader} ${started}`;
}

/** Whether the leader has ended since. */
export function isSessionOver(session: string): boolean {
  const [leader, started] = session.split(' ');
  return started !== undefined && (startOf(Number(leader)) !== started || countsOf(Number(leader))[0] === 'Z');
}

const CLOSED_ON_EXEC = 0o2000000;

/** Descriptors beside the standard ones that this process was given, and would give to those that it starts. */
export function inheritedDescriptors(): number[] {
  try {
    return fs
      .readdirSync('/proc/self/fd')
      .map(Number)
      .filter((descriptor) => {
        const flags = /^flags:\s*(\d+)/m.exec(readFact(`/proc/self/fdinfo/${descriptor}`))?.[1];
        return descriptor > 2 && flags !== undefined && (parseInt(flags, 8) & CLOSED_ON_EXEC) === 0;
      });
  } catch {
    return [];
  }
}

/** What both ends must share, beside the installation: the machine since it was started, what it looks like, and who is asking. */
export function surroundingsOfProcess(): string {
  const { dev, ino } = fs.statSync('/');
  const spaces = ['mnt', 'pid', 'user'].map((kind) => linkFact(`/proc/self/ns/${kind}`));
  const groups = [process.geteuid?.(), process.getegid?.(), ...(process.getgroups?.() ?? [])];
  return [readFact('/proc/sys/kernel/random/boot_id'), ...groups, dev, ino, ...spaces].join(' ');
}

/** Whether something is the user's own, and nobody else's to open. */
function isOwn(path: string, isRight: (stats: fs.Stats) => boolean): boolean {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false });
  return stats !== undefined && isRight(stats) && stats.uid === process.geteuid?.() && (stats.mode & 0o077) === 0;
}

/** Whether a socket is there that only this user can have made. */
export function isSocketThere(path: string): boolean {
  try {
    const folder = path.slice(0, path.lastIndexOf('/'));
    return path.length <= MAX_PATH && isOwn(path, (stats) => stats.isSocket()) && isOwn(folder, (stats) => stats.isDirectory());
  } catch {
    return false;
  }
}

/** Asks. Whatever goes wrong is an answer of its own; a signal that ends this process ends the work. */
export function askWarm(path: string, installation: string, question: unknown): Promise<WarmReply> {
  if (!isSocketThere(path)) return Promise.resolve({ kind: 'none' });
  return new Promise((resolve) => {
    let hello: Hello | undefined;
    let text = '';
    let isConnected = false;
    const socket = connect(path);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    const cancel = (signal: NodeJS.Signals): void => {
      finish({ kind: 'unknown' });
      if (hello !== undefined && startOf(hello.pid) === hello.started) process.kill(hello.pid, 'SIGKILL');
      process.kill(process.pid, signal);
    };
    const timer = setTimeout(() => finish({ kind: 'busy' }), HELLO_MS);
    const finish = (reply: WarmReply): void => {
      clearTimeout(timer);
      for (const signal of signals) process.off(signal, cancel);
      socket.destroy();
      resolve(reply);
    };
    socket.setEncoding('utf8');
    socket.on('connect', () => (isConnected = true));
    socket.on('error', () => finish({ kind: isConnected ? 'unknown' : 'none' }));
    socket.on('close', () => finish({ kind: hello === undefined ? 'busy' : 'unknown' }));
    socket.on('data', (chunk) => {
      text += chunk as unknown as string;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const line = parseLine(text.slice(0, end));
        text = text.slice(end + 1);
        if (hello !== undefined) {
          const { answer } = (line ?? {}) as { answer?: unknown };
          return finish(answer === undefined || answer === null ? { kind: 'unknown' } : { kind: 'answer', answer });
        }
        if (!isHello(line) || line.installation !== installation) return finish({ kind: 'unknown' });
        hello = line;
        clearTimeout(timer);
        for (const signal of signals) process.on(signal, cancel);
        socket.write(`${JSON.stringify(question)}\n`);
      }
      // Nobody who is sound says more than that before he says who he is.
      if (hello === undefined && text.length > 4096) finish({ kind: 'unknown' });
    });
  });
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

function isHello(line: unknown): line is Hello {
  const { protocol, installation, pid, started } = (line ?? {}) as Partial<Hello>;
  return protocol === PROTOCOL && typeof installation === 'string' && Number.isSafeInteger(pid) && pid! > 1 && typeof started === 'string';
}

/** A server that listens. */
export interface WarmServer {
  /** Whether clients still find it. */
  isFound(): boolean;
  close(): void;
}

/** Listens in the place of whoever did before; `answer` is given one question at a time. Undefined where nobody but the user must not be kept out. */
export async function serveWarm(
  path: string,
  installation: string,
  answer: (question: unknown) => Promise<unknown>,
): Promise<WarmServer | undefined> {
  const folder = path.slice(0, path.lastIndexOf('/'));
  const own = `${path}.${process.pid}`;
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (own.length > MAX_PATH || !isOwn(folder, (stats) => stats.isDirectory())) return undefined;
  const hello: Hello = { protocol: PROTOCOL, installation, pid: process.pid, started: startOf(process.pid) };
  /** Who is served. */
  let client: Socket | undefined;
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    if (client !== undefined) return void socket.destroy();
    client = socket;
    const isOver = (): void => {
      if (client === socket) client = undefined;
    };
    socket.on('close', isOver);
    socket.setEncoding('utf8');
    // A client that says nothing keeps nobody waiting.
    socket.setTimeout(1000, () => socket.destroy());
    socket.write(`${JSON.stringify(hello)}\n`);
    let text = '';
    let isAsked = false;
    socket.on('data', (chunk) => {
      text += chunk as unknown as string;
      if (isAsked || !text.endsWith('\n')) return;
      isAsked = true;
      socket.setTimeout(0);
      void answer(parseLine(text)).then((value) => {
        isOver();
        socket.end(`${JSON.stringify({ answer: value ?? null })}\n`);
      });
    });
  });
  fs.rmSync(own, { force: true });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(own, resolve));
  fs.chmodSync(own, 0o600);
  const { ino } = fs.lstatSync(own);
  fs.renameSync(own, path);
  return {
    isFound: () => fs.lstatSync(path, { throwIfNoEntry: false })?.ino === ino,
    close: () => {
      if (fs.lstatSync(path, { throwIfNoEntry: false })?.ino === ino) fs.rmSync(path, { force: true });
      server.close();
    },
  };
}
