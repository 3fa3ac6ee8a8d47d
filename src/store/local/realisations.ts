// Realisations of a local store: which paths the outputs of content-addressed derivations turned out to be. There only where the
// experimental feature `ca-derivations` is on. libstore/local-store.cc, registerDrvOutput and queryRealisation.

import { StoreError } from '../../base/errors.ts';
import { parseHash } from '../../base/hash.ts';
import type { Derivation } from '../../model/derivation.ts';
import { hashDerivationModulo, type HashModuloLookup } from '../../model/derivation-hash.ts';
import { type DerivationOutputId, printDerivationOutputId, type Realisation } from '../../model/realisation.ts';
import type { StorePath } from '../../model/store-path.ts';
import type { StoreDatabase } from './db.ts';

/** Where realisations are kept: a store's database, or a daemon. */
export type RealisationTable = Pick<StoreDatabase, 'queryRealisation' | 'putRealisation' | 'transaction'>;

/** Asks and fills the table of one store. */
export class Realisations {
  readonly #db: RealisationTable;
  readonly #storeDir: string;
  readonly #lookup: HashModuloLookup;

  constructor(db: RealisationTable, storeDir: string, lookup: HashModuloLookup) {
    this.#db = db;
    this.#storeDir = storeDir;
    this.#lookup = lookup;
  }

  /** The name under which an output is realised. The derivation's inputs must lie in the store. */
  idOf(derivation: Derivation, output: string): DerivationOutputId {
    const { hash } = hashDerivationModulo(derivation, this.#storeDir, this.#lookup, true);
    return { hash: parseHash(`sha256:${hash}`), output };
  }

  query(id: DerivationOutputId): Realisation | undefined {
    return this.#db.queryRealisation(id);
  }

  /** Where an output is; undefined where nobody knows yet. What an impure derivation made is never remembered. */
  outputPath(derivation: Derivation, name: string): StorePath | undefined {
    const output = derivation.outputs.get(name);
    if (output === undefined || output.kind === 'impure') return undefined;
    return 'path' in output ? output.path : this.query(this.idOf(derivation, name))?.path;
  }

  /** The path must be valid. StoreError where the output is known to be another path. */
  register(realisation: Realisation): void {
    this.#db.transaction(() => {
      const known = this.query(realisation.id);
      if (known !== undefined && known.path !== realisation.path) {
        const id = printDerivationOutputId(realisation.id);
        throw new StoreError(
          `Trying to register a realisation of '${id}', but we already have another one locally.\n` +
            `Local:  ${this.#storeDir}/${known.path}\nRemote: ${this.#storeDir}/${realisation.path}`,
        );
      }
      this.#db.putRealisation(
        { ...realisation, signatures: [...(known?.signatures ?? []), ...realisation.signatures] },
        known !== undefined,
      );
    });
  }
}
