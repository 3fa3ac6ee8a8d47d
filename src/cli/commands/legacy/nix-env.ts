// `nix-env`: packages of a profile. What each operation does is in cli/nix-env/; only the one that runs is loaded.

import { Command, Option } from 'clipanion';
import { resolve } from 'node:path';
import { UsageError } from '../../../base/errors.ts';
import { BaseCommand } from '../../base-command.ts';
import { envLine, type EnvOperationName, markQueryAttrs } from '../../nix-env/line.ts';
import { type EnvOperation, EnvRun } from '../../nix-env/run.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions } from '../../options.ts';
import { prepareDefaultExpression } from '../../../engine/channels.ts';

const packages = () => import('../../nix-env/packages.ts');
const generations = () => import('../../nix-env/generations.ts');

const OPERATIONS: Readonly<Record<EnvOperationName, () => Promise<EnvOperation>>> = {
  install: async () => (await packages()).install,
  uninstall: async () => (await packages()).uninstall,
  upgrade: async () => (await packages()).upgrade,
  'set-flag': async () => (await packages()).setFlag,
  set: async () => (await packages()).set,
  query: async () => (await packages()).query,
  'switch-profile': async () => (await generations()).switchProfile,
  'switch-generation': async () => (await generations()).switchGeneration,
  rollback: async () => (await generations()).rollback,
  'list-generations': async () => (await generations()).listGenerations,
  'delete-generations': async () => (await generations()).deleteGenerations,
};

/** Options that belong to no operation. */
const OWN_OPTIONS = ['--profile', '-p', '--file', '-f', '--system-filter', '--prebuilt-only', '-b', '--dry-run', '--force-name'];
const EVAL_OPTIONS = ['--arg', '--argstr', '--arg-from-file', '--arg-from-stdin', '--include', '-I', '--impure', '--override-flake'];

export class NixEnvCommand extends BaseCommand {
  static override paths = [['nix-env']];
  static override usage = Command.Usage({
    description: 'manipulate or query Nix user environments',
    examples: [
      ['Install an attribute of <nixpkgs>', "$0 -f '<nixpkgs>' -iA hello"],
      ['List what could be installed, with descriptions', '$0 -qa --description'],
      ['Undo the last change', '$0 --rollback'],
    ],
  });

  readonly options = evalOptions();
  readonly line = envLine([...OWN_OPTIONS, ...EVAL_OPTIONS, '--eval-store', '--debugger', '--repair']);
  readonly profile = Option.String('--profile,-p', { description: 'The profile to work on. {path}' });
  readonly file = Option.String('--file,-f', { description: 'The expression whose packages are meant. {path}' });
  readonly systemFilter = Option.String('--system-filter', '*', { description: 'Only packages for this system. {system}' });
  readonly prebuiltOnly = Option.Boolean('--prebuilt-only,-b', false, { description: 'Only packages that need no build.' });
  readonly dryRun = Option.Boolean('--dry-run', false, { description: 'Show what would be done without doing it.' });
  readonly forceName = Option.String('--force-name', { description: 'Install under another name. {name}' });
  readonly words = Option.Rest({ name: 'packages' });

  override replaceWords(words: readonly string[]): readonly string[] {
    return markQueryAttrs(words);
  }

  async execute(): Promise<void> {
    const { operation, flags } = this.line;
    if (this.dryRun) this.session.report.log('info', '(dry run; not doing anything)');
    if (operation === undefined) throw new UsageError('no operation specified');
    const perform = await OPERATIONS[operation]();
    if (operation === 'query') this.choices = { ...this.choices, readOnly: true };
    const { profile, file, systemFilter, dryRun, prebuiltOnly, forceName, options } = this;
    const engine = openEvaluatingEngine(this, options);
    try {
      prepareDefaultExpression(engine);
      const run = new EnvRun(this.session, engine, flags, this.words, {
        profile: profile === undefined ? undefined : resolve(engine.cwd, profile),
        file: file === '' ? undefined : file,
        ...{ systemFilter, dryRun, prebuiltOnly, forceName, repair: options.repair },
      });
      await perform(run);
    } finally {
      await engine.close();
    }
  }
}
