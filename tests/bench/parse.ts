// How fast Nix source becomes a bound tree, in one fresh process, all files once: the cold case, which is what an evaluation pays.
//
//   node --max-opt=2 --single-threaded-gc tests/bench/parse.ts FOLDER ...
//
// Last recorded (2 cores, Node 26.10, corepkgs at 9c8533eb with nix-lib at a52fa865, three largest data files left out by --max 500000):
//   2179 files, 6.9 MB: parse 160 to 240 ms (29 to 43 MB/s), bind 40 to 60 ms; the first MB of source 45 to 80 ms (a busy machine)

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ParseError } from '../../src/base/errors.ts';
import { bind } from '../../src/lang/bind.ts';
import { NameTable } from '../../src/lang/name-table.ts';
import { parse } from '../../src/lang/parser.ts';
import { fileSource } from '../../src/lang/position.ts';
import { GLOBAL_NAMES } from '../lang-parse/global-names.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { max: { type: 'string', default: '1000000000' } } });
const sources = positionals
  .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
  .filter((path) => path.endsWith('.nix') && statSync(path).isFile() && statSync(path).size <= Number(values.max))
  .sort()
  .map((path) => fileSource(path, readFileSync(path, 'latin1')));

const names = new NameTable();
const kept: unknown[] = [];
let bytes = 0;
let parseMs = 0;
let bindMs = 0;
let firstMegabyteMs: number | undefined;
const cpu = process.cpuUsage();
for (const source of sources) {
  const start = performance.now();
  try {
    const { root } = parse(source, { names });
    const parsed = performance.now();
    parseMs += parsed - start;
    bind(root, source, GLOBAL_NAMES);
    bindMs += performance.now() - parsed;
    kept.push(root);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
  }
  bytes += source.text.length;
  if (bytes >= 1e6) firstMegabyteMs ??= parseMs + bindMs;
}
const { user, system } = process.cpuUsage(cpu);
console.log(`${kept.length} of ${sources.length} files, ${(bytes / 1e6).toFixed(1)} MB, ${names.names.length} names`);
console.log(`parse ${parseMs.toFixed(0)} ms (${(bytes / 1e3 / parseMs).toFixed(0)} MB/s), bind ${bindMs.toFixed(0)} ms`);
console.log(`first MB ${firstMegabyteMs?.toFixed(0) ?? '-'} ms; CPU ${((user + system) / 1000).toFixed(0)} ms`);
