// A process that keeps and takes results in a folder that others use at the same time, and fails where it gets what nobody kept under
// that question: `node keep-results.ts FOLDER SEED`.

import * as fs from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { KeptResults } from '../../src/engine/kept-results.ts';
import { ReadLog } from '../../src/engine/reads.ts';

const [folder, seed] = [process.argv[2]!, Number(process.argv[3])];
const results = new KeptResults(folder);
const QUESTIONS = 20;
const ROUNDS = 1500;
const answerTo = (question: number, version: number): string => `${question}:${version}:${'x'.repeat((question * 997 * version) % 20_000)}`;

for (let round = 0; round < ROUNDS; round++) {
  const question = (round * 7 + seed * 13) % QUESTIONS;
  if (round % 3 === 0) {
    const reads = new ReadLog();
    reads.variable('ANY', undefined);
    results.keep(String(question), reads.keep()!, answerTo(question, seed));
  } else if (round % 101 === 0) {
    const [name] = fs.readdirSync(folder);
    if (name !== undefined) fs.rmSync(join(folder, name), { force: true });
  } else {
    const found = results.find<string>(String(question), {});
    if (found === undefined) continue;
    const version = Number(found.split(':')[1]);
    if (found !== answerTo(question, version)) throw new Error(`'${found.slice(0, 60)}' was never kept for ${question}`);
  }
}
