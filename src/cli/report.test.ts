// What a user sees of work under way, in each form of the log.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FloeError } from '../base/errors.ts';
import type { LogFormat } from './globals.ts';
import { makeReport, type Report } from './report.ts';

function open(format: LogFormat, isTerminal = false, more: { printBuildLogs?: boolean } = {}): { report: Report; text: () => string } {
  let text = '';
  const output = { write: (chunk: string | Uint8Array) => void (text += String(chunk)), isTerminal, columns: 60 };
  const report = makeReport(output, {
    format,
    level: 'info',
    printBuildLogs: false,
    showTrace: false,
    hints: true,
    env: { TERM: 'xterm' },
    processId: 1,
    ...more,
  });
  return { report, text: () => text };
}

test('lines: loud ones only, warnings with their word, no colours in files', () => {
  const { report, text } = open('bar');
  report.log('info', 'told');
  report.log('debug', 'untold');
  report.warn('careful');
  report.log('warn', 'warning: twice');
  report.evaluation('trace', '1');
  report.evaluation('evaluation warning', 'hm');
  assert.equal(text(), 'told\nwarning: careful\nwarning: twice\ntrace: 1\nevaluation warning: hm\n');
});

test('build logs: with -L behind the name of the build, raw ones as they are', () => {
  const bar = open('bar-with-logs');
  bar.report
    .start('build', '', { fields: ['/nix/store/00000000000000000000000000000000-hello-2.1.drv', '', 1, 1] })
    .result('build-log-line', ['hi']);
  assert.equal(bar.text(), 'hello> hi\n');
  const raw = open('raw-with-logs');
  raw.report.start('build', 'building x', { level: 'info' }).result('build-log-line', ['hi']);
  assert.equal(raw.text(), 'building x...\nhi\n');
});

test('the bar counts, and goes', () => {
  const { report, text } = open('bar', true);
  const builds = report.start('builds', '');
  builds.result('progress', [1, 3, 1, 0]);
  report.log('info', 'line');
  report.close();
  assert.ok(text().includes('[\x1b[34;1m1\x1b[0m/\x1b[32;1m1\x1b[0m/3 built]'), JSON.stringify(text()));
  assert.ok(text().endsWith('\r\x1b[K'));
});

test('JSON as other programs read it', () => {
  const { report, text } = open('internal-json');
  const parent = report.start('builds', '');
  const activity = report.start('build', 'building', { fields: ['/x'], parent, level: 'info' });
  activity.result('progress', [1, 2, 0, 0]);
  activity.stop();
  report.log('info', 'hi');
  report.error(new FloeError('X', 'bad'));
  const messages = text()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line.replace(/^@nix /, '')) as Record<string, unknown>);
  assert.deepEqual(
    messages.map(({ action }) => action),
    ['start', 'start', 'result', 'stop', 'msg', 'msg'],
  );
  assert.deepEqual(messages[1], {
    action: 'start',
    fields: ['/x'],
    id: messages[1]!['id'],
    level: 3,
    parent: messages[0]!['id'],
    text: 'building',
    type: 105,
  });
  assert.equal(messages[5]!['raw_msg'], 'bad');
  assert.equal(messages[5]!['level'], 0);
});
