// Folders of one run: the agent's clone, home and temporary files, and what the program keeps about it. The host's own repository lies elsewhere.

import { randomUUID } from "node:crypto";
import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ownFolder } from "./agent/tree.ts";
import type { Ports } from "./ports.ts";
import { saveFolders } from "./saved.ts";

export interface Workspace {
  /** Holds everything the agent may write. Its name is new in every run. */
  root: string;
  clone: string;
  home: string;
  tmp: string;
  /** Where the agent may write its result. */
  resultFile: string;
  promptFile: string;
  /** Not for the agent: outputs as they came, trees for checks. */
  kept: string;
  remove(): Promise<void>;
}

/** Makes the folders in the job's workspace when that is empty, else in the runner's temporary folder; `given` is the input. */
export async function makeWorkspace(ports: Ports, given: string | null): Promise<Workspace> {
  const parent = given ?? ((await isEmpty(ports.run.workspace)) ? ports.run.workspace : ports.run.temp);
  const name = `agent-dispatch-${randomUUID()}`;
  const root = join(parent, name);
  const kept = join(ports.run.temp, `${name}-kept`);
  const folders = { clone: join(root, "clone"), home: join(root, "home"), tmp: join(root, "tmp") };
  saveFolders(ports.saveState, { root, kept, sinceTicks: ownFolder(root)?.sinceTicks ?? null });
  await mkdir(root, { recursive: true, mode: 0o700 });
  await mkdir(kept, { recursive: true, mode: 0o700 });
  await Promise.all([mkdir(folders.home), mkdir(folders.tmp), mkdir(join(root, "out"))]);
  const remove = async () => {
    await Promise.all([removeAll(root), removeAll(kept)]);
  };
  return {
    root,
    ...folders,
    resultFile: join(root, "out", "result.json"),
    promptFile: join(root, "out", "prompt.md"),
    kept,
    remove,
  };
}

async function isEmpty(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0;
  } catch {
    return false;
  }
}

/** Removes a folder that may hold folders without write permission, as package caches do. */
export async function removeAll(folder: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 3 } as const;
  try {
    await rm(folder, options);
  } catch {
    await makeWritable(folder);
    await rm(folder, options).catch(() => undefined);
  }
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700).catch(() => undefined);
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
  }
}
