// `nix-instantiate`: store derivations out of Nix expressions; with `--parse` and `--eval` only their trees and values.

import { Command, Option } from 'clipanion';
import { bytesOf } from '../../../base/bytes.ts';
import type { SourceChoice } from '../../../engine/engine.ts';
import { Instantiation, type Value } from '../../../engine/instantiate.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions } from '../../options.ts';
import { programSources } from '../../program-sources.ts';
import { RootLinks } from '../../root-links.ts';

export class NixInstantiateCommand extends BaseCommand {
  static override paths = [['nix-instantiate']];
  static override usage = Command.Usage({
    description: 'instantiate store derivations from Nix expressions',
    examples: [
      ['Instantiate one attribute of ./default.nix', '$0 -A hello'],
      ['Evaluate an expression and print its value', "$0 --eval --strict -E '{ a = 1 + 1; }'"],
    ],
  });

  readonly options = evalOptions();
  readonly fromStdin = Option.Boolean('-', false, { description: 'Read an expression from standard input.' });
  readonly fromArguments = Option.Boolean('--expr,-E', false, { description: 'The arguments are expressions, not files.' });
  readonly evalOnly = Option.Boolean('--eval,--eval-only', false, { description: 'Print the values; write nothing.' });
  readonly readWrite = Option.Boolean('--read-write-mode', false, { description: 'With --eval: write what evaluation adds to the store.' });
  readonly parseOnly = Option.Boolean('--parse,--parse-only', false, { description: 'Print the syntax trees; evaluate nothing.' });
  readonly findFile = Option.Boolean('--find-file', false, { description: 'Look the arguments up in the search path.' });
  static override readonly keepsOutput = true;

  readonly attrs = Option.Array('--attr,-A', [], { description: 'Take an attribute of each expression. {attr-path}' });
  readonly addRoot = Option.String('--add-root', { description: 'Make a garbage collector root. {path}' });
  readonly indirect = Option.Boolean('--indirect', false, { description: 'Has no effect: roots are indirect.' });
  readonly raw = Option.Boolean('--raw', false, { description: 'With --eval: print a string without quotes or escapes.' });
  readonly xml = Option.Boolean('--xml', false, { description: 'With --eval: print XML.' });
  readonly json = Option.Boolean('--json', false, { description: 'With --eval: print JSON.' });
  readonly noLocation = Option.Boolean('--no-location', false, { description: 'With --xml: leave out where things were defined.' });
  readonly strict = Option.Boolean('--strict', false, { description: 'With --eval: evaluate what is inside lists and sets too.' });
  readonly dryRun = Option.Boolean('--dry-run', false, { description: 'Write nothing.' });
  readonly files = Option.Rest({ name: 'files' });

  async execute(): Promise<void> {
    const isEval = this.evalOnly || this.parseOnly;
    if (this.dryRun || (isEval && !this.readWrite)) this.choices = { ...this.choices, readOnly: true };
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const work = new Instantiation(engine);
      if (this.addRoot !== undefined) this.session.reads?.refuse('roots were made');
      const roots = new RootLinks(this, engine, this.addRoot);
      if (this.findFile) return this.files.forEach((name) => this.write(bytesOf(`${work.findFile(name)}\n`)));
      for (const source of programSources(this, this.files, this)) {
        if (this.parseOnly) this.write(bytesOf(`${work.parsed(source)}\n`));
        else await this.instantiate(work, roots, source);
      }
    } finally {
      await engine.close();
    }
  }

  private async instantiate(work: Instantiation, roots: RootLinks, source: SourceChoice): Promise<void> {
    const root = work.engine.perEvaluation(() => work.value(source));
    root();
    for (const attrPath of this.attrs.length === 0 ? [''] : this.attrs) {
      if (this.evalOnly) {
        this.show(work, work.evaluated(root(), attrPath));
        if (this.readWrite) work.engine.builds.flushAll();
        continue;
      }
      await work.derivations(root, attrPath, async ({ path, output }) => {
        roots.next();
        this.print(`${await roots.place(path)}${output === 'out' ? '' : `!${output}`}`);
      });
    }
  }

  private show({ engine: { printing } }: Instantiation, value: Value): void {
    const write = (text: string): void => this.write(bytesOf(text));
    if (this.raw) return write(printing.raw(value, 'while generating the nix-instantiate output'));
    if (this.xml) return printing.writeXml(value, { strict: this.strict, locations: !this.noLocation }, write);
    if (this.json) return write(`${printing.json(value, true, this.strict)}\n`);
    printing.writeAmbiguous(value, this.strict, write);
    return write('\n');
  }
}
