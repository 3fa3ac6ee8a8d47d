// `floe flake archive`: a flake and all its inputs, in a store.

import { Command, Option } from 'clipanion';
import { copyBetweenStores } from '../../../engine/copy-paths.ts';
import { archiveFlake } from '../../../engine/flake-sources.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockNamedFlake } from '../../lock-choices.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { dryRunOptions, evalOptions, flakeOptions, jsonOptions } from '../../options.ts';

export class FlakeArchiveCommand extends BaseCommand {
  static override paths = [['flake', 'archive']];
  static override usage = Command.Usage({
    description: 'copy a flake and all its inputs to a store',
    examples: [
      ['Keep what the flake in this folder needs', 'floe flake archive'],
      ['Where that would be', 'floe flake archive --json --dry-run'],
    ],
  });

  readonly options = { ...evalOptions(), ...flakeOptions() };
  readonly json = jsonOptions();
  readonly dry = dryRunOptions();
  readonly to = Option.String('--to', { description: 'The store to copy to. {store-uri}' });
  readonly noCheckSigs = Option.Boolean('--no-check-sigs', false, { description: 'Do not require that paths are signed by trusted keys.' });
  readonly flakeUrl = Option.String({ required: false });

  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locked = await lockNamedFlake(this, engine, this.options, this.flakeUrl);
      const { json, paths } = await archiveFlake(engine, locked, this.dry.dryRun);
      if (this.json.json) this.printJson(json, this.json);
      if (this.dry.dryRun || this.to === undefined) return;
      await copyBetweenStores(engine, { from: undefined, to: this.to, paths, recursive: false, checkSignatures: !this.noCheckSigs });
    } finally {
      await engine.close();
    }
  }
}
