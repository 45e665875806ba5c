// The end of a claim: the commit point, the effects, the last record. Whatever happens after the commit point, any later run can finish it.

import { type Effect, type Effects, sealedText } from "../core/effects.ts";
import type { FailureClass } from "../core/failure.ts";
import { describe, RunError } from "../errors.ts";
import { type Claim, ClaimLost, type PublishOutcome } from "../ledger/claim.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { Ports } from "../ports.ts";
import { applyEffects, type EffectsOutcome } from "./effects.ts";
import { effectPorts, type Job } from "./job.ts";
import type { Interruption } from "./keepalive.ts";

export interface Ending {
  after: LedgerRecord["after"];
  stage: string | null;
  effects: Effect[];
  /** The commit to publish; null when none is. */
  head: string | null;
  change: Partial<LedgerRecord>;
}

export type Settled =
  | { kind: "settled"; pull: number | null }
  /** Published; the next run finishes what is left. */
  | { kind: "unfinished"; why: string }
  | { kind: "lost" }
  | { kind: "branch-refused"; detail: string }
  | { kind: "stopped"; why: Interruption }
  | { kind: "failed"; failure: FailureClass; why: string };

/** How finishing effects can end. */
export type Finished = Extract<Settled, { kind: "settled" | "unfinished" | "lost" }>;

/** Waits between tries to finish effects, in ms: the forge may be away for a moment. */
const retryWaitsMs = [2_000, 10_000, 30_000];

/** `stop` asks, before a publish is tried again, whether a person has taken the item back meanwhile. */
export async function settle(
  job: Job,
  ending: Ending,
  stop: (() => Promise<Interruption | null>) | null = null,
): Promise<Settled> {
  const { claim, ports } = job;
  const effects = sealed(
    job,
    ending,
    redacted({ v: 1, issue: job.item.issue.number, effects: ending.effects }, ports.redact),
  );
  let tries = 0;
  const published = await patiently<PublishOutcome | Extract<Settled, { kind: "stopped" }>>(ports, async () => {
    const why = stop !== null && tries++ > 0 ? await stop() : null;
    // What an unclear try has published already is finished; a person then sees it whole.
    if (why !== null && !(await claim.isPublished())) return { again: null, result: { kind: "stopped", why } as const };
    const change = { ...ending.change, after: ending.after, stage: ending.stage };
    const result = await claim.publish(change, effects, ending.head);
    return { again: result.kind === "unknown" ? result.cause : null, result };
  });
  switch (published.kind) {
    case "ok":
      return finishEffects(job, effects);
    case "unknown":
      return {
        kind: "failed",
        failure: "forge-error",
        why: `the forge did not say whether the publish was applied: ${published.cause}`,
      };
    case "lost":
    case "branch-refused":
    case "stopped":
      return published;
    default:
      return published satisfies never;
  }
}

/** A formal review by the second account is decided here and nowhere else; a later run that finishes it asks for this proof. */
function sealed({ claim, ports }: Job, { change }: Ending, effects: Effects): Effects {
  if (!effects.effects.some((effect) => effect.do === "review" && effect.as === "reviewer")) return effects;
  const pull = change.pull ?? claim.record.pull;
  const seal = ports.seal(sealedText(effects, claim.record.key, pull));
  return seal === null ? effects : { ...effects, seal };
}

/** Waits between tries, in ms, while the forge is away: the agent's work is worth waiting for. Ten minutes in all. */
const outageWaitsMs = [2_000, 10_000, 30_000, 60_000, 120_000, 180_000, 200_000];

/** Repeats a task that cannot be judged while the forge is away. Life signs go on meanwhile, so nobody takes the item over. */
export async function patiently<T>(ports: Ports, task: () => Promise<{ again: string | null; result: T }>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const waitMs = outageWaitsMs[attempt];
    try {
      const { again, result } = await task();
      if (again === null || waitMs === undefined) return result;
      ports.log.line(`the forge does not answer clearly (${again}); trying again in ${waitMs / 1000} s`);
    } catch (error) {
      if (!(error instanceof RunError) || !error.retry || waitMs === undefined) throw error;
      ports.log.line(`the forge is away (${describe(error)}); trying again in ${waitMs / 1000} s`);
    }
    await ports.clock.sleep(waitMs);
  }
}

/** Does what a published record still asks for, by whichever run. */
export async function finishEffects(job: Pick<Job, "ports" | "who" | "claim">, effects: Effects): Promise<Finished> {
  const { claim, ports } = job;
  for (let attempt = 0; ; attempt++) {
    try {
      const outcome = await applyEffects(effectPorts(job), effects, claim.record.pull);
      return await close(claim, outcome);
    } catch (error) {
      if (error instanceof ClaimLost) return { kind: "lost" };
      const waitMs = error instanceof RunError && error.retry ? retryWaitsMs[attempt] : undefined;
      if (waitMs === undefined) return await leave(claim, describe(error));
      ports.log.line(`will try again in ${waitMs / 1000} s: ${describe(error)}`);
      await ports.clock.sleep(waitMs);
    }
  }
}

async function close(claim: Claim, outcome: EffectsOutcome): Promise<Finished> {
  // With a pull request that a person closed the record is not closed here: the repair does that, with all that belongs to it (labels, assignee).
  const state = outcome.kind === "done" ? claim.record.after : "done";
  const change: Partial<LedgerRecord> = { state, pull: outcome.pull, unfinished: 0 };
  const ended = await claim.finish(change);
  switch (ended.kind) {
    case "ok":
      return { kind: "settled", pull: outcome.pull };
    case "lost":
      return { kind: "lost" };
    case "unknown":
      return { kind: "unfinished", why: `the forge did not say whether the record was closed: ${ended.cause}` };
    case "refused":
    case "denied":
      return { kind: "unfinished", why: ended.text };
    default:
      return ended satisfies never;
  }
}

// With no lease left the next run need not wait for this one to age.
async function leave(claim: Claim, why: string): Promise<Finished> {
  await claim.abandon().catch(() => undefined);
  return { kind: "unfinished", why };
}

/** Every text of the effects passes the redaction before it is stored: the ledger is readable to whoever can read the repository. */
function redacted(effects: Effects, redact: (text: string) => string): Effects {
  return {
    ...effects,
    effects: effects.effects.map((effect) => {
      switch (effect.do) {
        case "pull":
          return { ...effect, title: redact(effect.title), body: redact(effect.body) };
        case "comment":
          return { ...effect, body: redact(effect.body) };
        case "review": {
          const comments = effect.comments.map((comment) => ({ ...comment, body: redact(comment.body) }));
          return { ...effect, body: redact(effect.body), comments };
        }
        case "status":
          return { ...effect, description: redact(effect.description) };
        default:
          return effect;
      }
    }),
  };
}
