import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type JsonFloat, parseJson, printJson, printJsonFloat } from './canonical-json.ts';
import { FormatError } from './errors.ts';

const again = (text: string) => printJson(parseJson(text, 'text'));

test('numbers print as nlohmann does', () => {
  const floats: [number, string][] = [
    [1, '1.0'],
    [0, '0.0'],
    [-0, '-0.0'],
    [0.1, '0.1'],
    [-2.5, '-2.5'],
    [1e-4, '0.0001'],
    [1e-5, '1e-05'],
    [1.25e-7, '1.25e-07'],
    [123456789012345, '123456789012345.0'],
    [1e15, '1e+15'],
    [1e100, '1e+100'],
    [1.5e300, '1.5e+300'],
    [3.141592653589793, '3.141592653589793'],
    [Infinity, 'null'],
    [1e14, '100000000000000.0'],
    [0.00012, '0.00012'],
    // Grisu2 finds one digit more than JavaScript.
    [20266198323267232, '2.0266198323267232e+16'],
  ];
  for (const [value, text] of floats) assert.equal(printJsonFloat(value), text);
  for (const text of ['0', '-7', '9007199254740993', '18446744073709551615', '-9223372036854775808', '1.0', '2.5e+20'])
    assert.equal(again(text), text);
  assert.equal(again('18446744073709551616'), '1.8446744073709552e+19');
  assert.equal(again('1E2'), '100.0');
});

test('keys are sorted as bytes, numbers among them as text', () => {
  assert.equal(again('{"b":1,"10":2,"2":3,"a":{"z":[],"y":{}},"b":4}'), '{"10":2,"2":3,"a":{"y":{},"z":[]},"b":4}');
});

test('strings', () => {
  assert.equal(again('"\\u00e4\\ud83d\\ude00\\/\\b\\u001f\\u007f"'), '"\xc3\xa4\xf0\x9f\x98\x80/\\b\\u001f\x7f"');
  assert.throws(() => printJson('\xff'), FormatError);
});

test('indented', () => {
  assert.equal(
    printJson({ b: [1, []], a: {}, c: { d: null } }, 2),
    '{\n  "a": {},\n  "b": [\n    1,\n    []\n  ],\n  "c": {\n    "d": null\n  }\n}',
  );
});

test('bad text is refused with its line', () => {
  for (const text of ['', '{', '[1,]', '{"a" 1}', '01', '1.', '"\n"', '"\\x"', '"\\ud800"', 'nul', '1 2', '\xff', '['.repeat(2000)]) {
    assert.throws(() => parseJson(text, 'text'), FormatError, text);
  }
  assert.throws(() => parseJson('{\n"a": 1,\n}', "lock file 'x'"), /lock file 'x' is not valid JSON: line 3/);
});

test('property: reading and printing agree with JSON itself', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'grapheme-ascii' }), (text) => {
      assert.deepEqual(JSON.parse(again(text)), JSON.parse(text));
      assert.equal(again(again(text)), again(text));
    }),
  );
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) =>
      assert.equal((parseJson(printJsonFloat(value), 'x') as JsonFloat).value, value),
    ),
  );
});

test('property: random text ends in FormatError or a value', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\u019.eE+-tfn \x00\xff') }), (text) => {
      try {
        parseJson(text, 'x');
      } catch (error) {
        assert.ok(error instanceof FormatError);
      }
    }),
  );
});
