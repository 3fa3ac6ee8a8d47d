// `floe build`: builds installables and links the results into the working folder.

import { Command, Option } from 'clipanion';
import { resolve } from 'node:path';
import { BaseCommand } from '../base-command.ts';
import { lockChoices } from '../lock-choices.ts';
import { openEvaluatingEngine, readInstallables, sourceChoice } from '../open-engine.ts';
import { dryRunOptions, installableOptions, installablesFromStdin, jsonOptions, profileOptions } from '../options.ts';

export class BuildCommand extends BaseCommand {
  static override paths = [['build']];
  static override usage = Command.Usage({
    description: 'build a derivation or fetch a store path',
    examples: [
      ["Build this flake's default package; ./result is a link to it", 'floe build'],
      ['Build a package and print where it is', 'floe build --no-link --print-out-paths debpkgs#jq'],
    ],
  });

  static override readonly keepsOutput = true;

  readonly options = installableOptions();
  readonly json = jsonOptions();
  readonly stdin = installablesFromStdin();
  readonly dry = dryRunOptions();
  readonly profile = profileOptions();
  readonly outLink = Option.String('--out-link,-o', 'result', { description: 'Name of the link to the result. {path}' });
  readonly noLink = Option.Boolean('--no-link', false, { description: 'Make no link to the result.' });
  readonly printOutPaths = Option.Boolean('--print-out-paths', false, { description: 'Print the paths of the outputs.' });
  readonly rebuild = Option.Boolean('--rebuild', false, { description: 'Build again what is built, and compare.' });
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const { paths } = await engine.findOut(async () => {
        const targets = await engine.targets(readInstallables(this, this.installables, this.stdin.stdin), 'build', source, locking);
        return { paths: targets.flatMap((target) => target.derivedPaths()) };
      });
      const { builds } = engine;
      if (this.dry.dryRun) {
        await builds.printMissing(paths, 'error');
        if (this.json.json) this.printJson(builds.derivedPathsJson(paths), this.json);
        return;
      }
      const built = await builds.build(paths, { mode: this.options.repair ? 'repair' : this.rebuild ? 'check' : 'normal' });
      if (this.json.json) this.print(builds.builtJsonText(built));
      if (!this.noLink) await builds.makeLinks(built, resolve(engine.cwd, this.outLink));
      if (this.printOutPaths)
        for (const path of built.flatMap((one) => [...one.outputs.values()])) this.print(`${engine.storeDir}/${path}`);
      if (this.profile.profile !== undefined) this.session.reads?.refuse('a profile was changed');
      if (this.profile.profile !== undefined) await builds.updateProfile(resolve(engine.cwd, this.profile.profile), built);
    } finally {
      await engine.close();
    }
  }
}
