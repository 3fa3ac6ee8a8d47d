// `floe flake update`: locks all inputs of a flake anew, or the named ones.

import { Command, Option } from 'clipanion';
import { utf8ToByteString } from '../../../base/bytes.ts';
import { UsageError } from '../../../base/errors.ts';
import { type InputPath, parseInputPath } from '../../../model/lock-file.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions, flakeOptions } from '../../options.ts';

export class FlakeUpdateCommand extends BaseCommand {
  static override paths = [['flake', 'update']];
  static override usage = Command.Usage({
    description: 'update flake lock file',
    examples: [
      ['Update all inputs of the flake in this folder', 'floe flake update'],
      ['Update two inputs only', 'floe flake update nixpkgs home-manager'],
    ],
  });

  readonly options = { ...evalOptions(), ...flakeOptions() };
  readonly flake = Option.String('--flake', '.', { description: 'The flake to work on. {flake-url}' });
  readonly inputs = Option.Rest({ name: 'inputs' });

  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      this.session.settings.set('tarball-ttl', 0);
      const choices = lockChoices(this, engine, this.options);
      const updates = [...(choices.updates ?? []), ...this.readInputs()];
      const recreate = choices.recreate || updates.length === 0;
      await engine.flakes.lock(engine.flakes.parse(this.flake), { ...choices, updates, recreate, writeLockFile: true, forceWrite: true });
    } finally {
      await engine.close();
    }
  }

  private readInputs(): InputPath[] {
    const seen = new Set<string>();
    return this.inputs.map((text) => {
      if (seen.has(text)) this.warn(`Input '${text}' was specified multiple times. You may have done this by accident.`);
      seen.add(text);
      try {
        const path = parseInputPath(utf8ToByteString(text));
        if (path.length > 0) return path;
        throw new UsageError('input path to be updated cannot be zero-length; it would refer to the flake itself, not an input');
      } catch (error) {
        this.warn(`Invalid flake input '${text}'. To update a specific flake, use 'nix flake update --flake ${text}' instead.`);
        throw error;
      }
    });
  }
}
