// An author at work: one profile after the other, each with its agent, the checks, and once or twice back to the same agent when they fail.

import type { Profile } from "../agent/profile.ts";
import type { Result } from "../agent/result.ts";
import type { AgentWork, Plan } from "../core/decision.ts";
import { isOfTheProfile } from "../core/failure.ts";
import { guards, neverLeaves } from "../core/guards.ts";
import type { CheckResult } from "../core/report.ts";
import { type CloneOrder, makeClone } from "../git/clone.ts";
import type { ComposeOrder, Composition } from "../git/compose.ts";
import { removeAll, type Workspace } from "../workspace.ts";
import { type AgentRun, type Bench, type Composed, type Earlier, type Failed, failed, runAgent } from "./agent-run.ts";
import { check, prepare } from "./checks.ts";
import type { Job } from "./job.ts";
import { earliest, free, park, usable } from "./parking.ts";
import { checksFailedText } from "./prompts.ts";
import type { ShellEnd } from "./shell.ts";

/** What agents of one unit of work took together. */
export interface Spent {
  /** The profile that worked last. */
  profile: Profile;
  costUsd: number | null;
  tokens: number;
  /** False: no agent started, the attempt is given back. */
  started: boolean;
  /** Commit with the work of the last agent that changed anything; null where nothing was changed, or it may not leave this machine. */
  left: string | null;
  /** When the first of the profiles that could not work may be tried again, ms since 1970; null where none was parked. */
  parkedUntil: number | null;
  durationMs: number;
}

/** What an author's attempt came to, with what it took. */
export interface Authored extends Spent {
  end: AuthorEnd;
}

export type AuthorEnd =
  | { kind: "work"; result: Result; composed: Composed; checks: CheckResult[] | "statuses" }
  /** The agent says why there is nothing to publish, or only workflow files changed. */
  | { kind: "words"; result: Result; droppedPatch: string | null }
  | Failed
  | { kind: "interrupted" };

/** What an author is given. */
export interface Assignment {
  job: Job;
  plan: Plan;
  kind: AgentWork["kind"];
  /** Number of the pull request; null before there is one. */
  pull: number | null;
  workspace: Workspace;
  /** Commit that the clone starts from. */
  start: string;
  /** Further branches in the clone. */
  extra?: CloneOrder["extra"];
  /** Commit of the base branch: checks that fail there too are not the author's fault. */
  base: string;
  /** Made when an agent starts, since a profile before it may have used up time. */
  prompt(profile: Profile): Promise<string>;
  compose?: (order: ComposeOrder) => Promise<Composition>;
  stop: AbortSignal;
}

/** How often work that fails the checks goes back to the same agent. */
const returnsMax = 2;

/** Tries the profiles in order: one that is out of quota, logged out or missing gives way to the next in the same run. The clone stands already. */
export async function author(given: Assignment): Promise<Authored> {
  const { job } = given;
  const startedAt = job.ports.clock.elapsed();
  const deadline = startedAt + job.settings.timeoutMs;
  const { spent, spend, leave } = counter();
  let last: Authored | null = null;
  for (const profile of usable(job.settings.profiles, given.plan)) {
    const end: AuthorEnd =
      last === null || (await makeFresh(given)) ? await work(given, profile, deadline, { spend, leave }) : last.end;
    last = { end, profile, ...spent, durationMs: job.ports.clock.elapsed() - startedAt };
    if (end.kind !== "failed" || !isOfTheProfile(end.class)) {
      if (end.kind === "work" || end.kind === "words") await free(job, profile);
      return last;
    }
    spent.parkedUntil = earliest(spent.parkedUntil, await park(job, profile, end));
    last = { ...last, ...spent };
  }
  if (last === null) throw new Error("no profile is configured");
  return last;
}

/** What several starts took together, and what the last of them left. */
interface Counter {
  spent: Omit<Spent, "profile" | "durationMs">;
  spend(run: AgentRun): void;
  leave(commit: string): void;
}

export function counter(): Counter {
  const spent: Counter["spent"] = { costUsd: null, tokens: 0, started: false, left: null, parkedUntil: null };
  const spend = (run: AgentRun) => {
    spent.costUsd = run.costUsd === null ? spent.costUsd : (spent.costUsd ?? 0) + run.costUsd;
    spent.tokens += run.tokens;
    spent.started ||= run.started;
  };
  const leave = (commit: string) => {
    spent.left = commit;
  };
  return { spent, spend, leave };
}

/** The next profile starts from the beginning, not from what another agent left. False when the clone cannot be prepared again. */
async function makeFresh({ job, plan, workspace, start, extra, stop }: Assignment): Promise<boolean> {
  await removeAll(workspace.clone);
  const order = { dir: workspace.clone, commit: start, branchName: plan.branch };
  await makeClone(await job.ports.host(), extra === undefined ? order : { ...order, extra });
  return (await prepare(job, workspace, stop)) === null;
}

/** A CLI that cannot go on with its own session ends at once: once more, in a new one. Null where that was not it. */
function withoutSession(run: AgentRun, earlier: Earlier | null): Earlier | null {
  if (run.kind !== "failed" || run.failed.class !== "crash" || earlier === null || earlier.session === null)
    return null;
  return { own: earlier.own, session: null };
}

async function work(
  given: Assignment,
  profile: Profile,
  deadline: number,
  { spend, leave }: Pick<Counter, "spend" | "leave">,
): Promise<AuthorEnd> {
  const { job, plan, kind, pull, workspace, start, base, stop, compose } = given;
  const bench: Bench = {
    ...{ job, plan, kind, pull, workspace, base: start, profile, stop },
    ...(compose === undefined ? {} : { compose }),
  };
  const leftMs = () => deadline - job.ports.clock.elapsed();
  let prompt = await given.prompt(profile);
  let earlier: Earlier | null = null;
  for (let returns = 0; ; returns++) {
    const run: AgentRun = await runAgent(bench, prompt, Math.max(1, leftMs()), earlier);
    spend(run);
    const anew: Earlier | null = stop.aborted ? null : withoutSession(run, earlier);
    if (anew !== null) {
      job.ports.log.line("the agent's session could not be gone on with; a new one begins");
      earlier = anew;
      returns--;
      continue;
    }
    const { composed } = run;
    const told = composed === null ? [] : await secretsInHistory(job, start, composed);
    if (composed !== null && told.length === 0 && (await mayBeKept(job, start, composed))) leave(composed.head);
    if (stop.aborted) return { kind: "interrupted" };
    if (run.kind === "failed") return run.failed;
    const { result } = run;
    earlier = run;
    if (composed === null || composed.head === start || result.status !== "implemented") {
      return { kind: "words", result, droppedPatch: composed?.droppedPatch ?? null };
    }
    const refused = [...guards(composed.changes, job.settings.policy.limits, job.ports.holdsSecret), ...told];
    if (refused.length > 0) return failed("guard-refused", `The change is not published: ${refused.join("; ")}.`, "");
    const checked = await job.ports.log.group("Checks", () => check(job, workspace, composed.head, stop));
    if (checked.kind === "stopped") return { kind: "interrupted" };
    if (checked.kind === "green") {
      const checks = job.settings.checks === "statuses" ? "statuses" : checked.results;
      return { kind: "work", result, composed, checks };
    }
    if (returns >= returnsMax || leftMs() < 60_000) return redOnBase(job, workspace, base, checked.failed, stop);
    job.ports.log.line(`the checks failed; back to the agent (${returns + 1} of ${returnsMax})`);
    prompt = await checksFailedText(job, workspace, checked.failed, base, leftMs());
  }
}

/** Whether it is a change at all, and nothing forbids that it leaves this machine. Conflicts that are not resolved yet do not. */
async function mayBeKept(job: Job, start: string, composed: Composed): Promise<boolean> {
  if (composed.head === start) return false;
  if (neverLeaves(composed.changes, job.settings.policy.limits, job.ports.holdsSecret).length > 0) return false;
  // A merge that the agent was to resolve is a commit of its own, also where the agent did nothing about it.
  const tree = await (await job.ports.host()).run(["rev-parse", "--verify", `${start}^{tree}`]);
  return tree.kind === "ended" && tree.code === 0 && tree.stdout.toString("latin1").trim() !== composed.tree;
}

/** Longest text of all commits together that is looked through, in bytes. */
const historyBytesMax = 64 * 1024 * 1024;

/** Every commit is published, so what a later one took out again is looked at too. What cannot be looked at is not published. */
async function secretsInHistory(job: Job, start: string, composed: Composed): Promise<string[]> {
  const args = ["log", "--patch", "--format=", "--unified=0", "--no-renames", "--no-ext-diff", "--no-textconv"];
  const host = await job.ports.host();
  const shown = await host.run([...args, `${start}..${composed.head}`, "--"], { outputBytesMax: historyBytesMax });
  if (shown.kind !== "ended" || shown.code !== 0) return ["its commits are too large to be looked through for secrets"];
  const isFound = job.ports.holdsSecret(shown.stdout.toString("utf8"));
  return isFound ? ["its commits hold a secret of this run, if only in one that a later one took back"] : [];
}

/** Still red: the same checks on the base tell whether the change is to blame. */
export async function redOnBase(
  job: Job,
  workspace: Workspace,
  base: string,
  red: ShellEnd,
  stop: AbortSignal,
): Promise<Failed | { kind: "interrupted" }> {
  const onBase = await job.ports.log.group("The same checks on the base", () => check(job, workspace, base, stop));
  if (onBase.kind === "stopped") return { kind: "interrupted" };
  const how = red.killed ?? `exit code ${red.exitCode ?? "none"}`;
  if (onBase.kind === "red" && onBase.failed.command === red.command) {
    return failed("base-red", `\`${red.command}\` fails on the base branch too (${how}).`, onBase.failed.tail);
  }
  return failed("checks-failed", `\`${red.command}\` failed on the agent's work (${how}).`, red.tail);
}
