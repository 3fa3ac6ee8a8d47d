import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Derivation } from '../model/derivation.ts';
import type { StorePath } from '../model/store-path.ts';
import { makePlan, type PlanSource, printPlan } from './plan.ts';
import type { SubstitutableInfo } from './substituter.ts';

const hash = (name: string) => name.padEnd(32, '0').slice(0, 32);
const drv = (name: string) => `${hash(name)}-${name}.drv` as StorePath;
const out = (name: string) => `${hash(`${name}1`)}-${name}` as StorePath;

function world(
  graph: Readonly<Record<string, readonly string[]>>,
  valid: readonly string[],
  substitutes: Readonly<Record<string, readonly string[]>> = {},
): PlanSource {
  const infos = new Map<StorePath, SubstitutableInfo>(
    Object.entries(substitutes).map(([name, references]) => [
      out(name),
      { references: references.map(out), downloadSize: 1024, narSize: 3 * 1024 * 1024 },
    ]),
  );
  return {
    readDerivation(path) {
      const name = path.slice(33, -4);
      const inputs = graph[name];
      if (inputs === undefined) return undefined;
      return {
        name,
        outputs: new Map([['out', { kind: 'input-addressed', path: out(name) }]]),
        inputDerivations: new Map(inputs.map((input) => [drv(input), ['out']])),
        inputSources: [],
        system: '',
        builder: '',
        args: [],
        env: new Map(),
      } satisfies Derivation;
    },
    validPaths: async (paths) => new Set(paths.filter((path) => valid.map(out).includes(path))),
    substitutable: async (paths) => new Map([...infos].filter(([path]) => paths.includes(path))),
    outputPath: (derivation, name) => {
      const output = derivation.outputs.get(name);
      return output?.kind === 'input-addressed' ? output.path : undefined;
    },
    realisedElsewhere: async () => undefined,
    mayBeSubstituted: ({ name }) => name !== 'local',
  };
}

const plan = (request: string, source: PlanSource) => makePlan([{ kind: 'built', derivation: drv(request), outputs: 'all' }], source);

test('nothing to do', async () => {
  assert.deepEqual(printPlan(await plan('top', world({ top: ['a'], a: [] }, ['top'])), '/s'), []);
});

test('what is missing is built, inputs first; what is there is not looked behind', async () => {
  const made = await plan('top', world({ top: ['b', 'a'], b: ['a'], a: [], behind: [] }, []));
  assert.deepEqual(printPlan(made, '/s'), [
    'these 3 derivations will be built:',
    `  /s/${drv('a')}`,
    `  /s/${drv('b')}`,
    `  /s/${drv('top')}`,
  ]);
  assert.deepEqual(printPlan(await plan('top', world({ top: ['b'], b: ['a'], a: [] }, ['b'])), '/s'), [
    'this derivation will be built:',
    `  /s/${drv('top')}`,
  ]);
});

test('what can be fetched is fetched with what it refers to, and not built', async () => {
  const made = await plan('top', world({ top: ['b'], b: ['a'], a: [] }, [], { b: ['lib'], lib: [] }));
  assert.deepEqual(printPlan(made, '/s'), [
    'this derivation will be built:',
    `  /s/${drv('top')}`,
    'these 2 paths will be fetched (2.0 KiB download, 6.0 MiB unpacked):',
    `  /s/${out('b')}`,
    `  /s/${out('lib')}`,
  ]);
  const local = await plan('local', world({ local: [] }, [], { local: [] }));
  assert.deepEqual([...local.willBuild.keys()], [drv('local')]);
});

test('what nobody can make is named', async () => {
  const made = await plan('top', world({ top: ['gone'] }, []));
  assert.deepEqual(printPlan(made, '/s').slice(2), ["don't know how to build these paths:", `  /s/${drv('gone')}`]);
  assert.deepEqual([...(await makePlan([{ kind: 'opaque', path: out('x') }], world({}, []))).unknown], [out('x')]);
});
