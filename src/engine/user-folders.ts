// Where a user's own things lie as Nix places them: profiles, channels, the default expression. libutil/users.cc, libstore/profiles.cc.

import { join } from 'node:path';
import process from 'node:process';
import type { Engine } from './engine.ts';

type Place = Pick<Engine, 'env' | 'settings' | 'storeAccess'>;

/** The user's home folder. */
export function homeFolder({ env }: Pick<Engine, 'env'>): string {
  return env['HOME'] || '/';
}

/** Where Nix keeps what belongs to a user. */
export function userStateFolder({ env }: Pick<Engine, 'env'>): string {
  return env['NIX_STATE_HOME'] || join(env['XDG_STATE_HOME'] || join(homeFolder({ env }), '.local/state'), 'nix');
}

/** Folder of root's profiles. */
export function rootProfilesFolder({ storeAccess }: Pick<Engine, 'storeAccess'>): string {
  return join(storeAccess.placement.stateDir, 'profiles/per-user/root');
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/** Folder of this user's profiles. */
export function profilesFolder(place: Place): string {
  return isRoot() ? rootProfilesFolder(place) : join(userStateFolder(place), 'profiles');
}

/** A file in the home folder, or its name among the XDG folders where the user wants those. */
export function userFile(place: Pick<Engine, 'env' | 'settings'>, inHome: string, inState: string): string {
  return place.settings.get('use-xdg-base-directories') ? join(userStateFolder(place), inState) : join(homeFolder(place), inHome);
}

/** The link that stands for the user's profile. */
export function profileLink(place: Pick<Engine, 'env' | 'settings'>): string {
  return userFile(place, '.nix-profile', 'profile');
}

/** The folder (or file) whose expressions `nix-env` looks into. */
export function defaultExpressionPath(place: Pick<Engine, 'env' | 'settings'>): string {
  return userFile(place, '.nix-defexpr', 'defexpr');
}
