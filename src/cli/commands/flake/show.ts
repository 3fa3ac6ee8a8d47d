// `floe flake show`: the outputs a flake provides, as a tree or as JSON.

import { Command, Option } from 'clipanion';
import { bytesOf } from '../../../base/bytes.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockNamedFlake } from '../../lock-choices.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions, flakeOptions, jsonOptions } from '../../options.ts';

export class FlakeShowCommand extends BaseCommand {
  static override paths = [['flake', 'show']];
  static override usage = Command.Usage({
    description: 'show the outputs provided by a flake',
    examples: [
      ['Show what the flake in this folder provides', 'floe flake show'],
      ['The same as JSON, for all systems', 'floe flake show --json --all-systems ./flake-examples/hello-app'],
    ],
  });

  static override readonly keepsOutput = true;

  readonly options = { ...evalOptions(), ...flakeOptions() };
  readonly json = jsonOptions();
  readonly legacy = Option.Boolean('--legacy', false, { description: 'Show what is in legacyPackages.' });
  readonly allSystems = Option.Boolean('--all-systems', false, { description: 'Show what is there for other systems, too.' });
  readonly flakeUrl = Option.String({ required: false });

  async execute(): Promise<void> {
    const { settings, report, stdout } = this.session;
    if (!settings.isOverridden('allow-import-from-derivation')) settings.set('allow-import-from-derivation', false);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locked = await lockNamedFlake(this, engine, this.options, this.flakeUrl);
      const shown = await engine.flakes.show(
        locked,
        { allSystems: this.allSystems, legacy: this.legacy, json: this.json.json },
        { line: (text) => this.write(bytesOf(`${text}\n`)), warn: (message) => report.warn(message), isTerminal: stdout.isTerminal },
      );
      if (this.json.json) this.printJson(shown, this.json);
    } finally {
      await engine.close();
    }
  }
}
