// Life signs while the work goes on: renews the claim, and asks whether a person took the item back. Ends the work when either says so.

import { takenBack } from "../core/decide.ts";
import type { Order } from "../core/orders.ts";
import { stopOrders } from "../core/stop.ts";
import { duration } from "../core/text.ts";
import { describe } from "../errors.ts";
import type { Issue } from "../forge/model.ts";
import { lossWords } from "../ledger/chain.ts";
import { forgeNow, type Job } from "./job.ts";

export type Interruption =
  | { kind: "lost" }
  | { kind: "taken-back"; why: string }
  /** This process is asked to end. */
  | { kind: "cancelled"; why: string }
  /** A trusted person's `/agent stop`, or a stage label that means the same. */
  | { kind: "stopped"; why: string; order: Order };

export interface Keepalive {
  /** Aborted with an Interruption as its reason's cause. */
  readonly signal: AbortSignal;
  readonly interruption: Interruption | null;
  /** One look more, right before something is published. */
  check(): Promise<Interruption | null>;
  /** The same, but only where the last look is older than a beat: the machine slept, or the upload took long. */
  checkAgain(): Promise<Interruption | null>;
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
  const everyMs = settings.policy.limits.renewSeconds * 1000;
  const leaseMs = settings.policy.limits.ttlSeconds * 1000;
  const work = new AbortController();
  const ended = new AbortController();
  let interruption: Interruption | null = null;

  function interrupt(found: Interruption): Interruption {
    interruption ??= found;
    work.abort(found.kind === "lost" ? lossWords[claim.loss ?? "taken-over"] : found.why);
    return interruption;
  }

  const cancel = () => interrupt({ kind: "cancelled", why: String(ports.stop.reason) });
  if (ports.stop.aborted) cancel();
  else ports.stop.addEventListener("abort", cancel, { once: true });

  // People whom the item had before the claim stay what they were: only a new assignment takes the item back.
  const before = [...item.issue.assignees, ...(item.pull?.assignees ?? [])];
  /** When the last look that ended began. */
  let lookedAt = Number.NEGATIVE_INFINITY;
  async function check(): Promise<Interruption | null> {
    return interruption ?? (claim.lost ? interrupt({ kind: "lost" }) : await look());
  }
  async function look(): Promise<Interruption | null> {
    const begun = ports.clock.elapsed();
    const found = await seenNow();
    lookedAt = begun;
    return found;
  }
  async function seenNow(): Promise<Interruption | null> {
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

  let looking: Promise<void> = Promise.resolve();
  let isLooking = false;
  /** Beside the life signs: a forge whose pages hang must not hold them up. */
  function lookBeside(): void {
    if (isLooking || interruption !== null) return;
    isLooking = true;
    looking = look()
      .then(
        () => undefined,
        (error: unknown) => ports.log.line(`could not see whether it was taken back: ${describe(error)}`),
      )
      .finally(() => {
        isLooking = false;
      });
  }

  let failedSince: number | null = null;
  /** When the last life sign was given after which the place was still ours. */
  let signedAt = ports.clock.elapsed();
  async function beat(): Promise<void> {
    const begun = ports.clock.elapsed();
    const renewed = await claim.renew();
    if (renewed === "lost") interrupt({ kind: "lost" });
    if (renewed === "unknown") {
      failedSince ??= begun;
      ports.log.line("the claim could not be renewed for now; the work goes on, nothing is written until it is");
    }
    if (renewed !== "ok") return;
    if (failedSince !== null) ports.log.line(`the claim is renewed again after ${duration(begun - failedSince)}`);
    failedSince = null;
    if (begun - signedAt > leaseMs && !(await claim.holdsPlace()))
      interrupt({
        kind: "taken-back",
        why: "it was silent for longer than its lease, and another run works in its place",
      });
    signedAt = begun;
    if (options.watchPeople) lookBeside();
  }

  // Beats begin at equal distances, also when one hangs: it has limits of its own (chain.ts). After a sleep of the machine the next is due at once.
  async function loop(): Promise<void> {
    for (let due = ports.clock.elapsed() + everyMs; interruption?.kind !== "lost"; ) {
      await ports.clock.sleep(Math.max(0, due - ports.clock.elapsed()), ended.signal);
      if (ended.signal.aborted) return;
      due = ports.clock.elapsed() + everyMs;
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
    check,
    checkAgain: async () => (ports.clock.elapsed() - lookedAt < everyMs ? interruption : await check()),
    async stop() {
      ports.stop.removeEventListener("abort", cancel);
      ended.abort();
      await running;
      await looking;
    },
  };
}
