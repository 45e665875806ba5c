// node:crypto as the program gets it in a simulation (bundle.ts): the same, but that random ids are the seed's.

import { Random } from "./random.ts";

export * from "node:crypto";

let random = new Random(0, "ids");

/** From here on the ids of this seed. */
export function seedIds(seed: number): void {
  random = new Random(seed, "ids");
}

export function randomUUID(): string {
  const [a, b, c, d] = [random.hex(), random.hex(), random.hex(), random.hex()];
  return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-8${c.slice(1, 4)}-${c.slice(4)}${d}`;
}
