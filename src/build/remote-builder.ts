// Building on other machines (setting `builders`) is not there yet. Only where nothing else can build a derivation is that said.

import { BuildError } from '../base/errors.ts';

/** Whether the setting names machines; `@/etc/nix/machines`, the default, names a file that few have. */
export function namesMachines(builders: string, readFile: (path: string) => string | undefined): boolean {
  const text = builders.startsWith('@') ? (readFile(builders.slice(1)) ?? '') : builders;
  return text.split(/[\n;]/).some((line) => line.replace(/#.*/, '').trim() !== '');
}

/** The error for a derivation that only another machine could build. */
export function noRemoteBuilds(printedPath: string, reason: string): BuildError {
  return new BuildError(
    'InputRejected',
    `Cannot build '${printedPath}'.\nReason: ${reason}; and floe does not build on other machines yet`,
    {
      exitCode: 100,
      hint: "The setting 'builders' has no effect for now: build this derivation where its system is at home, or substitute it.",
    },
  );
}
