// What the main step keeps for the post step, which is started when main has ended in whatever way. Each entry is written at once, before what it
// tells of begins: main can be killed at any instant, and what is not written then is lost.

import * as z from "zod";
import type { RunMark } from "./agent/mark.ts";

type Save = (name: string, value: string) => void;

const Claim = z.object({ place: z.string(), owner: z.string(), item: z.int().min(1) });
/** The claim that main tries for: whether it has it stands in the ledger, under this owner. */
export type SavedClaim = z.infer<typeof Claim>;

const Folders = z.object({ root: z.string(), kept: z.string(), sinceTicks: z.number().nullable() });
/** Folders of a run: `root` for the agent, `kept` with the trace of its processes; when main started, in ticks. */
export type SavedFolders = z.infer<typeof Folders>;

export interface Saved {
  /** Main came to its end, well or not: it has given back what it had. */
  isFinished: boolean;
  claim: SavedClaim | null;
  folders: SavedFolders | null;
  /** An agent may have been started for the claim. */
  agent: boolean;
  /** Folder of the host's own repository. */
  host: string | null;
}

export function saveFinished(save: Save): void {
  save("finished", "true");
}

export function saveClaim(save: Save, { place, owner }: RunMark, item: number): void {
  save("claim", JSON.stringify({ place, owner, item } satisfies SavedClaim));
}

export function saveFolders(save: Save, folders: SavedFolders): void {
  save("folders", JSON.stringify(folders));
}

export function saveAgent(save: Save): void {
  save("agent", "started");
}

export function saveHost(save: Save, folder: string): void {
  save("host", folder);
}

/** `get` answers the empty text for what was not kept. What cannot be read counts as not kept. */
export function readSaved(get: (name: string) => string): Saved {
  return {
    isFinished: get("finished") === "true",
    claim: read(Claim, get("claim")),
    folders: read(Folders, get("folders")),
    agent: get("agent") !== "",
    host: get("host") || null,
  };
}

function read<T>(schema: z.ZodType<T>, text: string): T | null {
  if (text === "") return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
