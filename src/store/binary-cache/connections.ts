// A bound on how much goes on at once (setting http-connections). Who waits longest comes first.

/** So many turns at a time. */
export class Connections {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** 0 for no limit. */
  constructor(count: number) {
    this.#free = count === 0 ? Infinity : count;
  }

  /** Waits for a turn; the result ends it. Rejects with the signal's reason when nobody wants it any more. */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    return () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal!.reason as Error);
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.push(enter);
    });
  }
}
