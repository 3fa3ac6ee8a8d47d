// Documentation in Markdown on a terminal: paragraphs filled, code set off, marks turned into colours or left out. Only what the texts of
// builtins and comments use is known; everything else stays as it is written. Byte strings.

import { utf8ToByteString } from '../base/bytes.ts';
import { BLUE, BOLD, NORMAL } from './terminal.ts';

const LEAST_WIDTH = 60;
const CODE_MARK = `  ${utf8ToByteString('│')} `;
const ITALIC = '\x1b[3m';

interface Style {
  readonly strong: string;
  readonly emphasis: string;
  readonly code: string;
  readonly end: string;
}

const COLOURED: Style = { strong: BOLD, emphasis: ITALIC, code: BLUE, end: NORMAL };
const PLAIN: Style = { strong: '', emphasis: '', code: '', end: '' };

/** Marks inside a line. What stands between backticks is taken as it is. */
function renderInline(text: string, { strong, emphasis, code, end }: Style): string {
  return text.replace(
    /(`+)(.+?)\1|\*\*(.+?)\*\*|\*([^\s*](?:[^*]*[^\s*])?)\*|\[([^\]]+)\]\(([^)\s]+)\)|\\([!-/:-@[-`{-~])/gs,
    (_, _ticks, inCode?: string, inStrong?: string, inEmphasis?: string, label?: string, target?: string, escaped?: string) => {
      if (inCode !== undefined) return `${code}${inCode}${end}`;
      if (inStrong !== undefined) return `${strong}${inStrong}${end}`;
      if (inEmphasis !== undefined) return `${emphasis}${inEmphasis}${end}`;
      if (label !== undefined) return /^[a-z]+:/.test(target!) ? `${label} (${target})` : label;
      return escaped ?? '';
    },
  );
}

function visibleLength(text: string): number {
  return text.replace(/\x1b\[[0-9;]*m|[\x80-\xbf]/g, '').length;
}

/** Words in lines of at most `width`; later lines are indented. */
function fill(text: string, width: number, first: string, later: string): string {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(/\s+/).filter((one) => one !== '')) {
    if (!isEmpty && visibleLength(line) + 1 + visibleLength(word) > width) {
      lines.push(line);
      line = later;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].join('\n');
}

function renderParagraph(text: string, style: Style, width: number): string {
  const heading = /^#+ (.*)$/s.exec(text);
  if (heading !== null) return `${style.strong}${heading[1]}${style.end}`;
  const item = /^(\s*(?:[-*+]|\d+\.)\s+)(.*)$/s.exec(text);
  const lead = item === null ? '' : item[1]!;
  return fill(renderInline(item === null ? text : item[2]!, style), width, lead, ' '.repeat(lead.length));
}

/** Renders for a terminal of that width, or for a pipe without colours. */
export function renderMarkdown(text: string, isTerminal: boolean, columns: number): string {
  const style = isTerminal ? COLOURED : PLAIN;
  const width = Math.max(columns - 5, LEAST_WIDTH);
  const blocks: string[] = [];
  const codeLine = (code: string): string => `${CODE_MARK}${style.code}${code}${style.end}`;
  let fence: string[] | undefined;
  let paragraph: string[] = [];
  const endParagraph = (): void => {
    // A backslash at a line's end breaks the line.
    const parts = paragraph.join('\n').split('\\\n');
    if (paragraph.length > 0) blocks.push(parts.map((part) => renderParagraph(part, style, width)).join('\n'));
    paragraph = [];
  };
  for (const line of text.split('\n')) {
    if (/^\s*```/.test(line)) {
      if (fence === undefined) endParagraph();
      else blocks.push(fence.map(codeLine).join('\n'));
      fence = fence === undefined ? [] : undefined;
    } else if (fence !== undefined) fence.push(line);
    else if (line.trim() === '') endParagraph();
    else if (/^ {4}\S/.test(line) && paragraph.length === 0) blocks.push(codeLine(line.slice(4)));
    else {
      if (/^\s*(?:[-*+]|\d+\.)\s|^#+ /.test(line)) endParagraph();
      paragraph.push(line);
    }
  }
  if (fence !== undefined) blocks.push(fence.map(codeLine).join('\n'));
  endParagraph();
  return blocks.join('\n\n');
}
