// `floe flake new`: starts a flake from a template, in a folder of its own.

import { Command, Option } from 'clipanion';
import { resolve } from 'node:path';
import { copyTemplate } from '../../../engine/templates.ts';
import { BaseCommand } from '../../base-command.ts';
import { markdownRenderer } from '../../markdown.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions } from '../../options.ts';

export class FlakeNewCommand extends BaseCommand {
  static override paths = [['flake', 'new']];
  static override usage = Command.Usage({
    description: 'create a flake in the specified directory from a template',
    examples: [
      ['Start from the default template', 'floe flake new ./project'],
      ['Start a C project', 'floe flake new -t templates#c ./project'],
    ],
  });

  readonly options = evalOptions();
  readonly template = Option.String('--template,-t', 'templates', { description: 'The template to use. {template}' });
  readonly folder = Option.String({ name: 'dest-dir' });
  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      await copyTemplate(engine, this.template, resolve(engine.cwd, this.folder), markdownRenderer(this.session));
    } finally {
      await engine.close();
    }
  }
}
