// Nix's base-32: the alphabet without e, o, u and t, least significant digit last. (Nix manual, "Store path specification".)

export const BASE32_ALPHABET = '0123456789abcdfghijklmnpqrsvwxyz';

/** Number of digits for that many bytes. */
export function base32Length(byteCount: number): number {
  return byteCount === 0 ? 0 : Math.floor((byteCount * 8 - 1) / 5) + 1;
}

const DIGIT_CODES = Array.from(BASE32_ALPHABET, (digit) => digit.charCodeAt(0));

export function printBase32(bytes: Uint8Array): string {
  const length = base32Length(bytes.length);
  // PERF: made at once; a text that grows digit by digit is 20 texts.
  const codes: number[] = new Array<number>(length);
  for (let digit = length - 1; digit >= 0; digit--) {
    const bit = digit * 5;
    const index = bit >> 3;
    const shift = bit & 7;
    const low = bytes[index]! >> shift;
    const high = index + 1 < bytes.length ? bytes[index + 1]! << (8 - shift) : 0;
    codes[length - 1 - digit] = DIGIT_CODES[(low | high) & 31]!;
  }
  return String.fromCharCode.apply(null, codes);
}

/** Undefined where a digit is not of the alphabet, or the number has bits beyond its bytes. */
export function parseBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  for (let position = 0; position < text.length; position++) {
    const digit = BASE32_ALPHABET.indexOf(text[text.length - 1 - position]!);
    if (digit < 0) return undefined;
    const bit = position * 5;
    const index = bit >> 3;
    const shift = bit & 7;
    const low = (digit << shift) & 0xff;
    const high = digit >> (8 - shift);
    if (index < bytes.length) bytes[index]! |= low;
    else if (low !== 0) return undefined;
    if (high !== 0) {
      if (index + 1 >= bytes.length) return undefined;
      bytes[index + 1]! |= high;
    }
  }
  return bytes;
}
