// Bytes, and the two ways floe holds text. Nix strings are byte strings; floe keeps them as JavaScript strings in which every
// character is one byte (0 to 255), called *byte strings*: they compare, measure and hash as Nix's do, and V8 stores them one byte
// a character. They become ordinary text only at the rim (terminal, JSON for people).

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const NON_ASCII = /[\u0080-\uffff]/;

/** A byte string -> its bytes. */
export function bytesOf(byteString: string): Uint8Array {
  const length = byteString.length;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = byteString.charCodeAt(i);
  return bytes;
}

/** Bytes -> byte string, one character a byte. */
export function byteStringOf(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return text;
}

/** Ordinary (UTF-16) text -> byte string holding its UTF-8. */
export function utf8ToByteString(text: string): string {
  return NON_ASCII.test(text) ? byteStringOf(encoder.encode(text)) : text;
}

/** Byte string holding UTF-8 -> ordinary text; bytes that are no UTF-8 become U+FFFD. */
export function byteStringToUtf8(byteString: string): string {
  return NON_ASCII.test(byteString) ? decoder.decode(bytesOf(byteString)) : byteString;
}

/** Like byteStringToUtf8, but undefined where the bytes are no UTF-8. */
export function byteStringToUtf8Strict(byteString: string): string | undefined {
  if (!NON_ASCII.test(byteString)) return byteString;
  try {
    return strictDecoder.decode(bytesOf(byteString));
  } catch {
    return undefined;
  }
}

// Half of a surrogate pair on its own: real text has none, so these stand for bytes in what is shown to people.
const LONE_BYTE = /(?<![\ud800-\udbff])[\udc80-\udcff]/;
const LONE_BYTES = /(?<![\ud800-\udbff])([\udc80-\udcff])/;
// What can only be a character's UTF-8 bytes.
const UTF8_SEQUENCE = /[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}/g;
const UTF8_OR_BYTE = new RegExp(`${UTF8_SEQUENCE.source}|[\\x80-\\xff]`, 'g');

/** A byte string as text that loses nothing: bytes that are no UTF-8 become U+DC80 to U+DCFF, which `bytesOfText` turns back. */
export function textOfByteString(byteString: string): string {
  if (!NON_ASCII.test(byteString)) return byteString;
  const escape = (bytes: string): string => bytes.replace(/./gs, (byte) => String.fromCharCode(0xdc00 + byte.charCodeAt(0)));
  return byteString.replace(UTF8_OR_BYTE, (bytes) => (bytes.length > 1 ? byteStringToUtf8Strict(bytes) : undefined) ?? escape(bytes));
}

/** Ordinary text with byte strings in it (names in a message): what can only be a character's UTF-8 becomes that character, the rest stays. */
export function decodeUtf8Within(text: string): string {
  return text.replace(UTF8_SEQUENCE, (bytes) => byteStringToUtf8Strict(bytes) ?? bytes);
}

/** Text as bytes: UTF-8, and the bytes that `textOfByteString` kept. */
export function bytesOfText(text: string): Uint8Array {
  if (!LONE_BYTE.test(text)) return encoder.encode(text);
  const pieces = text.split(LONE_BYTES);
  return concatBytes(pieces.map((piece, index) => (index % 2 === 1 ? Uint8Array.of(piece.charCodeAt(0) - 0xdc00) : encoder.encode(piece))));
}

/** A copy: what is read next does not show in it. (`slice()` of Node's buffers is a view.) */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const result = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    result.set(chunk, offset);
    offset += chunk.length;
  }
  return result;
}

/** Order of bytes as memcmp gives it: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Order of two strings by code unit; on byte strings that is the order of their bytes. For Array.prototype.sort. */
export function compareStrings(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function printHex(bytes: Uint8Array): string {
  let text = '';
  // PERF: by index; an iterator allocates for each byte, and digests are printed by the ten thousand.
  for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i]!]!;
  return text;
}

/** Undefined where the text is no even run of hexadecimal digits. */
export function parseHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function printBase64(bytes: Uint8Array): string {
  return btoa(byteStringOf(bytes));
}

/** Standard alphabet, padding optional. Undefined where the text is not base 64. */
export function parseBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  try {
    return bytesOf(atob(text));
  } catch {
    return undefined;
  }
}
