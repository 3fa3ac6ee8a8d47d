// Words of scripts' `nix-shell` and `nix` lines.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitShebangWords, splitShellWords } from './shebang.ts';

test("words of `nix-shell` lines are those of Perl's shellwords", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['-p foo bar', ['-p', 'foo', 'bar']],
    [`--argstr s1 'foo "bar" \\baz'"'"'qux'`, ['--argstr', 's1', `foo "bar" \\baz'qux`]],
    [`"foo 'bar' \\"\\baz"`, [`foo 'bar' "baz`]],
    [`\\foo\\ bar\\'baz --argstr s4 ''  `, [`foo bar'baz`, '--argstr', 's4', '']],
    ['', ['']],
  ];
  for (const [text, words] of cases) assert.deepEqual(splitShellWords(text), words, text);
  assert.throws(() => splitShellWords("a 'b"), /unterminated quote in shebang line/);
});

test('words of `nix` lines: two backticks quote', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['--offline shell\nflake1#fooScript\n--command bash\n', ['--offline', 'shell', 'flake1#fooScript', '--command', 'bash']],
    ['``a b``  c', ['a b', 'c']],
    ['`` a b ``', [' a b']],
    ['`` a b  `` x', [' a b ', 'x']],
    ['````', ['']],
    ['``x ``` y``', ['x `` y']],
    ['``a`b``', ['a`b']],
    ['``${x} (y) #``', ['${x} (y) #']],
    ['a#b', ['a#b']],
  ];
  for (const [text, words] of cases) assert.deepEqual(splitShebangWords(text), words, text);
  assert.throws(() => splitShebangWords('`a`'), /single backtick/);
  assert.throws(() => splitShebangWords('shell *'), /unsupported unquoted character in nix shebang: \*\. Use double backticks to escape\?/);
  assert.throws(() => splitShebangWords('#a'), /cannot start with #/);
  assert.throws(() => splitShebangWords('``a'), /unterminated quoted string in nix shebang/);
});
