// Markdown on a terminal, as lowdown shows it to C++ Nix: what comments and builtins document (`:doc` of the repl), and what templates have
// to say. Known are headings, paragraphs, lists, quotes, code, rules, and the marks inside a line; tables, HTML and the like stay as they
// are written. Byte strings.

import { utf8ToByteString } from '../base/bytes.ts';
import type { Session } from './session.ts';
import { BLUE, BOLD, NORMAL } from './terminal.ts';

const LEAST_WIDTH = 60;
const BAR = `  ${utf8ToByteString('│')} `;
const BULLET = `  ${utf8ToByteString('·')} `;
const RULE = utf8ToByteString('─').repeat(20);
const PICTURE = utf8ToByteString('🖻');
/** Of the same width as a bullet and as a number up to 99. */
const ITEM_INDENT = '    ';
const ITALIC = '\x1b[3m';

type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'code'; readonly lines: readonly string[] }
  | { readonly kind: 'quote'; readonly blocks: readonly Block[] }
  | { readonly kind: 'list'; readonly items: readonly Item[]; readonly isLoose: boolean }
  | { readonly kind: 'rule' };

interface Item {
  /** "1."; undefined for a bullet. */
  readonly number: string | undefined;
  readonly blocks: readonly Block[];
  /** No blank line was in it or before it, and none comes right behind it. */
  readonly isTight: boolean;
}

const BLANK = /^\s*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const HORIZONTAL = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const FENCE = /^ {0,3}(```|~~~)/;
const QUOTE = /^ {0,3}> ?/;
const MARKER = /^( {0,3})([-*+]|(\d{1,9})[.)])\s+/;
const INDENTED = /^(?: {4}|\t)/;

/** The blocks of some lines. In an item of a list a paragraph goes on until a blank line or a list below it. */
function parseBlocks(lines: readonly string[], isItem: boolean): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at]!;
    const heading = HEADING.exec(line);
    const fence = FENCE.exec(line);
    if (BLANK.test(line)) at++;
    else if (INDENTED.test(line)) {
      const code: string[] = [];
      while (at < lines.length && (INDENTED.test(lines[at]!) || BLANK.test(lines[at]!))) code.push(lines[at++]!.replace(INDENTED, ''));
      while (BLANK.test(code.at(-1)!)) code.pop();
      blocks.push({ kind: 'code', lines: code });
    } else if (heading !== null) {
      blocks.push({ kind: 'heading', level: heading[1]!.length, text: heading[2]! });
      at++;
    } else if (HORIZONTAL.test(line)) {
      blocks.push({ kind: 'rule' });
      at++;
    } else if (fence !== null) {
      const code: string[] = [];
      for (at++; at < lines.length && !lines[at]!.trimStart().startsWith(fence[1]!); at++) code.push(lines[at]!);
      blocks.push({ kind: 'code', lines: code });
      at++;
    } else if (QUOTE.test(line)) {
      const quoted: string[] = [];
      for (; at < lines.length; at++) {
        // A blank line does not end a quote that goes on behind it.
        if (BLANK.test(lines[at]!) && !QUOTE.test(lines[at + 1] ?? '')) break;
        quoted.push(lines[at]!.replace(QUOTE, ''));
      }
      blocks.push({ kind: 'quote', blocks: parseBlocks(quoted, false) });
    } else if (MARKER.test(line)) {
      const { list, end } = parseList(lines, at);
      blocks.push(list);
      at = end;
    } else {
      const text: string[] = [];
      let level: number | undefined;
      for (; at < lines.length && level === undefined && !endsParagraph(lines[at]!, text.length === 0, isItem); at++) {
        const under = text.length > 0 && !isItem ? /^ {0,3}(=+|-+)\s*$/.exec(lines[at]!) : null;
        if (under === null) text.push(lines[at]!);
        else level = under[1]!.startsWith('=') ? 1 : 2;
      }
      blocks.push(level === undefined ? { kind: 'paragraph', text: text.join('\n') } : { kind: 'heading', level, text: text.join('\n') });
    }
  }
  return blocks;
}

function endsParagraph(line: string, isFirst: boolean, isItem: boolean): boolean {
  if (isFirst) return false;
  if (BLANK.test(line)) return true;
  if (isItem) return MARKER.test(line);
  return HEADING.test(line) || QUOTE.test(line) || (HORIZONTAL.test(line) && !/^ {0,3}-+\s*$/.test(line));
}

function parseList(lines: readonly string[], begin: number): { readonly list: Block; readonly end: number } {
  const items: Item[] = [];
  const isOrdered = MARKER.exec(lines[begin]!)![3] !== undefined;
  let isLoose = false;
  let number = Number(MARKER.exec(lines[begin]!)![3] ?? 0);
  let at = begin;
  const startsItem = (line: string | undefined): boolean => {
    const marker = line === undefined || HORIZONTAL.test(line) ? null : MARKER.exec(line);
    return marker !== null && marker[1]!.length < 2 && (marker[3] !== undefined) === isOrdered;
  };
  while (startsItem(lines[at])) {
    const marker = MARKER.exec(lines[at]!)!;
    const dedent = new RegExp(`^ {1,${marker[0].length}}`);
    const inside = [lines[at]!.slice(marker[0].length)];
    for (at++; at < lines.length && !startsItem(lines[at]); at++) {
      if (BLANK.test(lines[at]!)) {
        let next = at;
        while (next < lines.length && BLANK.test(lines[next]!)) next++;
        const goesOn = next < lines.length && /^ {2}/.test(lines[next]!);
        if (!goesOn) {
          if (startsItem(lines[next])) isLoose = true;
          if (startsItem(lines[next])) at = next;
          break;
        }
        isLoose = true;
      }
      inside.push(lines[at]!.replace(dedent, ''));
    }
    items.push({ number: isOrdered ? `${number++}.` : undefined, blocks: parseBlocks(inside, true), isTight: !isLoose });
  }
  return { list: { kind: 'list', items, isLoose }, end: at };
}

/** A stretch of a line with its colours; null is a line's end. */
type Run = { readonly text: string; readonly style: string } | null;

const MARKS = new RegExp(
  [
    '(`+)(.+?)\\1(?!`)',
    '\\*\\*(.+?)\\*\\*|__(.+?)__',
    '\\*([^\\s*](?:[^*]*[^\\s*])?)\\*|_([^\\s_](?:[^_]*[^\\s_])?)_',
    '(!?)\\[([^\\]]*)\\]\\(([^)\\s]+)\\)',
    '<([a-z]+:[^>\\s]+)>',
    '\\\\([!-/:-@[-`{-~])',
    '(?: {2,}|\\\\)(\\n)',
    '&(amp|lt|gt|quot);',
  ].join('|'),
  'gs',
);
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

/** Marks inside a line become colours or go away. What stands between backticks is taken as it is. */
function parseInline(text: string, style: string): Run[] {
  const runs: Run[] = [];
  let at = 0;
  let plain = '';
  const add = (...more: Run[]): void => {
    if (plain !== '') runs.push({ text: plain, style });
    plain = '';
    runs.push(...more);
  };
  for (const match of text.matchAll(MARKS)) {
    plain += text.slice(at, match.index);
    at = match.index + match[0].length;
    const [, , code, bold, bold2, italic, italic2, image, label, target, link, escaped, hardBreak, entity] = match;
    const [strong, emphasis] = [bold ?? bold2, italic ?? italic2];
    if (code !== undefined) add({ text: code, style: style + BLUE });
    else if (strong !== undefined) add(...parseInline(strong, style + BOLD));
    else if (emphasis !== undefined) add(...parseInline(emphasis, style + ITALIC));
    else if (image === '!') add({ text: `[${PICTURE} ${label} ${target}]`, style });
    else if (label !== undefined) {
      add(...parseInline(label, style));
      if (/^[a-z]+:/.test(target!)) add({ text: ' ', style }, { text: target!, style });
    } else if (link !== undefined) add({ text: link, style });
    else if (hardBreak !== undefined) add(null);
    else plain += escaped ?? ENTITIES[entity!]!;
  }
  plain += text.slice(at);
  add();
  return runs;
}

function visibleLength(text: string): number {
  return text.replace(/[\x80-\xbf]/g, '').length;
}

class Renderer {
  readonly #width: number;
  readonly #isColoured: boolean;

  constructor(width: number, isColoured: boolean) {
    this.#width = width;
    this.#isColoured = isColoured;
  }

  /** Lines, each behind the prefix. In a tight item nothing stands between blocks. */
  blocks(blocks: readonly Block[], prefix: string, isTight: boolean): string[] {
    return blocks.flatMap((block, i) => [...(i > 0 && !isTight ? [prefix] : []), ...this.#block(block, prefix, isTight)]);
  }

  #block(block: Block, prefix: string, isTight: boolean): string[] {
    switch (block.kind) {
      case 'heading': {
        const marks = block.level === 1 ? '' : `${'#'.repeat(block.level)} `;
        return this.#fill(parseInline(marks + block.text, BOLD), prefix);
      }
      case 'paragraph':
        // lowdown keeps the line's end of such a text.
        return this.#fill(parseInline(isTight ? `${block.text} ` : block.text, ''), prefix);
      case 'code':
        return block.lines.map((line) => `${prefix}${BAR}${this.#painted(line, BLUE)}`);
      case 'quote':
        return this.blocks(block.blocks, prefix + BAR, false);
      case 'list':
        return block.items.flatMap((item, i) => [...(i > 0 && block.isLoose ? [prefix] : []), ...this.#item(item, prefix)]);
      case 'rule':
        return [prefix + RULE];
    }
  }

  #item({ number, blocks, isTight }: Item, prefix: string): string[] {
    const [first = '', ...rest] = this.blocks(blocks, prefix + ITEM_INDENT, isTight);
    const mark = number === undefined ? BULLET : `${number.padStart(3)} `;
    return [prefix + mark + first.slice(prefix.length + ITEM_INDENT.length), ...rest];
  }

  #painted(text: string, style: string): string {
    return this.#isColoured && style !== '' && text !== '' ? style + text + NORMAL : text;
  }

  /** Words in lines that stay below the width. Space within a run goes where a line ends; space at its end stays if there is room. */
  #fill(runs: readonly Run[], prefix: string): string[] {
    const lines: string[] = [];
    const indent = visibleLength(prefix);
    let line = '';
    let column = indent;
    const endLine = (): void => {
      lines.push(prefix + line);
      line = '';
      column = indent;
    };
    for (const run of runs) {
      if (run === null) {
        endLine();
        continue;
      }
      let space = '';
      for (const part of run.text.split(/(\s+)/)) {
        if (part === '') continue;
        if (part.trim() === '') {
          space = column > indent ? ' ' : '';
          continue;
        }
        const length = visibleLength(part);
        if (column > indent && column + space.length + length >= this.#width) {
          endLine();
          space = '';
        }
        line += space + this.#painted(part, run.style);
        column += space.length + length;
        space = '';
      }
      if (column + 1 >= this.#width) space = '';
      line += space;
      column += space.length;
    }
    endLine();
    return lines;
  }
}

/** Renders for a terminal of so many columns, or without colours for what is none. Ends with a line's end. */
export function renderMarkdown(text: string, isTerminal: boolean, columns: number): string {
  const renderer = new Renderer(isTerminal ? Math.max(columns - 5, LEAST_WIDTH) : LEAST_WIDTH, isTerminal);
  return `${renderer.blocks(parseBlocks(text.split('\n'), false), '', false).join('\n')}\n`;
}

/** Renders for a session's user. NIX: whether there is a terminal is asked of standard error; and its tests want the text as written. */
export function markdownRenderer({ env, stderr }: Pick<Session, 'env' | 'stderr'>): (text: string) => string {
  return (text) => (env['_NIX_TEST_RAW_MARKDOWN'] === '1' ? text : renderMarkdown(text, stderr.isTerminal, stderr.columns));
}
