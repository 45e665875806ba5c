// The whole world of a stage as one text that two plays of the same story share: commits are named by their trees, random names, times and
// counters of claims are taken out. What is left differs only where something happened in one play and not in the other.

import { parseRecord } from "../../src/ledger/record.ts";
import { parseSlot } from "../../src/ledger/slot.ts";
import type { CommitStatus, Issue } from "./forge/forge.ts";
import type { Stage } from "./run.ts";

const ledger = "refs/agent-dispatch/v1/";

/** Line by line, for a comparison that says where. */
export async function picture(s: Stage): Promise<string> {
  const names = await commitNames(s);
  const repo = s.forge.repo(s.repo);
  const shown = {
    issues: repo.issues.map((issue) => issueShown(issue)),
    branches: await branchesShown(s),
    ledger: await ledgerShown(s),
    statuses: statusesShown(repo.statuses, names),
    labels: repo.labels.map((label) => label.name).sort(),
    // Those that nobody has picked up: started by the program for what comes next.
    waiting: repo.runs.filter((run) => run.status === "waiting").map((run) => `${run.workflow} ${run.event}`),
  };
  return plain(JSON.stringify(shown, null, 1).replaceAll("\\n", "\n"), names);
}

function issueShown(issue: Issue): object {
  const { pull } = issue;
  const counts = new Map<string, number>();
  for (const entry of issue.entries) counts.set(entry.type, (counts.get(entry.type) ?? 0) + 1);
  return {
    ...{ number: issue.number, title: issue.title, state: issue.state, body: issue.body, locked: issue.locked },
    labels: issue.labels.map((label) => label.name).sort(),
    assignees: issue.assignees.map((user) => user.login).sort(),
    comments: issue.entries
      .filter((entry) => entry.type === "comment")
      .map((entry) => [
        entry.user.login,
        entry.body,
        entry.reactions.map((r) => `${r.user.login} ${r.content}`).sort(),
      ]),
    // How often something was done to it, also where it was undone again.
    timeline: Object.fromEntries([...counts].sort()),
    ...(pull === undefined
      ? {}
      : {
          head: [pull.headBranch, pull.headSha, pull.baseBranch, pull.merged],
          reviews: pull.reviews.map((review) => ({
            ...{ by: review.user?.login, state: review.state, body: review.body, sha: review.sha },
            lines: review.comments.map(({ body, code }) => [code?.path, code?.position, body]),
          })),
        }),
  };
}

async function branchesShown(s: Stage): Promise<object> {
  const shown: Record<string, string[]> = {};
  for (const branch of (await s.branches()).filter((name) => name !== ""))
    shown[branch] = (await s.git("log", "--format=%T %an: %s", `refs/heads/${branch}`)).split("\n");
  return shown;
}

/** What counts, per context, is the newest status of a commit. */
function statusesShown(statuses: readonly CommitStatus[], names: ReadonlyMap<string, string>): string[] {
  const newest = new Map<string, string>();
  for (const { sha, context, state, description, creator } of statuses)
    newest.set(`${sha} ${context}`, `${names.get(sha)} ${context}: ${state} by ${creator.login}, ${description}`);
  return [...newest.values()].sort();
}

/** Records as later runs read them. Counters of claims, who held it and when is nobody's business any more. */
async function ledgerShown(s: Stage): Promise<object> {
  const shown: Record<string, unknown> = {};
  const messages = await ledgerMessages(s);
  for (const [name, message] of messages) {
    if (name.startsWith("item/")) shown[name] = recordShown(name, message);
    else if (!name.startsWith("slot/")) shown[name] = message;
  }
  return { ...shown, taken: taken(messages) };
}

function recordShown(name: string, message: string): object {
  const parsed = parseRecord(message);
  if (parsed.kind === "unreadable") throw new Error(`${name} is unreadable: ${parsed.why}`);
  const { epoch, seq, nonce, owner, at, run, slot, after, ...rest } = parsed.record;
  // What follows the effects says something only as long as there are effects.
  const next = rest.state === "published" ? { after } : {};
  return { ...rest, ...next, hasNonce: nonce !== "", isOwned: owner !== "", holdsSlot: slot !== null };
}

/** Of every ref of the ledger, by its name below the common prefix, what its commit says. */
async function ledgerMessages(s: Stage): Promise<Map<string, string>> {
  const text = await s.git("for-each-ref", "--format=%(refname)%00%(contents)%00", ledger);
  const parts = text.split("\0").map((part) => part.trim());
  const names = parts.filter((_, at) => at % 2 === 0 && parts[at] !== "");
  return new Map(names.map((name, at) => [name.slice(ledger.length), parts[2 * at + 1] ?? ""]));
}

/** A place is taken as long as the claim lives that took it; what a dead one left is free. */
export async function slotsTaken(s: Stage): Promise<string[]> {
  return taken(await ledgerMessages(s));
}

function taken(messages: ReadonlyMap<string, string>): string[] {
  return [...messages.keys()].filter((name) => {
    if (!name.startsWith("slot/")) return false;
    const holder = parseSlot(messages.get(name) ?? "");
    if (holder === null) throw new Error(`${name} is unreadable`);
    const parsed = parseRecord(messages.get(`item/${holder.key}`) ?? "");
    if (parsed.kind !== "record" || parsed.record.epoch !== holder.epoch) return false;
    return parsed.record.state === "held" || parsed.record.state === "published";
  });
}

/** Every commit by what it holds: two plays make the same trees in other seconds. */
async function commitNames(s: Stage): Promise<Map<string, string>> {
  const lines = (await s.git("log", "--all", "--format=%H %T")).split("\n");
  return new Map(
    lines.map((line) => {
      const [sha = "", tree = ""] = line.split(" ");
      return [sha, `<${tree.slice(0, 8)}>`];
    }),
  );
}

function plain(text: string, names: ReadonlyMap<string, string>): string {
  const named = text.replace(/\b[0-9a-f]{10,40}\b/g, (word) => {
    const known = [...names].find(([sha]) => sha.startsWith(word));
    return known?.[1] ?? word;
  });
  return (
    named
      // Only where a claim's number is part of a marker.
      .replace(/(key=(?:<[0-9a-f]+>-)?)\d+/g, "$1<epoch>")
      .replace(/"epoch": \d+/g, '"epoch": <n>')
      .replace(/\[run \d+\]\([^)]*\)/g, "<run>")
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "<time>")
      .replace(/\b\d\d:\d\d(:\d\d)?\b/g, "<time>")
      .replace(/\b\d+(\.\d+)? (ms|s|min)\b/g, "<duration>")
      .replace(/("durationMs":) \d+/g, "$1 <duration>")
  );
}
