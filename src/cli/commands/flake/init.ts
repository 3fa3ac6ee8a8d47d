// `floe flake init`: starts a flake from a template, in the working folder.

import { Command, Option } from 'clipanion';
import { copyTemplate } from '../../../engine/templates.ts';
import { BaseCommand } from '../../base-command.ts';
import { markdownRenderer } from '../../markdown.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions } from '../../options.ts';

export class FlakeInitCommand extends BaseCommand {
  static override paths = [['flake', 'init']];
  static override usage = Command.Usage({
    description: 'create a flake in the current directory from a template',
    examples: [
      ['Start from the default template', 'floe flake init'],
      ['Start a C project', 'floe flake init -t templates#c'],
    ],
  });

  readonly options = evalOptions();
  readonly template = Option.String('--template,-t', 'templates', { description: 'The template to use. {template}' });

  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      await copyTemplate(engine, this.template, engine.cwd, markdownRenderer(this.session));
    } finally {
      await engine.close();
    }
  }
}
