// Derivations that derivations make, beside a real Nix: values, .drv files, what is built, registered and realised, and every message.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ComparedStore, withoutOracle as skip } from '../support/compared-store.ts';

const PROGRAM = `
rec {
  make = args: derivation ({ system = "x86_64-linux"; builder = "/bin/sh"; } // args);
  text = args: make ({ __contentAddressed = true; outputHashMode = "text"; outputHashAlgo = "sha256"; } // args);
  copied = drv: text { name = baseNameOf (builtins.unsafeDiscardStringContext "\${drv.name}.drv"); args = [ "-c" "while read -r l; do echo \\"$l\\"; done < \${drvFile drv} > $out; printf %s \\"$l\\" >> $out" ]; };
  drvFile = drv: builtins.unsafeDiscardOutputDependency drv.drvPath;
  hello = make { name = "hello"; args = [ "-c" "echo hello > $out" ]; };
  floating = make { name = "floating"; outputs = [ "out" "dev" ]; __contentAddressed = true; args = [ "-c" "echo f > $out; echo $out > $dev" ]; };
  producer = copied hello;
  producer2 = copied floating;
  twice = copied producer;
  inner = builtins.outputOf producer.outPath "out";
  dev = builtins.outputOf producer2.outPath "dev";
  deeper = builtins.outputOf (builtins.outputOf twice.outPath "out") "out";
  wrapper = make { name = "wrapper"; args = [ "-c" "read l < \${inner}; echo $l \${dev} > $out" ]; };
  floatingWrapper = make { name = "fw"; __contentAddressed = true; args = [ "-c" "read l < \${inner}; echo $l \${producer2} > $out" ]; };
  deepWrapper = make { name = "deep"; args = [ "-c" "read l < \${deeper}; echo $l \${inner} \${producer} > $out" ]; };
  fixedWrapper = make { name = "fixed"; outputHash = builtins.hashString "sha256" "hello\\n"; outputHashAlgo = "sha256"; args = [ "-c" "read l < \${inner}; echo $l > $out" ]; };
  failingProducer = text { name = "bad.drv"; args = [ "-c" "echo no; exit 3" ]; };
  failing = builtins.outputOf failingProducer.outPath "out";
  wrongOutput = builtins.outputOf producer.outPath "lib";
  noDrv = builtins.outputOf (text { name = "junk.drv"; args = [ "-c" "echo junk > $out" ]; }).outPath "out";
  wrongWrapper = make { name = "ww"; args = [ "-c" "echo \${wrongOutput} > $out" ]; };
  failingWrapper = make { name = "fail"; args = [ "-c" "echo \${failing} > $out" ]; };
  noDrvWrapper = make { name = "ndw"; args = [ "-c" "echo \${noDrv} > $out" ]; };
  ofStatic = builtins.outputOf (drvFile hello) "out";
  ofFloating = builtins.outputOf (drvFile floating) "dev";
  bad = builtins.outputOf (drvFile hello) "lib";
  imported = builtins.readFile inner;
  importedDeep = builtins.readFile deeper;
  attrs = make { name = "structured"; __structuredAttrs = true; which = inner; args = [ "-c" "read -r l < $NIX_ATTRS_JSON_FILE; printf %s \\"$l\\" > \${builtins.placeholder "out"}" ]; };
  viaInputAddressed = make { name = "via"; args = [ "-c" "echo \${builtins.outputOf hello.outPath "out"} > $out" ]; };
}
`;

const store = new ComparedStore('extra-experimental-features = nix-command ca-derivations dynamic-derivations');
writeFileSync(`${store.folder}/dyn.nix`, PROGRAM);

const build = (attr: string, ...more: string[]) => ['nix-build', 'dyn.nix', '-A', attr, '--no-out-link', ...more];
const newBuild = (attr: string, ...more: string[]) => ['nix', 'build', '-f', 'dyn.nix', attr, '--no-link', '--print-out-paths', ...more];
const evaluated = (text: string, ...more: string[]) => ['nix', 'eval', '--impure', '--expr', `with import ./dyn.nix; ${text}`, ...more];

/** Each line of words is given to both; the store keeps what earlier lines of the same session made. */
const SESSIONS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  values: [
    evaluated('[ inner dev deeper ofStatic ofFloating ]'),
    evaluated('[ inner dev deeper ofStatic ofFloating ]', '--json'),
    evaluated('wrapper.drvPath'),
    evaluated('deepWrapper.drvPath'),
    evaluated('fixedWrapper'),
    evaluated('attrs.drvPath'),
    evaluated('viaInputAddressed.outPath'),
    evaluated('bad'),
    evaluated('builtins.outputOf hello "out"'),
    evaluated('builtins.outputOf hello.drvPath "out"'),
    evaluated('builtins.outputOf "x" "out"'),
    evaluated('builtins.outputOf (inner + "x") "out"'),
    evaluated('builtins.outputOf (drvFile hello + "x") "out"'),
    evaluated('builtins.outputOf inner 1'),
    evaluated('builtins.outputOf inner inner'),
    evaluated('builtins.getContext ofStatic'),
    evaluated('builtins.getContext inner'),
    evaluated('builtins.getContext deeper'),
    evaluated('builtins.hasContext inner'),
    evaluated('builtins.unsafeDiscardOutputDependency inner'),
    evaluated('builtins.addDrvOutputDependencies inner'),
    evaluated('builtins.pathExists inner'),
    evaluated('builtins.toFile "x" inner'),
    evaluated('builtins.storePath inner'),
    ['nix-instantiate', 'dyn.nix', '-A', 'wrapper'],
    ['nix-instantiate', 'dyn.nix', '-A', 'deepWrapper'],
    ['nix', 'derivation', 'show', '-f', 'dyn.nix', 'wrapper'],
    ['nix', 'derivation', 'show', '-f', 'dyn.nix', 'deepWrapper'],
    ['nix', 'derivation', 'show', '-f', 'dyn.nix', 'inner'],
  ],
  wrapper: [
    build('wrapper', '--dry-run'),
    build('wrapper'),
    build('wrapper'),
    evaluated('builtins.getContext inner'),
    newBuild('wrapper', '--json'),
    newBuild('wrapper', '--rebuild'),
    build('floatingWrapper'),
    build('deepWrapper'),
    build('fixedWrapper'),
    build('attrs'),
  ],
  'outputs of outputs': [
    newBuild('inner'),
    newBuild('inner', '--json'),
    newBuild('dev', '--json'),
    newBuild('deeper', '--json', '--dry-run'),
    newBuild('deeper', '--json'),
    newBuild('deeper', '--dry-run'),
    ['nix', 'path-info', '-f', 'dyn.nix', 'deeper'],
    ['nix', 'path-info', '-f', 'dyn.nix', 'inner', '--derivation'],
    ['nix', 'derivation', 'show', '-f', 'dyn.nix', 'inner'],
    ['nix', 'log', '-f', 'dyn.nix', 'inner'],
  ],
  'reads of outputs of outputs': [evaluated('importedDeep'), evaluated('imported'), evaluated('builtins.pathExists inner')],
  failures: [
    newBuild('failing'),
    build('failingWrapper'),
    newBuild('wrongOutput'),
    build('wrongWrapper'),
    newBuild('noDrv'),
    build('noDrvWrapper'),
    build('viaInputAddressed'),
    build('failingWrapper', '--keep-going'),
    newBuild('failingWrapper', '-f', 'dyn.nix', 'wrongWrapper', '--keep-going'),
  ],
};

/** NIX: C++ asks for all paths at once, and its warnings come as the answers do. */
function inOrder<Ran extends { readonly stderr: string }>(ran: Ran): Ran {
  const sorted = (warnings: string): string =>
    warnings
      .split(/(?<=\n)/)
      .sort()
      .join('');
  return { ...ran, stderr: ran.stderr.replace(/(?:warning: Ignoring dynamic derivation .*\n)+/g, sorted) };
}

for (const [name, lines] of Object.entries(SESSIONS)) {
  test(name, { skip }, () => {
    const { floe, oracle } = store.compare(lines);
    lines.forEach((words, index) => assert.deepEqual(inOrder(floe.runs[index]!), inOrder(oracle.runs[index]!), words.join(' ')));
    assert.deepEqual(floe.facts, oracle.facts);
  });
}
