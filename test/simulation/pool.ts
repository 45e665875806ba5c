// Processes that live worlds side by side: one for each core.

import { type ChildProcess, fork } from "node:child_process";
import type { Result } from "./simulate.ts";
import type { Order } from "./worker.ts";

export interface Hunt {
  /** The program and the simulation in one file (bundle.ts). */
  file: string;
  from: number;
  count: number;
  workers: number;
  /** No world is begun after so many seconds; null = no bound. */
  seconds: number | null;
  hashed: boolean;
  isTold: boolean;
  /** Whether to go on after this world. */
  heard(result: Result): boolean;
}

/** Worlds that a worker is given at once. */
const batch = 5;

/** Answers how many worlds were lived. Throws when a worker dies: the program must not be able to. */
export async function hunt(given: Hunt): Promise<number> {
  const end = given.from + given.count;
  const begun = Date.now();
  let next = given.from;
  let lived = 0;
  let isOver = false;
  const isLate = () => given.seconds !== null && Date.now() - begun > given.seconds * 1000;

  function feed(worker: ChildProcess): void {
    if (isOver || next >= end || isLate()) {
      if (worker.connected) worker.disconnect();
      return;
    }
    const count = Math.min(batch, end - next);
    const order: Order = { from: next, count, hashed: given.hashed, isTold: given.isTold };
    next += count;
    worker.send(order);
  }

  const workers = Array.from({ length: Math.min(given.workers, given.count) }, () => fork(given.file));
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          worker.on("message", (message: Result | "idle") => {
            if (message === "idle") return feed(worker);
            if (isOver) return;
            lived++;
            if (!given.heard(message)) {
              isOver = true;
              for (const other of workers) other.kill();
            }
          });
          worker.on("error", reject);
          worker.on("exit", (code) => {
            if (code === 0 || isOver) resolve();
            else reject(new Error(`a world ended its process with status ${code}`));
          });
        }),
    ),
  );
  return lived;
}
