import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from '../base/canonical-json.ts';
import type { JsonObject } from '../model/json-fields.ts';
import { printShellAttrs } from './structured-attrs.ts';

const shell = (json: string) => printShellAttrs(parseJson(json, 'test') as JsonObject);

test('shell variables of structured attributes', () => {
  assert.equal(
    shell(`{"s":"it's","i":42,"n":null,"t":true,"f":false}`),
    "declare f=\ndeclare i=42\ndeclare n=''\ndeclare s='it'\\''s'\ndeclare t=1\n",
  );
  assert.equal(shell('{"l":["a",1,true,null,2.0],"e":[]}'), "declare -a e=()\ndeclare -a l=('a' 1 1 '' 2 )\n");
  assert.equal(shell('{"m":{"b":2,"a x":"y"},"e":{}}'), "declare -A e=()\ndeclare -A m=(['a x']='y' ['b']=2 )\n");
});

test('what no shell variable can hold is left out', () => {
  assert.equal(shell('{"not-a-name":1,"1x":1,"half":1.5,"nested":[[1]],"deep":{"a":{}}}'), '');
});

test('large numbers wrap as in C++ Nix', () => {
  assert.equal(
    shell('{"a":9223372036854775807,"b":4294967297,"c":1e30,"d":-7}'),
    'declare a=-1\ndeclare b=1\ndeclare c=-2147483648\ndeclare d=-7\n',
  );
});
