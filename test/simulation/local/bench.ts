// What the simulated workshop works with: its machine, the world around it, and the small things that its agents make.

import type { Result } from "../../../src/agent/result.ts";
import type { Changes } from "../../../src/git/changes.ts";
import type { LinesInDiff } from "../../../src/git/review.ts";
import { failed } from "../../../src/jobs/agent-run.ts";
import type { AgentJob } from "../../../src/jobs/endings.ts";
import type { FoundChange, ReviewJob } from "../../../src/jobs/review-change.ts";
import type { Store } from "../forge/commits.ts";
import type { ForgeState } from "../forge/state.ts";
import type { Machine } from "../machine.ts";
import type { Plan } from "../plan.ts";
import type { Random } from "../random.ts";
import type { Schedule } from "../schedule.ts";
import type { Agents, Session } from "./agents.ts";

/** Login of the program's account. */
export const bot = "bot";
/** Files that commits touch. */
export const files = 6;

export interface Bench {
  machine: Machine;
  random: Random;
  /** Commits in the host's own repository. */
  store: Store;
  plan: Plan;
  world: {
    forge: ForgeState;
    schedule: Schedule;
    agents: Agents;
    agentStarted(session: Session): void;
    agentStopped(session: Session, why: string): void;
  };
  note(text: string): void;
  /** Kept for the last step, which runs when this one was killed. */
  saveState(name: string, value: string): void;
  /** The agent takes its whole runner down with it. */
  killedByAgent(session: Session): void;
}

export function sleep(bench: Bench, min: number, max: number): Promise<void> {
  return bench.machine.clock.sleep(bench.random.longTailed(min, max));
}

/** The work of an author: one commit. */
export function commit(bench: Bench, session: Session, parents: readonly string[]): string {
  const { forge, agents, schedule } = bench.world;
  const seconds = Math.floor(schedule.now / 1000);
  const isMerge = parents.length > 1;
  const touches = isMerge ? [] : [bench.random.whole(1, files)];
  const patch = `agent-${session.id}`;
  const made = forge.commits.add({
    parents,
    author: bot,
    message: `Work of agent ${session.id}`,
    touches,
    patch,
    seconds,
  });
  agents.authors.set(made.sha, session.id);
  bench.store.add(made.sha);
  return made.sha;
}

const nothing: Result = { status: "implemented", findings: [], replies: [], followUps: [] };

/** What an agent says about its work. */
export function resultOf(
  what: "work" | "question" | "nothing" | "blocked" | "approved" | "changes-requested",
  job?: AgentJob,
): Result {
  switch (what) {
    case "work": {
      const findings = job?.claim.record.verdict?.findings ?? [];
      const replies = findings.map(({ id }) => ({ finding: id, action: "fixed" as const, body: "done" }));
      return { ...nothing, title: "Mend it", body: "Closes it", summary: "It is mended.", replies };
    }
    case "question":
      return { ...nothing, status: "needs-info", question: "Which one?" };
    case "nothing":
      return { ...nothing, status: "no-change-needed", summary: "It is so already." };
    case "blocked":
      return { ...nothing, status: "blocked", summary: "It cannot be done." };
    case "approved":
      return { ...nothing, status: "approved", summary: "Good." };
    case "changes-requested":
      return {
        ...{ ...nothing, status: "changes-requested", summary: "Not yet." },
        findings: [{ severity: "major", title: "It is wrong", body: "See there.", path: "a", line: 1 }],
      };
    default:
      return what satisfies never;
  }
}

export const nothingChanged: Changes = {
  ...{ changes: [], changeCount: 1, insertions: 1, deletions: 0, addedLines: [], addedLinesCut: false },
};

export const noLines: LinesInDiff = { has: () => false, files: new Set(["a"]), ranges: new Map(), cut: false };

export async function judgedChange(bench: Bench, { plan, ports }: ReviewJob): Promise<FoundChange> {
  const { commits } = bench.world.forge;
  const { pull } = plan;
  const host = await ports.host();
  const head = await host.fetchBranch(pull.headRef);
  if (head === null) return { kind: "moved", why: "its branch is gone" };
  if (head !== pull.headSha) return { kind: "moved", why: `its branch is at ${head.slice(0, 10)} now` };
  const base = await host.fetchBranch(pull.baseRef);
  if (base === null) return failed("forge-error", "the base branch is gone", "");
  const mergeBase = commits.mergeBase(base, head) ?? base;
  if (commits.range(base, head).length === 0) return { kind: "empty" };
  const patch = commits.patchOf(base, head);
  const change = { head, base, mergeBase, start: head, diff: noLines, text: "", patch, protectedPaths: [] };
  return { kind: "change", change };
}
