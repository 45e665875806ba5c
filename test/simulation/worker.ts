// Lives the worlds that its parent names, one after the other.

import { seedIds } from "./ids.ts";
import { simulate } from "./simulate.ts";

/** What the parent wants. */
export interface Order {
  from: number;
  count: number;
  /** A fingerprint of all that happened. */
  hashed: boolean;
  /** Every line is printed. */
  isTold: boolean;
}

process.on("message", (order: Order) => {
  void work(order);
});

async function work({ from, count, hashed, isTold }: Order): Promise<void> {
  const print = isTold ? { print: (line: string) => process.stdout.write(`${line}\n`) } : {};
  for (let seed = from; seed < from + count; seed++) {
    seedIds(seed);
    process.send?.(await simulate(seed, { hashed, ...print }));
  }
  process.send?.("idle");
}

process.send?.("idle");
