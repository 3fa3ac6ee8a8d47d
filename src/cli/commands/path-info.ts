// `floe path-info`: what the store knows of paths.

import { Command, Option } from 'clipanion';
import { printAlignedSize } from '../../base/byte-size.ts';
import { FormatError } from '../../base/errors.ts';
import { describePath, pathInfosJson } from '../../engine/path-infos.ts';
import { BaseCommand } from '../base-command.ts';
import { jsonOptions } from '../options.ts';
import { readInteger } from '../read-integer.ts';
import { storePathOptions, withStorePaths } from '../store-paths.ts';

export class PathInfoCommand extends BaseCommand {
  static override paths = [['path-info']];
  static override usage = Command.Usage({
    description: 'query information about store paths',
    examples: [
      ['The size of a package with all it needs', 'floe path-info --closure-size --human-readable debpkgs#jq'],
      ['Everything known of a path, as JSON', 'floe path-info --json --json-format 2 ./result'],
    ],
  });

  static override readonly keepsOutput = true;

  readonly options = storePathOptions();
  readonly json = jsonOptions();
  readonly size = Option.Boolean('--size,-s', false, { description: "Print the size of each path's NAR." });
  readonly closureSize = Option.Boolean('--closure-size,-S', false, { description: "Print the size of the NARs of each path's closure." });
  readonly humanReadable = Option.Boolean('--human-readable,-h', false, { description: 'Print sizes with a unit.' });
  readonly sigs = Option.Boolean('--sigs', false, { description: 'Print signatures.' });
  readonly jsonFormat = Option.String('--json-format', { description: 'Form of the JSON: 1 or 2. {version}' });
  readonly installables = Option.Rest({ name: 'installables' });

  async execute(): Promise<void> {
    const format = this.readFormat();
    await withStorePaths(this, this.options, this.installables, async (engine, paths) => {
      if (this.json.json) {
        if (format === undefined) {
          this.warn(
            "'--json' without '--json-format' is deprecated; please specify '--json-format 1' or '--json-format 2'. This will become an error in a future release.",
          );
        }
        return this.printJson(await pathInfosJson(engine, paths, format ?? 1, this.closureSize), this.json);
      }
      if (this.sigs) this.session.reads?.refuse('it was asked who signed');
      const width = Math.max(...paths.map((path) => path.length), 0);
      for (const path of paths) {
        const { narSize, closureSize, signatures } = await describePath(engine, path, this.closureSize);
        const columns = [
          ...(this.size ? [this.printed(narSize)] : []),
          ...(closureSize === undefined ? [] : [this.printed(closureSize)]),
          ...(this.sigs ? [signatures.join(' ')] : []),
        ];
        this.print([`${engine.storeDir}/${columns.length > 0 ? path.padEnd(width) : path}`, ...columns].join('\t'));
      }
    });
  }

  private printed(size: number): string {
    return this.humanReadable ? printAlignedSize(size) : String(size).padStart(11);
  }

  private readFormat(): 1 | 2 | undefined {
    if (this.jsonFormat === undefined) return undefined;
    const version = readInteger(this.jsonFormat);
    if (version === 1 || version === 2) return version;
    throw new FormatError(`unsupported path info JSON format version ${version}; supported versions are 1 and 2`);
  }
}
