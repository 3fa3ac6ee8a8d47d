// `floe store verify`: whether paths have the contents they were registered with, and whether they can be trusted.

import { Command, Option } from 'clipanion';
import { verifyPaths } from '../../../engine/verify-paths.ts';
import { BaseCommand } from '../../base-command.ts';
import { readInteger } from '../../read-integer.ts';
import { storePathOptions, withStorePaths } from '../../store-paths.ts';

export class StoreVerifyCommand extends BaseCommand {
  static override paths = [['store', 'verify']];
  static override usage = Command.Usage({
    description: 'verify the integrity of store paths',
    examples: [
      ['The whole store', 'floe store verify --all'],
      ['Only contents, of a package with all it needs', 'floe store verify --recursive --no-trust debpkgs#jq'],
    ],
    details: 'The exit status is the sum of 1 (some contents differ), 2 (some paths are not trusted) and 4 (some could not be checked).',
  });

  readonly options = storePathOptions();
  readonly noContents = Option.Boolean('--no-contents', false, { description: 'Do not compare contents.' });
  readonly noTrust = Option.Boolean('--no-trust', false, { description: 'Do not ask whether paths are trusted.' });
  readonly substituters = Option.Array('--substituter,-s', [], { description: 'Take signatures from this store too. {store-uri}' });
  readonly sigsNeeded = Option.String('--sigs-needed,-n', '0', { description: 'Signatures by different keys that each path needs. {n}' });
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<number> {
    const signaturesNeeded = readInteger(this.sigsNeeded);
    return withStorePaths(this, this.options, this.installables, async (engine, paths) => {
      const { noContents, noTrust, substituters } = this;
      const found = await verifyPaths(engine, paths, { contents: !noContents, trust: !noTrust, signaturesNeeded, substituters });
      return (found.corrupted > 0 ? 1 : 0) + (found.untrusted > 0 ? 2 : 0) + (found.failed > 0 ? 4 : 0);
    });
  }
}
