// A few hundred random texts and programs, here and in a real Nix (syntax.ts, store-programs.ts and eval-commands.ts make more of them). Needs FLOE_ORACLE.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareInvocations, oracleCommand, Random, temporaryPlace } from './compare.ts';
import { evalCommand, fillForCommands } from './eval-commands.ts';
import { comparableMessages, fillWorkplace, storeProgram } from './store-programs.ts';
import { comparableTree, parsing } from './syntax.ts';

const command = oracleCommand();
const skip = command === undefined && 'FLOE_ORACLE names no C++ Nix';

test('random syntax', { skip }, async () => {
  const random = new Random(31);
  const invocations = Array.from({ length: 200 }, () => parsing(random));
  assert.deepEqual(await compareInvocations(temporaryPlace(), command!, invocations, comparableTree), []);
});

test('random programs about files and derivations', { skip }, async () => {
  fillWorkplace(temporaryPlace());
  const random = new Random(32);
  const invocations = Array.from({ length: 200 }, () => storeProgram(random));
  assert.deepEqual(await compareInvocations(temporaryPlace(), command!, invocations, comparableMessages), []);
});

test('random command lines of eval', { skip }, async () => {
  fillForCommands(temporaryPlace());
  const random = new Random(33);
  const invocations = Array.from({ length: 150 }, () => evalCommand(random));
  assert.deepEqual(await compareInvocations(temporaryPlace(), command!, invocations, comparableMessages), []);
});
