// Nix's own suites, run against floe from a checkout named by FLOE_NIX_SUITE: `npm run conformance` is the language suite,
// `npm run conformance functional [NAME ...]` the functional scripts, `npm run conformance against-oracle FOLDER ...` any folders of Nix files.

import process from 'node:process';

const SUITES = ['lang', 'functional', 'against-oracle'];

const named = process.argv[2];
const suite = named !== undefined && SUITES.includes(named) ? named : 'lang';
// Suites read their own words.
if (named === suite) process.argv.splice(2, 1);
await import(`./${suite}.ts`);
