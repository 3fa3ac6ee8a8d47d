// `config check`: what about the machine commonly goes wrong. nix/config-check.cc.

import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { splitStorePath } from '../model/store-path.ts';
import type { Engine } from './engine.ts';
import { storeFacts } from './store-facts.ts';

/** What one check found. */
export interface Finding {
  readonly kind: 'pass' | 'fail' | 'info';
  readonly text: string;
}

const PROGRAM = 'nix-env';
const MAX_LINKS = 40;

function searchFolders({ env }: Pick<Engine, 'env'>): string[] {
  return (env['PATH'] ?? '').split(':').map((folder) => (folder === '' ? '.' : folder));
}

/** Two Nixes on one machine take turns in surprising ways. */
function checkPrograms(engine: Engine): Finding {
  const folders = new Set<string>();
  for (const folder of searchFolders(engine)) {
    const candidate = join(resolve(engine.cwd, folder), PROGRAM);
    if (fs.existsSync(candidate)) folders.add(dirname(fs.realpathSync(candidate)));
  }
  // Nix calls that a failure; floe needs none.
  if (folders.size === 0) return { kind: 'info', text: `No ${PROGRAM} found in PATH.` };
  if (folders.size === 1) return { kind: 'pass', text: 'PATH contains only one nix version.' };
  const list = [...folders].sort().map((folder) => `  "${folder}"\n`);
  return { kind: 'fail', text: `Multiple versions of nix found in PATH:\n${list.join('')}` };
}

/** Whether a folder of PATH leads to a user environment past the state folder's profiles, so that nothing keeps it from the collector. */
function isLooseProfile(folder: string, storeDir: string): boolean {
  let profile = dirname(folder);
  const isKept = () => profile.split('/').includes('profiles');
  try {
    const environment = fs.realpathSync(profile);
    if (splitStorePath(environment, storeDir)?.rest !== '' || !environment.endsWith('user-environment')) return false;
    for (let links = 0; !isKept() && links < MAX_LINKS && fs.lstatSync(profile).isSymbolicLink(); links++)
      profile = resolve(dirname(profile), fs.readlinkSync(profile));
    return !isKept();
  } catch {
    return false;
  }
}

function checkProfiles(engine: Engine): Finding {
  const loose = searchFolders(engine).filter((folder) => isLooseProfile(resolve(engine.cwd, folder), engine.storeDir));
  if (loose.length === 0) return { kind: 'pass', text: 'All profiles are gcroots.' };
  const list = [...new Set(loose)].sort().map((folder) => `  "${folder}"\n`);
  return {
    kind: 'fail',
    text:
      `Found profiles outside of ${engine.store.stateDir}/profiles.\nThe generation this profile points to might not have a gcroot and could be\n` +
      `garbage collected, resulting in broken symlinks.\n\n${list.join('')}\n`,
  };
}

/** Looks at the machine and at the store, which may be elsewhere: what is checked, and what was found. */
export async function checkInstallation(engine: Engine): Promise<{ readonly storeUri: string; readonly findings: readonly Finding[] }> {
  const { url, trusted, isLocal } = await storeFacts(engine);
  const storeUri = isLocal ? url : url.replace(/\?.*$/s, '');
  const trust =
    trusted === undefined ? `Store uri: ${storeUri} doesn't have a notion of trusted user` : `You are trusted by store uri: ${storeUri}`;
  const findings: Finding[] = [
    ...(isLocal ? [checkPrograms(engine), checkProfiles(engine)] : []),
    // A store that this process opens itself speaks no protocol; one that speaks another is not opened.
    { kind: 'pass', text: 'Client protocol matches store protocol.' },
    { kind: 'info', text: trust },
  ];
  return { storeUri, findings };
}
