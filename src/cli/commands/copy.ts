// `floe copy`: store paths from one store into another.

import { resolve } from 'node:path';
import { Command, Option } from 'clipanion';
import { UsageError } from '../../base/errors.ts';
import { copyBetweenStores, type CopyRequest } from '../../engine/copy-paths.ts';
import { derivationsOf } from '../../engine/store-paths.ts';
import { BaseCommand } from '../base-command.ts';
import { lockChoices } from '../lock-choices.ts';
import { openEvaluatingEngine, readInstallables, sourceChoice } from '../open-engine.ts';
import { installableOptions, installablesFromStdin } from '../options.ts';

export class CopyCommand extends BaseCommand {
  static override paths = [['copy']];
  static override usage = Command.Usage({
    description: 'copy paths between stores',
    examples: [
      [
        'A package with all it needs into a binary cache',
        "floe copy --to 'file:///srv/cache?compression=zstd&secret-key=/etc/key' debpkgs#jq",
      ],
      ['A path out of a binary cache', 'floe copy --from https://cache.example.org /nix/store/...-hello'],
    ],
  });

  readonly options = { ...installableOptions(), ...installablesFromStdin() };
  readonly from = Option.String('--from', { description: 'The store to copy from. {store-uri}' });
  readonly to = Option.String('--to', { description: 'The store to copy to. {store-uri}' });
  readonly all = Option.Boolean('--all', false, { description: 'Copy everything that the store has.' });
  readonly noRecursive = Option.Boolean('--no-recursive', false, { description: 'Copy the paths alone, without what they refer to.' });
  readonly derivation = Option.Boolean('--derivation', false, { description: 'Copy the derivations, not their outputs.' });
  readonly noCheckSigs = Option.Boolean('--no-check-sigs', false, { description: 'Copy paths also without a signature by a trusted key.' });
  readonly outLink = Option.String('--out-link,-o', { description: 'Link the copied paths here, as roots of the collector. {path}' });
  readonly profile = Option.String('--profile', { description: 'The profile that shall hold the copied path. {path}' });
  readonly substitute = Option.Boolean('--substitute-on-destination,-s', false, {
    description: 'Let the destination take from its own substituters what it can.',
  });
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    const { from, to } = this;
    if (from === undefined && to === undefined) throw new UsageError("you must pass '--from' and/or '--to'");
    if (this.all && this.installables.length > 0) throw new UsageError("'--all' does not expect arguments");
    if (to !== undefined && (this.outLink !== undefined || this.profile !== undefined))
      throw new UsageError("'--out-link' and '--profile' need the paths in the local store: leave out '--to'");
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    const copy = (paths: CopyRequest['paths'], realised: CopyRequest['realised'] = []) =>
      copyBetweenStores(engine, {
        ...{ from, to, paths, realised, recursive: !this.noRecursive, checkSignatures: !this.noCheckSigs },
        substitute: this.substitute,
      });
    try {
      if (this.all) return void (await copy('all'));
      const words = readInstallables(this, this.installables, this.options.stdin);
      const targets = await engine.targets(words, 'build', source, lockChoices(this, engine, this.options));
      if (this.derivation) return void (await copy(await derivationsOf(engine, targets)));
      const derived = targets.flatMap((target) => target.derivedPaths());
      // What lies elsewhere is not made here.
      if (from === undefined) await engine.builds.build(derived);
      const { known, realised } = engine.builds.splitOutputs(derived, from === undefined);
      await copy(known, realised);
      const built = derived.map((path) => ({ path, outputs: engine.builds.outputPaths(path) }));
      if (this.outLink !== undefined) await engine.builds.makeLinks(built, resolve(engine.cwd, this.outLink));
      if (this.profile !== undefined) await engine.builds.updateProfile(resolve(engine.cwd, this.profile), built);
    } finally {
      await engine.close();
    }
  }
}
