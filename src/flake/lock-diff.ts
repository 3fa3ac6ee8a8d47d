// What changed between two lock files, in the words and signs of C++ Nix: a bullet an input, sorted by input path. Commit messages hold
// it plain; on a terminal the heads are coloured, by whoever prints it. (Nix: LockFile::diff.)

import {
  allLockedInputs,
  compareInputPaths,
  equalEdges,
  lastModifiedDay,
  type LockEdge,
  type LockFile,
  printInputPath,
} from '../model/lock-file.ts';
import { printFlakeRef } from '../model/flake-ref.ts';

export interface LockChange {
  readonly kind: 'added' | 'removed' | 'updated';
  /** `a/b`. */
  readonly input: string;
  /** As in the text; undefined for what was not there. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

function describe(edge: LockEdge): string {
  if (edge.kind === 'follows') return `follows '${printInputPath(edge.path)}'`;
  const day = lastModifiedDay(edge.node.lockedRef);
  return `'${printFlakeRef(edge.node.lockedRef)}'${day === undefined ? '' : ` (${day})`}`;
}

export function diffLockFiles(before: LockFile, after: LockFile): LockChange[] {
  const old = allLockedInputs(before);
  const new_ = allLockedInputs(after);
  const changes: LockChange[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < new_.length) {
    const a = old[i];
    const b = new_[j];
    const order = a === undefined ? 1 : b === undefined ? -1 : compareInputPaths(a.path, b.path);
    if (order > 0) changes.push({ kind: 'added', input: printInputPath(b!.path), before: undefined, after: describe(b!.edge) });
    else if (order < 0) changes.push({ kind: 'removed', input: printInputPath(a!.path), before: describe(a!.edge), after: undefined });
    else if (!equalEdges(a!.edge, b!.edge))
      changes.push({ kind: 'updated', input: printInputPath(a!.path), before: describe(a!.edge), after: describe(b!.edge) });
    if (order >= 0) j++;
    if (order <= 0) i++;
  }
  return changes;
}

// The bullet and the arrow, as the bytes of their UTF-8: all text here is byte strings.
const BULLET = '\xe2\x80\xa2';
const ARROW = '\xe2\x86\x92';

/** The changes as text, a final newline included; "" for none. `paint` may colour the head of each. */
export function printLockDiff(
  changes: readonly LockChange[],
  paint: (head: string, kind: LockChange['kind']) => string = (head) => head,
): string {
  return changes
    .map(({ kind, input, before, after }) => {
      if (kind === 'added') return `${BULLET} ${paint(`Added input '${input}':`, kind)}\n    ${after}\n`;
      if (kind === 'removed') return `${BULLET} ${paint(`Removed input '${input}'`, kind)}\n`;
      return `${BULLET} ${paint(`Updated input '${input}':`, kind)}\n    ${before}\n  ${ARROW} ${after}\n`;
    })
    .join('');
}
