// Decimal digits of a double as Grisu2 finds them: Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with
// Integers" (PLDI 2010). They read back as the same double, but now and then there is one more than would do, or the last is not the
// nearest: JavaScript's own digits are always the best ones. C++ Nix's JSON is written by this algorithm, so floe's is.

/** `f` times two to the `e`. */
interface Scaled {
  readonly f: bigint;
  readonly e: number;
}

const WORD = 64n;
const HIDDEN_BIT = 1n << 52n;
const BIAS = 1075;

function bitLength(value: bigint): number {
  return value.toString(2).length;
}

function normalise({ f, e }: Scaled): Scaled {
  const shift = 64 - bitLength(f);
  return { f: f << BigInt(shift), e: e - shift };
}

/** The upper half of the product, rounded. */
function multiply(a: Scaled, b: Scaled): Scaled {
  return { f: (a.f * b.f + (1n << (WORD - 1n))) >> WORD, e: a.e + b.e + 64 };
}

const POWERS = new Map<number, Scaled>();

/** Ten to the `exponent`, to 64 bits. */
function powerOfTen(exponent: number): Scaled {
  let power = POWERS.get(exponent);
  if (power === undefined) POWERS.set(exponent, (power = roundedPower(exponent)));
  return power;
}

function roundedPower(exponent: number): Scaled {
  const exact = 10n ** BigInt(Math.abs(exponent));
  const bits = bitLength(exact);
  // Two bits more than are kept, then rounded; no power of ten lies half-way.
  const [wide, e] = exponent >= 0 ? [(exact << 66n) >> BigInt(bits), bits - 66] : [(1n << BigInt(bits + 65)) / exact, -bits - 65];
  const spare = BigInt(bitLength(wide) - 64);
  return { f: (wide + (1n << (spare - 1n))) >> spare, e: e + Number(spare) };
}

/** The power of ten, of those that are a multiple of eight apart, that brings a binary exponent between -60 and -32. */
function scaleFor(e: number): number {
  const wanted = Math.ceil((-61 - e) * Math.log10(2));
  return Math.ceil((wanted + 300) / 8) * 8 - 300;
}

/** The digits of a finite number above 0; it is 0.digits times ten to the `point`. */
export function grisuDigits(value: number): { readonly digits: string; readonly point: number } {
  const bits = new BigUint64Array(Float64Array.of(value).buffer)[0]!;
  const fraction = bits & (HIDDEN_BIT - 1n);
  const exponent = Number(bits >> 52n);
  const exact: Scaled = exponent === 0 ? { f: fraction, e: 1 - BIAS } : { f: fraction + HIDDEN_BIT, e: exponent - BIAS };
  const upper = normalise({ f: 2n * exact.f + 1n, e: exact.e - 1 });
  // Below a power of two doubles lie twice as close.
  const isCloser = fraction === 0n && exponent > 1;
  const lower: Scaled = isCloser ? { f: 4n * exact.f - 1n, e: exact.e - 2 } : { f: 2n * exact.f - 1n, e: exact.e - 1 };
  const scale = scaleFor(upper.e);
  const power = powerOfTen(scale);
  const high = multiply(upper, power);
  const low = multiply({ f: lower.f << BigInt(lower.e - upper.e), e: upper.e }, power);
  // One unit inwards on each side, for what rounding may have lost.
  const most = high.f - 1n;
  let width = most - (low.f + 1n);
  let distance = most - multiply(normalise(exact), power).f;

  const shift = BigInt(-high.e);
  const one = 1n << shift;
  const whole = (most >> shift).toString();
  let rest = most & (one - 1n);
  let digits = '';
  for (let i = 0; i < whole.length; i++) {
    digits += whole[i]!;
    const left = BigInt(whole.length - 1 - i);
    const remaining = (BigInt(whole.slice(i + 1) || '0') << shift) + rest;
    if (remaining <= width) {
      return { digits: nearer(digits, distance, width, remaining, (10n ** left) << shift), point: whole.length - scale };
    }
  }
  do {
    rest *= 10n;
    digits += (rest >> shift).toString();
    rest &= one - 1n;
    width *= 10n;
    distance *= 10n;
  } while (rest > width);
  return { digits: nearer(digits, distance, width, rest, one), point: whole.length - scale };
}

/** Lowers the last digit while that brings the number nearer to the exact one. */
function nearer(digits: string, distance: bigint, width: bigint, rest: bigint, unit: bigint): string {
  let last = digits.charCodeAt(digits.length - 1);
  while (rest < distance && width - rest >= unit && (rest + unit < distance || distance - rest > rest + unit - distance)) {
    last--;
    rest += unit;
  }
  return digits.slice(0, -1) + String.fromCharCode(last);
}
