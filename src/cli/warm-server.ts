// The process of the warm evaluator: started by a run that had to evaluate, it listens until nobody has asked for some minutes, memory
// gets short, floe is not there any more, or who asked last has logged out. It belongs to no terminal and stays in no folder.

import * as fs from 'node:fs';
import { totalmem } from 'node:os';
import process from 'node:process';
import { installationOf } from '../engine/kept-results.ts';
import { isSessionOver, serveWarm } from '../daemon/warm-socket.ts';
import { inPlaceOf, WarmAnswers, type WarmQuestion } from './warm-answers.ts';

const MB = 1 << 20;
const CHECK_MS = 2000;
/** Less memory than that left on the machine, and the process goes. */
const LEAST_AVAILABLE_MB = 512;
const MOST_RSS_MB = 2048;

/** MemAvailable; undefined where the system does not say. */
function availableMb(): number | undefined {
  try {
    const kib = /^MemAvailable:\s+(\d+)/m.exec(fs.readFileSync('/proc/meminfo', 'latin1'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

/** Of two processes, the system ends the one that nobody will miss when memory runs out. */
function volunteer(): void {
  try {
    fs.writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Another system.
  }
}

/** Listens at `path` until that many minutes have passed without a question, or the session that asked last is over. */
export async function runWarmServer(path: string, idleMinutes: number, firstSession: string): Promise<void> {
  const entry = process.argv[1];
  const installation = installationOf(entry);
  if (installation === undefined) return;
  process.chdir('/');
  process.umask(0o022);
  volunteer();
  const answers = new WarmAnswers(installation);
  let askedMs = Date.now();
  let session = firstSession;
  const server = await serveWarm(path, installation, async (question) => {
    if (!isInstalled()) return leave();
    ({ session } = question as WarmQuestion);
    const answer = await inPlaceOf(question as WarmQuestion, () => answers.answer(question as WarmQuestion)).catch(() => undefined);
    askedMs = Date.now();
    setImmediate(check);
    return answer;
  });
  if (server === undefined) return;
  const leave = (): never => {
    server.close();
    process.exit(0);
  };
  const check = (): void => {
    const rssMb = process.memoryUsage.rss() / MB;
    const isIdle = Date.now() - askedMs >= idleMinutes * 60_000;
    const isShort = rssMb > Math.min(MOST_RSS_MB, totalmem() / MB / 4) || (availableMb() ?? Infinity) < LEAST_AVAILABLE_MB;
    if (isIdle || isShort || isSessionOver(session) || !server.isFound() || !isInstalled()) leave();
  };
  const isInstalled = (): boolean => {
    try {
      return installationOf(entry) === installation;
    } catch {
      return false;
    }
  };
  setInterval(check, Math.min(CHECK_MS, idleMinutes * 60_000));
}
