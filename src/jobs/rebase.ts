// A pull request that conflicts with its base, or lags behind it: first the host tries alone, by a rebase, or by a merge where the branch must not
// be rewritten; what git cannot settle becomes the start of an agent.

import { isWorkflow } from "../core/guards.ts";
import type { ConflictCommit, ConflictFacts } from "../core/prompt.ts";
import type { ComposeOrder } from "../git/compose.ts";
import { composeMerge, settledTree } from "../git/compose-merge.ts";
import { foreignCommits } from "../git/history.ts";
import { type Conflict, mergeCommit, mergeInto } from "../git/merging.ts";
import type { Host } from "../git/port.ts";
import { rebaseOnto } from "../git/rebase.ts";
import type { Outcome } from "../outcome.ts";
import type { Workspace } from "../workspace.ts";
import { fail, giveUp, interrupted } from "./endings.ts";
import type { Keepalive } from "./keepalive.ts";
import type { Range, ReworkJob, Start } from "./rework-job.ts";
import { publishUpdate } from "./rework-update.ts";

export type Updated = { kind: "ended"; outcome: Outcome } | { kind: "start"; start: Start };

/** Brings the branch up to date. Without another cause that ends the work, if the checks are green; else the author starts from there. */
export async function bringUpToDate(
  job: ReworkJob,
  workspace: Workspace,
  life: Keepalive,
  range: Range,
): Promise<Updated> {
  const title = `Bring it up to date with ${job.plan.pull.baseRef}`;
  const tried = await job.ports.log.group(title, () => job.ports.workshop.update(job, range));
  switch (tried.kind) {
    case "same":
      return { kind: "start", start: { commit: range.head, mergeBase: range.mergeBase, conflict: null, failing: [] } };
    case "clean": {
      const start: Start = { commit: tried.head, mergeBase: range.base, conflict: null, failing: [] };
      return hasOtherCauses(job) ? { kind: "start", start } : checked(job, workspace, life, range, start, tried.merged);
    }
    case "conflict":
      return { kind: "start", start: tried.start };
    case "no":
      return {
        kind: "ended",
        outcome: await giveUp(job, { failure: "conflict", text: tried.why, output: "" }, null, []),
      };
    default:
      return tried satisfies never;
  }
}

function hasOtherCauses({ plan }: ReworkJob): boolean {
  const { causes } = plan;
  return causes.ordered || causes.findings || causes.red.length > 0 || causes.reviews.length > 0;
}

/** What git alone can do about a branch that conflicts with its base or lags behind it. */
export type Tried =
  | { kind: "same" }
  | { kind: "clean"; head: string; merged: boolean }
  /** An author resolves it, from here. */
  | { kind: "conflict"; start: Start }
  /** Only a person can go on. */
  | { kind: "no"; why: string };

export async function update(job: ReworkJob, range: Range): Promise<Tried> {
  const { pull } = job.plan;
  const host = await job.ports.host();
  const { head, base, mergeBase } = range;
  if (await mayRewrite(host, job, range)) {
    const rebased = await rebaseOnto(host, { head, base, mergeBase });
    job.ports.log.line(`rebase onto ${pull.baseRef}: ${rebased.kind}`);
    if (rebased.kind === "empty")
      return { kind: "no", why: `\`${pull.baseRef}\` has everything that the pull request brings: it can be closed` };
    if (rebased.kind === "clean") return rebased.head === head ? { kind: "same" } : { ...rebased, merged: false };
  }
  const merged = await mergeInto(host, { head, base });
  job.ports.log.line(`merge of ${pull.baseRef}: ${merged.kind}`);
  switch (merged.kind) {
    case "up-to-date":
      return { kind: "same" };
    case "clean": {
      const commit = await mergeCommit(host, { tree: merged.tree, parents: [head, base], message: mergeMessage(job) });
      return { kind: "clean", head: commit, merged: true };
    }
    case "conflict":
      return merging(host, job, range, merged);
    case "unrelated":
      return { kind: "no", why: `the branch and \`${pull.baseRef}\` have no history in common` };
    case "unreadable":
      return { kind: "no", why: `git cannot merge \`${pull.baseRef}\` into the branch: ${merged.why}` };
    default:
      return merged satisfies never;
  }
}

function mergeMessage({ plan }: ReworkJob): string {
  return `Merge branch '${plan.pull.baseRef}' into ${plan.branch}`;
}

/** What people committed or approved is never rewritten; where that cannot be seen, nothing is. */
async function mayRewrite(host: Host, { plan }: ReworkJob, range: Range): Promise<boolean> {
  if (plan.approved || plan.foreign) return false;
  const { base, head, mergeBase } = range;
  const people = await foreignCommits(host, { from: mergeBase, to: head, bot: host.bot, besides: [base] });
  return people.count === 0 && !people.cut;
}

/** Green: published without an agent. Red: the author mends it, unless the base is to blame. */
async function checked(
  job: ReworkJob,
  workspace: Workspace,
  life: Keepalive,
  range: Range,
  start: Start,
  merged: boolean,
): Promise<Updated> {
  const run = () => job.ports.workshop.check(job, workspace, start.commit, life.signal);
  const found = await job.ports.log.group("Checks", run);
  const stopped = { kind: "taken-back", why: "it was stopped" } as const;
  switch (found.kind) {
    case "stopped":
      return { kind: "ended", outcome: await interrupted(job, life.interruption ?? stopped, null) };
    case "green": {
      const checks = job.settings.checks === "statuses" ? "statuses" : found.results;
      return { kind: "ended", outcome: await publishUpdate(job, life, range, { head: start.commit, merged, checks }) };
    }
    case "red": {
      const blamed = await job.ports.workshop.redOnBase(job, workspace, range.base, found.failed, life.signal);
      if (blamed.kind === "interrupted")
        return { kind: "ended", outcome: await interrupted(job, life.interruption ?? stopped, null) };
      if (blamed.class === "base-red")
        return { kind: "ended", outcome: await fail(job, blamed, null, { change: { waitsForBase: range.base } }) };
      const { command, tail } = found.failed;
      const description = `fails since the branch was brought up to date; not on ${job.plan.pull.baseRef} itself`;
      return { kind: "start", start: { ...start, failing: [{ context: command, description, log: tail }] } };
    }
    default:
      return found satisfies never;
  }
}

/** The author resolves a merge with conflict markers; whatever it commits becomes one merge commit, so that nothing is rewritten. */
async function merging(host: Host, job: ReworkJob, range: Range, conflict: Conflict): Promise<Tried> {
  const { base, head } = range;
  const message = mergeMessage(job);
  const parents = [head, base] as const;
  // Workflow files stand as they will be published: the author may not decide on them.
  const settled = await settledTree(host, { tree: conflict.tree, parents, dropPaths: isWorkflow });
  if (settled.kind === "unreadable") return { kind: "no", why: `git cannot read the merge: ${settled.why}` };
  const commit = await mergeCommit(host, { tree: settled.tree, parents, message });
  const start: Start = {
    ...{ commit, mergeBase: base, failing: [], conflict: await conflictFacts(host, job, range, conflict) },
    compose: ({ work, trailers, dropPaths }: ComposeOrder) =>
      composeMerge(host, { work, trailers, dropPaths, parents, message }),
  };
  return { kind: "conflict", start };
}

async function conflictFacts(host: Host, job: ReworkJob, range: Range, conflict: Conflict): Promise<ConflictFacts> {
  const { base, head, mergeBase } = range;
  const paths = few(conflict.paths);
  return {
    ...{ base: job.plan.pull.baseRef, paths: conflict.paths, words: conflict.texts, upper: "pull" },
    ofBase: await commitsOn(host, mergeBase, base, paths),
    ofPull: await commitsOn(host, mergeBase, head, paths),
  };
}

/** Paths given to one git command, in characters: there is a bound for all arguments together. */
const pathCharactersMax = 60_000;

function few(paths: readonly string[]): string[] {
  let used = 0;
  return paths.filter((path) => {
    used += path.length;
    return used <= pathCharactersMax;
  });
}

/** Commits of one side that are told. */
const commitsMax = 50;

/** Newest first; none where they cannot be read: the agent has the history itself. */
async function commitsOn(host: Host, from: string, to: string, paths: readonly string[]): Promise<ConflictCommit[]> {
  const order = ["--topo-order", `--max-count=${commitsMax}`, "--no-color", "--no-notes", "--no-mailmap"];
  const args = ["log", "-z", ...order, "--format=%H%x00%s%x00%an", `${from}..${to}`, "--", ...paths];
  const listed = await host.run(args);
  if (listed.kind !== "ended" || listed.code !== 0) return [];
  const fields = listed.stdout.toString("utf8").split("\0");
  const commits: ConflictCommit[] = [];
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [sha = "", subject = "", author = ""] = fields.slice(at, at + 3);
    commits.push({ sha, subject: subject.slice(0, 200), author: author.slice(0, 100) });
  }
  return commits;
}
