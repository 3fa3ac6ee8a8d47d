// Hashes of files and trees on the machine, for `hash path`, `hash file` and `store add --dry-run`.

import * as fs from 'node:fs';
import { utf8ToByteString } from '../base/bytes.ts';
import { IoError } from '../base/errors.ts';
import type { Hash, HashAlgorithm } from '../base/hash.ts';
import { startDigest } from '../base/sha.ts';
import { startTreeDigest } from '../model/git-hash.ts';
import { writeTreeNar } from '../fetch/source-tree.ts';
import { dumpTree } from '../store/local/nar-files.ts';
import { DiskTree } from './host-tree.ts';

export type HashMode = 'flat' | 'nar' | 'git';

/** Flat: of the bytes, following links, pipes too. NAR and git: of the tree as the store would hold it. Throws IoError. */
export function hashPath(path: string, mode: HashMode, algorithm: HashAlgorithm, undoCaseHack = false): Hash {
  const sink = mode === 'flat' ? startDigest(algorithm) : startTreeDigest(mode, algorithm);
  if (mode === 'flat') {
    try {
      sink.update(fs.readFileSync(path));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') throw new IoError(`opening file "${path}": No such file or directory`);
      if (code === 'EISDIR')
        throw new IoError(`read of 65536 bytes: Is a directory`, { hint: `use 'floe hash path' for folders such as '${path}'` });
      throw new IoError(`opening file "${path}": ${(error as Error).message}`);
    }
  } else {
    const tree = new DiskTree(Buffer.from(path, 'utf8').toString('latin1'));
    if (tree.kind('') === undefined) throw new IoError(`path '${path}' does not exist`);
    if (undoCaseHack && mode === 'nar') dumpTree(utf8ToByteString(path), (chunk) => sink.update(chunk), { undoCaseHack });
    else
      writeTreeNar(
        tree,
        (chunk) => sink.update(chunk),
        (below) => path + below,
      );
  }
  return { algorithm, bytes: sink.digest() };
}
