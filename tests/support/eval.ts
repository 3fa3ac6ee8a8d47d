// Evaluates an expression or file and prints it, for working on the evaluator: node tests/support/eval.ts [--strict] [--json] [--show-trace]
// [--stats] [--pack FILE] (--expr TEXT | -f FILE). Prints as nix-instantiate --eval; with --print, as `nix eval`.

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { utf8ToByteString } from '../../src/base/bytes.ts';
import { FloeError } from '../../src/base/errors.ts';
import { printError } from '../../src/cli/print-error.ts';
import { CodePack, type CodeStore } from '../../src/eval/code-pack.ts';
import { Evaluator } from '../../src/eval/evaluator.ts';
import { PRINT_DEFAULTS, printAmbiguous, printValue } from '../../src/eval/print.ts';
import { BUILTINS } from '../../src/eval/builtins/index.ts';
import { DiskHost } from './eval-host.ts';

const args = process.argv.slice(2);
const flag = (name: string): boolean => args.includes(name);
const option = (name: string): string | undefined => {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args[at + 1];
};

/** Compiled forms in one file, by path, time and size. */
class PackFile implements CodeStore {
  readonly #file: string;
  readonly #pack: CodePack;
  constructor(file: string) {
    this.#file = file;
    this.#pack = new CodePack(existsSync(file) ? readFileSync(file, 'latin1') : undefined);
  }
  #key(path: string): string {
    const stats = statSync(Buffer.from(path, 'latin1'));
    return `${path}:${stats.mtimeMs}:${stats.size}`;
  }
  get(path: string): string | undefined {
    return this.#pack.get(this.#key(path))?.form;
  }
  put(path: string, _content: string, form: string): void {
    this.#pack.put(this.#key(path), form, String);
  }
  save(): void {
    if (this.#pack.isWorthWriting) writeFileSync(this.#file, this.#pack.print(), 'latin1');
  }
}

const packFile = option('--pack');
const store = packFile === undefined ? undefined : new PackFile(packFile);
const nixPath = args
  .flatMap((arg, i) => (arg === '-I' ? [args[i + 1]!] : []))
  .map((entry) =>
    entry.includes('=')
      ? { prefix: entry.slice(0, entry.indexOf('=')), path: entry.slice(entry.indexOf('=') + 1) }
      : { prefix: '', path: entry },
  );
const evaluator = new Evaluator({
  host: new DiskHost({ env: process.env, constants: { nixPath } }),
  builtins: BUILTINS,
  settings: { showTrace: flag('--show-trace') },
  ...(store === undefined ? {} : { codeStore: store }),
});

try {
  const file = option('-f');
  const expression = option('--expr');
  const value =
    expression !== undefined
      ? evaluator.evalText(utf8ToByteString(expression), process.cwd())
      : evaluator.evalFile(file!.startsWith('/') ? file! : `${process.cwd()}/${file!}`);
  if (flag('--strict')) evaluator.forceDeep(value);
  const text = flag('--print')
    ? evaluator.guard(() =>
        printValue(evaluator.state, value, { ...PRINT_DEFAULTS, force: true, derivationPaths: true, errors: 'throw-at-top' }),
      )
    : printAmbiguous(value);
  process.stdout.write(Buffer.from(`${text}\n`, 'latin1'));
  store?.save();
} catch (error) {
  if (!(error instanceof FloeError)) throw error;
  process.stderr.write(`${printError(error, { showTrace: flag('--show-trace') })}\n`);
  process.exitCode = 1;
}
if (flag('--stats')) {
  const usage = process.resourceUsage();
  process.stderr.write(
    `cpu ${((usage.userCPUTime + usage.systemCPUTime) / 1e6).toFixed(2)} s, peak ${(usage.maxRSS / 1024).toFixed(0)} MB\n`,
  );
}
