// Everything that jobs do on this machine and nowhere else: folders, clones, agents, checks, and what only git can say about commits. Behind one
// port, so that the program runs unchanged where there is no machine (test/simulation): there agents are numbers and time is a value.

import { type Marked, markedProcesses } from "../agent/strays.ts";
import type { MergeFact } from "../core/model.ts";
import { protectedIn } from "../core/protect.ts";
import { RunError } from "../errors.ts";
import type { Pull } from "../forge/model.ts";
import { makeClone } from "../git/clone.ts";
import { ensureMergeBase, isAncestor } from "../git/history.ts";
import { mergeInto } from "../git/merging.ts";
import { isWhollyOurs } from "../git/ownership.ts";
import { patchId } from "../git/patch.ts";
import { type LinesInDiff, linesInDiff } from "../git/review.ts";
import type { Ports } from "../ports.ts";
import { makeWorkspace, type Workspace } from "../workspace.ts";
import type { Failed } from "./agent-run.ts";
import { type Authored, author, redOnBase } from "./author.ts";
import { type Checked, check, prepare } from "./checks.ts";
import type { AgentJob } from "./endings.ts";
import { earlierWork } from "./kept.ts";
import { type Agents, failedHere } from "./life.ts";
import { implementText } from "./prompts.ts";
import { type Tried, update } from "./rebase.ts";
import { type FoundChange, type JudgedChange, type ReviewJob, readChange } from "./review-change.ts";
import { askReviewers, type Reviewed } from "./reviewer.ts";
import { attemptRework, type FoundRange, rangeOf } from "./rework-attempt.ts";
import type { Range, ReworkJob, Start } from "./rework-job.ts";
import type { ShellEnd } from "./shell.ts";
import { endStrays } from "./strays.ts";

/** What an attempt at an issue came to. */
export interface Attempted {
  authored: Authored | Failed;
  /** Commit that the work started from; null when the base branch is gone. */
  base: string | null;
}

/** Told right before the first agent may start. */
type AgentStart = Pick<Agents, "start">;

export interface Workshop {
  /** Processes here that were started by runs for this repository. */
  marked(ports: Ports): Marked[];
  /** Ends what runs that are over have left here. Never throws. */
  endStrays(ports: Ports, found: readonly Marked[]): Promise<void>;

  /** Folders of one run; `given` is the input `workspace`. */
  open(ports: Ports, given: string | null): Promise<Workspace>;

  /** An attempt at an issue from the tip of the base branch: clone, `prepare`, agents, checks. */
  implement(job: AgentJob, workspace: Workspace, agents: AgentStart, stop: AbortSignal): Promise<Attempted>;

  /** Fetches what is judged. Nothing of it is checked out or run. */
  readChange(job: ReviewJob): Promise<FoundChange>;
  /** Reviewers one after the other until one gives a verdict; null: there is none. */
  judge(job: ReviewJob, workspace: Workspace, change: JudgedChange, stop: AbortSignal): Promise<Reviewed | null>;

  /** Both tips as they are now; or why there is nothing to be done with them now. */
  rangeOf(job: ReworkJob): Promise<FoundRange>;
  /** Brings the branch up to date with its base by git alone, as far as that goes. Nothing is published. */
  update(job: ReworkJob, range: Range): Promise<Tried>;
  /** An author's attempt at a pull request: clone, `prepare`, agents, checks. */
  rework(job: ReworkJob, workspace: Workspace, range: Range, start: Start, stop: AbortSignal): Promise<Authored>;

  /** `checks` on exactly this commit. */
  check(job: AgentJob, workspace: Workspace, commit: string, stop: AbortSignal): Promise<Checked>;
  /** Whether a red check is the base's own fault. */
  redOnBase(
    job: AgentJob,
    workspace: Workspace,
    base: string,
    red: ShellEnd,
    stop: AbortSignal,
  ): Promise<Failed | { kind: "interrupted" }>;

  /** Git's own word on a pull request's merge, in the host's repository: nothing of the trees is run. */
  mergeOf(ports: Ports, pull: Pull): Promise<MergeFact>;
  /** Whether a branch holds nothing over its base but the program's own commits for this item; what cannot be read is not ours. */
  isOurs(ports: Ports, branch: string, base: string, key: string): Promise<boolean>;
  /** Whether the commit is in the host's repository. */
  has(ports: Ports, sha: string): Promise<boolean>;
  /** Whether `sha` is `tip` or behind it, as far back as that is; both are in the host's repository. Throws RunError where that cannot be seen. */
  contains(ports: Ports, tip: string, sha: string): Promise<boolean>;
  /** Messages of the commits behind a tip along the first parents, the newest first. */
  messagesOf(ports: Ports, tip: string, max: number): Promise<string[]>;
  /** Both commits are in the host's repository. */
  isAncestor(ports: Ports, ancestor: string, descendant: string): Promise<boolean>;
  /** Fingerprint of what a head brings to its base; null where git cannot tell. */
  patchOf(ports: Ports, base: string, head: string): Promise<string | null>;
  linesOf(ports: Ports, from: string, to: string): Promise<LinesInDiff>;
  /** Changed paths of a pull request that match the patterns. Throws where they cannot be read. */
  protectedPaths(ports: Ports, pull: Pull, patterns: readonly string[]): Promise<string[]>;
}

/** This machine: git, processes and folders as they are. */
export const localWorkshop: Workshop = {
  marked: (ports) => markedProcesses(ports.place),
  endStrays,
  open: makeWorkspace,
  implement,
  readChange,
  judge: askReviewers,
  rangeOf,
  update,
  rework: attemptRework,
  check,
  redOnBase,
  mergeOf,
  isOurs,
  has,
  contains,
  messagesOf,
  isAncestor: async (ports, ancestor, descendant) => isAncestor(await ports.host(), ancestor, descendant),
  patchOf: async (ports, base, head) => patchId(await ports.host(), base, head),
  linesOf: async (ports, from, to) => linesInDiff(await ports.host(), from, to),
  protectedPaths,
};

async function implement(
  job: AgentJob,
  workspace: Workspace,
  agents: AgentStart,
  stop: AbortSignal,
): Promise<Attempted> {
  const { plan, ports, settings } = job;
  const host = await ports.host();
  const earlier = await earlierWork(job, [plan.branch]);
  const extra = earlier === null ? [] : [earlier.branch];
  const base = await ports.log.group("Clone", async () => {
    const sha = await host.fetchBranch(settings.policy.base);
    if (sha !== null) await makeClone(host, { dir: workspace.clone, commit: sha, branchName: plan.branch, extra });
    return sha;
  });
  if (base === null)
    return { authored: failedHere("forge-error", `the base branch \`${settings.policy.base}\` is gone`, ""), base };
  const unprepared = await prepare(job, workspace, stop);
  if (unprepared !== null && !stop.aborted) {
    const how = unprepared.killed ?? `exit code ${unprepared.exitCode}`;
    const text = `\`${unprepared.command}\` (prepare) failed on the base branch: ${how}`;
    return { authored: failedHere("base-red", text, unprepared.tail), base };
  }
  const prompt = () => implementText(job, plan, workspace, base, earlier);
  const given = {
    job,
    plan,
    kind: "implement",
    pull: null,
    workspace,
    start: base,
    base,
    extra,
    prompt,
    stop,
  } as const;
  // What throws before this, as a fetch does while the forge is away, costs neither an attempt nor what was reserved.
  agents.start();
  return { authored: await author(given), base };
}

async function mergeOf(ports: Ports, pull: Pull): Promise<MergeFact> {
  const host = await ports.host();
  const base = `refs/heads/${pull.baseRef}`;
  const head = pull.headIsHere ? `refs/heads/${pull.headRef}` : `refs/pull/${pull.number}/head`;
  const [baseSha, headSha] = [await host.fetchRef(base), await host.fetchRef(head)];
  // A branch that is gone is no conflict: what became of the pull request shows in the next look.
  if (baseSha === null || headSha === null) return "clean";
  const merged = await mergeInto(host, { head: headSha, base: baseSha });
  if (merged.kind === "unreadable") ports.log.line(`whether #${pull.number} conflicts is not known: ${merged.why}`);
  return merged.kind === "conflict" || merged.kind === "unrelated" ? "conflict" : "clean";
}

async function isOurs(ports: Ports, branch: string, base: string, key: string): Promise<boolean> {
  const host = await ports.host();
  const [baseSha, head] = [await host.fetchBranch(base), await host.fetchBranch(branch)];
  return baseSha !== null && head !== null && (await isWhollyOurs(host, { head, base: baseSha, key }));
}

async function protectedPaths(ports: Ports, pull: Pull, patterns: readonly string[]): Promise<string[]> {
  const host = await ports.host();
  const [base, head] = [await host.fetchBranch(pull.baseRef), await host.fetchBranch(pull.headRef)];
  const found = base === null || head === null ? null : await ensureMergeBase(host, { head, base });
  if (found?.kind !== "found" || head === null) throw new Error("where it left the base is not known");
  const listed = await host.must(["diff-tree", "-r", "--name-only", "-z", "--no-renames", found.mergeBase, head]);
  const paths = listed
    .toString("utf8")
    .split("\0")
    .filter((path) => path !== "");
  return protectedIn(paths, patterns);
}

async function has(ports: Ports, sha: string): Promise<boolean> {
  const found = await (await ports.host()).run(["cat-file", "-e", `${sha}^{commit}`]);
  return found.kind === "ended" && found.code === 0;
}

async function contains(ports: Ports, tip: string, sha: string): Promise<boolean> {
  const host = await ports.host();
  const known = await ensureMergeBase(host, { head: tip, base: sha });
  if (known.kind !== "unknown") return isAncestor(host, sha, tip);
  throw new RunError(`Whether ${tip.slice(0, 10)} holds ${sha.slice(0, 10)} cannot be seen: ${known.why}`, {
    remedy: "The next run looks again.",
    mender: "server operator",
    retry: true,
  });
}

async function messagesOf(ports: Ports, tip: string, max: number): Promise<string[]> {
  const args = ["log", "--first-parent", `--max-count=${max}`, "--format=%B%x00", tip];
  const log = await (await ports.host()).must(args);
  return log
    .toString("utf8")
    .split("\0")
    .map((message) => message.trimStart())
    .filter((message) => message !== "");
}
