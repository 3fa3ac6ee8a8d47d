// NAR listings (.ls files of binary caches, `nix nar ls --json`): the tree of a NAR without contents, with the place of each file's
// bytes. Nix manual, "NAR listing"; libutil/nar-listing.cc.

import { type Json, parseJson, printJson } from '../base/canonical-json.ts';
import { compareStrings } from '../base/bytes.ts';
import { assert } from '../base/assert.ts';
import { FormatError } from '../base/errors.ts';
import { jsonBoolean, jsonMember, jsonObject, jsonString, jsonUnsigned } from './json-fields.ts';
import { NarReader, type NarVisitor } from './nar.ts';

export type NarListing =
  | { readonly type: 'directory'; readonly entries: ReadonlyMap<string, NarListing> }
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: 'regular'; readonly executable: boolean; readonly size: number | undefined; readonly narOffset: number | undefined };

/** Gathers a listing while a NAR passes: push the NAR's chunks into `reader`, then take `listing()`. */
export function makeNarLister(): { readonly reader: NarReader; listing(): NarListing } {
  let root: NarListing | undefined;
  const open: { entries: Map<string, NarListing>; path: string }[] = [];
  const place = (path: string, node: NarListing): void => {
    const parent = open.at(-1);
    if (parent === undefined) root = node;
    else parent.entries.set(path.slice(parent.path.length + 1), node);
  };
  const visitor: NarVisitor = {
    beginDirectory(path) {
      const entries = new Map<string, NarListing>();
      place(path, { type: 'directory', entries });
      open.push({ entries, path });
    },
    endDirectory: () => void open.pop(),
    symlink: (path, target) => place(path, { type: 'symlink', target }),
    beginRegular: (path, executable, size, narOffset) => place(path, { type: 'regular', executable, size, narOffset }),
    contents() {},
    endRegular() {},
  };
  const reader = new NarReader(visitor);
  return {
    reader,
    listing() {
      reader.end();
      assert(root !== undefined, 'a NAR without a root');
      return root;
    },
  };
}

/** Files of debug information, which lie at `lib/debug/.build-id/xx/rest.debug`; `buildId` is "xxrest.debug". */
export function findDebugInfo(listing: NarListing): { readonly member: string; readonly buildId: string }[] {
  let folder: NarListing | undefined = listing;
  for (const name of DEBUG_FOLDER.split('/')) folder = folder?.type === 'directory' ? folder.entries.get(name) : undefined;
  if (folder?.type !== 'directory') return [];
  return [...folder.entries].flatMap(([start, below]) => {
    if (below.type !== 'directory' || !/^[0-9a-f]{2}$/.test(start)) return [];
    const files = [...below.entries].filter(([rest, { type }]) => type === 'regular' && /^[0-9a-f]{38}\.debug$/.test(rest));
    return files.map(([rest]) => ({ member: `${DEBUG_FOLDER}/${start}/${rest}`, buildId: start + rest }));
  });
}

const DEBUG_FOLDER = 'lib/debug/.build-id';

export function narListingToJson(listing: NarListing): Json {
  switch (listing.type) {
    case 'directory':
      return { type: 'directory', entries: new Map([...listing.entries].map(([name, entry]) => [name, narListingToJson(entry)])) };
    case 'symlink':
      return { type: 'symlink', target: listing.target };
    case 'regular':
      return {
        type: 'regular',
        size: listing.size,
        executable: listing.executable ? true : undefined,
        narOffset: listing.narOffset === 0 ? undefined : listing.narOffset,
      };
  }
}

export function narListingFromJson(value: Json): NarListing {
  const where = 'a NAR listing';
  const object = jsonObject(value, where);
  const type = jsonString(jsonMember(object, 'type', where), "'type'");
  const optionalNumber = (key: string) => (object.has(key) ? jsonUnsigned(object.get(key)!, `'${key}'`) : undefined);
  switch (type) {
    case 'directory': {
      const entries = [...jsonObject(jsonMember(object, 'entries', where), "'entries'")].map(
        ([name, entry]) => [name, narListingFromJson(entry)] as const,
      );
      return { type, entries: new Map(entries.sort((a, b) => compareStrings(a[0], b[0]))) };
    }
    case 'symlink':
      return { type, target: jsonString(jsonMember(object, 'target', where), "'target'") };
    case 'regular': {
      const executable = object.has('executable') && jsonBoolean(object.get('executable')!, "'executable'");
      return { type, executable, size: optionalNumber('size'), narOffset: optionalNumber('narOffset') || undefined };
    }
    default:
      throw new FormatError(`unknown type '${type}' in a NAR listing`);
  }
}

/** A .ls file. */
export function printNarListing(listing: NarListing): string {
  return printJson({ version: 1, root: narListingToJson(listing) });
}

export function parseNarListing(text: string, whence: string): NarListing {
  const object = jsonObject(parseJson(text, `NAR listing '${whence}'`), 'a NAR listing');
  const version = jsonMember(object, 'version', 'a NAR listing');
  if (version !== 1) throw new FormatError(`NAR listing '${whence}' has unsupported version ${printJson(version)}`);
  return narListingFromJson(jsonMember(object, 'root', 'a NAR listing'));
}
