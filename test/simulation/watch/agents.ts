// Invariant 1: agents work only under claims that are held, at most so many at once, and a claim is one run's.

import { lossWords } from "../../../src/ledger/chain.ts";
import type { Session } from "../local/agents.ts";
import type { Machine } from "../machine.ts";
import type { World } from "../world.ts";
import { keyOf, type RecordView, recordOf, slackMs, slotRef, viewOf } from "./view.ts";
import type { Rule } from "./watch.ts";

/** So long an agent may work on after its claim is gone, its run awake and the forge there: a renewal, with all waits for answers. */
const lostMs = { calm: 4 * 60_000, stormy: 12 * 60_000 };

export function agentsRule(world: World): Rule {
  const { forge, agents, watch, plan } = world;
  /** Who made a claim, by key and epoch. */
  const claimedBy = new Map<string, Machine>();
  /** When a session was first seen without its claim, ms since 1970. */
  const lostSince = new Map<number, number>();

  const holds = (session: Session) => {
    const record = recordOf(forge, session.key);
    return record !== null && record.epoch === session.epoch && record.state === "held";
  };

  /**
   * Claims that were once older than their lease, by key and epoch: such a claim holds no place any more. Nobody can end the agent of a machine
   * that stands still or sleeps, nobody waits for it, and it goes on when it wakes before its item was taken over.
   */
  const lapsed = new Set<string>();
  const isPastLease = ({ at, ttlSeconds }: RecordView) =>
    forge.now() - Date.parse(at) > ttlSeconds * 1000 + slackMs - 1_500;
  const hasPlace = ({ key, epoch }: Session) => {
    const record = recordOf(forge, key);
    return record !== null && !isPastLease(record) && !lapsed.has(`${key} e${epoch}`);
  };

  function counted(): void {
    const working = agents.atWork().filter((session) => !session.machine.isOver && holds(session) && hasPlace(session));
    if (working.length <= plan.maxConcurrent) return;
    const names = working.map(({ id, key }) => `${id} on ${key}`).join(", ");
    watch.fail("slots", `${working.length} agents work at once, at most ${plan.maxConcurrent} may: ${names}`);
  }

  return {
    agentStarted(session) {
      const other = agents.sessions.find(
        ({ key, epoch, machine }) => key === session.key && epoch === session.epoch && machine !== session.machine,
      );
      if (other !== undefined) watch.fail("claims", `two runs hold one claim: ${session.key} e${session.epoch}`);
      if (claimedBy.get(`${session.key} e${session.epoch}`) !== session.machine)
        watch.fail("claims", `agent ${session.id} starts on ${session.key} under a claim that its run did not make`);
      if (!holds(session) || !hasPlace(session)) return;
      const name = slotRef(session.slot ?? 0);
      const holder = forge.commits.get(forge.refs.get(name) ?? "")?.message ?? "";
      if (!holder.includes(`"key":"${session.key}","epoch":${session.epoch}`))
        watch.fail("slots", `agent ${session.id} works on ${session.key} without a place (${name})`);
      counted();
    },
    agentStopped(session, why) {
      if (why === lossWords["taken-over"] && holds(session))
        watch.fail("claims", `agent ${session.id} is stopped as if ${session.key} were lost, and its claim stands`);
    },
    changed(change) {
      if (change.kind !== "refs") return;
      for (const { ref, old, new: sha } of change.moves) {
        const key = keyOf(ref);
        const record = viewOf(forge, sha);
        const before = viewOf(forge, old);
        if (before !== null && isPastLease(before)) lapsed.add(`${key} e${before.epoch}`);
        const name = `${key} e${record?.epoch}`;
        const isClaim = key !== null && record?.state === "held" && !claimedBy.has(name);
        if (isClaim && change.by.machine !== null) claimedBy.set(name, change.by.machine);
      }
      counted();
    },
    patrol() {
      for (const session of agents.atWork()) {
        const { machine } = session;
        if (machine.state !== "alive" || holds(session)) {
          lostSince.delete(session.id);
          continue;
        }
        const { now } = world.schedule;
        const since = Math.max(lostSince.get(session.id) ?? now, machine.pausedUntil, world.weather.lastAway(now));
        lostSince.set(session.id, since);
        const isStormy = plan.weather.faults > 0 && now < plan.calmFrom + 10 * 60_000;
        if (now - since <= (isStormy ? lostMs.stormy : lostMs.calm)) continue;
        watch.fail("claims", `agent ${session.id} works on ${session.key} though its claim is gone`);
      }
    },
  };
}
