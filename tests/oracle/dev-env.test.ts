// The development environment against a real Nix: the environment derivation, its JSON, the start file. Skipped where FLOE_ORACLE is
// unset. The oracle builds without a sandbox, with this machine's bash.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, test } from 'node:test';
import { printJson } from '../../src/base/canonical-json.ts';
import { parseATerm, printATerm } from '../../src/model/aterm.ts';
import type { StorePath } from '../../src/model/store-path.ts';
import { devEnvironmentToJson, getEnvScript, makeEnvironmentDerivation, parseDevEnvironment } from '../../src/shell/dev-env.ts';
import { makeRcScript } from '../../src/shell/rc.ts';

const oracle = process.env['FLOE_ORACLE'];
const skip = oracle === undefined ? 'FLOE_ORACLE names no Nix to compare with' : false;

const SETUP = `
declare -a array=(a "b c" $'x\\ny')
declare -A table=([k]="v" ["k 2"]=$'tab\\there')
plain='quote " back \\\\ slash'
export exported=$'multi\\nline\\ndeclare -x fake="zz"\\nend'
declare -i number=3
declare -r constant=1
declare -ax both=(1)
empty=
declare -a none=()
declare unset
greet() { if true; then echo "}"; fi
cat <<X
}
X
}
`;

const EXPRESSION = `
{ structured }: derivation ({
  name = "thing"; system = builtins.currentSystem; builder = "/bin/bash"; args = [ "-c" "exit 1" ];
  stdenv = ./stdenv; outputs = [ "out" "dev" ]; foo = "it's $x \\"q\\"";
  shellHook = "echo hi $out";
} // (if structured then { __structuredAttrs = true; outputChecks.out.maxSize = 1; list = [ 1 2 ]; } else { allowedReferences = [ ]; }))
`;

describe('development environments', { skip }, () => {
  let folder = '';
  let env: NodeJS.ProcessEnv = {};
  const ask = (...words: string[]): string =>
    execFileSync(oracle!, ['nix', ...words], { cwd: folder, env, encoding: 'latin1', stdio: ['ignore', 'pipe', 'pipe'] });
  const describeShell = (structured: string, ...more: string[]): string =>
    ask('print-dev-env', '--impure', '-f', 'thing.nix', '--arg', 'structured', structured, ...more);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'floe-dev-env-'));
    env = { ...process.env, NIX_STORE_DIR: join(folder, 'store'), NIX_STATE_DIR: join(folder, 'var') };
    mkdirSync(join(folder, 'stdenv'));
    writeFileSync(join(folder, 'stdenv/setup'), SETUP);
    writeFileSync(join(folder, 'thing.nix'), EXPRESSION);
  });
  after(() => {
    execFileSync('chmod', ['-R', 'u+w', folder]);
    rmSync(folder, { recursive: true, force: true });
  });

  for (const structured of ['false', 'true']) {
    test(`start file and JSON (structured attributes: ${structured})`, () => {
      const script = describeShell(structured);
      const json = describeShell(structured, '--json').trimEnd();
      const environment = parseDevEnvironment(json);
      const temporaryFolder = /'([^']*)\/\.attrs\.sh'/.exec(script)?.[1] ?? '';
      assert.equal(makeRcScript(environment, { outputsFolder: join(folder, 'outputs'), temporaryFolder }).script + '\n', script);
      assert.equal(printJson(devEnvironmentToJson(environment)), json);
    });

    test(`the derivation of the environment (structured attributes: ${structured})`, () => {
      const before = new Set(readdirSync(join(folder, 'store')));
      const drvPath = ask('eval', '--raw', '--impure', '-f', 'thing.nix', '--arg', 'structured', structured, 'drvPath');
      assert.ok(before.size > 0);
      const storeDir = join(folder, 'store');
      const derivation = parseATerm(readFileSync(drvPath, 'latin1'), 'thing', storeDir);
      const script = readdirSync(storeDir).find((name) => name.endsWith('-get-env.sh')) as StorePath;
      const ours = makeEnvironmentDerivation(derivation, storeDir, () => assert.fail('it has no inputs'), script);
      const theirs = readdirSync(storeDir)
        .filter((name) => name.endsWith('-thing-env.drv'))
        .map((name) => readFileSync(join(storeDir, name), 'latin1'));
      assert.ok(theirs.includes(printATerm(ours, storeDir)));
    });
  }

  test("our script writes what Nix's does", () => {
    const run = (script: string, name: string): string => {
      writeFileSync(join(folder, `${name}.sh`), script, 'latin1');
      const output = join(folder, name);
      execFileSync('bash', [join(folder, `${name}.sh`)], {
        cwd: folder,
        env: { PATH: process.env['PATH'], stdenv: join(folder, 'stdenv'), outputs: 'out', out: output },
      });
      const environment = parseDevEnvironment(readFileSync(output, 'latin1'));
      return printJson(devEnvironmentToJson(environment), 1)
        .replaceAll(output, 'OUT')
        .replace(/("(?:PPID|LINENO)": \{[^}]*?)"\d+"/g, '$1"1"');
    };
    const theirs = readdirSync(join(folder, 'store')).find((name) => name.endsWith('-get-env.sh'))!;
    assert.equal(run(getEnvScript(), 'ours'), run(readFileSync(join(folder, 'store', theirs), 'latin1'), 'theirs'));
  });
});
