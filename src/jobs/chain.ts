// Starts the next run: at the end of one that moved something, and from a cron tick, which never runs an agent itself.

import type { Decision } from "../core/decision.ts";
import type { Trigger } from "../core/model.ts";
import { decided } from "../deciding.ts";
import { describe, ForgeError, RunError } from "../errors.ts";
import type { DispatchAnswer, ForgeRun } from "../forge/model.ts";
import { mayDispatch } from "../look.ts";
import { observe, type Who } from "../observe.ts";
import { kindOf, type Outcome, outcome } from "../outcome.ts";
import type { OwnRun, Ports } from "../ports.ts";
import type { Reached } from "../preflight.ts";
import type { Settings } from "../settings/settings.ts";

/** A tick's whole work: a run of its own for the item. Throws RunError when the forge refuses, since then no agent would ever run. */
export async function dispatchTick(
  ports: Ports,
  decision: Extract<Decision, { kind: "dispatch" }>,
  ref: string,
): Promise<Outcome> {
  const number = decision.item.issue.number;
  const own = await ports.ownRun();
  if (own === null) throw new Error("a dispatch was decided without a workflow to start");
  const { workflow } = own;
  const started = await startOnce(ports, own, ref, { item: String(number) });
  if (started.kind === "unclear") {
    return outcome({
      ...{ kind: kindOf(decision.work), outcome: "failed", failure: "forge-error", item: number },
      reason: `the forge did not say whether it started a run for #${number}: ${started.cause}`,
      next: "The next tick looks again; a run that was started after all does the work.",
    });
  }
  if (started.kind === "refused") {
    throw new RunError(`The forge does not start ${workflow} for #${number}: ${started.answer}`, {
      remedy:
        "Give the workflow file the trigger `workflow_dispatch` with the input `item`, as in workflows/agent.yml, and the token the scope `write:repository`.",
      mender: "workflow author",
      retry: false,
    });
  }
  return outcome({
    ...{ kind: kindOf(decision.work), outcome: "dispatched", item: number },
    ...{
      reason: `#${number} is next; a run of its own was started for it`,
      next: "That run does the work; a scheduled run could be cancelled by the next tick.",
    },
  });
}

/** Newest runs that are searched for one that was started without an answer. */
const runsSearched = 20;

/** Sent once: after an answer that was lost the list of runs says whether one began that is newer than this. */
async function startOnce(
  { forge }: Ports,
  own: OwnRun,
  ref: string,
  inputs: Record<string, string>,
): Promise<DispatchAnswer | { kind: "unclear"; cause: string }> {
  try {
    return await forge.dispatch(own.workflow, ref, inputs);
  } catch (error) {
    if (!(error instanceof ForgeError) || !error.mayBeApplied) throw error;
    const isNew = (run: ForgeRun) =>
      run.number > own.number && run.event === "workflow_dispatch" && run.workflow === own.workflow;
    const runs = await forge.recentRuns(runsSearched).catch(() => null);
    return runs?.some(isNew) === true ? { kind: "started" } : { kind: "unclear", cause: error.message };
  }
}

/** When work is left that could start now, one dispatch. A chain that cannot start costs time, never correctness. */
export async function chain(
  ports: Ports,
  settings: Settings,
  who: Who,
  trigger: Trigger,
  reached: Reached,
  done: Outcome,
): Promise<Outcome> {
  // A resume that failed would be tried again at once, for ever: the next tick has time.
  const isStuck = done.outcome === "lost" || (done.kind === "resume" && done.outcome === "failed");
  if (!settings.chain || isStuck) return done;
  try {
    const own = await ports.ownRun();
    if (own === null) return done;
    const fresh: Trigger = { ...trigger, event: "other", item: null, byHand: false, message: "" };
    const { snapshot } = await observe(ports, { ...who, owner: "" }, fresh, settings.policy);
    const { decision } = await decided(ports, settings.policy, snapshot);
    if (decision.kind === "idle") return done;
    // Also where this run is itself the dispatched one that an older server would cancel: the next tick goes on.
    if ((await mayDispatch(ports)) !== true) return done;
    const started = await startOnce(ports, own, reached.repository.defaultBranch, {});
    ports.log.line(saidOf(started));
    return done;
  } catch (error) {
    ports.log.line(`the next run was not started: ${describe(error)}`);
    return done;
  }
}

function saidOf(started: Awaited<ReturnType<typeof startOnce>>): string {
  switch (started.kind) {
    case "started":
      return "started the next run: there is more to do";
    case "refused":
      return `the next run was not started: ${started.answer}`;
    case "unclear":
      return `the forge did not say whether it started the next run: ${started.cause}`;
    default:
      return started satisfies never;
  }
}
