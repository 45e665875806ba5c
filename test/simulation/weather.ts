// How well requests reach the forge: when it is away, and what becomes of the single request. Without faults everything arrives.

import type { Random } from "./random.ts";

/** What becomes of one request and its answer. */
export type Fate =
  | { kind: "fine" }
  /** It never arrives. `silent`: nobody says so, and the caller waits until its patience ends. */
  | { kind: "lost"; silent: boolean }
  /** The server, or a proxy before it, answers with an error and does nothing. */
  | { kind: "refused" }
  /** It is carried out, and nobody hears of it. */
  | { kind: "unheard"; silent: boolean }
  /** It is carried out long after the caller gave up. */
  | { kind: "late"; ms: number }
  /** It is carried out twice, the second time so much later. */
  | { kind: "twice"; ms: number }
  /** The server goes down in the middle of it: of several refs the first ones, by name, are moved. */
  | { kind: "torn"; downMs: number };

export interface WeatherPlan {
  /** Probability of a fault of each request. */
  faults: number;
  /** Probability that the server dies in the middle of a publish. */
  tears: number;
  /** When the forge is away, ms since 1970. */
  outages: readonly { from: number; until: number }[];
  /** When it takes requests and does nothing: whatever came is carried out when it goes on. */
  spells: readonly { from: number; until: number }[];
}

const kinds = { lost: 5, refused: 4, unheard: 5, late: 2, twice: 2, torn: 1 } as const;

export class Weather {
  /** From then on everything arrives, ms since 1970. */
  calmFrom = Number.POSITIVE_INFINITY;
  readonly #plan: WeatherPlan;
  readonly #random: Random;
  readonly #down: { from: number; until: number }[];

  constructor(plan: WeatherPlan, random: Random) {
    this.#plan = plan;
    this.#random = random;
    this.#down = [...plan.outages];
  }

  isDown(now: number): boolean {
    return now < this.calmFrom && this.#down.some(({ from, until }) => now >= from && now < until);
  }

  /** The server goes down now. */
  crash(now: number, ms: number): void {
    this.#down.push({ from: now, until: now + ms });
  }

  /** When the forge was last away until now, ms since 1970; 0 = never. */
  lastAway(now: number): number {
    return Math.max(0, ...this.#down.filter(({ from }) => from <= now).map(({ until }) => Math.min(until, now)));
  }

  /** `isPublish`: a transaction over a record and a branch, the one that matters most when a dying server tears it. */
  fate(now: number, isPublish: boolean): Fate {
    const random = this.#random;
    if (isPublish && now < this.calmFrom && random.chance(this.#plan.tears))
      return { kind: "torn", downMs: random.between(5_000, 180_000) };
    const spell = this.#plan.spells.find(({ from, until }) => now >= from && now < until);
    if (spell !== undefined && now < this.calmFrom) return { kind: "late", ms: spell.until - now + this.travel() };
    if (now >= this.calmFrom || !random.chance(this.#plan.faults)) return { kind: "fine" };
    const kind = random.weighted(kinds);
    switch (kind) {
      case "lost":
      case "unheard":
        return { kind, silent: random.chance(0.4) };
      case "late":
        return { kind, ms: random.longTailed(20_000, 900_000) };
      case "twice":
        return { kind, ms: random.longTailed(50, 600_000) };
      case "torn":
        return { kind, downMs: random.between(5_000, 180_000) };
      default:
        return { kind };
    }
  }

  /** One way of a request, in ms. */
  travel(): number {
    return this.#random.longTailed(3, this.#plan.faults > 0 ? 2_500 : 200);
  }
}
