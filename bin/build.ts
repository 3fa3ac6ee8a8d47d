// Builds dist/ from src/: one small start file, and chunks that are loaded when the words on the command line need them. npm runs
// it after `npm ci` (the `prepare` script). What a source file names as `new URL('./x', import.meta.url)` comes along: another
// TypeScript file as an entry of its own (a worker), anything else as a copy beside the chunks. dist/ is filled under another name
// and put in place by rename, so that a floe running meanwhile finds one whole build or the other.
//
// PERF: the chunks are split as ES modules and then turned into CommonJS, which only esbuild's ES format can split: Node's ES module
// loader costs 2.3 ms of the 21 ms that a start takes.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadNodeLate, pack } from './pack.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'src');
const URL_REFERENCE = /new URL\((['"])\.\/([\w./-]+)\1, ?import\.meta\.url\)/g;

/** What is packed: what prints the output of an earlier run again, what asks the warm evaluator, and what evaluates. */
const PACKS = { replay: /^chunk-replay-/, warm: /^chunk-warm-client-/, core: /^chunk-(?:main|nix-instantiate|eval|kept-output)-/ };

/** Files that sources name as `new URL('./x', import.meta.url)`, absolute. */
async function findReferencedFiles(): Promise<string[]> {
  const found = new Set<string>();
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts')) continue;
    const text = await readFile(join(entry.parentPath, entry.name), 'utf8');
    for (const match of text.matchAll(URL_REFERENCE)) found.add(join(entry.parentPath, match[2]!));
    // A reference in another form would be missing from dist/.
    for (const [line] of text.matchAll(/^.*'\.\/[\w./-]+\.(?:ts|sh)'.*import\.meta\.url.*$/gm)) {
      if (!line.match(URL_REFERENCE)) throw new Error(`${entry.name}: write new URL('./file', import.meta.url): ${line.trim()}`);
    }
  }
  return [...found].sort();
}

/** Where a file that a chunk names ends up: all of dist/ is flat. */
function outputName(file: string): string {
  return basename(file).replace(/\.ts$/, '.cjs');
}

/**
 * Names from other chunks as constants of the chunk: `import{a as b}from"./x"` becomes a destructured require, `export{a as b}` an object.
 * PERF: esbuild's own CommonJS reads `x.b`, a getter, at each use; evaluation then takes two to three times as long. Sound because
 * chunks import each other without cycles (checked below) and no source exports a variable that changes.
 */
function bindDirectly(text: string): string {
  const rename = (list: string, between: string, turned: boolean): string =>
    list
      .split(',')
      .filter((item) => item.trim() !== '')
      .map((item) => {
        const [from, to = from] = item.trim().split(/\s+as\s+/) as [string, string?];
        return from === to ? from : turned ? `${to}${between}${from}` : `${from}${between}${to}`;
      })
      .join(',');
  return text
    .replace(
      /\bimport ?\{([^{}]*)\} ?from ?("\.\/[\w-]+\.cjs");?/g,
      (_, list: string, file: string) => `const {${rename(list, ':', false)}}=require(${file});`,
    )
    .replace(/\bexport ?\{([^{}]*)\};?/g, (_, list: string) => `module.exports={__esModule:true,${rename(list, ':', true)}};`);
}

async function build(): Promise<void> {
  const { build: bundle, transform } = await import('esbuild');
  const referenced = await findReferencedFiles();
  const names = referenced.map(outputName);
  for (const name of names) {
    if (names.indexOf(name) !== names.lastIndexOf(name)) throw new Error(`two files that sources load by URL are both named ${name}`);
  }
  const workers = referenced.filter((file) => file.endsWith('.ts'));
  const result = await bundle({
    absWorkingDir: root,
    entryPoints: [
      { in: join(source, 'cli/start.ts'), out: 'floe' },
      ...workers.map((file) => ({ in: file, out: basename(file, '.ts') })),
      { in: join(source, 'index.ts'), out: 'index' },
    ],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    outdir: 'dist',
    chunkNames: 'chunk-[name]-[hash]',
    write: false,
    metafile: true,
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
    // Class names are part of messages and stacks.
    keepNames: false,
    // CommonJS packages reach Node's own modules by require().
    banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
  });
  checkAcyclic(result.metafile.outputs);
  const target = join(root, 'dist');
  const staging = `${target}.new-${process.pid}`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  const texts = new Map<string, string>();
  for (const file of result.outputFiles) {
    const withUrls = file.text
      .replace(
        /^import ?\{ ?createRequire as __createRequire ?\} ?from ?"node:module"; ?const require ?= ?__createRequire\(import\.meta\.url\);\n?/,
        '',
      )
      .replace(URL_REFERENCE, (_, _quote, path: string) => `new URL("./${outputName(path)}",import.meta.url)`)
      .replace(/(["'])(\.\/[\w-]+)\.js\1/g, '"$2.cjs"');
    // What `await import('a CommonJS package')` gives has the package's names under Node, and only `default` under esbuild.
    const wrapped = /\bexport default (require_\w+)\(\);?\s*$/.exec(withUrls);
    const named =
      wrapped === null
        ? withUrls
        : withUrls.replace(wrapped[0], `var __package=${wrapped[1]}();module.exports={__esModule:true,...__package,default:__package};`);
    const { code } = await transform(bindDirectly(named), {
      format: 'cjs',
      // Native import() of a CommonJS file would start the ES module loader.
      supported: { 'dynamic-import': false },
      platform: 'node',
      target: 'node26',
      minifyWhitespace: true,
      define: { 'import.meta.url': '__floeUrl', 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
      banner: withUrls.includes('import.meta.url')
        ? 'var __floeUrl="file://"+encodeURI(__filename).replace(/[?#]/g,encodeURIComponent);'
        : '',
    });
    texts.set(basename(file.path).replace(/\.js$/, '.cjs'), loadNodeLate(code));
  }
  const packs = Object.entries(PACKS).map(([name, pattern]) => ({ name, roots: [...texts.keys()].filter((chunk) => pattern.test(chunk)) }));
  for (const [name, text] of pack(texts, 'floe.cjs', packs)) await writeFile(join(staging, name), text);
  // What is there is looked at (keepCompiledCode).
  for (const { name } of packs) await writeFile(join(staging, `${name}.cache`), '');
  for (const file of referenced) if (!file.endsWith('.ts')) await copyFile(file, join(staging, basename(file)));
  // The part for browsers is one ES module. That it needs nothing of Node is checked here: esbuild refuses what it cannot bundle.
  await bundle({
    absWorkingDir: root,
    entryPoints: [join(source, 'pure.ts')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outfile: join(staging, 'pure.mjs'),
    minify: true,
    keepNames: true,
    logLevel: 'warning',
  });
  await forgetCompiledCode();
  const old = `${target}.old-${process.pid}`;
  if (existsSync(target)) await rename(target, old);
  await rename(staging, target);
  await rm(old, { recursive: true, force: true });
  keepCompiledCode(target);
  const size = result.outputFiles.reduce((sum, file) => sum + file.contents.length, 0);
  console.error(`built ${relative(process.cwd(), target) || target}: ${result.outputFiles.length} files, ${Math.round(size / 1024)} KiB`);
}

/**
 * Runs the new floe over a sample, for the compiled code of what it uses: once to evaluate, once to print again. A floe whose compiled code
 * is missing, or not for this Node and these flags, compiles as it runs.
 */
function keepCompiledCode(target: string): void {
  const flags = /FLOE_V8_FLAGS-(--[^}]*)\}/.exec(readFileSync(join(root, 'bin/floe'), 'utf8'))![1]!;
  const home = mkdtempSync(join(tmpdir(), 'floe-build-'));
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    NIX_REMOTE: join(home, 'store'),
    FLOE_V8_FLAGS: `${flags} --import ${join(root, 'bin/keep-code.ts')}`,
    FLOE_CODE_FOLDER: target,
  };
  const words = ['nix-instantiate', '--eval', '--strict', '--readonly-mode', join(root, 'bin/sample.nix')];
  for (let run = 0; run < 2; run++) {
    const { status } = spawnSync(join(root, 'bin/floe'), words, { env, stdio: 'ignore' });
    if (status !== 0) console.error('the sample program did not run: floe will start slowly');
  }
  rmSync(home, { recursive: true, force: true });
}

/** What bindDirectly relies on. */
function checkAcyclic(
  outputs: Readonly<Record<string, { readonly imports: readonly { readonly path: string; readonly kind: string }[] }>>,
): void {
  const done = new Set<string>();
  const visit = (name: string, above: readonly string[]): void => {
    if (done.has(name) || outputs[name] === undefined) return;
    if (above.includes(name)) throw new Error(`chunks import each other in a circle: ${[...above, name].join(' -> ')}`);
    for (const { path, kind } of outputs[name].imports) if (kind === 'import-statement') visit(path, [...above, name]);
    done.add(name);
  };
  for (const name of Object.keys(outputs)) visit(name, []);
}

/** V8's cache of the chunks: their names change with each build, and what lies there of older ones is never looked at again. */
async function forgetCompiledCode(): Promise<void> {
  const { XDG_CACHE_HOME: cache, HOME: home } = process.env;
  const folder = cache || (home && join(home, '.cache'));
  if (folder) await rm(join(folder, 'floe/code'), { recursive: true, force: true });
}

if (!existsSync(join(root, 'node_modules/esbuild'))) {
  // An installation without development dependencies: bin/floe runs src/ then.
  console.error('esbuild is not installed: dist/ is not built, floe runs from src/');
} else {
  await build();
}
