// `floe derivation show`: derivations as JSON.

import { Command, Option } from 'clipanion';
import { derivationsOf } from '../../../engine/store-paths.ts';
import { StoreQueries } from '../../../engine/store-queries.ts';
import { derivationsToJson } from '../../../model/derivation-json.ts';
import { isDerivationPath } from '../../../model/store-path.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine, readInstallables, sourceChoice } from '../../open-engine.ts';
import { installableOptions, installablesFromStdin, prettyOptions } from '../../options.ts';

export class DerivationShowCommand extends BaseCommand {
  static override paths = [['derivation', 'show']];
  static override usage = Command.Usage({
    description: 'show the contents of a store derivation',
    examples: [
      ['How a package is built', 'floe derivation show debpkgs#jq'],
      ['With everything that goes into it', 'floe derivation show --recursive /nix/store/...-hello.drv'],
    ],
  });

  static override readonly keepsOutput = true;

  readonly options = installableOptions();
  readonly stdin = installablesFromStdin();
  readonly pretty = prettyOptions();
  readonly recursive = Option.Boolean('--recursive,-r', false, { description: 'Also show the derivations it depends on.' });
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const targets = await engine.targets(readInstallables(this, this.installables, this.stdin.stdin), 'build', source, locking);
      const queries = new StoreQueries(engine);
      const named = await derivationsOf(engine, targets);
      const paths = this.recursive ? [...(await queries.closure(named))].filter(isDerivationPath).sort() : named;
      const derivations = new Map(await Promise.all(paths.map(async (path) => [path, await queries.derivation(path)] as const)));
      this.printJson(derivationsToJson(derivations), this.pretty);
    } finally {
      await engine.close();
    }
  }
}
