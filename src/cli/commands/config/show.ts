// `config show`: settings and their values, as nix.conf takes them or as JSON.

import { Option } from 'clipanion';
import type { Json } from '../../../base/canonical-json.ts';
import { utf8ToByteString } from '../../../base/bytes.ts';
import { UsageError } from '../../../base/errors.ts';
import { findSetting, OWN_SETTINGS, printSetting, SETTINGS, type SettingName } from '../../../model/settings.ts';
import { BaseCommand } from '../../base-command.ts';
import { jsonOptions } from '../../options.ts';

/** Prints all settings, or the value of one. */
export class ConfigShowCommand extends BaseCommand {
  static override paths = [['config', 'show']];
  static override usage = BaseCommand.Usage({
    description: 'show the settings that are in effect, or the value of one',
    examples: [
      ['Show all settings, as nix.conf takes them:', '$0 config show'],
      ['Show how many builds run at once:', '$0 config show max-jobs'],
    ],
  });

  output = jsonOptions();
  name = Option.String({ required: false });

  override async execute(): Promise<void> {
    const { settings } = this.session;
    if (this.name !== undefined) {
      const name = findSetting(this.name);
      if (this.output.json) throw new UsageError("'--json' is not supported when specifying a setting name");
      if (name === undefined) throw new UsageError(`could not find setting '${this.name}'`);
      return this.print(printSetting(name, settings.get(name)));
    }
    const names = (Object.keys(SETTINGS) as SettingName[]).filter((name) => !OWN_SETTINGS.has(name) || settings.isOverridden(name)).sort();
    if (!this.output.json) {
      // Settings behind an experimental feature that is off do not count.
      const visible = names.filter((name) => SETTINGS[name].feature === undefined || settings.hasFeature(SETTINGS[name].feature!));
      // NIX: an empty line ends the list.
      return this.print(visible.map((name) => `${name} = ${printSetting(name, settings.get(name))}\n`).join(''));
    }
    this.printJson(Object.fromEntries(names.map((name) => [name, this.#describe(name)])), this.output);
  }

  #describe(name: SettingName): Json {
    const { settings } = this.session;
    const { text, aliases, feature, fromMachine } = SETTINGS[name];
    return {
      aliases,
      defaultValue: toJson(settings.defaultOf(name)),
      description: utf8ToByteString(text),
      documentDefault: !fromMachine,
      experimentalFeature: feature ?? null,
      value: toJson(settings.get(name)),
    };
  }
}

/** A setting's value as JSON; text becomes byte strings, integers stay integers. */
function toJson(value: unknown): Json {
  if (value === undefined) return null;
  if (typeof value === 'string') return utf8ToByteString(value);
  if (typeof value === 'number' && value >= 2 ** 63) return 9223372036854775807n;
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toJson(inner)]));
  return value as Json;
}
