// Short and older words for commands. Nix 2.34.8 warns about some of them; the others are accepted in silence.

export interface Alias {
  readonly words: readonly string[];
  readonly isDeprecated: boolean;
}

const deprecated = (words: string): Alias => ({ words: words.split(' '), isDeprecated: true });
const accepted = (words: string): Alias => ({ words: words.split(' '), isDeprecated: false });

/** First words that stand for others. */
export const ALIASES: Readonly<Record<string, Alias>> = {
  'add-to-store': deprecated('store add-path'),
  'cat-nar': deprecated('nar cat'),
  'cat-store': deprecated('store cat'),
  'copy-sigs': deprecated('store copy-sigs'),
  'dev-shell': deprecated('develop'),
  'diff-closures': deprecated('store diff-closures'),
  doctor: deprecated('config check'),
  'dump-path': deprecated('store dump-path'),
  'hash-file': deprecated('hash file'),
  'hash-path': deprecated('hash path'),
  'ls-nar': deprecated('nar ls'),
  'ls-store': deprecated('store ls'),
  'make-content-addressable': deprecated('store make-content-addressed'),
  'optimise-store': deprecated('store optimise'),
  'ping-store': deprecated('store info'),
  shell: accepted('env shell'),
  'show-config': deprecated('config show'),
  'show-derivation': deprecated('derivation show'),
  'sign-paths': deprecated('store sign'),
  'to-base16': deprecated('hash to-base16'),
  'to-base32': deprecated('hash to-base32'),
  'to-base64': deprecated('hash to-base64'),
  verify: deprecated('store verify'),
};

/** The same one level down: `profile install` is `profile add`. */
export const GROUP_ALIASES: Readonly<Record<string, Readonly<Record<string, Alias>>>> = {
  profile: { install: deprecated('add') },
  store: { ping: deprecated('info') },
};
