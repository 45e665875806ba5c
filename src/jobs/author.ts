// An author at work: the agent in its clone, its work brought home, the checks, and once or twice back to the same agent when they fail.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { classify, fingerprint } from "../agent/classify.ts";
import { invocation } from "../agent/invocation.ts";
import { OutputReader, readOutput } from "../agent/output.ts";
import type { Profile } from "../agent/profile.ts";
import { type ReadResult, type Result, readResult } from "../agent/result.ts";
import { type Ended, supervise } from "../agent/supervise.ts";
import type { ImplementPlan } from "../core/decision.ts";
import { type FailureClass, failureRules } from "../core/failure.ts";
import { guards, isWorkflow } from "../core/guards.ts";
import type { CheckResult } from "../core/report.ts";
import { duration, harmless } from "../core/text.ts";
import { type Composition, compose } from "../git/compose.ts";
import { importWork, type Work } from "../git/import.ts";
import type { Workspace } from "../workspace.ts";
import { check } from "./checks.ts";
import type { Job } from "./job.ts";
import { checksFailedText, implementText } from "./prompts.ts";
import { fileTail, type ShellEnd } from "./shell.ts";

export type Composed = Extract<Composition, { kind: "composed" }>;

/** What an author's attempt came to, with what it took. */
export interface Authored {
  end: AuthorEnd;
  profile: Profile;
  /** Null: no agent started, the attempt is given back. */
  costUsd: number | null;
  tokens: number;
  started: boolean;
  durationMs: number;
}

export type AuthorEnd =
  | { kind: "work"; result: Result; composed: Composed; checks: CheckResult[] | "statuses" }
  /** The agent says why there is nothing to publish, or only workflow files changed. */
  | { kind: "words"; result: Result; droppedPatch: string | null; droppedPaths: string[] }
  | Failed
  | { kind: "interrupted" };

export interface Failed {
  kind: "failed";
  class: FailureClass;
  text: string;
  fingerprint: string;
  /** When a usage limit ends, ms since 1970. */
  resetsAt: number | null;
  /** End of the output that shows it. */
  output: string;
}

/** How often work that fails the checks goes back to the same agent. */
const returnsMax = 2;

/** Tries the profiles in order: one that is out of quota, logged out or missing gives way to the next in the same run. */
export async function author(
  job: Job,
  plan: ImplementPlan,
  workspace: Workspace,
  base: string,
  stop: AbortSignal,
): Promise<Authored> {
  let last: Authored | null = null;
  for (const profile of job.settings.profiles) {
    const attempt = await work(job, plan, workspace, base, profile, stop);
    last =
      last === null
        ? attempt
        : { ...attempt, costUsd: sum(last.costUsd, attempt.costUsd), tokens: last.tokens + attempt.tokens };
    const { end } = attempt;
    if (end.kind !== "failed" || failureRules[end.class].cooldown !== "profile") return last;
    job.ports.log.line(`profile ${profile.name}: ${end.class}: ${end.text}`);
  }
  if (last === null) throw new Error("no profile is configured");
  return last;
}

async function work(
  job: Job,
  plan: ImplementPlan,
  workspace: Workspace,
  base: string,
  profile: Profile,
  stop: AbortSignal,
): Promise<Authored> {
  const startedAt = job.ports.clock.elapsed();
  const deadline = startedAt + job.settings.timeoutMs;
  const spent = { costUsd: null as number | null, tokens: 0 };
  const done = (end: AuthorEnd, started: boolean): Authored => ({
    ...{ end, profile, ...spent, started, durationMs: job.ports.clock.elapsed() - startedAt },
  });
  let prompt = await implementText(job, plan, workspace, base);
  for (let returns = 0; ; returns++) {
    const leftMs = deadline - job.ports.clock.elapsed();
    const run = await runAgent(job, plan, workspace, base, profile, prompt, Math.max(1, leftMs), stop, returns);
    spent.costUsd = sum(spent.costUsd, run.costUsd);
    spent.tokens += run.tokens;
    if (stop.aborted) return done({ kind: "interrupted" }, run.started);
    if (run.kind === "failed") return done(run.failed, run.started);
    const { result, composed } = run;
    if (composed === null || result.status !== "implemented") return done(words(run), true);
    if (composed.head === base) return done(words(run), true);
    const refused = [
      ...guards(composed.changes, job.settings.policy.limits, job.ports.holdsSecret),
      ...(await secretsInHistory(job, base, composed)),
    ];
    if (refused.length > 0)
      return done(failed("guard-refused", `The change is not published: ${refused.join("; ")}.`, ""), true);
    const checked = await job.ports.log.group("Checks", () => check(job, workspace, composed.head, stop));
    if (checked.kind === "stopped") return done({ kind: "interrupted" }, true);
    if (checked.kind === "green") {
      const results = job.settings.checks === "statuses" ? "statuses" : checked.results;
      return done({ kind: "work", result, composed, checks: results }, true);
    }
    if (returns >= returnsMax || deadline - job.ports.clock.elapsed() < 60_000) {
      return done(await redOnBase(job, workspace, base, checked.failed, stop), true);
    }
    job.ports.log.line(`the checks failed; back to the agent (${returns + 1} of ${returnsMax})`);
    prompt = await checksFailedText(job, workspace, checked.failed, base, deadline - job.ports.clock.elapsed());
  }
}

/** Longest text of all commits together that is looked through, in bytes. */
const historyBytesMax = 64 * 1024 * 1024;

/** Every commit is published, so what a later one took out again is looked at too. What cannot be looked at is not published. */
async function secretsInHistory(job: Job, base: string, composed: Composed): Promise<string[]> {
  if (composed.commits < 2) return [];
  const args = ["log", "--patch", "--format=", "--unified=0", "--no-renames", "--no-ext-diff", "--no-textconv"];
  const host = await job.ports.host();
  const shown = await host.run([...args, `${base}..${composed.head}`, "--"], { outputBytesMax: historyBytesMax });
  if (shown.kind !== "ended" || shown.code !== 0) return ["its commits are too large to be looked through for secrets"];
  const isFound = job.ports.holdsSecret(shown.stdout.toString("utf8"));
  return isFound ? ["one of its commits holds a secret of this run, even if a later one took it out"] : [];
}

/** Still red: the same checks on the base tell whether the change is to blame. */
async function redOnBase(
  job: Job,
  workspace: Workspace,
  base: string,
  red: ShellEnd,
  stop: AbortSignal,
): Promise<AuthorEnd> {
  const onBase = await job.ports.log.group("The same checks on the base", () => check(job, workspace, base, stop));
  if (onBase.kind === "stopped") return { kind: "interrupted" };
  const how = red.killed ?? `exit code ${red.exitCode ?? "none"}`;
  if (onBase.kind === "red" && onBase.failed.command === red.command) {
    return failed("base-red", `\`${red.command}\` fails on the base branch too (${how}).`, onBase.failed.tail);
  }
  return failed("checks-failed", `\`${red.command}\` failed on the agent's work (${how}).`, red.tail);
}

type AgentRun = { costUsd: number | null; tokens: number; started: boolean } & (
  | { kind: "failed"; failed: Failed }
  | { kind: "result"; result: Result; composed: Composed | null }
);

async function runAgent(
  job: Job,
  plan: ImplementPlan,
  workspace: Workspace,
  base: string,
  profile: Profile,
  prompt: string,
  wallMs: number,
  stop: AbortSignal,
  turn: number,
): Promise<AgentRun> {
  const { ports, settings, item } = job;
  await writeFile(workspace.promptFile, prompt);
  const start = {
    ...({
      role: "author",
      kind: "implement",
      item: item.issue.number,
      pullRequest: null,
      base,
      attempt: plan.attempt,
      round: 0,
    } as const),
    ...{ resultFile: workspace.resultFile, promptFile: workspace.promptFile, home: workspace.home, tmp: workspace.tmp },
    ...{ root: process.getuid?.() === 0, cwd: workspace.clone, prompt },
  };
  const reader = new OutputReader(profile.preset);
  const { limits } = settings.policy;
  const outputFile = join(workspace.kept, `agent-${profile.name}-${turn}.out`);
  const ended = await ports.log.group(`Agent ${profile.name}`, async () => {
    const result = await supervise(
      invocation(profile, start, ports.environment),
      outputFile,
      {
        wallMs,
        silenceMs: settings.silenceMs,
        startUpMs: limits.startUpSeconds > 0 ? limits.startUpSeconds * 1000 : profile.preset.limits.startUpMs,
        outputBytesMax: limits.outputBytesMax,
        graceMs: limits.killSeconds * 1000,
        drainMs: profile.preset.limits.drainMs,
      },
      {
        onStarted: ({ pid }) => ports.saveState("agent", JSON.stringify({ pid, resultFile: workspace.resultFile })),
        onHeartbeat: (beat) =>
          ports.log.line(
            `agent at work for ${duration(beat.elapsedMs)}, quiet for ${duration(beat.silentMs)}, ${beat.bytes} bytes`,
          ),
        output: reader,
        stop,
      },
    );
    ports.log.line(`agent ended after ${duration(result.durationMs)}: ${howEnded(result)}`);
    // Quoted line by line: raw output on standard output would be obeyed by the runner (`::set-output` and the like).
    for (const line of harmless(await fileTail(outputFile, 4_000), 4_000)
      .split("\n")
      .slice(-30))
      ports.log.line(`| ${line}`);
    return result;
  });
  return judge(job, workspace, base, profile, ended);
}

function howEnded(ended: Ended): string {
  if (ended.how === "exit") return `exit code ${ended.code}`;
  return ended.how === "signal" ? `by ${ended.signal}` : ended.text;
}

async function judge(job: Job, workspace: Workspace, base: string, profile: Profile, ended: Ended): Promise<AgentRun> {
  const output = readOutput(profile.preset, ended);
  const { tokens } = output;
  const took = {
    costUsd: output.costUsd,
    tokens: tokens === null ? 0 : tokens.input + tokens.output,
    started: ended.how !== "spawn-error",
  };
  const result: ReadResult = ended.dead === null ? { kind: "absent" } : readResult(workspace.resultFile);
  const brought = ended.dead === null ? null : await bring(job, workspace, base, ended.dead);
  const end = fileTail(ended.outputFile, 6_000);
  if (brought !== null && brought.kind === "failed")
    return { kind: "failed", ...took, failed: { ...brought, output: await end } };
  const composed = brought?.composed ?? null;
  const treeChanged = composed !== null && (composed.head !== base || composed.droppedPatch !== null);
  const outcome = classify({
    role: "author",
    preset: profile.preset,
    ended,
    output,
    result,
    treeChanged,
    nowMs: Date.now(),
  });
  if (outcome.kind === "failure") {
    const { class: kind, text, fingerprint: print, resetsAt } = outcome;
    return {
      kind: "failed",
      ...took,
      failed: { kind: "failed", class: kind, text, fingerprint: print, resetsAt, output: await end },
    };
  }
  if (outcome.inferred !== null) job.ports.log.line(`the result is inferred: ${outcome.inferred}`);
  return { kind: "result", ...took, result: outcome.result, composed };
}

async function bring(
  job: Job,
  workspace: Workspace,
  base: string,
  dead: NonNullable<Ended["dead"]>,
): Promise<{ kind: "ok"; composed: Composed } | Failed> {
  const host = await job.ports.host();
  const { fileBytesMax, changeBytesMax } = job.settings.policy.limits;
  const bounds = { fileBytesMax, totalBytesMax: changeBytesMax * 2 };
  const work: Work = await importWork(host, { cloneDir: workspace.clone, base, dead, bounds });
  switch (work.kind) {
    case "gone":
      return failed("contract-invalid", `The agent's clone cannot be read: ${work.why}.`, "");
    case "unreadable":
      return failed("contract-invalid", `The agent's work cannot be read: ${work.why}.`, "");
    case "too-big": {
      const what = work.path === null ? "its commits have" : `\`${work.path}\` has`;
      const text = `The change is not published: ${what} ${Math.ceil(work.bytes / 1024 / 1024)} MiB (at most ${Math.floor(work.bytesMax / 1024 / 1024)} MiB).`;
      return failed("guard-refused", text, "");
    }
    case "work": {
      for (const { path, why } of work.notTaken.slice(0, 10)) job.ports.log.line(`not taken along: ${path} (${why})`);
      const composed = await compose(host, {
        work,
        dropPaths: isWorkflow,
        trailers: [
          `Agent-Dispatch-Item: ${job.claim.record.key}`,
          `Agent-Dispatch-Profile: ${job.claim.record.profile ?? "?"}`,
        ],
        leftoverSubject: `Work on #${job.item.issue.number}: ${job.item.issue.title}`.slice(0, 72),
        mapMessage: (message) => harmless(job.ports.redact(message), 20_000),
      });
      return composed.kind === "composed"
        ? { kind: "ok", composed }
        : failed("contract-invalid", `The agent's commits cannot be read: ${composed.why}.`, "");
    }
    default:
      return work satisfies never;
  }
}

function words(run: Extract<AgentRun, { kind: "result" }>): AuthorEnd {
  const droppedPatch = run.composed?.droppedPatch ?? null;
  const paths = [...(droppedPatch ?? "").matchAll(/^diff --git a\/(.+?) b\//gm)].flatMap((match) => match[1] ?? []);
  return { kind: "words", result: run.result, droppedPatch, droppedPaths: paths };
}

function failed(kind: FailureClass, text: string, output: string): Failed {
  return { kind: "failed", class: kind, text, fingerprint: fingerprint(kind, text), resetsAt: null, output };
}

function sum(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : a + b;
}
