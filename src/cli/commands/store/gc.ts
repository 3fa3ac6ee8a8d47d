// `floe store gc`: deletes what no root reaches.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import { StoreCare } from '../../../engine/store-care.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';
import { dryRunOptions } from '../../options.ts';
import { printFreed } from '../../print-freed.ts';
import { readInteger } from '../../read-integer.ts';

export class StoreGcCommand extends BaseCommand {
  static override paths = [['store', 'gc']];
  static override usage = Command.Usage({
    description: 'perform garbage collection on a store',
    examples: [
      ['Delete all that nothing needs', 'floe store gc'],
      ['Make a gigabyte of room', 'floe store gc --max 1G'],
    ],
  });

  readonly dry = dryRunOptions();
  readonly max = Option.String('--max', { description: 'Stop after so many bytes. {n}' });

  async execute(): Promise<void> {
    const maxFreedBytes = this.max === undefined ? undefined : readInteger(this.max);
    if (maxFreedBytes !== undefined && this.dry.dryRun) throw new UsageError('options --max and --dry-run cannot be combined');
    const engine = openEngine(this);
    try {
      const results = await new StoreCare(engine).collectGarbage({
        action: this.dry.dryRun ? 'return-dead' : 'delete-dead',
        ...(maxFreedBytes === undefined ? {} : { maxFreedBytes }),
      });
      this.print(this.dry.dryRun ? `${results.paths.length} store paths would be deleted` : printFreed(results));
    } finally {
      await engine.close();
    }
  }
}
