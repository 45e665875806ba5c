// Invariant 7: what costs something has an end. Attempts, rounds, runs that the program starts by itself, and comments.

import type { Change } from "../forge/state.ts";
import type { Session } from "../local/agents.ts";
import { bot } from "../local/bench.ts";
import { hour } from "../plan.ts";
import type { World } from "../world.ts";
import { keyOf, numberOf, recordOf, viewOf } from "./view.ts";
import type { Rule } from "./watch.ts";

/** Runs that the program may start in an hour: each step of an item starts at most one, and steps take minutes. */
const dispatchesPerHour = 60;

export function boundsRule(world: World): Rule {
  const { forge, watch, plan, schedule } = world;
  /** Sessions on an item since somebody last gave it a new beginning, or a step of it was done. */
  const since = new Map<string, Session[]>();
  const dispatches: number[] = [];
  /** Sessions whose own run wrote into the record how they ended. */
  const told = new Set<Session>();

  /**
   * Sessions that count as attempts: they failed by themselves, or their run was gone before they ended and could not say so. A run that was
   * cancelled first costs none: the record knows of the cancel alone.
   */
  const isSpent = (session: Session) => {
    const { end, costs, machine } = session;
    if (end === "failed") return costs && (told.has(session) || !machine.wasCancelled);
    return end === "lost" && !machine.wasCancelled;
  };

  function tell(change: Extract<Change, { kind: "refs" }>): void {
    for (const move of change.moves) {
      const key = keyOf(move.ref);
      const record = key === null ? null : viewOf(forge, move.new);
      if (key === null || record === null || record.state === "held") continue;
      for (const session of since.get(key) ?? [])
        if (session.epoch === record.epoch && session.machine === change.by.machine) told.add(session);
    }
  }

  return {
    agentStarted(session) {
      const before = since.get(session.key) ?? [];
      const spent = before.filter(isSpent).length;
      const lost = before.filter(({ end }) => end === "lost").length;
      // Cancelled runs cost no attempt, but twice in a row they end it too.
      if (spent >= plan.maxAttempts || lost > 2 * plan.maxAttempts + 2)
        watch.fail(
          "attempts",
          `${session.key}: ${spent} attempts came to nothing, and one more begins (${plan.maxAttempts} are allowed)`,
        );
      since.set(session.key, [...before, session]);
    },
    ordered: () => since.clear(),
    changed(change) {
      if (change.kind === "dispatched" && change.by.machine !== null) {
        dispatches.push(schedule.now);
        const recent = dispatches.filter((at) => at > schedule.now - hour).length;
        if (recent > dispatchesPerHour)
          watch.fail("chain", `${recent} runs were started by the program within an hour`);
      }
      // Whatever a person does may be a new order.
      if (change.by.machine === null) {
        since.clear();
        return;
      }
      if (change.kind !== "refs") return;
      tell(change);
      for (const key of since.keys()) {
        const record = recordOf(forge, key);
        if (record?.state === "published" && record.attempt === 0) since.delete(key);
      }
    },
    rest() {
      for (const issue of forge.issues.values()) {
        const said = issue.entries.filter((entry) => entry.type === "comment" && entry.by === bot).length;
        const heard = issue.entries.filter((entry) => entry.by !== bot).length;
        const sessions = world.agents.sessions.filter(({ key }) => numberOf(key) === issue.number).length;
        if (said > 6 + 2 * heard + 2 * sessions)
          watch.fail("comments", `#${issue.number} has ${said} comments of the program`);
      }
    },
  };
}
