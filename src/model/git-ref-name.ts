// Which names git accepts for references, as far as Nix asks: branch and tag names, full reference names, and pseudo references such
// as HEAD. (git-check-ref-format(1); Nix adds that "@" and names with DEL are refused.)

const FORBIDDEN = /[\x00-\x20~^:\\?[*\x7f]|\.\.|@\{/;

function isReferenceName(name: string): boolean {
  if (name === '' || FORBIDDEN.test(name) || name.endsWith('.')) return false;
  const segments = name.split('/');
  if (segments.some((segment) => segment === '' || segment.startsWith('.') || segment.endsWith('.lock'))) return false;
  const isPseudo = /^[A-Z_]+$/.test(segments[0]!) && !segments[0]!.startsWith('_') && !segments[0]!.endsWith('_');
  return segments.length === 1 ? isPseudo : !isPseudo;
}

/** Whether that can be a branch, a tag, a full reference, or a pseudo reference. */
export function isLegalRefName(name: string): boolean {
  if (name === '@') return false;
  return isReferenceName(name) || (!name.startsWith('-') && name !== 'HEAD' && isReferenceName(`refs/heads/${name}`));
}

/** Forty hexadecimal digits. */
export function isCommitHash(text: string): boolean {
  return /^[0-9a-fA-F]{40}$/.test(text);
}

/** The narrow form that flake identifiers, mercurial inputs and the abbreviated syntax take. */
export const REF_PATTERN = '[a-zA-Z0-9@][a-zA-Z0-9_.\\/@+-]*';
