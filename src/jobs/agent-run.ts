// One start of an agent in its clone, and its work brought home: what the supervisor saw, what the agent says, what git finds.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { classify, fingerprint } from "../agent/classify.ts";
import { writeSettings } from "../agent/config.ts";
import { invocation } from "../agent/invocation.ts";
import { markVariables } from "../agent/mark.ts";
import { OutputReader, readOutput } from "../agent/output.ts";
import { costOf } from "../agent/price.ts";
import type { Profile } from "../agent/profile.ts";
import { type ReadResult, type Result, readResult } from "../agent/result.ts";
import { type Ended, type Heartbeat, supervise } from "../agent/supervise.ts";
import { traceInto } from "../agent/trace.ts";
import type { AgentWork, Plan } from "../core/decision.ts";
import type { FailureClass } from "../core/failure.ts";
import { isWorkflow } from "../core/guards.ts";
import { duration, harmless } from "../core/text.ts";
import { type ComposeOrder, type Composition, compose } from "../git/compose.ts";
import { importWork, type Work } from "../git/import.ts";
import { saveAgent } from "../saved.ts";
import { removeAll, type Workspace } from "../workspace.ts";
import { effectPorts, type Job } from "./job.ts";
import { progressOn } from "./progress.ts";
import { fileTail } from "./shell.ts";

export type Composed = Extract<Composition, { kind: "composed" }>;

/** Where one profile works, and as what. */
export interface Bench {
  job: Job;
  plan: Plan;
  kind: AgentWork["kind"];
  /** Number of the pull request it is about; null before there is one. */
  pull: number | null;
  workspace: Workspace;
  /** Commit that its clone starts from. */
  base: string;
  profile: Profile;
  stop: AbortSignal;
  /** How an author's work becomes commits; default: one by one on `base`. */
  compose?: (order: ComposeOrder) => Promise<Composition>;
}

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

/** `composed`: an author's work as commits, however it ended; null where there is none that can be read. */
export type AgentRun = { costUsd: number | null; tokens: number; started: boolean; composed: Composed | null } & (
  | { kind: "failed"; failed: Failed }
  | ({ kind: "result"; result: Result } & Earlier)
);

/** What the same agent left before the checks sent it back: it still says what the work is when it writes nothing new. */
export interface Earlier {
  own: ReadResult;
  /** The CLI's own name of its session; null where it cannot be gone on with. */
  session: string | null;
}

let starts = 0;

export async function runAgent(
  bench: Bench,
  prompt: string,
  wallMs: number,
  earlier: Earlier | null,
): Promise<AgentRun> {
  const { job, plan, kind, pull, workspace, base, profile, stop } = bench;
  const { ports, settings, item } = job;
  // Whatever an agent before this one left here (a link, a folder, nothing at all) must neither lead elsewhere nor stop the run.
  const out = dirname(workspace.promptFile);
  await removeAll(out);
  await mkdir(out, { recursive: true });
  await writeFile(workspace.promptFile, prompt);
  const start = {
    ...({
      role: roleOf(kind),
      kind,
      item: item.issue.number,
      pullRequest: pull,
      base,
      attempt: plan.attempt,
      round: kind === "review" ? plan.round + 1 : plan.round,
    } as const),
    ...{ resultFile: workspace.resultFile, promptFile: workspace.promptFile, home: workspace.home, tmp: workspace.tmp },
    ...{ root: process.getuid?.() === 0, cwd: workspace.clone, folder: workspace.root, prompt },
    session: profile.preset.resume === null ? null : (earlier?.session ?? null),
    marks: markVariables({ place: ports.place, owner: job.who.owner }),
  };
  await writeSettings(profile, start);
  saveAgent(ports.saveState);
  const { limits } = settings.policy;
  const outputFile = join(workspace.kept, `agent-${++starts}.out`);
  const progress = progressOn(effectPorts(job), item.issue.number, ports.redact);
  const ended = await ports.log.group(`Agent ${profile.name}`, async () => {
    const working = supervise(
      invocation(profile, start, ports.environment),
      outputFile,
      {
        wallMs,
        silenceMs: settings.silenceMs,
        startUpMs: limits.startUpSeconds > 0 ? limits.startUpSeconds * 1000 : profile.preset.limits.startUpMs,
        outputBytesMax: limits.outputBytesMax,
        repeatsMax: limits.toolRepeatsMax,
        graceMs: limits.killSeconds * 1000,
        drainMs: profile.preset.limits.drainMs,
      },
      {
        onHeartbeat(beat) {
          ports.log.line(`agent at work for ${progressText(beat)}`);
          progress.show(progressText(beat));
        },
        onLook: traceInto(workspace.kept),
        output: new OutputReader(profile.preset),
        stop,
      },
    );
    const result = await working.finally(() => progress.end());
    ports.log.line(`agent ended after ${duration(result.durationMs)}: ${howEnded(result)}`);
    // Quoted line by line: raw output on standard output would be obeyed by the runner (`::set-output` and the like).
    const lines = harmless(await fileTail(outputFile, 4_000), 4_000)
      .trimEnd()
      .split("\n");
    for (const line of lines.slice(-30)) ports.log.line(`| ${line}`);
    return result;
  });
  return judge(bench, ended, earlier);
}

/** "12 min, quiet for 3 s, `Bash` at work, 12,345 tokens, 4,711 bytes". */
function progressText({ elapsedMs, silentMs, bytes, progress }: Heartbeat): string {
  const tokens = progress?.tokens ?? null;
  return [
    duration(elapsedMs),
    `quiet for ${duration(silentMs)}`,
    progress?.openTool ? `\`${harmless(progress.openTool, 50)}\` at work` : "",
    tokens === null ? "" : `${(tokens.input + tokens.output).toLocaleString("en")} tokens`,
    `${bytes.toLocaleString("en")} bytes`,
  ]
    .filter((part) => part !== "")
    .join(", ");
}

function roleOf(kind: Bench["kind"]): "author" | "reviewer" {
  return kind === "review" ? "reviewer" : "author";
}

function howEnded(ended: Ended): string {
  if (ended.how === "exit") return `exit code ${ended.code}`;
  return ended.how === "signal" ? `by ${ended.signal}` : ended.text;
}

async function judge(bench: Bench, ended: Ended, earlier: Earlier | null): Promise<AgentRun> {
  const { job, workspace, base, profile } = bench;
  const output = readOutput(profile.preset, ended);
  const { tokens } = output;
  const costUsd = costOf(profile, output);
  const tokensInAll = tokens === null ? 0 : tokens.input + tokens.output;
  const own: ReadResult = ended.dead === null ? { kind: "absent" } : readResult(workspace.resultFile);
  const result = own.kind === "absent" && earlier !== null ? earlier.own : own;
  const role = roleOf(bench.kind);
  const brought = ended.dead === null ? null : await (role === "author" ? bring : judged)(bench, ended.dead);
  const composed = brought?.kind === "ok" ? brought.composed : null;
  const took = { costUsd, tokens: tokensInAll, started: ended.how !== "spawn-error", composed };
  // Work that cannot be read is some change at any rate: how the process ended is looked at first, then why it cannot be read.
  const treeChanged =
    brought?.kind === "failed" ||
    brought?.kind === "touched" ||
    (composed !== null && (composed.head !== base || composed.droppedPatch !== null));
  const outcome = classify({
    role,
    preset: profile.preset,
    ended,
    output,
    result,
    treeChanged,
    nowMs: Date.now(),
  });
  if (outcome.kind === "failure") {
    const { class: kind, text, fingerprint: print, resetsAt } = outcome;
    const end = await fileTail(ended.outputFile, 6_000);
    return {
      kind: "failed",
      ...took,
      failed: { kind: "failed", class: kind, text, fingerprint: print, resetsAt, output: end },
    };
  }
  if (brought?.kind === "failed")
    return { kind: "failed", ...took, failed: { ...brought, output: await fileTail(ended.outputFile, 6_000) } };
  if (outcome.inferred !== null) job.ports.log.line(`the result is inferred: ${outcome.inferred}`);
  return { kind: "result", ...took, result: outcome.result, own: result, session: output.session };
}

/** A reviewer's clone is thrown away; it only matters whether tracked files were changed. New files are what its tests left. */
async function judged(
  { job, workspace, base }: Bench,
  dead: NonNullable<Ended["dead"]>,
): Promise<{ kind: "untouched" | "touched" } | Failed> {
  const { fileBytesMax, changeBytesMax } = job.settings.policy.limits;
  const bounds = { fileBytesMax, totalBytesMax: changeBytesMax * 2 };
  const work = await importWork(await job.ports.host(), { cloneDir: workspace.clone, base, dead, bounds });
  if (work.kind === "gone" || work.kind === "unreadable")
    return failed("contract-invalid", `The reviewer's clone cannot be read: ${work.why}.`, "");
  // What is too big to be taken along is something new: nothing of it is kept anyway.
  if (work.kind === "too-big") return { kind: "untouched" };
  return { kind: work.changes.some((change) => change.status !== "added") ? "touched" : "untouched" };
}

async function bring(
  bench: Bench,
  dead: NonNullable<Ended["dead"]>,
): Promise<{ kind: "ok"; composed: Composed } | Failed> {
  const { job, workspace, base, profile } = bench;
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
      const [bytes, most] = [Math.ceil(work.bytes / 1024 / 1024), Math.floor(work.bytesMax / 1024 / 1024)];
      return failed("guard-refused", `The change is not published: ${what} ${bytes} MiB (at most ${most} MiB).`, "");
    }
    case "work": {
      for (const { path, why } of work.notTaken.slice(0, 10)) job.ports.log.line(`not taken along: ${path} (${why})`);
      const composeWith = bench.compose ?? ((order: ComposeOrder) => compose(host, order));
      const composed = await composeWith({
        work,
        dropPaths: isWorkflow,
        trailers: [`Agent-Dispatch-Item: ${job.claim.record.key}`, `Agent-Dispatch-Profile: ${profile.name}`],
        leftoverSubject: `Work on #${job.item.issue.number}: ${job.item.issue.title}`.slice(0, 72),
        mapMessage: (message) => harmless(job.ports.redact(message), 20_000),
      });
      if (composed.kind === "composed") return { kind: "ok", composed };
      return failed("contract-invalid", `The agent's commits cannot be read: ${composed.why}.`, "");
    }
    default:
      return work satisfies never;
  }
}

export function failed(kind: FailureClass, text: string, output: string): Failed {
  return { kind: "failed", class: kind, text, fingerprint: fingerprint(kind, text), resetsAt: null, output };
}
