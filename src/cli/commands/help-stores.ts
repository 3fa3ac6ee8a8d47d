// `floe help-stores`: which kinds of stores there are and how their URLs are written.

import { Command } from 'clipanion';
import { BaseCommand } from '../base-command.ts';

const TEXT = `Stores are named by URLs: --store URL, copy --to URL, and the settings 'store' and 'substituters'.

  auto              The store of this machine: /nix/store where /nix/var/nix is this user's to write, otherwise a private one in
                    the user's own folder, shown at /nix to builds and shells.
  local             The store of this machine, at /nix/store or where NIX_STORE_DIR and NIX_STATE_DIR say.
  /a/folder,        A store of its own below a folder: /a/folder/nix/store, /a/folder/nix/var/nix. Its paths are named
  local?root=/a/folder
                    /nix/store/... all the same, and builds see them there.
  local-overlay://  Two layers under an overlay filesystem: 'root' says where they are seen as one, 'lower-store' names the store
                    below, 'upper-layer' the folder for what is new. Wants the feature 'local-overlay-store'.
  dummy://          Holds nothing, and forgets with its end what it is given ('?read-only=false').
  file:///a/folder  A binary cache in a folder: narinfo files and compressed NARs. Read and written.
  https://a.server, A binary cache on a server. Read.
  http://a.server

Parameters follow a question mark, with '&' between them: 'file:///srv/cache?compression=xz&secret-key=/etc/key'.

  of local stores   root, store, state, log, real, read-only, require-sigs
  of overlay stores those, and lower-store, upper-layer, check-mount, remount-hook
  of binary caches  compression (xz, zstd, bzip2, gzip, br, none), compression-level, parallel-compression, priority, trusted,
                    want-mass-query, secret-key, secret-keys, store, write-nar-listing, index-debug-info
`;

export class HelpStoresCommand extends BaseCommand {
  static override paths = [['help-stores']];
  static override usage = Command.Usage({
    description: 'show help about store types and their settings',
    examples: [
      ['Show it', 'floe help-stores'],
      ['A store below a folder', 'floe store info --store /srv/other-root'],
    ],
  });

  async execute(): Promise<void> {
    this.write(TEXT);
  }
}
