// `floe realisation info`: what outputs of content-addressed derivations turned out to be.

import { Command, Option } from 'clipanion';
import { UsageError } from '../../../base/errors.ts';
import type { Engine } from '../../../engine/engine.ts';
import { allRealised, type RealisedPaths, realisationsOf } from '../../../engine/realisations.ts';
import { printDerivationOutputId, realisationToJson } from '../../../model/realisation.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine, readInstallables, sourceChoice } from '../../open-engine.ts';
import { closureOptions, installableOptions, installablesFromStdin, jsonOptions } from '../../options.ts';

export class RealisationInfoCommand extends BaseCommand {
  static override paths = [['realisation', 'info']];
  static override usage = Command.Usage({
    description: 'query information about one or several realisations',
    details: 'Outputs that were never built are built first. Needs the experimental feature `ca-derivations`.',
    examples: [
      ['What an output is', 'floe realisation info .#hello'],
      ['The same as JSON', 'floe realisation info --json .#hello'],
    ],
  });

  readonly options = { ...installableOptions(), ...closureOptions(), ...installablesFromStdin() };
  readonly json = jsonOptions();
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    if (this.options.all && this.installables.length > 0) throw new UsageError("'--all' does not expect arguments");
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const { realisations, paths } = this.options.all ? await allRealised(engine) : await this.named(engine);
      if (this.json.json) {
        const opaque = paths.map((path) => ({ opaquePath: `${engine.storeDir}/${path}` }));
        return this.printJson([...realisations.map(realisationToJson), ...opaque], this.json);
      }
      for (const { id, path } of realisations) this.print(`${printDerivationOutputId(id)} ${engine.storeDir}/${path}`);
      for (const path of paths) this.print(`${engine.storeDir}/${path}`);
    } finally {
      await engine.close();
    }
  }

  private async named(engine: Engine): Promise<RealisedPaths> {
    const words = readInstallables(this, this.installables, this.options.stdin);
    const source = sourceChoice(this, this.options);
    const targets = await engine.targets(words, 'build', source, lockChoices(this, engine, this.options));
    return realisationsOf(engine, targets, this.options);
  }
}
