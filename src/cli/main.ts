// The program: words to the one command file they name.

import process from 'node:process';
import type { Launch } from './launch.ts';
import { Command, Option } from 'clipanion';

/** Runs what the words ask for; sets the exit code. */
export function main(launch: Launch): void {
  class X extends Command {
    a = Option.Boolean('-a');
    async execute() {}
  }
  new X();
  process.stdout.write(`${JSON.stringify(launch)}\n`);
}
