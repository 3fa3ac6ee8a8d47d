// Checks for our own bugs only; what a user can cause is a FloeError. The outermost face catches these and asks for a report.

/** A condition that only a bug in floe can break. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`bug in floe: ${what}`);
}

/** A branch that only a bug in floe can reach. */
export function unreachable(what: string): never {
  throw new Error(`bug in floe: unreachable: ${what}`);
}
