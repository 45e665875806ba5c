// What was found and tried, one line for a tale; all of them are summed up at the end of the suite.

import { counts } from "../support/counts.ts";

export interface Count {
  tale: string;
  points: number;
  states: number;
  tried: number;
}

const suite = counts<Count>("CRASH_COUNTS", (lines) => {
  const sum = (of: (line: Count) => number) => lines.reduce((total, line) => total + of(line), 0);
  const [points, states, tried] = [sum((c) => c.points), sum((c) => c.states), sum((c) => c.tried)];
  return [
    ...lines.map((c) => `${c.tale}: ${c.points} points, ${c.states} distinct worlds, ${c.tried} tried`),
    `crash suite: ${points} points found, ${states} distinct worlds, ${tried} stops tried`,
  ];
});

export const { count } = suite;

export default suite.setup;
