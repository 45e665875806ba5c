// Life signs while the work goes on: renews the claim, and asks whether a person took the item back. Ends the work when either says so.

import { takenBack } from "../core/decide.ts";
import { describe } from "../errors.ts";
import type { Job } from "./job.ts";

export type Interruption = { kind: "lost" } | { kind: "taken-back"; why: string };

export interface Keepalive {
  /** Aborted with an Interruption as its reason's cause. */
  readonly signal: AbortSignal;
  readonly interruption: Interruption | null;
  /** One look more, right before something is published. */
  check(): Promise<Interruption | null>;
  /** Ends the life signs; resolves when none is under way. */
  stop(): Promise<void>;
}

/** `watchPeople: false` where the work is published already and only its effects are finished. */
export function keepAlive(
  job: Pick<Job, "ports" | "claim" | "settings" | "who" | "item">,
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
  const before = item.issue.assignees;
  async function look(): Promise<Interruption | null> {
    const issue = await ports.forge.issue(item.issue.number);
    if (issue === null) return interrupt({ kind: "taken-back", why: "the issue is gone" });
    const why = takenBack({ ...item, issue }, settings.policy, who.program, before);
    return why === null ? null : interrupt({ kind: "taken-back", why });
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
