import type { Entry, Issue, Repo, User } from "../model.ts";
import { findIssue, type World } from "../world.ts";

/** Adds one row to the timeline; ids run over all repositories, as in Gitea's one table. */
export function addEntry(world: World, issue: Issue, type: string, user: User, more: Partial<Entry> = {}): Entry {
  const at = world.now();
  const entry: Entry = {
    id: world.next("comment"),
    issue,
    type,
    user,
    body: "",
    createdAt: at,
    updatedAt: at,
    reactions: [],
    ...more,
  };
  issue.entries.push(entry);
  issue.updatedAt = at;
  return entry;
}

export function findEntry(repo: Repo, id: number): Entry | undefined {
  for (const issue of repo.issues) {
    const entry = issue.entries.find((candidate) => candidate.id === id && !candidate.hidden);
    if (entry) return entry;
  }
  return undefined;
}

const closing = /\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)/gi;

/** Numbers that a text would close when it lands on the default branch. */
export function closedNumbers(text: string): number[] {
  return [...new Set([...text.matchAll(closing)].map((found) => Number(found[1])))];
}

/** Leaves a cross reference on every issue that a new title or body names, once for each. */
export function addReferences(world: World, from: Issue, user: User, text: string): void {
  const closes = new Set(closedNumbers(text));
  const named = new Set([...text.matchAll(/(?<![\w/&])#(\d+)\b/g)].map((found) => Number(found[1])));
  for (const number of named) {
    const target = findIssue(from.repo, number);
    if (!target || target === from) continue;
    const seen = target.entries.some((entry) => entry.refIssue === from);
    if (seen) continue;
    const refAction = from.pull && closes.has(number) ? "closes" : "none";
    addEntry(world, target, from.pull ? "pull_ref" : "issue_ref", user, { refIssue: from, refAction });
  }
}
