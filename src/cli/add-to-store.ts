// What `store add`, `store add-file` and `store add-path` share: they differ in the mode they start from.

import { Option } from 'clipanion';
import { basename, resolve } from 'node:path';
import { UsageError } from '../base/errors.ts';
import { parseHashAlgorithm } from '../base/hash.ts';
import type { Settings } from '../engine/config.ts';
import { requireFeature } from '../engine/features.ts';
import { addToStore } from '../engine/store-archives.ts';
import type { ContentAddressMethod } from '../model/content-address.ts';
import { BaseCommand } from './base-command.ts';
import { openEngine } from './open-engine.ts';
import { dryRunOptions } from './options.ts';

/** Copies one file or folder into the store. */
export abstract class AddToStoreCommand extends BaseCommand {
  protected readonly defaultMode: ContentAddressMethod = 'nar';
  readonly dry = dryRunOptions();
  readonly storeName = Option.String('--name,-n', { description: 'Name in the store; that of the path unless said. {name}' });
  readonly mode = Option.String('--mode', {
    description: 'How the hash is taken: nar (the tree), flat (the bytes), text, or git (as git does). {content-address-method}',
  });
  readonly algorithm = Option.String('--hash-algo', 'sha256', {
    description: 'Hash algorithm: blake3, md5, sha1, sha256 or sha512. {hash-algo}',
  });
  readonly target = Option.String({ name: 'path' });

  async execute(): Promise<void> {
    const method = this.mode === undefined ? this.defaultMode : readMode(this.mode, this.session.settings);
    const algorithm = parseHashAlgorithm(this.algorithm);
    const engine = openEngine(this);
    try {
      const path = resolve(engine.cwd, this.target);
      const name = this.storeName ?? basename(this.target);
      const added = addToStore(engine.store, { path, name, method, algorithm }, this.dry.dryRun || engine.readOnly);
      this.print(`${engine.storeDir}/${added}`);
    } finally {
      await engine.close();
    }
  }
}

function readMode(text: string, settings: Settings): ContentAddressMethod {
  if (text === 'git') requireFeature(settings, 'git-hashing');
  if (text === 'nar' || text === 'flat' || text === 'text' || text === 'git') return text;
  throw new UsageError(`unknown content address method '${text}', expect 'flat', 'nar', 'text' or 'git'`);
}
