// What the `.gitattributes` files of a git tree say of its files: `export-ignore`, which `builtins.fetchGit` leaves out, and `filter=lfs`,
// which stands for content elsewhere. Patterns are those of gitignore without negation. Documentation: gitattributes(5).

import type { SourceTree } from './source-tree.ts';

/** What a line says of an attribute: set, unset (`-name`), nothing any more (`!name`), or a text. */
type AttributeValue = true | false | undefined | string;

interface Rule {
  readonly folder: string;
  readonly pattern: RegExp;
  readonly value: AttributeValue;
}

/** A gitignore pattern as a regular expression over a path below the folder of its file. */
export function compileGitPattern(pattern: string): RegExp {
  // A slash anywhere but at the end ties the pattern to the folder of its file.
  const anchored = pattern.slice(0, -1).includes('/');
  const body = pattern.replace(/^\//, '').replace(/\/$/, '');
  let source = '';
  for (let i = 0; i < body.length; i++) {
    const character = body[i]!;
    if (character === '*' && body[i + 1] === '*') {
      const atStart = i === 0 || body[i - 1] === '/';
      if (atStart && body[i + 2] === '/') {
        source += '(?:[^]*/)?';
        i += 2;
      } else if (atStart && i + 2 === body.length) {
        source += '[^]*';
        i += 1;
      } else {
        source += '[^/]*';
        i += 1;
      }
    } else if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const close = body.indexOf(']', i + 2);
      if (close < 0) source += '\\[';
      else {
        source += `[${body
          .slice(i + 1, close)
          .replace(/^!/, '^')
          .replace(/\\/g, '\\\\')}]`;
        i = close;
      }
    } else {
      const literal = character === '\\' && i + 1 < body.length ? body[++i]! : character;
      source += literal.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
    }
  }
  return new RegExp(`${anchored ? '^' : '^(?:[^]*/)?'}${source}$`);
}

function parseRules(text: string, folder: string, attribute: string): Rule[] {
  const rules: Rule[] = [];
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith('[attr]')) continue;
    const quoted = /^"((?:[^"\\]|\\.)*)"\s*(.*)$/.exec(trimmed);
    const [pattern, rest] = quoted
      ? [quoted[1]!.replace(/\\(.)/g, '$1'), quoted[2]!]
      : [trimmed.split(/\s/, 1)[0]!, trimmed.replace(/^\S+\s*/, '')];
    // Patterns of attributes know no negation and match no folder as such.
    if (pattern.startsWith('!') || pattern.endsWith('/')) continue;
    const setting = rest.split(/\s+/).findLast((word) => word.replace(/^[-!]/, '').split('=', 1)[0] === attribute);
    if (setting !== undefined) rules.push({ folder, pattern: compileGitPattern(pattern), value: valueOf(setting) });
  }
  return rules;
}

function valueOf(setting: string): AttributeValue {
  if (setting.startsWith('-')) return false;
  if (setting.startsWith('!')) return undefined;
  const equals = setting.indexOf('=');
  return equals < 0 ? true : setting.slice(equals + 1);
}

/** A test for paths ("/a/b") whether an attribute has that value; undefined where no file of the tree gives it to anything. */
export function hasGitAttribute(tree: SourceTree, attribute: string, value: string | true): ((path: string) => boolean) | undefined {
  const rules: Rule[] = [];
  const visit = (folder: string): void => {
    const entries = tree.readDir(folder);
    if (entries.some(({ name, kind }) => name === '.gitattributes' && kind === 'regular')) {
      rules.push(...parseRules(tree.readFile(`${folder}/.gitattributes`), folder, attribute));
    }
    for (const { name, kind } of entries) if (kind === 'directory') visit(`${folder}/${name}`);
  };
  visit('');
  if (!rules.some((rule) => rule.value === value)) return undefined;
  return (path) => {
    // The last rule that matches counts; files nearer to the path come later.
    const rule = rules.findLast(({ folder, pattern }) => path.startsWith(`${folder}/`) && pattern.test(path.slice(folder.length + 1)));
    return rule?.value === value;
  };
}
