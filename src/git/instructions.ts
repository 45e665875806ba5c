// Files that give orders to agents, as the base branch has them: a pull request must not tell its own reviewer what to find.
//
// They are put back in a commit on top of the head, which the clone starts from, and not in the clone's work tree: then they are no change of
// the agent's, its `git status` is clean, and nothing of the clone has to be trusted. Rejected: restoring them in the work tree and leaving
// these paths out when its changes are looked at, since then an agent's own change to them would go unseen.
//
// Not covered: what such a file of the base only names (`@docs/rules.md`, the target of a link).

import { RunError } from "../errors.ts";
import { type RawEntry, readRaw } from "./changes.ts";
import { editTree } from "./compose.ts";
import { entry, removal } from "./leftovers.ts";
import { mergeCommit } from "./merging.ts";
import type { Host } from "./port.ts";

export interface Instructed {
  /** `head` itself where nothing had to be restored. */
  start: string;
  /** Paths that are as the base has them, and not as the head has. */
  restored: string[];
}

/** Names that an agent reads as orders, in whatever folder, in small letters. */
const names: ReadonlySet<string> = new Set([
  ...["agents.md", "agents.override.md", "agent.md", ".mcp.json", ".goosehints", ".aider.conf.yml"],
  ...["claude.md", "claude.local.md", "gemini.md", "qwen.md", "crush.md", "opencode.json", "opencode.jsonc"],
  ...[".cursorrules", ".windsurfrules", ".clinerules", ".roorules", "copilot-instructions.md"],
  ...[".claude", ".codex", ".gemini", ".qwen", ".opencode", ".agents", ".cursor", ".windsurf", ".roo", ".continue"],
  ...[".crush", ".amp", ".factory", ".kiro", ".goose"],
]);

/** Whether a path steers an agent: its name, or that of a folder that it lies in. Compared without case: some file systems do too. */
export function isInstruction(path: string): boolean {
  const parts = path.toLowerCase().split("/");
  return parts.some((part) => names.has(part)) || path.toLowerCase().startsWith(".github/instructions/");
}

/** Longest list of differences between the two trees, in bytes. */
const diffBytesMax = 64 * 1024 * 1024;

/** A commit with the tree of `head` but the agent instructions of `base`. The same two make the same commit. */
export async function withBaseInstructions(
  host: Host,
  { head, base }: { head: string; base: string },
): Promise<Instructed> {
  const args = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--ignore-submodules=none"];
  const diff = await host.must([...args, head, base, "--"], { outputBytesMax: diffBytesMax });
  const differ = readRaw(diff, 0).entries.filter(({ name }) => isInstruction(name.toString("utf8")));
  if (differ.length === 0) return { start: head, restored: [] };
  const edited = await editTree(host, head, indexInfo(differ));
  if (edited.kind === "unreadable") {
    throw new RunError(`The agent instructions of the base branch could not be restored: ${edited.why}`, {
      remedy: "The next run starts with a fresh repository; if it happens again, report it with this text.",
      mender: "agent-dispatch",
      retry: true,
    });
  }
  const message =
    "Agent instructions as the base branch has them\n\nMade by the host for this clone; no part of the change.";
  const start = await mergeCommit(host, { tree: edited.tree, parents: [head], message });
  return { start, restored: differ.map(({ name }) => name.toString("utf8")) };
}

// Removals first: a folder may stand where the base has a file.
function indexInfo(differ: readonly RawEntry[]): Buffer {
  const gone = differ.map(({ name }) => removal(name));
  const back = differ.filter(({ newMode }) => newMode !== "000000");
  return Buffer.concat([...gone, ...back.map(({ newMode, newSha, name }) => entry(newMode, newSha, name))]);
}
