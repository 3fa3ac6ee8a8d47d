// Colours of terminals, how wide text is on them, and taking control sequences out of text that goes elsewhere.

export const RED = '\x1b[31;1m';
export const GREEN = '\x1b[32;1m';
export const BLUE = '\x1b[34;1m';
export const MAGENTA = '\x1b[35;1m';
export const BOLD = '\x1b[1m';
export const FAINT = '\x1b[2m';
export const NORMAL = '\x1b[0m';
/** Goes to the start of the line and clears it. */
export const CLEAR_LINE = '\r\x1b[K';

const PIECE = /(\x1b(?:\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(?:\x07|\x1b\\?)?|[@-_])?)|(\t)|([\r\x07])|([^\x1b\t\r\x07])/gu;

/** Columns of one character: none for what combines with the one before, two for wide ones. */
function characterWidth(character: string): number {
  const code = character.codePointAt(0)!;
  if (code < 32 || (code >= 0x300 && code <= 0x36f) || code === 0x200b || code === 0x200d || (code >= 0xfe00 && code <= 0xfe0f)) return 0;
  const isWide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff);
  return isWide ? 2 : 1;
}

/**
 * Text as a terminal can be trusted with: control sequences go (colours stay unless `all`), tabs become blanks, and what is beyond
 * `width` columns is cut. NIX: columns are counted across line ends, so that is where a tab leads.
 */
export function filterEscapes(text: string, all: boolean, width = Infinity): string {
  // PERF: nearly all text has neither escapes nor tabs.
  if (width === Infinity && !/[\x1b\t\r\x07]/.test(text)) return text;
  let result = '';
  let column = 0;
  for (const [piece, escape, tab, dropped] of text.matchAll(PIECE)) {
    if (escape !== undefined) {
      if (!all && escape.startsWith('\x1b[') && escape.endsWith('m')) result += escape;
    } else if (tab !== undefined) {
      do {
        if (++column > width) return result;
        result += ' ';
      } while (column % 8 !== 0);
    } else if (dropped === undefined) {
      column += characterWidth(piece);
      if (column > width) return result;
      result += piece;
    }
  }
  return result;
}
