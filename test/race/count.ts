// What was found and tried, one line for a story; all of them are summed up at the end of the suite.

import { counts } from "../support/counts.ts";

export interface Count {
  story: string;
  /** Moments at which another run could come in between; for random orders 0. */
  found: number;
  /** Interleavings that were played. */
  tried: number;
}

const suite = counts<Count>("RACE_COUNTS", (lines) => [
  ...lines.map((c) => `${c.story}: ${c.tried} played${c.found > 0 ? `; the run has ${c.found} moments` : ""}`),
  `race suite: ${lines.reduce((total, { tried }) => total + tried, 0)} interleavings played`,
]);

export const { count } = suite;

export default suite.setup;
