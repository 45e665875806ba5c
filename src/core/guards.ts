// What is never published, whatever the agent and the checks say. Facts come from the host's own reading of the trees.

import type { Changes } from "../git/changes.ts";
import type { Limits } from "./policy.ts";

const workflowFolders = [".gitea/workflows/", ".github/workflows/", ".forgejo/workflows/"];

/** Files that the forge executes from the pushed branch with the repository's secrets. Compared without case: some file systems do too. */
export function isWorkflow(path: string): boolean {
  const lower = path.toLowerCase();
  return workflowFolders.some((folder) => lower.startsWith(folder) || lower === folder.slice(0, -1));
}

/** Most reasons that are told. */
const problemsMax = 10;

/** Why a change may not be published, one sentence each; empty when it may. `holdsSecret` knows the credentials of this run. */
export function guards(changes: Changes, limits: Limits, holdsSecret: (text: string) => boolean): string[] {
  return [...neverLeaves(changes, limits, holdsSecret), ...conflictMarkers(changes)].slice(0, problemsMax);
}

/** Why a change may not leave this machine at all, not even as work to be gone on with: its size, what its links lead to, secrets. */
export function neverLeaves(changes: Changes, limits: Limits, holdsSecret: (text: string) => boolean): string[] {
  const problems: string[] = [];
  // What is beyond the list was not looked at, so it is never published.
  const filesMax = Math.min(limits.changedFilesMax, changes.changes.length);
  if (changes.changeCount > filesMax) problems.push(`it changes ${changes.changeCount} files (at most ${filesMax})`);
  const bytes = changes.changes.reduce((sum, change) => sum + change.bytes, 0);
  if (bytes > limits.changeBytesMax)
    problems.push(`its changed files have ${megabytes(bytes)} together (at most ${megabytes(limits.changeBytesMax)})`);
  for (const change of changes.changes) {
    if (change.bytes > limits.fileBytesMax)
      problems.push(`\`${change.path}\` has ${megabytes(change.bytes)} (at most ${megabytes(limits.fileBytesMax)})`);
    if (change.newMode === "160000")
      problems.push(`\`${change.path}\` is a submodule or a repository inside the repository`);
    if (change.newMode !== "120000") continue;
    if (change.linkTarget === null) problems.push(`where the symbolic link \`${change.path}\` leads cannot be read`);
    else if (leavesTree(change.path, change.linkTarget))
      problems.push(`the symbolic link \`${change.path}\` leads out of the repository (to \`${change.linkTarget}\`)`);
  }
  return [...problems, ...secretsIn(changes, holdsSecret)].slice(0, problemsMax);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/**
 * Whether a link's target, from where the link lies, can be outside of the tree or inside `.git`. A `..` behind a name counts as leaving: that
 * name may be a link itself, and then the path leads elsewhere than it reads.
 */
export function leavesTree(path: string, target: string): boolean {
  if (target.startsWith("/")) return true;
  const parts = path.split("/").slice(0, -1);
  let named = false;
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") {
      parts.push(part);
      named = true;
    } else if (named || parts.pop() === undefined) return true;
  }
  return parts[0]?.toLowerCase() === ".git";
}

// An agent knows its model's credential; a pushed branch is readable to everyone who can read the repository.
function secretsIn({ changes, addedLines }: Changes, holdsSecret: (text: string) => boolean): string[] {
  const lines = addedLines.filter(({ text }) => holdsSecret(text));
  return [
    ...changes.filter(({ path }) => holdsSecret(path)).map(() => "the name of a file holds a secret of this run"),
    ...lines.map(({ path, line }) => `\`${path}\` line ${line} holds a secret of this run`),
  ];
}

function conflictMarkers(changes: Changes): string[] {
  const opened = new Map<string, number>();
  const found: string[] = [];
  for (const { path, line, text } of changes.addedLines) {
    if (/^<{7}(?: |$)/.test(text)) opened.set(path, line);
    const start = opened.get(path);
    if (start !== undefined && /^>{7}(?: |$)/.test(text)) {
      found.push(`\`${path}\` line ${start} begins a conflict that was not resolved`);
      opened.delete(path);
    }
  }
  return found;
}
