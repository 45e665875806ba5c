// Agents that play their part in a story: what the author, the reviewer and the author again do, one plan after the other.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { commandLine } from "./agents/index.ts";

/** What one start of an agent does. */
export interface Play {
  write?: Record<string, string>;
  delete?: string[];
  commit?: string;
  result?: object;
  /** Replies with that action to every finding that the prompt names. */
  answer?: "fixed" | "rejected" | "clarified";
  /** Name of a file; the agent goes on when it is gone. */
  hold?: string;
  say?: string;
  waitMs?: number;
  exit?: number;
}

export interface Plays {
  implement?: Play[];
  review?: Play[];
  rework?: Play[];
}

export const mended = "export const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);\n";

export const implemented: Play = {
  write: { "sum.js": mended },
  result: { status: "implemented", title: "Add instead of subtracting", summary: "The sum adds now." },
};
export const approved: Play = { result: { status: "approved", summary: "It adds, and nothing else changed." } };
export const rejected: Play = {
  result: {
    status: "changes-requested",
    summary: "One thing is missing.",
    findings: [
      { severity: "major", path: "sum.js", line: 1, title: "No answer for an empty list", body: "Say what it is." },
    ],
  },
};
export const reworked: Play = {
  write: { "sum.js": `// The sum of nothing is 0.\n${mended}` },
  result: { status: "implemented", summary: "Said what the sum of nothing is." },
  answer: "fixed",
};

/** A shell command line for `agent-command` that plays these; the plans lie in a file of `dir`. */
export async function playing(dir: string, plays: Plays): Promise<string> {
  const file = join(dir, "plays.json");
  await writeFile(file, JSON.stringify({ implement: [implemented], review: [approved], rework: [reworked], ...plays }));
  return commandLine("plays", file);
}

/** Which parts were played, in order: `implement 1 round 0`. */
export async function played(dir: string): Promise<string[]> {
  const text = await readFile(join(dir, "plays.json.played"), "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

/** The prompt of the nth start of a kind, from 1. */
export function promptOf(dir: string, kind: keyof Plays, nth: number): Promise<string> {
  return readFile(join(dir, `plays.json.prompt-${kind}-${nth}`), "utf8");
}
