// `builtin:unpack-deb`, floe's own: takes single files out of a Debian package, with nothing but floe. It makes the seed of the embedded
// packages, the static shell that unpacks all others. Its derivations have fixed outputs, so that a store that has the path already
// needs no such builder. Format: deb(5), ar archive of control.tar and data.tar.

import { Readable } from 'node:stream';
import { FloeError } from '../base/errors.ts';
import { compressionOf, decompress } from '../io/decompress.ts';
import { nodeIo } from '../io/node.ts';
import { splitStorePath } from '../model/store-path.ts';
import type { BuiltinContext } from './builtin-builders.ts';
import * as host from './host-files.ts';

const AR_MAGIC = '!<arch>\n';
const HEADER_SIZE = 60;

/** Writes each of `$members` of the package `$src` to `$out`, as files of mode 0555 or 0444. */
export async function unpackDeb({ derivation, outputs, storeDir, toRealPath }: BuiltinContext): Promise<void> {
  const source = derivation.env.get('src') ?? '';
  const inStore = source === '' ? undefined : splitStorePath(source, storeDir);
  if (inStore === undefined) throw new FloeError('FLOE_UNPACK_DEB', "builtin:unpack-deb needs the attribute 'src': a .deb in the store");
  const wanted = new Set((derivation.env.get('members') ?? '').split(/\s+/).filter((member) => member !== ''));
  const archive = findDataArchive(host.readFile(toRealPath(inStore.storePath) + inStore.rest), source);
  const found = await readMembers(archive, wanted, source);
  const out = outputs.get('out')!;
  host.makeFolders(out);
  for (const member of wanted) {
    const file = found.get(member);
    if (file === undefined) throw new FloeError('FLOE_UNPACK_DEB', `'${source}' has no regular file '${member}'`);
    const parts = member.split('/').slice(0, -1);
    host.makeFolders([out, ...parts].join('/'));
    host.writeFile(`${out}/${member}`, file.content, file.executable ? 0o555 : 0o444);
  }
}

/** The bytes of the package's `data.tar*`. */
function findDataArchive(deb: Buffer, source: string): Buffer {
  const broken = (what: string) => new FloeError('FLOE_UNPACK_DEB', `'${source}' is no Debian package: ${what}`);
  if (deb.toString('latin1', 0, AR_MAGIC.length) !== AR_MAGIC) throw broken('it is no ar archive');
  for (let at = AR_MAGIC.length; at + HEADER_SIZE <= deb.length;) {
    const name = deb.toString('latin1', at, at + 16).trimEnd();
    const size = Number(deb.toString('latin1', at + 48, at + 58));
    const start = at + HEADER_SIZE;
    if (!Number.isSafeInteger(size) || start + size > deb.length) throw broken('it is cut off or damaged');
    if (name.startsWith('data.tar')) return deb.subarray(start, start + size);
    at = start + size + (size % 2);
  }
  throw broken("it has no member 'data.tar'");
}

async function readMembers(
  archive: Buffer,
  wanted: ReadonlySet<string>,
  source: string,
): Promise<Map<string, { content: Buffer; executable: boolean }>> {
  const { extract } = (await import('tar-stream')).default;
  const entries = extract();
  const packed = Readable.from([archive]);
  const plain = Readable.from(await decompress(packed, compressionOf(archive.subarray(0, 8)), nodeIo().inflaters));
  plain.on('error', (error) => entries.destroy(error));
  plain.pipe(entries);
  const found = new Map<string, { content: Buffer; executable: boolean }>();
  try {
    for await (const entry of entries) {
      const name = entry.header.name.replace(/^\.\//, '');
      if (entry.header.type === 'file' && wanted.has(name)) {
        const chunks: Buffer[] = [];
        for await (const chunk of entry) chunks.push(chunk as Buffer);
        found.set(name, { content: Buffer.concat(chunks), executable: ((entry.header.mode ?? 0) & 0o111) !== 0 });
      } else {
        entry.resume();
      }
    }
  } catch (cause) {
    throw new FloeError('FLOE_UNPACK_DEB', `'${source}' cannot be unpacked: ${(cause as Error).message}`, { cause });
  }
  return found;
}
