// Roots of the garbage collector as the older commands make them: `--add-root LINK` names the first result's link, the others get
// numbers; without it the user is told once that results may go away.

import type { Engine } from '../engine/engine.ts';
import type { StorePath } from '../model/store-path.ts';
import type { BaseCommand } from './base-command.ts';
import { resolve } from 'node:path';

/** Makes the links of one run. */
export class RootLinks {
  private readonly command: BaseCommand;
  private readonly engine: Engine;
  private readonly link: string | undefined;
  private count = 0;
  private hasWarned = false;

  /** `link` is what `--add-root` says. */
  constructor(command: BaseCommand, engine: Engine, link: string | undefined) {
    this.command = command;
    this.engine = engine;
    this.link = link === undefined ? undefined : resolve(engine.cwd, link);
  }

  /** Counts one more result; the links of all its outputs carry its number. */
  next(): void {
    this.count++;
  }

  /** What is to be printed for a path of the present result: its link, or itself where links were not asked for. */
  async place(path: StorePath, output = 'out'): Promise<string> {
    if (this.link === undefined) {
      if (!this.hasWarned && this.command.choices.gcWarning) {
        this.command.session.report.warn("you did not specify '--add-root'; the result might be removed by the garbage collector");
      }
      this.hasWarned = true;
      return `${this.engine.storeDir}/${path}`;
    }
    const name = `${this.link}${this.count > 1 ? `-${this.count}` : ''}${output === 'out' ? '' : `-${output}`}`;
    return this.engine.store.addRootLink(path, name);
  }
}
