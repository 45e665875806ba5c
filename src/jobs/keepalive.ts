// Life signs while the work goes on: renews the claim, and asks whether a person took the item back. Ends the work when either says so.

import { takenBack } from "../core/decide.ts";
import type { Order } from "../core/orders.ts";
import { stopOrders } from "../core/stop.ts";
import { describe } from "../errors.ts";
import type { Issue } from "../forge/port.ts";
import { forgeNow, type Job } from "./job.ts";

export type Interruption =
  | { kind: "lost" }
  | { kind: "taken-back"; why: string }
  /** A trusted person's `/agent stop`, or a stage label that means the same. */
  | { kind: "stopped"; why: string; order: Order };

export interface Keepalive {
  /** Aborted with an Interruption as its reason's cause. */
  readonly signal: AbortSignal;
  readonly interruption: Interruption | null;
  /** One look more, right before something is published. */
  check(): Promise<Interruption | null>;
  /** Ends the life signs; resolves when none is under way. */
  stop(): Promise<void>;
}

/** The forge's times have no parts of a second, and its clock is read from an answer that may be a second old. */
const sameSecondMs = 2_000;

/** `watchPeople: false` where the work is published already and only its effects are finished. */
export function keepAlive(
  job: Pick<Job, "ports" | "claim" | "settings" | "who" | "item" | "snapshot">,
  options = { watchPeople: true },
): Keepalive {
  const { ports, claim, settings, who, item } = job;
  const work = new AbortController();
  const ended = new AbortController();
  let interruption: Interruption | null = null;

  function interrupt(found: Interruption): Interruption {
    interruption ??= found;
    work.abort(found.kind === "lost" ? "another run took the item over" : found.why);
    return interruption;
  }

  // People whom the item had before the claim stay what they were: only a new assignment takes the item back.
  const before = [...item.issue.assignees, ...(item.pull?.assignees ?? [])];
  async function look(): Promise<Interruption | null> {
    const [issue, pull] = await Promise.all([
      ports.forge.issue(item.issue.number),
      item.pull === null || item.issue.isPull ? null : ports.forge.pull(item.pull.number),
    ]);
    if (issue === null) return interrupt({ kind: "taken-back", why: "the issue is gone" });
    const why = takenBack({ issue, pull }, settings.policy, who.program, before);
    if (why !== null) return interrupt({ kind: "taken-back", why });
    const order = await stopOrder(issue, pull?.updatedAt ?? 0);
    if (order === null) return null;
    return interrupt({ kind: "stopped", why: `@${order.by} ordered it`, order });
  }

  // Comments and timelines are read only when something happened since the last look. The forge keeps times by the second: what happens in the
  // same second as a look leaves the time as it is, so a look counts only when that second is over.
  let seen = "";
  async function stopOrder(issue: Issue, pullUpdatedAt: number): Promise<Order | null> {
    const now = `${issue.updatedAt} ${issue.comments} ${pullUpdatedAt}`;
    if (now === seen) return null;
    const isOver = Math.max(issue.updatedAt, pullUpdatedAt) + sameSecondMs < forgeNow(ports);
    const numbers = [issue.number, ...(item.pull === null || issue.isPull ? [] : [item.pull.number])];
    const read = await Promise.all(
      numbers.map(async (number) => ({
        number,
        comments: await ports.forge.comments(number),
        timeline: await ports.forge.timeline(number),
      })),
    );
    const { handled } = claim.record;
    const orders = stopOrders(read, { snapshot: job.snapshot, policy: settings.policy, handled, item });
    for (const order of orders) {
      const isTrusted =
        settings.policy.trusted !== "writers"
          ? order.trust === "yes"
          : (await ports.forge.writeAccess(order.order.by)).kind === "yes";
      if (isTrusted) return order.order;
    }
    if (isOver) seen = now;
    return null;
  }

  async function beat(): Promise<void> {
    const renewed = await claim.renew();
    if (renewed === "lost") interrupt({ kind: "lost" });
    else if (renewed === "ok" && options.watchPeople) await look();
    else if (renewed !== "ok")
      ports.log.line("the claim could not be renewed for now; the work goes on, nothing is written until it is");
  }

  async function loop(): Promise<void> {
    while (!ended.signal.aborted && interruption === null) {
      await ports.clock.sleep(settings.policy.limits.renewSeconds * 1000, ended.signal);
      if (ended.signal.aborted) return;
      // An outage of the forge costs nothing but waiting: the publish is fenced without a clock.
      await beat().catch((error: unknown) => ports.log.line(`no life sign: ${describe(error)}`));
    }
  }

  const running = loop();
  return {
    signal: work.signal,
    get interruption() {
      return interruption;
    },
    check: async () => interruption ?? (claim.lost ? interrupt({ kind: "lost" }) : await look()),
    async stop() {
      ended.abort();
      await running;
    },
  };
}
