// `floe repl`: an interactive environment for evaluating expressions.

import { Command, Option } from 'clipanion';
import { utf8ToByteString } from '../../base/bytes.ts';
import { Repl } from '../../engine/repl.ts';
import { autoCalledTargets } from '../../engine/repl-values.ts';
import { BaseCommand } from '../base-command.ts';
import { lockChoices } from '../lock-choices.ts';
import { openEvaluatingEngine, sourceChoice } from '../open-engine.ts';
import { installableOptions } from '../options.ts';
import { replFace, runSession } from '../repl-session.ts';

export class ReplCommand extends BaseCommand {
  static override paths = [['repl']];
  static override forcesImpure = true;
  static override usage = Command.Usage({
    description: 'start an interactive environment for evaluating Nix expressions',
    examples: [
      ['Evaluate expressions; :? lists the commands', 'floe repl'],
      ['With the outputs of the flake in this folder as names', 'floe repl .'],
      ['With the attributes of a file as names', 'floe repl --file ./default.nix'],
    ],
    details:
      'A line is an expression, bindings (x = 1), or a command that begins with a colon. Input that is not complete goes on in the next line. On a terminal, Tab completes names, attributes and files, and lines are kept for the next session.',
  });

  readonly options = installableOptions();
  readonly stdin = Option.Boolean('--stdin', false, { description: 'Read installables from standard input, one a line.' });
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    const source = sourceChoice(this, this.options);
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locking = lockChoices(this, engine, this.options);
      const words = this.installables.length === 0 && source !== undefined ? ['.'] : this.installables;
      const load = async () =>
        autoCalledTargets(engine, await engine.targets(words, 'repl', source, locking), this.options.file !== undefined);
      const repl = new Repl(engine, replFace(this.session), 'alone', load);
      await runSession(this.session, engine, {
        greeting: 'Nix 2.34.8\nType :? for help.',
        start: () => repl.start(),
        processLine: async (line) => repl.processLine(utf8ToByteString(line)),
        complete: (line) => repl.complete(utf8ToByteString(line)),
      });
    } finally {
      await engine.close();
    }
  }
}
