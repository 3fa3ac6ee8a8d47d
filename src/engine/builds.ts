// Building for an engine: what evaluation left pending is written, and derived paths become outputs.

import type { DerivedPath } from '../model/derived-path.ts';
import type { StorePath } from '../model/store-path.ts';
import type { Engine } from './engine.ts';

export class Builds {
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Writes what these paths need of what evaluation produced. */
  flush(paths: readonly DerivedPath[]): void {
    this.engine.evaluation().host.flush(paths.map((path) => (path.kind === 'built' ? path.derivation : path.path)));
  }

  /** Writes every derivation that evaluation has produced: what `nix eval` and `nix-instantiate` leave in the store. */
  flushAll(): void {
    if (this.engine.readOnly) return;
    const { host } = this.engine.evaluation();
    host.flush(host.pendingDerivations());
  }

  /** In the worker: import from derivation. Gives the outputs' store paths. */
  async realiseForEvaluation(_paths: readonly string[]): Promise<StorePath[]> {
    throw new Error('not yet');
  }
}
