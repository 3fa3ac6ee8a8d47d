// Generations of a profile as `nix-env --list-generations` and `nix-channel --list-generations` print them.

import type { Profile } from '../engine/profiles.ts';

/** Number, local time, and a mark at the current one. */
export async function printGenerations(profile: Profile): Promise<string> {
  const { generations, current } = await profile.generations();
  const two = (value: number): string => String(value).padStart(2, '0');
  const lines = generations.map(({ number, creationTime }) => {
    const date = new Date(creationTime * 1000);
    const day = `${String(date.getFullYear()).padStart(4)}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
    return `${String(number).padStart(4)}   ${day} ${time}   ${number === current ? '(current)' : ''}\n`;
  });
  return lines.join('');
}
