// `floe develop`: a shell with the environment in which a derivation is built.

import { Command, Option } from 'clipanion';
import { resolve } from 'node:path';
import { UsageError } from '../../base/errors.ts';
import type { ShellTask } from '../../engine/engine.ts';
import { requireClearChoices } from '../../engine/start-program.ts';
import { BaseCommand } from '../base-command.ts';
import { lockChoices } from '../lock-choices.ts';
import { openEvaluatingEngine, sourceChoice } from '../open-engine.ts';
import { commandOption, environmentOptions, installableOptions, profileOptions } from '../options.ts';

const PHASES = ['unpack', 'configure', 'build', 'check', 'install', 'installcheck'] as const;

export class DevelopCommand extends BaseCommand {
  static override paths = [['develop']];
  static override usage = Command.Usage({
    description: 'run a bash shell that provides the build environment of a derivation',
    examples: [
      ['Enter the dev shell of the flake in this folder', 'floe develop'],
      ['Run one command in it', 'floe develop -c make check'],
      ['Enter the build environment of a package', 'floe develop debpkgs#hello'],
    ],
  });

  static override readonly exitsWithBuildStatus = true;

  static override readonly keepsOutput = true;

  readonly options = installableOptions();
  readonly environment = environmentOptions();
  readonly profile = profileOptions();
  readonly command = commandOption();
  readonly redirect = Option.Array('--redirect', [], {
    arity: 2,
    description: 'Let a folder stand for the outputs of an installable. {installable} {outputs-dir}',
  });
  readonly phase = Option.String('--phase', { description: 'The phase to run, for example build. {phase-name}' });
  readonly unpack = Option.Boolean('--unpack', false, { description: 'Run the unpack phase.' });
  readonly configure = Option.Boolean('--configure', false, { description: 'Run the configure phase.' });
  readonly build = Option.Boolean('--build', false, { description: 'Run the build phase.' });
  readonly check = Option.Boolean('--check', false, { description: 'Run the check phase.' });
  readonly install = Option.Boolean('--install', false, { description: 'Run the install phase.' });
  readonly installcheck = Option.Boolean('--installcheck', false, { description: 'Run the installCheck phase.' });
  readonly installable = Option.String({ required: false });

  async execute(): Promise<void> {
    requireClearChoices(this.environment, this.session.launch.words);
    const task = this.task();
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
      const built = await shells.build(wanted, profile);
      const redirects = await shells.redirects(this.redirect, source, locking);
      this.session.report.close();
      await shells.enter(built, { task, choices: this.environment, folder: wanted.folder, redirects });
    } finally {
      await engine.close();
    }
  }

  private task(): ShellTask {
    const flagged = PHASES.find((phase) => this[phase]);
    const phase = this.phase ?? (flagged === 'installcheck' ? 'installCheck' : flagged);
    if (phase !== undefined && this.command !== undefined) throw new UsageError("you cannot use both '--command' and '--phase'");
    if (phase !== undefined) return { kind: 'phase', name: phase };
    if (this.command === undefined) return { kind: 'interactive' };
    return { kind: 'command', words: this.command };
  }
}
