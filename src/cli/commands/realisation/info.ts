// `floe realisation info`: what outputs of content-addressed derivations turned out to be.

import { Command, Option } from 'clipanion';
import { realisationsOf } from '../../../engine/realisations.ts';
import { printDerivationOutputId, realisationToJson } from '../../../model/realisation.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine, readInstallables, sourceChoice } from '../../open-engine.ts';
import { installableOptions, installablesFromStdin, jsonOptions } from '../../options.ts';

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

  readonly options = { ...installableOptions(), ...installablesFromStdin() };
  readonly json = jsonOptions();
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const words = readInstallables(this, this.installables, this.options.stdin);
      const targets = await engine.targets(words, 'build', source, lockChoices(this, engine, this.options));
      const { realisations, paths } = await realisationsOf(engine, targets);
      if (this.json.json) {
        const opaque = paths.map((path) => ({ opaquePath: `${engine.storeDir}/${path}` }));
        return this.printJson([...opaque, ...realisations.map(realisationToJson)], this.json);
      }
      for (const path of paths) this.print(`${engine.storeDir}/${path}`);
      for (const { id, path } of realisations) this.print(`${printDerivationOutputId(id)} ${engine.storeDir}/${path}`);
    } finally {
      await engine.close();
    }
  }
}
