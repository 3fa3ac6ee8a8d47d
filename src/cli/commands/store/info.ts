// `floe store info`: whether a store can be opened, and where it is.

import { Command } from 'clipanion';
import { storeFacts } from '../../../engine/store-facts.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';
import { jsonOptions } from '../../options.ts';

export class StoreInfoCommand extends BaseCommand {
  static override paths = [['store', 'info']];
  static override usage = Command.Usage({
    description: 'test whether a store can be accessed',
    examples: [
      ['The usual store', 'floe store info'],
      ['Another one', 'floe store info --store /mnt --json'],
    ],
  });

  readonly json = jsonOptions();

  async execute(): Promise<void> {
    const engine = openEngine(this);
    try {
      const { url, version, trusted } = await storeFacts(engine);
      if (this.json.json) return this.printJson({ trusted, url, version }, this.json);
      const lines = [`Store URL: ${url}`];
      if (version !== undefined) lines.push(`Version: ${version}`);
      if (trusted !== undefined) lines.push(`Trusted: ${trusted ? 1 : 0}`);
      for (const line of lines) this.session.report.log('notice', line);
    } finally {
      await engine.close();
    }
  }
}
