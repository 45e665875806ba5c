// Finishes what a dead run published: the record has every text, each effect is found or made.

import { Effects } from "../core/effects.ts";
import type { Observed } from "../observe.ts";
import { type Outcome, outcome } from "../outcome.ts";
import type { Ports } from "../ports.ts";
import type { Job } from "./job.ts";
import { keepAlive } from "./keepalive.ts";
import { finishEffects } from "./settle.ts";

/** The effects stored with a record. Unreadable ones count as none, with a warning: the work itself is on its branch. */
export function storedEffects(ports: Ports, observed: Observed, key: string): Effects | null {
  const text = observed.effects.get(key);
  try {
    const parsed = text === undefined ? null : Effects.safeParse(JSON.parse(text));
    if (parsed?.success === true) return parsed.data;
  } catch {
    // Falls through to the warning.
  }
  ports.log.warning(`the effects stored for ${key} cannot be read; its record is closed without them`);
  return null;
}

export async function resume(job: Job, effects: Effects | null): Promise<Outcome> {
  const { item, claim } = job;
  const number = item.issue.number;
  const life = keepAlive(job, { watchPeople: false });
  try {
    const settled = await finishEffects(job, effects ?? { v: 1, issue: number, effects: [] });
    const { branch, head, profile, attempt } = claim.record;
    const facts = { kind: "resume", item: number, branch, head, profile, attempt } as const;
    if (settled.kind === "settled") {
      const reason = `#${number}: finished what an earlier run had published${settled.pull === null ? "" : ` (pull request #${settled.pull})`}`;
      return outcome({
        ...facts,
        outcome: "done",
        reason,
        next: "The next run goes on with it.",
        pullRequest: settled.pull,
      });
    }
    if (settled.kind === "lost")
      return outcome({
        ...facts,
        outcome: "lost",
        reason: `#${number}: another run finishes it`,
        next: "Nothing to do.",
      });
    const why = settled.kind === "branch-refused" ? settled.detail : settled.why;
    return outcome({
      ...facts,
      outcome: "failed",
      failure: "forge-error",
      reason: `#${number}: not everything could be written: ${why}`,
      next: "The next run tries again.",
    });
  } finally {
    await life.stop();
  }
}
