import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLogin } from './netrc.ts';

test('netrc', () => {
  const text =
    '# comment\nmachine a.example login me password "se cr\\"et"\n\nmachine b.example\n\tlogin you\n\taccount x\n\tpassword p#w\ndefault login any password thing\n';
  assert.deepEqual(findLogin(text, 'a.example'), { login: 'me', password: 'se cr"et' });
  assert.deepEqual(findLogin(text, 'b.example'), { login: 'you', password: 'p#w' });
  assert.deepEqual(findLogin(text, 'c.example'), { login: 'any', password: 'thing' });
  assert.equal(findLogin('machine a.example login me password x', 'b.example'), undefined);
  assert.equal(findLogin('', 'b.example'), undefined);
  assert.deepEqual(findLogin('machine a.example password only', 'a.example'), { login: '', password: 'only' });
});
