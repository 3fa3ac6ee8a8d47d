// `floe profile list`: the packages in a profile.

import { Command } from 'clipanion';
import { printExtendedOutputs, Profile } from '../../../engine/profiles.ts';
import { printFlakeRef } from '../../../model/flake-ref.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions, jsonOptions, profileOptions } from '../../options.ts';
import { BOLD, NORMAL, RED } from '../../terminal.ts';

export class ProfileListCommand extends BaseCommand {
  static override paths = [['profile', 'list']];
  static override usage = Command.Usage({
    description: 'list packages in the profile',
    examples: [
      ['Names, flakes and store paths', 'floe profile list'],
      ["Another profile's, as JSON", 'floe profile list --profile ./tools --json'],
    ],
  });

  readonly options = evalOptions();
  readonly profile = profileOptions();
  readonly json = jsonOptions();

  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const profile = new Profile(engine, this.profile.profile);
      if (this.json.json) return this.printJson(profile.manifestJson(), this.json);
      profile.manifest().elements.forEach(([name, { active, source, storePaths }], index) => {
        const lines = [
          ...(index > 0 ? [''] : []),
          `Name:               ${BOLD}${name}${NORMAL}${active ? '' : ` ${RED}(inactive)${NORMAL}`}`,
        ];
        if (source !== undefined) {
          lines.push(`Flake attribute:    ${source.attrPath}${printExtendedOutputs(source.outputs)}`);
          lines.push(`Original flake URL: ${printFlakeRef(source.originalRef)}`);
          lines.push(`Locked flake URL:   ${printFlakeRef(source.lockedRef)}`);
        }
        lines.push(`Store paths:        ${storePaths.map((path) => `${engine.storeDir}/${path}`).join(' ')}`);
        // NIX: coloured also where nobody looks.
        this.writeByteString(lines.map((line) => `${line}\n`).join(''));
      });
    } finally {
      await engine.close();
    }
  }
}
