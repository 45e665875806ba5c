// The end of a claim: the commit point, the effects, the last record. Whatever happens after the commit point, any later run can finish it.

import { type Effect, type Effects, reviewContext, sealedText, verdictStatus } from "../core/effects.ts";
import type { FailureClass } from "../core/failure.ts";
import { noVerdict } from "../core/repairs.ts";
import { describe, mayPass, RunError } from "../errors.ts";
import { type Claim, ClaimLost, type PublishOutcome } from "../ledger/claim.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { branchRef } from "../ledger/refs.ts";
import { type UploadOutcome, upload } from "../ledger/wip.ts";
import { isAway, OutageTooLong } from "../outage.ts";
import { ledgerPorts } from "./claiming.ts";
import { applyEffects, type EffectsOutcome } from "./effects.ts";
import { effectPorts, type Job } from "./job.ts";
import type { Interruption, Keepalive } from "./keepalive.ts";
import { Patience, patiently } from "./patience.ts";

/** What is asked of the life signs. */
type Watched = Pick<Keepalive, "check" | "checkAgain" | "signal" | "interruption">;

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
  /** An ending before this one was applied although its answer was lost: it was finished in the place of this one. */
  | { kind: "before"; pull: number | null }
  /** Published; the next run finishes what is left. */
  | { kind: "unfinished"; why: string }
  | { kind: "lost" }
  | { kind: "branch-refused"; detail: string }
  /** The commits could not be brought to the forge; nothing is published, and the claim is ours. */
  | { kind: "not-uploaded"; why: string }
  | { kind: "stopped"; why: Interruption }
  | { kind: "failed"; failure: FailureClass; why: string };

/** How finishing effects can end. */
export type Finished = Extract<Settled, { kind: "settled" | "unfinished" | "lost" }>;

/** Waits between tries to finish effects where the forge answers and refuses one of them, in ms. */
const retryWaitsMs = [2_000, 10_000, 30_000];

/** `life` says, while a publish takes long or is tried again, whether a person has taken the item back meanwhile. */
export async function settle(job: Job, given: Ending, life: Watched | null = null): Promise<Settled> {
  const { claim, ports } = job;
  const ending = withJudgingEnded(claim.record, given);
  const brought = ending.head === null ? null : await bringUp(job, ending.head, life);
  if (brought !== null) return brought;
  const effects = sealed(
    job,
    ending,
    redacted({ v: 1, issue: job.item.issue.number, effects: ending.effects }, ports.redact),
  );
  let tries = 0;
  let isInDoubt = false;
  const published = await patiently<PublishOutcome | Extract<Settled, { kind: "stopped" }>>(ports, async () => {
    const why = life === null ? null : await (tries++ > 0 ? life.check() : life.checkAgain());
    // What an unclear try has published already is finished; a person then sees it whole.
    if (why !== null && !(await claim.isPublished())) return { again: null, result: { kind: "stopped", why } as const };
    // Every other end stands between two cancels: they are not in a row then.
    const ended = {
      ...{ cancelled: undefined, judging: judgingAfter(claim.record, ending), ...ending.change },
      ...{ after: ending.after, stage: ending.stage },
    };
    // What was kept before gave its place to what is published.
    const change = ending.head === null ? ended : { ...ended, kept: undefined };
    const result = await claim.publish(change, effects, ending.head);
    if (result.kind === "unknown") isInDoubt = true;
    return { again: result.kind === "unknown" ? result.cause : null, result };
  });
  switch (published.kind) {
    case "ok":
      return isInDoubt || claim.effects !== effects ? finishDoubted(job, effects) : finishEffects(job, effects);
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

/**
 * After a publish without an answer: a server that died in it may have moved the record and not the branch, then the next run, which knows what to
 * do, finds it at once. Where it was an ending before this one that was applied, that one counts.
 */
async function finishDoubted(job: Job, effects: Effects): Promise<Settled> {
  const { claim } = job;
  const { head, moves } = claim.record;
  if (moves === true && head !== null && !(await standsAt(job, head)))
    return leave(claim, "the branch is not where the publish should have moved it");
  const published = claim.effects ?? effects;
  const finished = await finishEffects(job, published);
  return finished.kind === "settled" && published !== effects ? { kind: "before", pull: finished.pull } : finished;
}

/**
 * A reviewer that died left its status pending. Whoever ends the item in another way says that there is no verdict: a person who gets it looks no
 * further, and neither does a later run.
 */
function withJudgingEnded(record: LedgerRecord, ending: Ending): Ending {
  const sha = judgingAfter(record, ending);
  const saysPending = ending.effects.some((e) => e.do === "status" && e.context === reviewContext);
  if (sha === undefined || saysPending) return ending;
  const ended = verdictStatus(sha, "error", noVerdict, record.run?.url ?? null);
  return { ...ending, effects: [...ending.effects, ended] };
}

/** The head whose status says pending, until the effects of an ending say how it ended. */
function judgingAfter({ judging }: LedgerRecord, { effects }: Ending): string | undefined {
  const isSaid = effects.some((e) => e.do === "status" && e.context === reviewContext && e.state !== "pending");
  return isSaid ? undefined : judging;
}

async function standsAt({ claim, ports }: Job, head: string): Promise<boolean> {
  const ref = branchRef(claim.record.branch);
  try {
    return (await (await ports.host()).remoteRefs([ref])).get(ref) === head;
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    return false;
  }
}

/** Longest upload of the commits that are published, all tries together, in ms. The slower the line, the longer the agent's work has taken anyway. */
const uploadMsMax = 60 * 60_000;

/**
 * Brings the commits to `wip/<key>`, for as long as bytes move and the claim is ours; the publish after it moves refs only. Null: they are there.
 * Small changes go the same way: one path to make safe, and a publish that a dying server tore can always be mended from there.
 */
async function bringUp(job: Job, head: string, life: Watched | null): Promise<Settled | null> {
  const { claim, ports, settings } = job;
  const ledger = await ledgerPorts(ports, settings);
  const begun = ports.clock.elapsed();
  const signal = life === null ? {} : { signal: life.signal };
  let tries = 0;
  const uploaded = await patiently<UploadOutcome | Extract<Settled, { kind: "stopped" }>>(ports, async () => {
    const before = tries++ > 0 ? await life?.check() : null;
    if (before) return { again: null, result: { kind: "stopped", why: before } };
    const leftMs = uploadMsMax - (ports.clock.elapsed() - begun);
    const result = await upload(ledger, claim, head, { deadlineMs: leftMs, ...signal });
    if (result.kind !== "unknown") return { again: null, result };
    const why = life?.interruption ?? null;
    if (why !== null) return { again: null, result: { kind: "stopped", why } };
    return { again: leftMs > 0 ? result.cause : null, result };
  });
  switch (uploaded.kind) {
    case "ok":
      return null;
    case "unknown":
      return { kind: "not-uploaded", why: `the commits could not be brought to the forge: ${uploaded.cause}` };
    case "refused":
      return { kind: "branch-refused", detail: uploaded.text };
    case "lost":
    case "stopped":
      return uploaded;
    default:
      return uploaded satisfies never;
  }
}

/** A formal review by the second account is decided here and nowhere else; a later run that finishes it asks for this proof. */
function sealed({ claim, ports }: Job, { change }: Ending, effects: Effects): Effects {
  if (!effects.effects.some((effect) => effect.do === "review" && effect.as === "reviewer")) return effects;
  const pull = change.pull ?? claim.record.pull;
  const seal = ports.seal(sealedText(effects, claim.record.key, pull));
  return seal === null ? effects : { ...effects, seal };
}

/** Does what a published record still asks for, by whichever run. A forge that is away is waited for; one that refuses, not for long. */
export async function finishEffects(job: Pick<Job, "ports" | "who" | "claim">, effects: Effects): Promise<Finished> {
  const { claim, ports } = job;
  const [outage, refusal] = [new Patience(), new Patience(retryWaitsMs)];
  for (;;) {
    let [why, waitMs]: [string, number | null] = ["", null];
    try {
      // Also without a write to come: where nobody else renews the claim it must not age between tries.
      await claim.fence();
      const ended = await close(claim, await applyEffects(effectPorts(job), effects, claim.record.pull));
      if (ended.kind !== "unclear") return ended;
      [why, waitMs] = [ended.why, outage.next()];
    } catch (error) {
      if (error instanceof ClaimLost) return { kind: "lost" };
      const patience = isAway(error) ? outage : refusal;
      const isOver = error instanceof OutageTooLong || !mayPass(error);
      [why, waitMs] = [describe(error), isOver ? null : patience.next(error)];
    }
    if (waitMs === null || ports.stop.aborted) return await leave(claim, why);
    ports.log.line(`will try again in ${waitMs / 1000} s: ${why}`);
    await ports.clock.sleep(waitMs, ports.stop);
  }
}

/** `unclear`: the record may be closed already. */
async function close(claim: Claim, outcome: EffectsOutcome): Promise<Finished | { kind: "unclear"; why: string }> {
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
      return { kind: "unclear", why: `the forge did not say whether the record was closed: ${ended.cause}` };
    case "refused":
    case "denied":
      return { kind: "unfinished", why: ended.text };
    default:
      return ended satisfies never;
  }
}

// With no lease left the next run need not wait for this one to age.
export async function leave(claim: Claim, why: string): Promise<Extract<Finished, { kind: "unfinished" | "lost" }>> {
  const left = await claim.abandon().catch((error: unknown) => ({ kind: "unknown", cause: describe(error) }) as const);
  if (left.kind === "lost") return left;
  const ages =
    left.kind === "ok" ? "" : "; the ledger could not be told, so the next run waits until the record is old";
  return { kind: "unfinished", why: `${why}${ages}` };
}

/** Every text of the effects passes the redaction before it is stored: the ledger is readable to whoever can read the repository. */
export function redacted(effects: Effects, redact: (text: string) => string): Effects {
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
