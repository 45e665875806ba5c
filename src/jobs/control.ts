// The whole program pauses or goes on: one compare-and-swap on the control ref, then the order is answered.

import type { ControlOrder, Pause } from "../core/model.ts";
import { describe } from "../errors.ts";
import { type CasOutcome, compareAndSwap } from "../ledger/cas.ts";
import { cannotWriteLedger } from "../ledger/claim.ts";
import { type ControlState, formatControl, noControl, parseControl } from "../ledger/control.ts";
import { controlRef } from "../ledger/refs.ts";
import type { Observed, Who } from "../observe.ts";
import { type Outcome, outcome } from "../outcome.ts";
import type { Ports } from "../ports.ts";
import type { Settings } from "../settings/settings.ts";
import { applyEffects } from "./effects.ts";
import { forgeNow, looseEffectPorts } from "./job.ts";

export async function control(
  ports: Ports,
  settings: Settings,
  who: Who,
  order: ControlOrder,
  observed: Observed,
): Promise<Outcome> {
  const { verb, by, text, comment, id, issue } = order;
  const why = text.trim() === "" ? "no reason given" : (ports.redact(text.trim()).split("\n")[0] ?? "");
  const pause: Pause | null = verb === "pause" ? { by: `@${by}`, why, until: null } : null;
  const { state } = observed.control;
  // What is older was answered with it.
  const older = observed.snapshot.control.orders.filter((o) => o.at <= order.at && o.id !== id).map((o) => o.id);
  const before = [...new Set([...state.handled, ...older])];
  const next: ControlState = { ...state, pause, handled: [...before, id], failures: 0 };
  const moved = await swapControl(ports, settings, observed.control.sha, next);
  const item = issue;
  if (moved.kind !== "ok") return notMoved(moved, order);
  await answer(ports, who, comment);
  return outcome({
    ...{ kind: "idle", outcome: "idle", item },
    reason: verb === "pause" ? `paused by @${by}: ${why}` : `@${by} ended the pause`,
    next: verb === "pause" ? "Nothing is done before `/agent resume`." : "The next event or tick looks for work.",
  });
}

/** The order stands where it was given, so the next run that looks finds it again. */
function notMoved(moved: Exclude<CasOutcome, { kind: "ok" }>, { by, issue: item }: ControlOrder): Outcome {
  const next = "The next event or tick looks again.";
  switch (moved.kind) {
    case "lost": {
      const reason = `another run changed the pause at the same moment; the order of @${by} is looked at again`;
      return outcome({ kind: "idle", outcome: "lost", reason, next, item });
    }
    case "unknown": {
      const reason = `the forge did not say whether the order of @${by} was written down: ${moved.cause}`;
      return outcome({ kind: "idle", outcome: "failed", failure: "forge-error", reason, next, item });
    }
    case "refused":
    case "denied":
      throw cannotWriteLedger(moved.text);
    default:
      return moved satisfies never;
  }
}

async function answer(ports: Ports, who: Who, comment: number): Promise<void> {
  try {
    const effects = [{ id: "answer", do: "react", comment, reaction: "rocket" } as const];
    await applyEffects(looseEffectPorts(ports, who), { v: 1, issue: 0, effects }, null);
  } catch (error) {
    ports.log.warning(`could not answer the order: ${describe(error)}`);
  }
}

async function swapControl(
  ports: Ports,
  settings: Settings,
  old: string | null,
  next: ControlState,
): Promise<CasOutcome> {
  const host = await ports.host();
  const sha = await host.writeRecord({ parent: old, message: formatControl(next), effects: null });
  const deadlineMs = settings.policy.limits.apiSeconds * 2000;
  return compareAndSwap(host, [{ ref: controlRef, old, new: sha }], { clock: ports.clock, deadlineMs });
}

/** Failures of network or forge in a row after which the program pauses by itself, and for how long, in ms. */
const failuresMax = 5;
const breakMs = 30 * 60_000;

/** The breaker: counts failures of the infrastructure in a row, and pauses everything for a while when they go on. Best effort. */
export async function countFailure(ports: Ports, settings: Settings, observed: Observed, done: Outcome): Promise<void> {
  const isOurs = done.failure === "network" || done.failure === "forge-error";
  const isProgress = done.outcome === "done" && done.kind !== "idle";
  if (!isOurs && (!isProgress || observed.control.state.failures === 0)) return;
  try {
    const host = await ports.host();
    const found = (await host.fetchLedger()).get(controlRef);
    const state = found === undefined ? noControl : parseControl(found.message);
    // What cannot be read is written by nobody's order, at most, and never by itself.
    if (state.unreadable !== null || (isProgress && state.failures === 0)) return;
    const failures = isProgress ? 0 : state.failures + 1;
    const isPaused = state.pause !== null && (state.pause.until === null || state.pause.until > forgeNow(ports));
    const isBroken = failures >= failuresMax && !isPaused;
    const until = forgeNow(ports) + breakMs;
    const why = `${failures} failures of network or forge in a row`;
    const pause = isBroken ? { by: "the program itself", why, until } : state.pause;
    await swapControl(ports, settings, found?.sha ?? null, { ...state, pause, failures: isBroken ? 0 : failures });
    if (isBroken) ports.log.warning(`${why}: nothing is started for 30 minutes`);
  } catch (error) {
    ports.log.line(`the row of failures could not be counted: ${describe(error)}`);
  }
}
