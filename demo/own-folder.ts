// One temporary folder for everything that a program and its children make, and the end of all of it, however the program ends.

import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { endTree } from "../test/support/executors/processTree.ts";

/** Exit statuses that a shell shows for a program ended by the signal. */
const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Resolves with the exit status when somebody stops the program. */
export type Stopped = Promise<number>;

/** Answers what `use` answers, or the status of the signal that came first. Processes are found by the folder's name in their environment. */
export async function inOwnFolder(name: string, use: (stopped: Stopped) => Promise<number>): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), `agent-dispatch-${name}-`));
  process.env["TMPDIR"] = folder;
  const stopped: Stopped = new Promise((resolve) => {
    // Stays: what is ended by a signal may get it twice, from the terminal and from npm.
    for (const [signal, status] of Object.entries(signals)) process.on(signal, () => resolve(status));
  });
  // A last resort: an error that nobody caught.
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  try {
    const status = await Promise.race([use(stopped), stopped]);
    if (status > 128) console.error(`\n${name}: stopped; nothing is left behind`);
    return status;
  } finally {
    await endTree(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
