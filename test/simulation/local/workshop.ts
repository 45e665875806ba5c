// The program's workshop without a machine: an agent is some time that passes and an end that the seed decides, git is the graph of commits.

import { verdictOf } from "../../../src/core/verdict.ts";
import { type Failed, failed } from "../../../src/jobs/agent-run.ts";
import type { Authored } from "../../../src/jobs/author.ts";
import type { AgentJob } from "../../../src/jobs/endings.ts";
import type { ReworkJob } from "../../../src/jobs/rework-job.ts";
import type { Workshop } from "../../../src/jobs/workshop.ts";
import { saveAgent } from "../../../src/saved.ts";
import type { Session } from "./agents.ts";
import { type Bench, bot, commit, judgedChange, noLines, nothingChanged, resultOf, sleep } from "./bench.ts";

type Composed = Extract<Authored["end"], { kind: "work" }>["composed"];

export function simulatedWorkshop(bench: Bench): Workshop {
  const { world } = bench;
  const { commits } = world.forge;

  /** An author in a session of its own; `parents` of its commit. */
  async function author(
    job: AgentJob,
    start: string,
    parents: readonly string[],
    stop: AbortSignal,
  ): Promise<Authored> {
    const startedAt = bench.machine.clock.elapsed();
    const session = await begin(job, "author");
    const ended = await agentTime(session, stop);
    const authored = (end: Authored["end"], left: string | null = null): Authored => {
      const [profile] = job.settings.profiles;
      if (profile === undefined) throw new Error("no profile");
      const took = { profile, costUsd: session.costUsd, tokens: 1000, started: true, left, parkedUntil: null };
      return { end, ...took, durationMs: bench.machine.clock.elapsed() - startedAt };
    };
    if (ended === "stopped") return authored({ kind: "interrupted" });
    const how = bench.random.weighted(bench.plan.author);
    const made = commit(bench, session, parents.length > 1 ? parents : [start]);
    switch (how) {
      case "question":
      case "blocked":
      case "nothing":
        world.agents.end(session, "done", world.schedule.now);
        return authored({ kind: "words", result: resultOf(how), droppedPatch: null });
      case "failed":
      case "kills-runner":
      case "endless":
        return authored(fail(session, bench.random.pick(["crash", "timeout", "loop"] as const) ?? "crash"), made);
      case "red": {
        const checked = await check(session, made, stop, true);
        if (checked === "stopped") return authored({ kind: "interrupted" });
        return authored(fail(session, "checks-failed"), made);
      }
      case "work": {
        if ((await check(session, made, stop, false)) === "stopped") return authored({ kind: "interrupted" });
        world.agents.end(session, "done", world.schedule.now);
        const checks = [{ command: "make test", exitCode: 0, durationMs: 1000, tail: "" }];
        return authored({ kind: "work", result: resultOf("work", job), composed: composed(made), checks }, made);
      }
      default:
        return how satisfies never;
    }
  }

  function composed(head: string): Composed {
    return { kind: "composed", head, tree: head, commits: 1, droppedPatch: null, changes: nothingChanged };
  }

  async function begin(job: AgentJob, role: Session["role"]): Promise<Session> {
    const { key, epoch, slot } = job.claim.record;
    await sleep(bench, 200, 5_000);
    saveAgent(bench.saveState);
    const session = world.agents.begin({ role, machine: bench.machine, key, epoch, slot }, world.schedule.now);
    session.costUsd = Math.round(bench.random.between(5, 100)) / 100;
    bench.note(`agent ${session.id} (${role}) starts on ${key} e${epoch}, for ${session.costUsd} USD`);
    world.agentStarted(session);
    return session;
  }

  /** The time an agent takes. When its run is asked to stop, its end takes a moment too. */
  async function agentTime(session: Session, stop: AbortSignal): Promise<"ended" | "stopped"> {
    const { min, max } = bench.plan.agentMs;
    const isEndless = bench.random.chance(bench.plan.author.endless / 40);
    const ms = isEndless ? 45 * 60_000 : bench.random.longTailed(min, max);
    if (bench.random.chance(bench.plan.author["kills-runner"] / 30)) {
      world.schedule.after(ms * bench.random.next(), () => bench.killedByAgent(session));
    }
    await bench.machine.clock.sleep(ms, stop);
    if (stop.aborted) {
      world.agentStopped(session, String(stop.reason));
      await sleep(bench, 10, 15_000);
      world.agents.end(session, "stopped", world.schedule.now);
      bench.note(`agent ${session.id} is stopped: ${String(stop.reason)}`);
      return "stopped";
    }
    bench.note(`agent ${session.id} ends`);
    return "ended";
  }

  async function check(
    session: Session,
    head: string,
    stop: AbortSignal,
    isRed: boolean,
  ): Promise<"ended" | "stopped"> {
    await bench.machine.clock.sleep(bench.random.longTailed(1_000, 120_000), stop);
    if (stop.aborted) {
      world.agents.end(session, "stopped", world.schedule.now);
      return "stopped";
    }
    if (!isRed) world.agents.checked.add(head);
    return "ended";
  }

  function fail(session: Session, kind: "crash" | "timeout" | "loop" | "checks-failed" | "contract-invalid"): Failed {
    session.costs = true;
    world.agents.end(session, "failed", world.schedule.now);
    // Now and then the same failure twice, which goes to a person.
    return failed(kind, `it failed, ${bench.random.whole(1, 4)}`, "");
  }

  async function reads<T>(read: () => Promise<T>): Promise<T> {
    await sleep(bench, 50, 3_000);
    return read();
  }

  return {
    // No process of a dead run lives on here: machines of this world run nothing else.
    marked: () => [],
    endStrays: async () => undefined,
    open: async () => ({
      ...{ root: "", clone: "", home: "", tmp: "", resultFile: "", promptFile: "", kept: "" },
      remove: () => sleep(bench, 5, 100),
    }),
    async implement(job, _workspace, agents, stop) {
      const base = await (await job.ports.host()).fetchBranch(job.settings.policy.base);
      if (base === null) return { authored: failed("forge-error", "the base branch is gone", ""), base };
      agents.start();
      return { authored: await author(job, base, [base], stop), base };
    },
    readChange: (job) => reads(() => judgedChange(bench, job)),
    async judge(job, _workspace, change, stop) {
      const startedAt = bench.machine.clock.elapsed();
      const session = await begin(job, "reviewer");
      const ended = await agentTime(session, stop);
      const [profile] = job.settings.reviewers;
      if (profile === undefined) return null;
      const took = { profile, costUsd: session.costUsd, tokens: 1000, started: true, left: null, parkedUntil: null };
      const durationMs = bench.machine.clock.elapsed() - startedAt;
      if (ended === "stopped") return { end: { kind: "interrupted" }, ...took, durationMs };
      if (bench.random.chance(0.08)) return { end: fail(session, "contract-invalid"), ...took, durationMs };
      const isBad = bench.random.chance(bench.plan.rejecting);
      const verdict = isBad ? "changes-requested" : "approved";
      world.agents.end(session, "done", world.schedule.now);
      world.agents.judged(change.head, { session: session.id, verdict });
      const read = verdictOf(resultOf(verdict), {
        diff: change.diff,
        round: job.plan.round + 1,
        used: [],
        redact: (text) => text,
      });
      return { end: read.kind === "none" ? failed("contract-invalid", read.why, "") : read, ...took, durationMs };
    },
    async rangeOf({ plan, ports }) {
      const host = await ports.host();
      const [head, base] = [await host.fetchBranch(plan.branch), await host.fetchBranch(plan.pull.baseRef)];
      if (base === null) return { kind: "unknown", why: "the base branch is gone" };
      if (head === null || head !== plan.expect)
        return { kind: "moved", why: `the branch \`${plan.branch}\` moved meanwhile` };
      return { kind: "range", head, base, mergeBase: commits.mergeBase(base, head) ?? base };
    },
    update: (job, range) => reads(async () => update(job, range)),
    rework: (job, _workspace, range, start, stop) => {
      const parents = start.conflict === null ? [start.commit] : [range.head, range.base];
      return author(job, start.commit, parents, stop);
    },
    async check(_job, _workspace, head, stop) {
      await bench.machine.clock.sleep(bench.random.longTailed(1_000, 120_000), stop);
      if (stop.aborted) return { kind: "stopped" };
      world.agents.checked.add(head);
      return { kind: "green", results: [{ command: "make test", exitCode: 0, durationMs: 1000, tail: "" }] };
    },
    redOnBase: async () => failed("base-red", "not simulated", ""),
    mergeOf: async (ports, pull) => {
      const host = await ports.host();
      const [base, head] = [await host.fetchBranch(pull.baseRef), await host.fetchBranch(pull.headRef)];
      return base === null || head === null || !commits.conflicts(base, head) ? "clean" : "conflict";
    },
    isOurs: async (_ports, branch, base) => {
      const [tip, from] = [world.forge.branch(branch), world.forge.branch(base)];
      return tip !== null && from !== null && commits.range(from, tip).every((made) => made.author === bot);
    },
    has: async (_ports, sha) => bench.store.has(sha),
    contains: async (_ports, tip, sha) => commits.isAncestor(sha, tip),
    messagesOf: async (_ports, tip, max) => {
      const messages: string[] = [];
      for (let sha: string | undefined = tip; sha !== undefined && messages.length < max; ) {
        const { message, parents } = commits.must(sha);
        messages.push(message);
        sha = parents[0];
      }
      return messages;
    },
    isAncestor: async (_ports, ancestor, descendant) => commits.isAncestor(ancestor, descendant),
    patchOf: async (_ports, base, head) => commits.patchOf(base, head),
    linesOf: async () => noLines,
    protectedPaths: async () => [],
  };

  /** The bot's own commits are rebased, where nobody approved them and nothing conflicts; what people made is merged. */
  function update(
    job: ReworkJob,
    { head, base, mergeBase }: Parameters<Workshop["update"]>[1],
  ): Awaited<ReturnType<Workshop["update"]>> {
    if (commits.isAncestor(base, head)) return { kind: "same" };
    const own = commits.range(base, head);
    const isOurs = own.every((made) => made.author === bot && made.parents.length === 1);
    const message = `Merge branch '${job.plan.pull.baseRef}' into ${job.plan.branch}`;
    const seconds = Math.floor(world.schedule.now / 1000);
    if (commits.conflicts(base, head)) {
      const conflict = { base: "main", paths: ["a"], words: [], upper: "pull", ofBase: [], ofPull: [] } as const;
      const merge = commits.add({ parents: [head, base], author: bot, message: `${message} (conflicts)`, seconds });
      return { kind: "conflict", start: { commit: merge.sha, mergeBase: base, conflict, failing: [] } };
    }
    if (isOurs && mergeBase !== base && !job.plan.approved && !job.plan.foreign) {
      const rebased = own.reduce((tip, made) => {
        const { author, message, touches, patch } = made;
        return commits.add({ parents: [tip], author, message, touches, patch, seconds }).sha;
      }, base);
      world.agents.rebased.set(rebased, head);
      return { kind: "clean", head: rebased, merged: false };
    }
    const merge = commits.add({ parents: [head, base], author: bot, message, seconds });
    world.agents.rebased.set(merge.sha, head);
    return { kind: "clean", head: merge.sha, merged: true };
  }
}
