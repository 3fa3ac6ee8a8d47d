// floe/pure as a program uses it: values of the language as JavaScript's, files in memory, errors.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EvalError, MissingAttributeError, openEvaluator, ParseError, printParsed, ThrownError, WrongTypeError } from '../../src/pure.ts';

describe('openEvaluator', () => {
  test('evaluates expressions and files in memory', () => {
    const nix = openEvaluator({
      files: { '/lib/default.nix': '{ twice = x: x * 2; text = builtins.readFile ./text; }', '/lib/text': 'héllo' },
    });
    assert.equal(nix.evaluate('(import /lib).twice 21').toPlain(), 42);
    assert.equal(nix.evaluateFile('/lib').get('text').toPlain(), 'héllo');
    assert.equal(nix.evaluate('./text', '/lib').print(), '/lib/text');
    assert.deepEqual(nix.evaluate('builtins.readDir /lib').toPlain(), { 'default.nix': 'regular', text: 'regular' });
    nix.addFile('/lib/more/a.nix', '"late"');
    assert.equal(nix.evaluate('import /lib/more/a.nix').toPlain(), 'late');
  });

  test('gives values piece by piece, and evaluates no more than is looked at', () => {
    const value = openEvaluator().evaluate('{ a = [ 1 { b = x: x + "!"; } ]; "é" = null; bad = throw "never"; }');
    assert.equal(value.type, 'set');
    assert.deepEqual(value.names(), ['a', 'bad', 'é']);
    assert.equal(value.has('bad'), true);
    assert.equal(value.get('a').items()[0]!.toPlain(), 1);
    assert.equal(value.select('a.1.b').call('hé').toPlain(), 'hé!');
    assert.equal(value.select('"é"').type, 'null');
    assert.throws(() => value.get('bad').print(), ThrownError);
    assert.throws(
      () => value.get('c'),
      (error) => error instanceof MissingAttributeError && error.suggestions.includes('a'),
    );
    assert.throws(() => value.select('a.7'), /list index '7' is out of range: the list has 2 elements/);
    assert.throws(() => value.items(), WrongTypeError);
  });

  test('makes derivations, whose text can be read', () => {
    const nix = openEvaluator({ files: { '/src/builder.sh': 'echo > $out\n' } });
    const drv = nix.evaluate('derivation { name = "x"; system = "x86_64-linux"; builder = /src/builder.sh; }');
    assert.deepEqual(drv.get('outPath').text(), {
      text: '/nix/store/jjc5dfv5aqybx6frvj6ijc9wp68dzyv1-x',
      context: ['!out!y6ihrqj61nwib7iacvrmp151y8qan0vn-x.drv'],
    });
    assert.deepEqual([...nix.derivations().keys()], ['y6ihrqj61nwib7iacvrmp151y8qan0vn-x.drv']);
  });

  test('sees what it is given and nothing else', () => {
    const said: string[] = [];
    const nix = openEvaluator({
      env: { HOME: '/nowhere' },
      system: 'aarch64-linux',
      searchPath: { lib: '/lib' },
      files: { '/lib/a': '1' },
      log: (level, message) => said.push(`${level}: ${message}`),
    });
    assert.deepEqual(
      nix.evaluate('[ builtins.currentSystem (builtins.getEnv "HOME") (builtins.getEnv "PATH") <lib/a> ]').print(),
      '[ "aarch64-linux" "/nowhere" "" /lib/a ]',
    );
    nix.evaluate('builtins.trace "seen é" 1').print();
    assert.deepEqual(said, ['trace: seen é']);
    assert.throws(() => nix.evaluate('builtins.readFile /etc/passwd').print(), /path '\/etc\/passwd' does not exist/);
    assert.throws(() => nix.evaluate('fetchTarball "https://example.org/x.tar.gz"').print(), /no network and no disk/);
    assert.equal(openEvaluator({ pureEval: true }).evaluate('builtins ? currentTime || builtins ? currentSystem').toPlain(), false);
  });

  test('errors say where', () => {
    assert.throws(
      () => openEvaluator().evaluate('let a = 1; in\n  a + b'),
      (error) => error instanceof ParseError || (error instanceof EvalError && error.position?.line === 2),
    );
  });
});

test('printParsed prints the canonical form', () => {
  assert.equal(printParsed('let x = ./x/../y; in [ x.a or 1 ]', '/src'), '(let x = /src/y; in [ ((x).a or (1)) ])');
});
