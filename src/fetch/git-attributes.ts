// Which files of a git tree `.gitattributes` marks `export-ignore`: `builtins.fetchGit` leaves them out. Only that attribute is read,
// from the files of the tree itself. Patterns are those of gitignore without negation. Documentation: gitattributes(5).

import type { SourceTree } from './source-tree.ts';

interface Rule {
  readonly folder: string;
  readonly pattern: RegExp;
  readonly ignored: boolean;
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

function parseRules(text: string, folder: string): Rule[] {
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
    const setting = rest.split(/\s+/).findLast((word) => /^[-!]?export-ignore(?:=|$)/.test(word));
    if (setting !== undefined) rules.push({ folder, pattern: compileGitPattern(pattern), ignored: setting === 'export-ignore' });
  }
  return rules;
}

/** A test for paths ("/a/b"); undefined where no file of the tree marks anything. */
export function exportIgnored(tree: SourceTree): ((path: string) => boolean) | undefined {
  const rules: Rule[] = [];
  const visit = (folder: string): void => {
    const entries = tree.readDir(folder);
    if (entries.some(({ name, kind }) => name === '.gitattributes' && kind === 'regular')) {
      rules.push(...parseRules(tree.readFile(`${folder}/.gitattributes`), folder));
    }
    for (const { name, kind } of entries) if (kind === 'directory') visit(`${folder}/${name}`);
  };
  visit('');
  if (!rules.some(({ ignored }) => ignored)) return undefined;
  return (path) => {
    // The last rule that matches counts; files nearer to the path come later.
    const rule = rules.findLast(({ folder, pattern }) => path.startsWith(`${folder}/`) && pattern.test(path.slice(folder.length + 1)));
    return rule?.ignored ?? false;
  };
}
