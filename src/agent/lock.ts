// One process of a machine at a time: a file that is renewed while it is held. It saves work and is no proof: what it guards must also be right
// when two hold it, as after a machine that slept. (Lock packages patch `fs` and the handling of signals for the whole process, which is ours.)

import { rm, stat, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** Between two signs of life, and the age from which a lock is nobody's, in ms. */
const renewMs = 5_000;
const staleMs = 30_000;

export interface Wait {
  /** Longest wait, in ms; then it goes on without the lock. */
  maxMs: number;
  /** Between two tries, in ms. */
  everyMs: number;
  stop?: AbortSignal;
}

/** Runs the task while holding `file`, which must not be anything else. */
export async function locked<T>(file: string, wait: Wait, task: () => Promise<T>): Promise<T> {
  const isOurs = await take(file, wait);
  const renew = () => {
    writeFile(file, "").catch(() => undefined);
  };
  const timer = isOurs ? setInterval(renew, renewMs) : null;
  try {
    return await task();
  } finally {
    if (timer !== null) {
      clearInterval(timer);
      await rm(file, { force: true });
    }
  }
}

async function take(file: string, { maxMs, everyMs, stop }: Wait): Promise<boolean> {
  for (const end = Date.now() + maxMs; Date.now() < end && stop?.aborted !== true; await sleep(everyMs)) {
    const isMade = await writeFile(file, "", { flag: "wx" }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "EEXIST") return false;
        throw error;
      },
    );
    if (isMade) return true;
    const age = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > staleMs) await rm(file, { force: true });
  }
  return false;
}
