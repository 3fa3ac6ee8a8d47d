// `nix-prefetch-url`: downloads a file into the store and prints its hash.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import { parseHash, printHash, parseHashAlgorithm } from '../../../base/hash.ts';
import { prefetchFile, sourceOfAttribute } from '../../../engine/prefetch.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions } from '../../options.ts';

export class NixPrefetchUrlCommand extends BaseCommand {
  static override paths = [['nix-prefetch-url']];
  static override forcesImpure = true;
  static override usage = Command.Usage({
    description: 'copy a file from a URL into the store and print its hash',
    examples: [
      ['The hash of an archive', '$0 https://example.org/hello-1.0.tar.gz'],
      ['The same of what is in it, and where it is in the store', '$0 --unpack --print-path https://example.org/hello-1.0.tar.gz'],
    ],
  });

  readonly options = evalOptions();
  readonly type = Option.String('--type', 'sha256', {
    description: 'Hash algorithm: blake3, md5, sha1, sha256 (unless said) or sha512. {hash-algo}',
  });
  readonly printPath = Option.Boolean('--print-path', false, { description: 'Print the store path too.' });
  readonly attr = Option.String('--attr,-A', { description: "Take the URL from a source's attribute in a file. {attrPath}" });
  readonly unpack = Option.Boolean('--unpack', false, { description: 'Store what is in the archive.' });
  readonly executable = Option.Boolean('--executable', false, { description: 'Store an executable file.' });
  readonly storeName = Option.String('--name', { description: 'Name in the store; that in the URL unless said. {name}' });
  readonly words = Option.Rest({ name: 'url and hash' });

  async execute(): Promise<void> {
    const algorithm = parseHashAlgorithm(this.type);
    const [first, hashText] = this.words;
    if (this.words.length > 2) throw new UsageError('too many arguments');
    if (this.attr === undefined && first === undefined) throw new UsageError('you must specify a URL');
    const expected = hashText === undefined ? undefined : parseHash(hashText, algorithm);
    const { executable, storeName } = this;
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const named = this.attr === undefined ? { url: first!, unpack: this.unpack } : sourceOfAttribute(engine, first ?? '.', this.attr);
      const { storePath, hash } = await prefetchFile(engine, { ...named, name: storeName, algorithm, expected, executable });
      const path = `${engine.storeDir}/${storePath}`;
      const printsPath = this.printPath || engine.env['PRINT_PATH'] === '1';
      if (!printsPath) this.session.report.log('info', `path is '${path}'`);
      this.print(printHash(hash, hash.algorithm === 'md5' ? 'base16' : 'nix32'));
      if (printsPath) this.print(path);
    } finally {
      await engine.close();
    }
  }
}
