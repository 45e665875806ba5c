import { mkdir, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { endTree } from "./processTree.ts";

/** A folder of one run's own, with its HOME and temporary files in it. */
export interface RunFolder {
  root: string;
  home: string;
  temp: string;
}

/** Makes the folder, hands it to `use`, and removes it together with every process that still has its name in the environment. */
export async function withRunFolder<T>(name: string, use: (folder: RunFolder) => Promise<T>): Promise<T> {
  const root = await mkdtemp(path.join(os.tmpdir(), `agent-dispatch-${name}-`));
  const folder = { root, home: path.join(root, "home"), temp: path.join(root, "tmp") };
  try {
    await mkdir(folder.home);
    await mkdir(folder.temp);
    return await use(folder);
  } finally {
    await endTree(root);
    await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}
