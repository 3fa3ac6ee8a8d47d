// What a pipe gets of Markdown, against what C++ Nix 2.34.8 prints of it (`flake init` of templates with these words of welcome).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteStringToUtf8, utf8ToByteString } from '../base/bytes.ts';
import { renderMarkdown } from './markdown.ts';

const CASES: readonly (readonly [markdown: string, shown: string])[] = [
  ['', '\n'],
  ['Two\nlines.\n\n\nAnother paragraph', 'Two lines.\n\nAnother paragraph\n'],
  ['abcd '.repeat(13), `${'abcd '.repeat(11)}abcd\nabcd \n`],
  ['# Head\nof\n## Sub `code`\nSetext\n===', 'Head\n\nof\n\n## Sub code\n\nSetext\n'],
  ['- a\n  - b\n- `c`\n\nafter', '  · a \n      · b \n  · c \n\nafter\n'],
  ['1. Run\n2. Edit:\n\n   ```nix\n   x = 1;\n   ```\n\n3. Done', ' 1. Run \n\n 2. Edit:\n    \n      │ x = 1;\n\n 3. Done\n'],
  ['9. a\n10. b', ' 9. a \n10. b \n'],
  [`- ${'a'.repeat(54)}\n- ${'a'.repeat(55)}`, `  · ${'a'.repeat(54)} \n  · ${'a'.repeat(55)}\n`],
  ['text\n- no list\n\n    code\n\n    more', 'text - no list\n\n  │ code\n  │ \n  │ more\n'],
  ['> a\n> - b\n\n> c', '  │ a - b\n  │ \n  │ c\n'],
  ['x\n***\ny  \nz\\\nend', `x\n\n${'─'.repeat(20)}\n\ny\nz\nend\n`],
  ['**bold** *it* __b__ _i_ a_b_c ``a `b` c`` \\*x\\* &amp; 2 * 3 * 4', 'bold it b i abc a `b` c *x* & 2 * 3 * 4\n'],
  ['[l](https://x.org) [here](./x) <https://y.org> ![i](https://x/y.png)', 'l https://x.org here https://y.org [🖻 i https://x/y.png]\n'],
];

for (const [markdown, shown] of CASES) {
  test(`markdown ${JSON.stringify(markdown.slice(0, 40))}`, () => {
    assert.equal(byteStringToUtf8(renderMarkdown(utf8ToByteString(markdown), false, 0)), shown);
  });
}

test('a terminal gets colours and its width', () => {
  assert.equal(
    renderMarkdown(`**a b** \`c\` ${'d'.repeat(70)}`, true, 100),
    `\x1b[1ma\x1b[0m \x1b[1mb\x1b[0m \x1b[34;1mc\x1b[0m ${'d'.repeat(70)}\n`,
  );
});
