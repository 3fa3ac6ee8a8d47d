// Amounts of bytes for people, as C++ Nix renders them (libutil/util.cc, renderSize).

const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];

/** "12.3 MiB"; at least in KiB. */
export function printSize(bytes: number): string {
  // NIX: the unit is found in whole numbers, and changes beyond 1024, so that 1 MiB prints as "1024.0 KiB".
  let unit = 0;
  for (let rest = Math.abs(bytes); rest > 1024 && unit < UNITS.length - 1; rest = Math.floor(rest / 1024)) unit++;
  unit = Math.max(unit, 1);
  return `${(bytes / 1024 ** unit).toFixed(1)} ${UNITS[unit]}iB`;
}

/** The same in a column: the number takes six places. */
export function printAlignedSize(bytes: number): string {
  return printSize(bytes).padStart('123456 KiB'.length);
}
