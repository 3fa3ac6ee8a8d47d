// Patience with servers: a transfer that says nothing for a while is given up. Setting `stalled-download-timeout` says how long.

/** Gives up when nothing is heard for a while. */
export class StallWatch {
  readonly #giveUp: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Seconds that passed without a word, once it gave up. */
  stalledS: number | undefined;

  constructor(giveUp: () => void) {
    this.#giveUp = giveUp;
  }

  /** Something was heard; the next must come within that many seconds (0: whenever). */
  expect(seconds: number): void {
    clearTimeout(this.#timer);
    if (seconds === 0) return;
    this.#timer = setTimeout(() => {
      this.stalledS = seconds;
      this.#giveUp();
    }, seconds * 1000);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
