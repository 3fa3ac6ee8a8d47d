// `floe search`: packages whose attribute path, name or description match regular expressions.

import { Command, Option } from 'clipanion';
import { bytesOf } from '../../base/bytes.ts';
import { searchTargets } from '../../engine/search.ts';
import { BaseCommand } from '../base-command.ts';
import { lockChoices } from '../lock-choices.ts';
import { openEvaluatingEngine, sourceChoice } from '../open-engine.ts';
import { installableOptions, jsonOptions } from '../options.ts';
import { GREEN, NORMAL } from '../terminal.ts';

const STYLE = { match: GREEN, title: '\x1b[0;1m', normal: NORMAL };

export class SearchCommand extends BaseCommand {
  static override paths = [['search']];
  static override usage = Command.Usage({
    description: 'search for packages',
    examples: [
      ['Packages that have to do with JSON, in the package set', 'floe search debpkgs json'],
      ['Those that have to do with git and with one of two other words', "floe search debpkgs git 'frontend|gui'"],
      ['All packages of the flake in this folder, as JSON', 'floe search . ^ --json'],
    ],
    details: `Expressions are POSIX extended regular expressions, letters in either case. A package is found where each of them matches its attribute path, its name or its description. '^' matches everything.`,
  });

  static override readonly keepsOutput = true;

  readonly options = installableOptions();
  readonly json = jsonOptions();
  readonly exclude = Option.Array('--exclude,-e', [], {
    description: 'Hide packages whose attribute path, name or description match this. {regex}',
  });
  readonly installable = Option.String({ required: false });
  readonly regex = Option.Rest({ name: 'regex' });

  async execute(): Promise<void> {
    const { settings } = this.session;
    if (!settings.isOverridden('allow-import-from-derivation')) settings.set('allow-import-from-derivation', false);
    const source = sourceChoice(this, this.options);
    this.choices = { ...this.choices, readOnly: true };
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const targets = await engine.targets([this.installable ?? '.'], 'search', source, locking);
      const found = await searchTargets(engine, targets, {
        expressions: this.regex,
        excluded: this.exclude,
        json: this.json.json,
        style: STYLE,
        line: (text) => this.write(bytesOf(`${text}\n`)),
      });
      if (this.json.json) this.printJson(found, this.json);
    } finally {
      await engine.close();
    }
  }
}
