// Indentation of text inside comments, taken off as C++ Nix takes it off. libutil/util.cc (stripIndentation).

const DEEPER_THAN_ANY = 10_000;

/** The text without the blanks that its lines begin with; every line ends with a line end. */
export function stripCommentIndentation(text: string): string {
  let least = DEEPER_THAN_ANY;
  let current = 0;
  let isAtStart = true;
  for (const character of text) {
    if (isAtStart && character === ' ') current++;
    else if (character === '\n') {
      // NIX: a line of blanks can raise what earlier lines said (2.34.8).
      if (isAtStart) least = Math.max(least, current);
      current = 0;
      isAtStart = true;
    } else if (isAtStart) {
      least = Math.min(least, current);
      isAtStart = false;
    }
  }
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `${line.slice(least)}\n`)
    .join('');
}
