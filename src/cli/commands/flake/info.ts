// `floe flake info`: the older name of `flake metadata`.

import { Command, Option } from 'clipanion';
import { bytesOf } from '../../../base/bytes.ts';
import { BaseCommand } from '../../base-command.ts';
import { lockChoices } from '../../lock-choices.ts';
import { openEvaluatingEngine } from '../../open-engine.ts';
import { evalOptions, flakeOptions, jsonOptions } from '../../options.ts';
import { BOLD, NORMAL } from '../../terminal.ts';

export class FlakeInfoCommand extends BaseCommand {
  static override paths = [['flake', 'info']];
  static override usage = Command.Usage({
    description: "show flake metadata (deprecated: use 'flake metadata')",
    examples: [
      ['Show what the flake in this folder is locked to', 'floe flake info'],
      ['The same with its newer name', 'floe flake metadata'],
    ],
  });

  readonly options = { ...evalOptions(), ...flakeOptions() };
  readonly json = jsonOptions();
  readonly flakeUrl = Option.String({ required: false });

  async execute(): Promise<void> {
    this.warn("'nix flake info' is a deprecated alias for 'nix flake metadata'");
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locked = await engine.flakes.lock(engine.flakes.parse(this.flakeUrl ?? '.'), {
        ...lockChoices(this, engine, this.options),
        ignoreConfig: true,
      });
      if (this.json.json) return this.printJson(engine.flakes.metadataJson(locked), this.json);
      const [bold, normal] = this.session.stdout.isTerminal ? [BOLD, NORMAL] : ['', ''];
      for (const { prefix, bold: head, rest } of engine.flakes.metadataLines(locked)) {
        this.write(bytesOf(`${prefix}${bold}${head}${normal}${rest}\n`));
      }
    } finally {
      await engine.close();
    }
  }
}
