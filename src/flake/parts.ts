// Walks over many attributes in parts that do not need one another: packages of `flake show` and `search`, derivations and
// configurations of `flake check`. A walk asks for each part here and says here what it has to say, so that other processes may do
// parts of it (engine/shared-work.ts) and nobody can tell.

import type { Json } from '../base/canonical-json.ts';

/** What a walk has its parts done by. `Saying` is what it tells on the way, as plain data. */
export interface Parts<Saying> {
  /** Some time before they are asked for: parts of that group will come; 0 where nobody knows how many. */
  expect(group: string, parts: number): void;
  /**
   * The part `name`, which no other has. Parts of one group are made of the same things: packages of one system, one configuration.
   * What `evaluate` gives, plain data; or `elsewhere` in walks whose results nobody sees.
   */
  part<Result extends Json | undefined>(group: string, name: string, elsewhere: Result, evaluate: () => Result): Result;
  /** Says something, in a part or between parts. */
  say(saying: Saying): void;
  /** Does something that no other process could do, like showing an error. */
  aloud(run: () => void): void;
}

/** One process does it all. */
export function aloneParts<Saying>(show: (saying: Saying) => void): Parts<Saying> {
  return { expect() {}, part: (_group, _name, _elsewhere, evaluate) => evaluate(), say: show, aloud: (run) => run() };
}
