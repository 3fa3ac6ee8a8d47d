// Reaching sockets whose paths are longer than a socket's address.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connectBlocking, connectToDaemon, shortSocketName } from './daemon-socket.ts';

const base = mkdtempSync(join(tmpdir(), 'floe-socket-'));
after(() => rmSync(base, { recursive: true, force: true }));

test('a socket deep down is bound and reached', async () => {
  const folder = join(base, 'a'.repeat(100));
  mkdirSync(folder);
  const path = join(folder, 'socket');
  const server = createServer((connection) => connection.end('hello'));
  const { name, release } = shortSocketName(path);
  server.listen(name);
  await once(server, 'listening');
  release();
  const connection = await connectToDaemon(path);
  let text = '';
  for await (const chunk of connection.output) text += String(chunk);
  assert.equal(text, 'hello');
  await connection.close();
  connectBlocking(path).close();
  server.close();
});

test('nobody there, deep down too', async () => {
  for (const path of [join(base, 'none/socket'), join(base, 'b'.repeat(120), 'socket')]) {
    const wanted = { message: `cannot connect to socket at '${path}': No such file or directory` };
    assert.throws(() => connectBlocking(path), wanted);
    await assert.rejects(connectToDaemon(path), wanted);
  }
});
