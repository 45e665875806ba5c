// The claim of a run that was killed, given back by its own last step: through the same commit point as every ending, so that it is done once,
// whoever else does it meanwhile.

import { truedUp } from "../core/budget.ts";
import { type Effect, verdictStatus } from "../core/effects.ts";
import { wasTakenOff } from "../core/label.ts";
import { hasLabel, type Item, type Trigger } from "../core/model.ts";
import type { Claim, FinishOutcome } from "../ledger/claim.ts";
import { continueClaim } from "../ledger/take.ts";
import { type Observed, observe, type Who } from "../observe.ts";
import type { Ports } from "../ports.ts";
import type { Settings } from "../settings/settings.ts";
import { ledgerPorts } from "./claiming.ts";
import { cancelledEnding, spent } from "./endings.ts";
import type { Job } from "./job.ts";
import { type Ending, settle } from "./settle.ts";

/** How often it is looked again: what the killed run had sent may still arrive and be in the way. */
const looksMax = 3;

const how = "the run was cancelled or ran out of the job's time";

/** A claim in the hands of its run's last step. `pull`: number of the pull request that the work is about; null before there is one. */
type Held = Job & { pull: number | null; mayHaveStarted: boolean };

/**
 * Gives back what the run of `who.owner` holds on an item; answers in words what was done. Whatever is not done, the next run does. Throws what
 * the forge's refusal throws.
 */
export async function release(
  ports: Ports,
  settings: Settings,
  who: Who,
  item: number,
  mayHaveStarted: boolean,
): Promise<string> {
  for (let look = 1; look <= looksMax; look++) {
    const trigger: Trigger = { event: "other", item, message: "", actor: null, byHand: false, orderId: "" };
    const observed = await observe(ports, who, trigger, settings.policy);
    const [found] = observed.snapshot.items;
    const claim = found === undefined ? null : await claimOf(ports, settings, who, observed, found);
    if (found === undefined || claim === null)
      return `#${item} is not this run's any more: there is nothing to give back`;
    const { run: of, kind, pull } = claim.record;
    const run = { number: of?.number ?? null, url: of?.url ?? null };
    // The look that the work was chosen on is gone with its run: what people did after the order that it runs on is theirs.
    const snapshot = { ...observed.snapshot, now: orderTime(claim) };
    const own = { ports, settings, who, claim, item: found, snapshot, run, mayHaveStarted };
    const done = await giveBack({ ...own, pull: kind === "implement" ? null : (found.pull?.number ?? pull) });
    if (done !== null) return done;
  }
  return `#${item} moved while it was given back: the next run sees to it`;
}

/** When the newest order was given that the claim knew, ms since 1970; 0 = it knew none. */
function orderTime({ record }: Claim): number {
  return record.orderAt === undefined ? 0 : Date.parse(record.orderAt);
}

async function claimOf(
  ports: Ports,
  settings: Settings,
  who: Who,
  { snapshot, effects }: Observed,
  item: Item,
): Promise<Claim | null> {
  const { record: fact, key } = item;
  if (fact.kind !== "record") return null;
  const { record, sha } = fact;
  const slot = snapshot.slots.find(
    ({ number, holder }) => number === record.slot && holder?.key === key && holder.epoch === record.epoch,
  );
  const claim = continueClaim(await ledgerPorts(ports, settings), who.owner, {
    ...{ record, sha, effects: effects.get(key) ?? null, slotSha: slot?.sha ?? null },
  });
  if (claim !== null) claim.wip = item.wip;
  return claim;
}

/** What was done, in words; null when something was in the way. */
async function giveBack(held: Held): Promise<string | null> {
  const { claim, item } = held;
  const number = item.issue.number;
  const { state, slot } = claim.record;
  if (state === "published")
    return said(number, await claim.abandon(), "is published: the next run writes what is left");
  // Work without an agent counts nothing: the next run finds it as if this one had died long ago.
  if (slot === null) return said(number, await claim.finish({ ttlSeconds: 0 }), "is free for the next run");
  const ending = await endingOf(held);
  const settled = await settle(held, ending);
  switch (settled.kind) {
    case "settled":
      return `#${number} ${ending.after === "blocked" ? "goes to a person: cancelled twice in a row" : "is given back"}`;
    case "before":
      return `#${number} is published, and finished`;
    case "unfinished":
      return `#${number} is given back; the next run writes what is left (${settled.why})`;
    case "lost":
      return null;
    case "branch-refused":
      return notDone(number, settled.detail);
    case "not-uploaded":
    case "failed":
      return notDone(number, settled.why);
    case "stopped":
      return notDone(number, "it was stopped");
    default:
      return settled satisfies never;
  }
}

function said(number: number, ended: FinishOutcome, done: string): string | null {
  switch (ended.kind) {
    case "ok":
      return `#${number} ${done}`;
    case "lost":
      return null;
    case "unknown":
      return notDone(number, ended.cause);
    case "refused":
    case "denied":
      return notDone(number, ended.text);
    default:
      return ended satisfies never;
  }
}

function notDone(number: number, why: string): string {
  return `#${number} could not be given back (${why}): the next run sees to it`;
}

async function endingOf(held: Held): Promise<Ending> {
  return cancelledEnding(held, how, costOf(held), [...(await labelBack(held)), ...endedStatus(held)]);
}

/** A killed agent never said what it cost. */
function costOf(held: Held): Ending["change"] {
  const { claim, settings, mayHaveStarted: started } = held;
  const { spend, epoch, profile: name } = claim.record;
  const profile = [...settings.profiles, ...settings.reviewers].find((known) => known.name === name);
  if (profile === undefined) return { spend: truedUp(spend, epoch, started ? null : 0, 0) };
  return spent(held, { profile, costUsd: null, tokens: 0, started, durationMs: 0, left: null, parkedUntil: null });
}

/** A run that obeys a command claims first and puts the label on then; without the label nobody would go on with the order. */
async function labelBack({ ports, settings, item, claim }: Held): Promise<Effect[]> {
  const { label } = settings.policy;
  if (hasLabel(item.issue.labels, label)) return [];
  const timeline = await ports.forge.timeline(item.issue.number);
  if (wasTakenOff(timeline, label, orderTime(claim))) return [];
  return [{ id: "label", do: "labels", on: "issue", add: [label], remove: [] }];
}

/** Nobody will end a dead reviewer's status. */
function endedStatus({ claim, item, run }: Held): Effect[] {
  const { kind, judging, expect, head } = claim.record;
  const sha = judging ?? expect ?? item.pull?.headSha ?? head;
  return kind !== "review" || sha === null
    ? []
    : [verdictStatus(sha, "error", "no verdict: it was cancelled", run.url)];
}
