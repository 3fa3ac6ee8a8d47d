// `floe config check`: looks at the machine for what commonly goes wrong.

import { Command } from 'clipanion';
import { checkInstallation } from '../../../engine/installation-check.ts';
import { BaseCommand } from '../../base-command.ts';
import { openEngine } from '../../open-engine.ts';
import { BLUE, GREEN, NORMAL, RED } from '../../terminal.ts';

const MARKS = { pass: `${GREEN}[PASS] ${NORMAL}`, fail: `${RED}[FAIL] ${NORMAL}`, info: `${BLUE}[INFO] ${NORMAL}` };
const SOMETHING_FAILED = 2;

export class ConfigCheckCommand extends BaseCommand {
  static override paths = [['config', 'check']];
  static override usage = Command.Usage({
    description: 'check your system for potential problems and print a PASS or FAIL for each check',
    examples: [
      ['Check this machine', 'floe config check'],
      ['Check a store elsewhere', 'floe config check --store /srv/other-root'],
    ],
  });

  async execute(): Promise<number> {
    const { report } = this.session;
    const engine = openEngine(this);
    try {
      const { storeUri, findings } = await checkInstallation(engine);
      report.log('notice', `Running checks against store uri: ${storeUri}`);
      for (const { kind, text } of findings) report.log('notice', MARKS[kind] + text);
      return findings.some(({ kind }) => kind === 'fail') ? SOMETHING_FAILED : 0;
    } finally {
      await engine.close();
    }
  }
}
