// What the engine works in: a store whose objects are files of this machine, written by this process itself (local-store.ts) or by a Nix
// daemon (daemon-store.ts). Evaluation cannot wait, so that what it needs answers at once.

import type { Store } from '../store.ts';
import type { LocalStore } from './local-store.ts';
import type { OptimiseStats } from './optimise.ts';

type Shared =
  | 'realStoreDir'
  | 'stateDir'
  | 'logDir'
  | 'isReadOnly'
  | 'realisations'
  | 'toRealPath'
  | 'printPath'
  | 'isValidPathSync'
  | 'queryPathInfoSync'
  | 'requirePathInfoSync'
  | 'queryDerivationOutputsSync'
  | 'readDerivationSync'
  | 'addTempRootsSync'
  | 'addRootLink'
  | 'addIndirectRoot'
  | 'findRoots'
  | 'addTextSync'
  | 'addDerivations'
  | 'addPendingObjects'
  | 'computeTreePathSync'
  | 'addTreeSync'
  | 'collectGarbage'
  | 'verify';

/** See the head of the file; each member is explained at LocalStore. */
export interface MachineStore extends Store, Pick<LocalStore, Shared> {
  /** Hard-links equal files of all valid paths; undefined where nobody says what that brought. */
  optimise(): Promise<OptimiseStats | undefined>;
}
