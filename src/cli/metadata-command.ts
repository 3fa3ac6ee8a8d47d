// What `floe flake metadata` and `floe flake info` share: everything but their words.

import { Option } from 'clipanion';
import { bytesOf } from '../base/bytes.ts';
import { BaseCommand } from './base-command.ts';
import { lockNamedFlake } from './lock-choices.ts';
import { openEvaluatingEngine } from './open-engine.ts';
import { evalOptions, flakeOptions, jsonOptions } from './options.ts';
import { BOLD, NORMAL } from './terminal.ts';

/** Prints where a flake is, what it is locked to, and its inputs. */
export abstract class MetadataCommand extends BaseCommand {
  static override readonly keepsOutput = true;

  readonly options = { ...evalOptions(), ...flakeOptions() };
  readonly json = jsonOptions();
  readonly flakeUrl = Option.String({ required: false });

  async execute(): Promise<void> {
    const engine = openEvaluatingEngine(this, this.options);
    try {
      const locked = await lockNamedFlake(this, engine, this.options, this.flakeUrl);
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
