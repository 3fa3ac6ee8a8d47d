// `floe store info`: whether a store can be opened, and where it is.

import { Command } from 'clipanion';
import { BaseCommand } from '../../base-command.ts';
import { NIX_VERSION } from '../../launch.ts';
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
      const url = engine.store.uri;
      if (this.json.json) return this.printJson({ trusted: true, url, version: NIX_VERSION }, this.json);
      for (const line of [`Store URL: ${url}`, `Version: ${NIX_VERSION}`, 'Trusted: 1']) this.session.report.log('notice', line);
    } finally {
      await engine.close();
    }
  }
}
