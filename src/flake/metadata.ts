// What `flake metadata` tells of a locked flake: as JSON, with C++ Nix's keys, and as text with the tree of inputs. Pure; the caller adds
// the store path and hashes the fingerprint. (Nix: CmdFlakeMetadata in nix/flake.cc.)

import type { Json } from '../base/canonical-json.ts';
import { flakeRefAttrs, printFlakeRef } from '../model/flake-ref.ts';
import { integerAttr, isLockedInput, type LockSettings, printRev, revOf, stringAttr } from '../model/input-scheme.ts';
import { isLockedNode, type LockFile, lockFileToJson, type LockNode, printInputPath, sortedInputs } from '../model/lock-file.ts';
import type { TopFlake } from './lock.ts';

export interface FlakeMetadata {
  readonly top: TopFlake;
  readonly lockFile: LockFile;
  /** Printed store path of the tree. */
  readonly path: string;
  /** Base 16; undefined where an input is not locked. */
  readonly fingerprint: string | undefined;
}

export function flakeMetadataJson({ top, lockFile, path, fingerprint }: FlakeMetadata): Json {
  const { originalRef, resolvedRef, lockedRef, file } = top;
  const rev = revOf(lockedRef.input);
  return {
    description: file.description,
    originalUrl: printFlakeRef(originalRef),
    original: flakeRefAttrs(originalRef),
    resolvedUrl: printFlakeRef(resolvedRef),
    resolved: flakeRefAttrs(resolvedRef),
    url: printFlakeRef(lockedRef),
    locked: flakeRefAttrs(lockedRef),
    revision: rev && printRev(rev),
    dirtyRevision: stringAttr(lockedRef.input, 'dirtyRev'),
    revCount: integerAttr(lockedRef.input, 'revCount'),
    lastModified: integerAttr(lockedRef.input, 'lastModified'),
    path,
    locks: lockFileToJson(lockFile).json,
    fingerprint,
  };
}

/** One line of the text form: a head in bold and what follows it. */
export interface MetadataLine {
  /** Lines of a tree before the bold part. */
  readonly prefix: string;
  readonly bold: string;
  readonly rest: string;
}

// The branches of the tree, as the bytes of their UTF-8.
const BRANCH = '\xe2\x94\x9c\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80';
const LAST_BRANCH = '\xe2\x94\x94\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80';
const PAST_BRANCH = '\xe2\x94\x82   ';
const PAST_LAST = '    ';

/** `printTime` prints seconds since 1970: in UTC for inputs, in local time for the flake itself. */
export function flakeMetadataLines(
  metadata: FlakeMetadata,
  settings: LockSettings,
  printTime: (seconds: number, utc: boolean) => string,
): MetadataLine[] {
  const { top, lockFile, path, fingerprint } = metadata;
  const { resolvedRef, lockedRef, file } = top;
  const lines: MetadataLine[] = [];
  const add = (bold: string, rest: string | undefined) => {
    if (rest !== undefined) lines.push({ prefix: '', bold: `${bold}:`, rest: `${' '.repeat(Math.max(1, 14 - bold.length))}${rest}` });
  };
  const rev = revOf(lockedRef.input);
  const revCount = integerAttr(lockedRef.input, 'revCount');
  const lastModified = integerAttr(lockedRef.input, 'lastModified');
  add('Resolved URL', printFlakeRef(resolvedRef));
  if (isLockedInput(lockedRef.input, settings)) add('Locked URL', printFlakeRef(lockedRef));
  add('Description', file.description);
  add('Path', path);
  add('Revision', rev && printRev(rev));
  add('Revision', stringAttr(lockedRef.input, 'dirtyRev'));
  add('Revisions', revCount === undefined ? undefined : String(revCount));
  add('Last modified', lastModified === undefined ? undefined : printTime(Number(lastModified), false));
  add('Fingerprint', fingerprint);
  if (lockFile.root.inputs.size > 0) lines.push({ prefix: '', bold: 'Inputs:', rest: '' });
  const visited = new Set<LockNode>([lockFile.root]);
  const visit = (node: LockNode, prefix: string): void => {
    const inputs = sortedInputs(node);
    inputs.forEach(([name, edge], index) => {
      const last = index === inputs.length - 1;
      const branch = prefix + (last ? LAST_BRANCH : BRANCH);
      if (edge.kind === 'follows') {
        lines.push({ prefix: branch, bold: name, rest: ` follows input '${printInputPath(edge.path)}'` });
        return;
      }
      const seconds = isLockedNode(edge.node) ? integerAttr(edge.node.lockedRef.input, 'lastModified') : undefined;
      const time = seconds === undefined ? '' : ` (${printTime(Number(seconds), true)})`;
      lines.push({ prefix: branch, bold: name, rest: `: ${printFlakeRef(edge.node.lockedRef)}${time}` });
      if (visited.has(edge.node)) return;
      visited.add(edge.node);
      visit(edge.node, prefix + (last ? PAST_LAST : PAST_BRANCH));
    });
  };
  visit(lockFile.root, '');
  return lines;
}
