// `floe flake prefetch`: the source tree of a flake, in the store.

import { Command, Option } from 'clipanion';
import { resolve } from 'node:path';
import { prefetchFlake } from '../../../engine/flake-sources.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions, flakeOptions, jsonOptions } from '../../options.ts';

export class FlakePrefetchCommand extends BaseCommand {
  static override paths = [['flake', 'prefetch']];
  static override usage = Command.Usage({
    description: 'download the source tree denoted by a flake reference into the Nix store',
    examples: [
      ['An archive and its hash', 'floe flake prefetch https://example.org/hello-1.0.tar.gz'],
      ['A repository, as JSON', 'floe flake prefetch --json github:NixOS/patchelf'],
    ],
  });

  readonly options = { ...evalOptions(), ...flakeOptions() };
  readonly json = jsonOptions();
  readonly outLink = Option.String('--out-link,-o', { description: 'Make a link to the resulting store path. {path}' });
  readonly flakeUrl = Option.String({ required: false });

  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const { storePath, message, json } = await prefetchFlake(engine, engine.flakes.parse(this.flakeUrl ?? '.'));
      if (this.json.json) this.printJson(json, this.json);
      else this.session.report.log('notice', message);
      if (this.outLink !== undefined) await engine.store.addRootLink(storePath, resolve(engine.cwd, this.outLink));
    } finally {
      await engine.close();
    }
  }
}
