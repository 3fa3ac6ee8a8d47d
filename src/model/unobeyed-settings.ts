// Settings that floe reads and does not go by, each with the reason: either nothing that a user can see depends on it, or it is not there
// yet, and whoever sets it is told so. A house test sees to it that every other setting is asked for somewhere.

import type { SettingName } from './settings.ts';

export interface Unobeyed {
  readonly why: string;
  /** Whether the result is the same whatever its value; otherwise whoever sets it is warned. */
  readonly isHarmless: boolean;
}

const harmless = (why: string): Unobeyed => ({ why, isHarmless: true });
const missing = (why: string): Unobeyed => ({ why, isHarmless: false });

/** By name. */
export const UNOBEYED_SETTINGS: Readonly<Partial<Record<SettingName, Unobeyed>>> = {
  'allow-symlinked-store': missing('floe takes the store folder as it is named'),
  'allow-unsafe-native-code-during-evaluation': missing('floe has no builtins that run native code'),
  'auto-allocate-uids': missing('builders run as the user that floe runs as'),
  'build-hook': missing('floe asks no other program to build'),
  'build-poll-interval': harmless('floe waits for locks itself'),
  'compress-build-log': harmless('logs are read in either form; floe writes them as they are'),
  'download-buffer-size': harmless('it bounds memory that floe does not need'),
  'download-speed': missing('floe does not slow downloads down'),
  'eval-attrset-update-layer-rhs-threshold': harmless('it chooses how sets lie in memory'),
  'fsync-metadata': harmless("the database's own journal keeps it whole"),
  'fsync-store-paths': missing('floe leaves it to the system when files reach the disk'),
  'gc-reserved-space': harmless("floe's collector needs no space of its own"),
  http2: harmless('floe speaks HTTP/1.1'),
  'id-count': missing('builders run as the user that floe runs as'),
  'ignored-acls': missing('floe takes no extended attributes off what comes into the store'),
  'nar-buffer-size': harmless('it bounds memory that floe does not need'),
  'plugin-files': missing('floe cannot load plugins of C++ Nix'),
  'preallocate-contents': harmless('it changes how files lie on the disk, not what is in them'),
  'start-id': missing('builders run as the user that floe runs as'),
  'sync-before-registering': missing('floe leaves it to the system when files reach the disk'),
  'upgrade-nix-store-path-url': harmless('floe does not upgrade itself'),
  'use-cgroups': missing('builds run in no cgroups of their own'),
  'use-sqlite-wal': harmless('the database keeps the journal that it has'),
  'user-agent-suffix': missing("downloads call themselves 'floe'"),
  'warn-large-path-threshold': missing('floe does not say how large paths are that it copies'),
};
