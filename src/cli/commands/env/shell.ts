// `floe shell` (`env shell`): a shell, or a command, with packages on PATH.

import { Command, Option } from 'clipanion';
import { requireClearChoices } from '../../../engine/start-program.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine, readInstallables, sourceChoice } from '../../open-engine.ts';
import { commandOption, environmentOptions, installableOptions, installablesFromStdin } from '../../options.ts';

export class EnvShellCommand extends BaseCommand {
  static override paths = [['env', 'shell']];
  static override usage = Command.Usage({
    description: 'run a shell in which the specified packages are available',
    examples: [
      ['A shell with jq and git', 'floe shell debpkgs#jq debpkgs#git'],
      ['Run one command with a package on PATH', 'floe shell debpkgs#jq -c jq --version'],
    ],
  });

  static override readonly keepsOutput = true;

  readonly options = installableOptions();
  readonly environment = environmentOptions();
  readonly stdin = installablesFromStdin();
  readonly command = commandOption();
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    requireClearChoices(this.environment, this.session.launch.words);
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const { paths } = await engine.findOut(async () => {
        const targets = await engine.targets(readInstallables(this, this.installables, this.stdin.stdin), 'build', source, locking);
        return { paths: targets.flatMap((target) => target.derivedPaths()) };
      });
      const built = await engine.builds.build(paths);
      this.session.report.close();
      await (await engine.programs()).startShell(built, this.command, this.environment);
    } finally {
      await engine.close();
    }
  }
}
