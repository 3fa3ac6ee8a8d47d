// `nix-copy-closure`: store paths with all they need, to or from a machine that is reached by ssh.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import { copyClosureOverSsh } from '../../../engine/copy-paths.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';

export class NixCopyClosureCommand extends BaseCommand {
  static override paths = [['nix-copy-closure']];
  static override usage = Command.Usage({
    description: 'copy store paths with all they need to or from another machine over SSH',
    examples: [
      ['Send what ./result is to another machine', '$0 --to alice@builder.example.org ./result'],
      ['Fetch a path from there', '$0 --from alice@builder.example.org /nix/store/...-hello'],
    ],
  });

  readonly from = Option.Boolean('--from', false, { description: 'Copy from the other machine.' });
  readonly to = Option.Boolean('--to', false, { description: 'Copy to the other machine (the default).' });
  readonly gzip = Option.Boolean('--gzip', false, { description: 'Let ssh compress.' });
  readonly otherCompression = Option.Boolean('--bzip2,--xz', false, { description: 'As --gzip.' });
  readonly includeOutputs = Option.Boolean('--include-outputs', false, { description: 'Copy the outputs of derivations too.' });
  readonly substitute = Option.Boolean('--use-substitutes,-s', false, {
    description: 'Let the destination fetch from its own substituters what it can.',
  });
  readonly dryRun = Option.Boolean('--dry-run', false, { description: 'Show what would be copied.' });
  readonly showProgress = Option.Boolean('--show-progress', false, { description: 'Has no effect.' });
  readonly host = Option.String({ required: false });
  readonly words = Option.Rest({ name: 'paths' });

  async execute(): Promise<void> {
    if (this.otherCompression) this.warn('other compressions than gzip are not implemented, falling back to gzip');
    if (this.host === undefined) throw new UsageError('no host name specified');
    const engine = openEngine(this);
    try {
      await copyClosureOverSsh(engine, {
        host: this.host,
        direction: this.from ? 'from' : 'to',
        words: this.words,
        compress: this.gzip || this.otherCompression,
        includeOutputs: this.includeOutputs,
        substitute: this.substitute,
        dryRun: this.dryRun,
      });
    } finally {
      await engine.close();
    }
  }
}
