// `floe store make-content-addressed`: closures again, in which every path follows from its contents.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import { makeContentAddressed } from '../../../engine/make-content-addressed.ts';
import { BaseCommand } from '../../base-command.ts';
import { jsonOptions } from '../../options.ts';
import { storePathOptions, withStorePaths } from '../../store-paths.ts';

export class StoreMakeContentAddressedCommand extends BaseCommand {
  static override paths = [['store', 'make-content-addressed']];
  static override usage = Command.Usage({
    description: 'rewrite a path or closure to content-addressed form',
    examples: [
      ['A package with all it needs, so that it can be copied without signatures', 'floe store make-content-addressed debpkgs#jq'],
      ['The same into another store, told as JSON', 'floe store make-content-addressed --json --to /srv/other-root debpkgs#jq'],
    ],
  });

  readonly options = storePathOptions();
  readonly json = jsonOptions();
  readonly from = Option.String('--from', { description: 'The store to read from. {store-uri}' });
  readonly to = Option.String('--to', { description: 'The store to write to. {store-uri}' });
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    if (this.from === undefined && this.to === undefined && this.installables.length === 0 && !this.options.all)
      throw new UsageError("name what to rewrite, or say '--all'");
    await withStorePaths(this, this.options, this.installables, async (engine, paths) => {
      const fresh = await makeContentAddressed(engine, paths, this);
      const shown = paths.map((path) => [path, fresh.get(path)!].map((one) => `${engine.storeDir}/${one}`) as [string, string]);
      if (this.json.json) return this.printJson({ rewrites: new Map(shown) }, this.json);
      for (const [old, made] of shown) this.session.report.log('notice', `rewrote '${old}' to '${made}'`);
    });
  }
}
