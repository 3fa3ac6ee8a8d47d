// What a program sees of a fetched tree beside its files: the attributes that `builtins.fetchTree` returns and that flakes carry as
// `sourceInfo`. (Nix: emitTreeAttrs in libexpr/primops/fetchTree.cc.)

import { printHash } from '../base/hash.ts';
import {
  booleanAttr,
  type InputAttr,
  type InputAttrs,
  inputType,
  integerAttr,
  narHashOf,
  printRev,
  revOf,
  stringAttr,
} from './input-scheme.ts';

const SHORT = 7;
const NULL_REV = '0'.repeat(40);

export interface TreeInfoOptions {
  /** `fetchGit` gives a tree without a revision the one of zeroes. */
  readonly emptyRevFallback?: boolean;
  /** Leave out the revision: the lock file in use is not the one that was committed. */
  readonly forceDirty?: boolean;
}

/** The first digits of a revision. */
export function shortRev(rev: string): string {
  return rev.slice(0, SHORT);
}

/** Seconds since 1970 as 14 digits of date and time in UTC. */
function printCompactDate(seconds: number | bigint): string {
  return new Date(Number(seconds) * 1000).toISOString().replace(/[-:T]/g, '').slice(0, 14);
}

/** The attributes of a locked input as programs see them, `outPath` aside. */
export function treeInfo(attrs: InputAttrs, { emptyRevFallback = false, forceDirty = false }: TreeInfoOptions = {}): InputAttrs {
  const info: Record<string, InputAttr> = {};
  const narHash = narHashOf(attrs);
  if (narHash) info['narHash'] = printHash(narHash, 'sri');
  if (inputType(attrs) === 'git') info['submodules'] = booleanAttr(attrs, 'submodules') ?? false;
  if (!forceDirty) {
    const rev = revOf(attrs);
    const printed = rev ? printRev(rev) : emptyRevFallback ? NULL_REV : undefined;
    if (printed !== undefined) {
      info['rev'] = printed;
      info['shortRev'] = shortRev(printed);
    }
    const revCount = integerAttr(attrs, 'revCount') ?? (emptyRevFallback ? 0 : undefined);
    if (revCount !== undefined) info['revCount'] = revCount;
  }
  const dirtyRev = stringAttr(attrs, 'dirtyRev');
  if (dirtyRev !== undefined) {
    info['dirtyRev'] = dirtyRev;
    info['dirtyShortRev'] = stringAttr(attrs, 'dirtyShortRev') ?? dirtyRev;
  }
  const lastModified = integerAttr(attrs, 'lastModified');
  if (lastModified !== undefined) {
    info['lastModified'] = lastModified;
    info['lastModifiedDate'] = printCompactDate(lastModified);
  }
  return info;
}
