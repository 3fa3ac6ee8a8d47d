// Loaded (`node --import`) by bin/build.ts before a run of a floe just built: keeps the compiled code of what that run used of each pack
// beside it, in FLOE_CODE_FOLDER. Later starts take it from there.

import { renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import vm from 'node:vm';

const folder = process.env['FLOE_CODE_FOLDER']!;
const { Script } = vm;

vm.Script = class extends Script {
  constructor(text: string, options?: vm.ScriptOptions) {
    // The start file looks whether the code that it gave was taken; here it gave none worth taking.
    super(text, { filename: options!.filename! });
    const file = join(folder, `${basename(options!.filename!, '.cjs')}.cache`);
    process.on('exit', () => {
      writeFileSync(`${file}.new`, this.createCachedData());
      renameSync(`${file}.new`, file);
    });
  }
};
