// `floe store sign`: signs store paths with a key of the user's.

import { Command, Option } from 'clipanion';
import { resolve } from 'node:path';
import { UsageError } from '../../../base/errors.ts';
import { signPaths } from '../../../engine/path-signatures.ts';
import { BaseCommand } from '../../base-command.ts';
import { storePathOptions, withStorePaths } from '../../store-paths.ts';

export class StoreSignCommand extends BaseCommand {
  static override paths = [['store', 'sign']];
  static override usage = Command.Usage({
    description: 'sign store paths with a local key',
    examples: [
      ['What a link leads to, with all it needs', 'floe store sign --key-file ./secret-key --recursive ./result'],
      ['Everything in the store', 'floe store sign -k ./secret-key --all'],
    ],
  });

  readonly options = storePathOptions();
  readonly keyFile = Option.String('--key-file,-k', { description: 'File with the secret key (see key generate-secret). {file}' });
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    const { keyFile } = this;
    if (keyFile === undefined) throw new UsageError("required argument '--key-file' is missing");
    await withStorePaths(this, this.options, this.installables, async (engine, paths) => {
      const added = await signPaths(engine, paths, resolve(engine.cwd, keyFile));
      this.session.report.log('info', `added ${added} signatures`);
    });
  }
}
