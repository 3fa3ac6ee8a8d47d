// `nix-collect-garbage`: deletes what no root reaches, on demand after old generations of profiles.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import { parseOlderThan, removeOldGenerations } from '../../../engine/old-generations.ts';
import { StoreCare } from '../../../engine/store-care.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';
import { printFreed } from '../../print-freed.ts';
import { readInteger } from '../../read-integer.ts';

export class NixCollectGarbageCommand extends BaseCommand {
  static override paths = [['nix-collect-garbage']];
  static override usage = Command.Usage({
    description: 'delete unreachable store objects',
    examples: [
      ['Delete what nothing needs', '$0'],
      ['Also give up what profiles were more than a month ago', '$0 --delete-older-than 30d'],
    ],
  });

  readonly deleteOld = Option.Boolean('--delete-old,-d', false, {
    description: 'First delete all generations of profiles but the current ones.',
  });
  readonly deleteOlderThan = Option.String('--delete-older-than', {
    description: 'First delete generations that were not current since. {period}',
  });
  readonly dryRun = Option.Boolean('--dry-run', false, { description: 'Delete nothing.' });
  readonly maxFreed = Option.String('--max-freed', { description: 'Stop after that many bytes. {bytes}' });

  async execute(): Promise<void> {
    const { dryRun } = this;
    const maxFreedBytes = this.maxFreed === undefined ? undefined : Math.max(readInteger(this.maxFreed), 0);
    if (maxFreedBytes !== undefined && dryRun) throw new UsageError('options --max-freed and --dry-run cannot be combined');
    const now = Math.floor(Date.now() / 1000);
    const olderThan = this.deleteOlderThan === undefined ? undefined : parseOlderThan(this.deleteOlderThan, now);
    const engine = openEngine(this);
    try {
      if (this.deleteOld || olderThan !== undefined) await removeOldGenerations(engine, { olderThan, dryRun });
      const results = await new StoreCare(engine).collectGarbage({
        action: dryRun ? 'return-dead' : 'delete-dead',
        ...(maxFreedBytes === undefined ? {} : { maxFreedBytes }),
      });
      this.print(dryRun ? `${results.paths.length} store paths would be deleted` : printFreed(results));
    } finally {
      await engine.close();
    }
  }
}
