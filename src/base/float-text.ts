// Floating point numbers as C prints them: `%f` and `%g`, six digits each. JavaScript's own methods differ from C's in one thing: a
// number that lies exactly between two roundings goes away from zero there, and to the even digit in C.

/** The digits that `%.*e` prints: `count` significant ones, rounded half to even, and the power of ten of the first. Finite numbers only. */
function roundDigits(magnitude: number, count: number): { digits: string; exponent: number } {
  const [mantissa, exponent] = magnitude.toExponential(count - 1).split('e') as [string, string];
  // A tie's own digits end right after a 5; more digits than a double can tell apart show it.
  const [longMantissa, longExponent] = magnitude.toExponential(count + 24).split('e') as [string, string];
  const long = longMantissa.replace('.', '');
  if (long[count] === '5' && /^0*$/.test(long.slice(count + 1)) && Number(long[count - 1]) % 2 === 0) {
    return { digits: long.slice(0, count), exponent: Number(longExponent) };
  }
  return { digits: mantissa.replace('.', ''), exponent: Number(exponent) };
}

const scratch = new Float64Array(1);
const scratchBytes = new Uint8Array(scratch.buffer);
/** Where the sign stands: the machine's byte order decides. */
const SIGN_BYTE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 7 : 0;

/** The sign bit, which "not a number" has too: what a machine's invalid operation gives (on x86 it is set) comes through as it is. */
function isNegative(value: number): boolean {
  scratch[0] = value;
  return scratchBytes[SIGN_BYTE]! >= 0x80;
}

function makeNegativeNan(): number {
  scratch[0] = NaN;
  scratchBytes[SIGN_BYTE]! |= 0x80;
  return scratch[0];
}

/** "Not a number" with its sign bit set, which prints as "-nan". */
export const NEGATIVE_NAN = makeNegativeNan();

function printSpecial(value: number): string | undefined {
  if (Number.isFinite(value)) return undefined;
  const name = Number.isNaN(value) ? 'nan' : 'inf';
  return isNegative(value) ? `-${name}` : name;
}

/** As `%f`: six digits after the point. */
export function printFixedFloat(value: number): string {
  const special = printSpecial(value);
  if (special !== undefined) return special;
  const magnitude = Math.abs(value);
  const sign = isNegative(value) ? '-' : '';
  // toFixed gives up at 1e21; such numbers are whole, so their digits are those of a bigint.
  if (magnitude >= 1e21) return `${sign}${BigInt(magnitude)}.000000`;
  const long = magnitude.toFixed(40);
  const cut = long.indexOf('.') + 7;
  const isTie = long[cut] === '5' && /^0*$/.test(long.slice(cut + 1));
  return sign + (isTie && Number(long[cut - 1]) % 2 === 0 ? long.slice(0, cut) : magnitude.toFixed(6));
}

/** As `%g`, and C++ streams: six significant digits, zeros at the end dropped, an exponent where it is shorter. */
export function printShortFloat(value: number): string {
  const special = printSpecial(value);
  if (special !== undefined) return special;
  const sign = isNegative(value) ? '-' : '';
  if (value === 0) return `${sign}0`;
  const { digits, exponent } = roundDigits(Math.abs(value), 6);
  const point = exponent + 1;
  const join = (whole: string, fraction: string): string => {
    const trimmed = fraction.replace(/0+$/, '');
    return trimmed === '' ? whole : `${whole}.${trimmed}`;
  };
  if (exponent < -4 || exponent >= 6) {
    return `${sign}${join(digits[0]!, digits.slice(1))}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  if (point <= 0) return sign + join('0', '0'.repeat(-point) + digits);
  return sign + join(digits.slice(0, point), digits.slice(point));
}
