// `floe print-dev-env`: the build environment of a derivation as bash code, or as JSON.

import { Command, Option } from 'clipanion';
import { resolve } from 'node:path';
import { bytesOf } from '../../base/bytes.ts';
import { devEnvironmentToJson } from '../../engine/dev-shells.ts';
import { BaseCommand } from '../base-command.ts';
import { lockChoices } from '../lock-choices.ts';
import { openEvaluatingEngine, sourceChoice } from '../open-engine.ts';
import { installableOptions, jsonOptions, profileOptions } from '../options.ts';

export class PrintDevEnvCommand extends BaseCommand {
  static override paths = [['print-dev-env']];
  static override usage = Command.Usage({
    description: 'print shell code that can be sourced by bash to reproduce the build environment of a derivation',
    examples: [
      ['Apply the environment of this flake to the current shell', '. <(floe print-dev-env)'],
      ['Get the environment as JSON', 'floe print-dev-env --json'],
    ],
  });

  static override readonly exitsWithBuildStatus = true;

  static override readonly keepsOutput = true;

  readonly options = installableOptions();
  readonly json = jsonOptions();
  readonly profile = profileOptions();
  readonly redirect = Option.Array('--redirect', [], {
    arity: 2,
    description: 'Let a folder stand for the outputs of an installable. {installable} {outputs-dir}',
  });
  readonly installable = Option.String({ required: false });

  async execute(): Promise<void> {
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const shells = await engine.devShells();
      const wanted = await engine.findOut(async () => {
        const [target] = await engine.targets([this.installable ?? '.'], 'develop', source, locking);
        return shells.find(target!);
      });
      const profile = this.profile.profile === undefined ? undefined : resolve(engine.cwd, this.profile.profile);
      const { environment } = await shells.build(wanted, profile);
      if (this.json.json) return this.printJson(devEnvironmentToJson(environment), this.json);
      this.write(bytesOf(shells.script(environment, await shells.redirects(this.redirect, source, locking))));
    } finally {
      await engine.close();
    }
  }
}
