import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { askWarm, serveWarm } from './warm-socket.ts';

const root = fs.mkdtempSync(join(tmpdir(), 'floe-ws-'));
after(() => fs.rmSync(root, { recursive: true, force: true }));

let count = 0;
/** A place for a socket in a folder of its own. */
function place(mode = 0o700): string {
  const folder = join(root, String(count++));
  fs.mkdirSync(folder, { mode });
  return join(folder, 's');
}

/** Somebody who says something to whoever comes. */
async function stranger(path: string, talk: (socket: net.Socket) => void): Promise<net.Server> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    talk(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  fs.chmodSync(path, 0o600);
  return server;
}

test('a question is answered; one that is not, and one that is answered with an error, is known as such', async () => {
  const path = place();
  const server = await serveWarm(path, 'floe', (question) =>
    question === 'hard' ? Promise.resolve(undefined) : Promise.resolve({ told: question }),
  );
  assert.ok(server !== undefined);
  assert.equal(fs.statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(await askWarm(path, 'floe', { a: 'ä\n'.repeat(100_000) }), {
    kind: 'answer',
    answer: { told: { a: 'ä\n'.repeat(100_000) } },
  });
  assert.deepEqual(await askWarm(path, 'floe', 'hard'), { kind: 'unknown' });
  assert.deepEqual(await askWarm(path, 'another floe', 'x'), { kind: 'unknown' });
  assert.ok(server.isFound());
  server.close();
  assert.deepEqual(await askWarm(path, 'floe', 'x'), { kind: 'none' });
});

test('who listens later takes the place, also of one that died', async () => {
  const path = place();
  const first = await serveWarm(path, 'floe', () => Promise.resolve('first'));
  const second = await serveWarm(path, 'floe', () => Promise.resolve('second'));
  assert.deepEqual([first!.isFound(), second!.isFound()], [false, true]);
  assert.deepEqual(await askWarm(path, 'floe', 'x'), { kind: 'answer', answer: 'second' });
  first!.close();
  assert.deepEqual(await askWarm(path, 'floe', 'x'), { kind: 'answer', answer: 'second' });
  second!.close();
  // As a killed process leaves it.
  const dead = place();
  const server = await stranger(`${dead}.x`, () => undefined);
  fs.renameSync(`${dead}.x`, dead);
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual(await askWarm(dead, 'floe', 'x'), { kind: 'none' });
  const third = await serveWarm(dead, 'floe', () => Promise.resolve('third'));
  assert.deepEqual(await askWarm(dead, 'floe', 'x'), { kind: 'answer', answer: 'third' });
  third!.close();
});

test('one at a time is answered, and nobody waits', async () => {
  const path = place();
  let go: (() => void) | undefined;
  const server = await serveWarm(path, 'floe', (question) => new Promise((resolve) => (go = () => resolve(question))));
  const first = askWarm(path, 'floe', 'first');
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(await askWarm(path, 'floe', 'second'), { kind: 'busy' });
  go!();
  assert.deepEqual(await first, { kind: 'answer', answer: 'first' });
  server!.close();
});

test('strangers are told nothing', async () => {
  const hello = (facts: object) => `${JSON.stringify({ protocol: 1, installation: 'floe', pid: 2 ** 22 + 1, started: '1', ...facts })}\n`;
  const talks: Readonly<Record<string, readonly [string, (socket: net.Socket) => void]>> = {
    silence: ['busy', () => undefined],
    'the end': ['busy', (socket) => socket.end()],
    garbage: ['unknown', (socket) => socket.write('\u0000garbage\n')],
    'garbage without end': ['unknown', (socket) => socket.write('x'.repeat(100_000))],
    'another protocol': ['unknown', (socket) => socket.write(hello({ protocol: 99 }))],
    'another floe': ['unknown', (socket) => socket.write(hello({ installation: 'x' }))],
    'no process': ['unknown', (socket) => socket.write(hello({ pid: -1 }))],
    'an answer that is none': ['unknown', (socket) => socket.write(`${hello({})}nonsense\n`)],
    'an end in the middle of an answer': ['unknown', (socket) => socket.end(`${hello({})}{"answer":{"std`)],
    'death after the question': ['unknown', (socket) => socket.write(hello({}), () => socket.once('data', () => socket.destroy()))],
  };
  for (const [name, [kind, talk]] of Object.entries(talks)) {
    const path = place();
    const server = await stranger(path, talk);
    assert.deepEqual(await askWarm(path, 'floe', 'x'), { kind }, name);
    server.close();
  }
});

test('a socket that others could have made or may open is not there', async () => {
  const open = place(0o755);
  const server = await stranger(open, (socket) => socket.end());
  assert.deepEqual(await askWarm(open, 'floe', 'x'), { kind: 'none' });
  assert.equal(await serveWarm(open, 'floe', () => Promise.resolve('x')), undefined);
  server.close();
  const wide = place();
  const other = await stranger(wide, (socket) => socket.end());
  fs.chmodSync(wide, 0o666);
  assert.deepEqual(await askWarm(wide, 'floe', 'x'), { kind: 'none' });
  other.close();
  const file = place();
  fs.writeFileSync(file, '', { mode: 0o600 });
  assert.deepEqual(await askWarm(file, 'floe', 'x'), { kind: 'none' });
  assert.deepEqual(await askWarm(`${place()}${'x'.repeat(200)}`, 'floe', 'x'), { kind: 'none' });
});
