// One process of the program on some runner. It may die at any await, stand still for a while, or have a clock that is wrong. A dead process is
// simply never continued: what it waits for is not delivered. Requests that it had sent already still arrive.

import { type Clock, stopwatch } from "../../src/clock.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

export type MachineState = "alive" | "paused" | "dead" | "ended";

/** The one whose code runs now: what it calls `Date.now()` is its own clock. */
let awake: Machine | null = null;

/** What `Date.now()` says to the code that runs now; null where that is no machine's. */
export function wallNow(): number | null {
  return awake?.wall() ?? null;
}

/** From here on no machine's code runs, until something is delivered to one. */
export function nobodyRuns(): void {
  awake = null;
}

export class Machine {
  readonly id: number;
  /** For traces. */
  readonly name: string;
  readonly clock: Clock;
  state: MachineState = "alive";
  /** When it last stood still, ms since 1970; 0 = never. */
  pausedUntil = 0;
  /** Somebody cancelled its run: that costs no attempt. */
  wasCancelled = false;
  /** The process whose last step this one is; itself where it is none. */
  main: Machine = this;
  /** All the time it stood still, in ms. */
  pausedMs = 0;

  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #startedAt: number;
  /** What its wall clock is wrong by, in ms. */
  #wallOff: number;
  /** What its monotonic clock did not count: the machine was asleep, clocks and all. */
  #sleptMs = 0;
  #held: (() => void)[] = [];

  constructor(id: number, name: string, schedule: Schedule, random: Random, wallOff: number) {
    this.id = id;
    this.name = name;
    this.#schedule = schedule;
    this.#random = random;
    this.#startedAt = schedule.now;
    this.#wallOff = wallOff;
    this.clock = {
      elapsed: stopwatch({ wall: () => this.wall(), monotonic: () => this.monotonic() }),
      sleep: (ms, signal) => this.#sleep(ms, signal),
      random: () => this.#random.next(),
    };
  }

  /** Ms since 1970, wrong by as much as somebody set it. */
  wall(): number {
    return this.#schedule.now + this.#wallOff;
  }

  /** Ms from its start; stands still while the machine sleeps. */
  monotonic(): number {
    return this.#schedule.now - this.#startedAt - this.#sleptMs;
  }

  /** Its code runs from here on. */
  enter(): void {
    awake = this;
  }

  get isOver(): boolean {
    return this.state === "dead" || this.state === "ended";
  }

  /** Goes on with what waited, now or when it runs again; never, once it is dead. */
  deliver(act: () => void): void {
    if (this.isOver) return;
    if (this.state === "paused") {
      this.#held.push(act);
      return;
    }
    this.enter();
    act();
  }

  kill(): void {
    if (this.state !== "ended") this.state = "dead";
    this.#held = [];
  }

  end(): void {
    if (this.state !== "dead") this.state = "ended";
  }

  /** `asleep`: the whole machine, and its monotonic clock with it. */
  pause(ms: number, asleep: boolean): void {
    if (this.state !== "alive") return;
    this.state = "paused";
    this.pausedMs += ms;
    if (asleep) this.#sleptMs += ms;
    this.pausedUntil = this.#schedule.now + ms;
    this.#schedule.after(ms, () => {
      if (this.state !== "paused") return;
      this.state = "alive";
      const held = this.#held;
      this.#held = [];
      // One after the other, as they would have come.
      for (const [at, act] of held.entries()) this.#schedule.after(at * 0.01, () => this.deliver(act));
    });
  }

  /** Somebody sets its wall clock. */
  setWall(byMs: number): void {
    this.#wallOff += byMs;
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const end = () => {
        signal?.removeEventListener("abort", end);
        resolve();
      };
      signal?.addEventListener("abort", end, { once: true });
      this.#schedule.after(ms, () => this.deliver(end));
    });
  }
}
