/** Both in ms. The monotonic one stands still while a machine sleeps, the wall clock may be set. */
export interface Clock {
  wall(): number;
  monotonic(): number;
}

export const systemClock: Clock = { wall: () => Date.now(), monotonic: () => performance.now() };

/** Time since a mark, by whichever clock says more: a deadline that a sleeping machine slept through has passed. */
export class Watch {
  readonly #clock: Clock;
  #wall: number;
  #monotonic: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wall = clock.wall();
    this.#monotonic = clock.monotonic();
  }

  reset(): void {
    this.#wall = this.#clock.wall();
    this.#monotonic = this.#clock.monotonic();
  }

  /** When it was made or last reset, in ms since 1970. */
  get since(): number {
    return this.#wall;
  }

  /** In whole ms. */
  get elapsedMs(): number {
    return Math.round(Math.max(this.#clock.wall() - this.#wall, this.#clock.monotonic() - this.#monotonic));
  }
}
