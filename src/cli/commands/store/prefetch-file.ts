// `floe store prefetch-file`: downloads a file into the store and says its hash.

import { Command, Option } from 'clipanion';
import { parseHash, printHash, parseHashAlgorithm } from '../../../base/hash.ts';
import { prefetchFile } from '../../../engine/prefetch.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';
import { jsonOptions } from '../../options.ts';

export class StorePrefetchFileCommand extends BaseCommand {
  static override paths = [['store', 'prefetch-file']];
  static override usage = Command.Usage({
    description: 'download a file into the Nix store',
    examples: [
      ['A source archive, for the hash that fetchurl wants', 'floe store prefetch-file https://example.org/hello-1.0.tar.gz'],
      ['What is in it, as JSON', 'floe store prefetch-file --unpack --json https://example.org/hello-1.0.tar.gz'],
    ],
    details: 'With --unpack or --executable the hash is that of the tree (recursive), otherwise that of the bytes (flat).',
  });

  readonly json = jsonOptions();
  readonly storeName = Option.String('--name', { description: 'Name in the store; that in the URL unless said. {name}' });
  readonly expectedHash = Option.String('--expected-hash', { description: 'The hash that the file must have. {hash}' });
  readonly hashType = Option.String('--hash-type', 'sha256', {
    description: 'Hash algorithm: blake3, md5, sha1, sha256 or sha512. {hash-algo}',
  });
  readonly executable = Option.Boolean('--executable', false, { description: 'Store an executable file.' });
  readonly unpack = Option.Boolean('--unpack', false, { description: 'Store what is in the archive.' });
  readonly url = Option.String({ name: 'url' });

  async execute(): Promise<void> {
    const algorithm = parseHashAlgorithm(this.hashType);
    const expected = this.expectedHash === undefined ? undefined : parseHash(this.expectedHash, algorithm);
    const { url, storeName: name, executable, unpack } = this;
    const engine = openEngine(this);
    try {
      const { storePath, hash } = await prefetchFile(engine, { url, name, algorithm, expected, unpack, executable });
      const [path, sri] = [`${engine.storeDir}/${storePath}`, printHash(hash, 'sri')];
      if (this.json.json) this.printJson({ hash: sri, storePath: path }, this.json);
      else this.session.report.log('notice', `Downloaded '${url}' to '${path}' (hash '${sri}').`);
    } finally {
      await engine.close();
    }
  }
}
