// Before the effects of a dead run are finished: the branch that its publish moves. It was moved, or the server died in between (then it is moved
// now, or the work begins anew where the commit is lost), or a person has done something else with it since (then it is that person's).

import type { Effects } from "../core/effects.ts";
import { isProgram } from "../core/model.ts";
import * as report from "../core/report.ts";
import { type Roll, rollForward, type Standing } from "../core/roll-forward.ts";
import { describe, RunError } from "../errors.ts";
import type { Pull } from "../forge/model.ts";
import type { RefChange } from "../git/host.ts";
import { type LedgerRecord, parseRecord } from "../ledger/record.ts";
import { branchRef, itemRef, wipRef } from "../ledger/refs.ts";
import { type Outcome, outcome } from "../outcome.ts";
import { before } from "./claiming.ts";
import { forgeNow, type Job } from "./job.ts";
import { type Finished, finishEffects, leave, redacted } from "./settle.ts";
import { giveUpEffects, statusComment } from "./wanted.ts";

export type Rolled =
  /** The branch stands as published: the effects are finished as stored. */
  | { kind: "go-on" }
  /** The item went another way. */
  | { kind: "ended"; outcome: Outcome }
  | Extract<Finished, { kind: "unfinished" | "lost" }>;

/** How often the branch may move between a look at it and the push that mends it. */
const looksMax = 3;

export async function setRight(job: Job, effects: Effects): Promise<Rolled> {
  const { claim } = job;
  const { moves, head } = claim.record;
  if (moves !== true || head === null) return { kind: "go-on" };
  try {
    let rolled = await roll(job, effects, head);
    for (let looks = 1; rolled.kind === "again" && looks < looksMax; looks++) rolled = await roll(job, effects, head);
    return rolled.kind === "again" ? await leave(claim, rolled.why) : rolled;
  } catch (error) {
    // The next run looks again.
    if (!(error instanceof RunError)) throw error;
    return await leave(claim, describe(error));
  }
}

/** The branch was not to be moved: it is elsewhere now, or the server forbids it. */
interface Again {
  kind: "again";
  why: string;
}

async function roll(job: Job, effects: Effects, head: string): Promise<Rolled | Again> {
  const standing = await standingOf(job, head);
  const found = rollForward(standing);
  switch (found.kind) {
    case "go-on":
      return found;
    case "mend":
      return (await brought(job, head)) ? mend(job, effects, head) : startOver(job, head);
    case "person":
      return handToPerson(job, standing, found.why);
    default:
      return found satisfies never;
  }
}

async function standingOf(job: Job, head: string): Promise<Standing> {
  const { branch, expect } = job.claim.record;
  const host = await job.ports.host();
  const ref = branchRef(branch);
  const at = (await host.remoteRefs([ref])).get(ref) ?? null;
  const standing: Standing = { branch: at, expect, head, contains: at === head, shown: false, over: false };
  if (at === head) return standing;
  const pulls = await pullsOf(job);
  if (pulls.some((pull) => pull.state === "closed")) return { ...standing, over: true };
  if (at !== null && at !== expect) return { ...standing, contains: await isOnTop(job, head, branch) };
  return { ...standing, shown: await isShown(job, head, pulls) };
}

/** The record's pull request; before it is known, those that were opened from what was published. */
async function pullsOf({ claim, ports, snapshot }: Job): Promise<Pull[]> {
  const { pull, branch, head } = claim.record;
  const isOurs = (one: Pull) => one.headSha === head && isProgram(snapshot, one.author);
  if (pull === null) return (await ports.forge.pullsOf(branch)).filter(isOurs);
  const known = await ports.forge.pull(pull);
  return known === null ? [] : [known];
}

async function isShown({ ports }: Job, head: string, pulls: readonly Pull[]): Promise<boolean> {
  if (pulls.some((pull) => pull.headSha === head)) return true;
  if ((await ports.forge.statuses(head)).length > 0) return true;
  for (const { number } of pulls) {
    const timeline = await ports.forge.timeline(number);
    if (timeline.some((entry) => entry.kind === "push" && entry.body.includes(head))) return true;
  }
  return false;
}

async function isOnTop(job: Job, head: string, branch: string): Promise<boolean> {
  const host = await job.ports.host();
  // A branch that holds the commit brings it along; one that is not to be had is in no branch.
  if (!(await brought(job, head))) return false;
  const tip = await host.fetchBranch(branch);
  if (tip === null) return false;
  return job.ports.workshop.contains(job.ports, tip, head);
}

/** History that is fetched with a published commit: beyond it nothing is needed to push it again. */
const depth = 50;

/** Brings a published commit here: by its upload, else by its id, which a server answers for as long as it has the commit. */
async function brought({ claim, ports }: Job, head: string): Promise<boolean> {
  const host = await ports.host();
  const isHere = () => ports.workshop.has(ports, head);
  if (await isHere()) return true;
  if (claim.wip !== null) await host.fetchRef(wipRef(claim.record.key), depth);
  if (await isHere()) return true;
  const gone = await host.deepen([head], depth);
  if (gone !== null) ports.log.line(`the published commit ${head.slice(0, 10)} is not on the forge: ${gone}`);
  return isHere();
}

/** The branch is moved together with the record, as the publish should have done: a run that was taken over meanwhile moves neither. */
async function mend({ claim, ports, item }: Job, effects: Effects, head: string): Promise<Rolled | Again> {
  const { branch, expect } = claim.record;
  const moved = await claim.republish({}, effects, [{ ref: branchRef(branch), old: expect, new: head }]);
  switch (moved.kind) {
    case "ok":
      ports.log.line(
        `#${item.issue.number}: the server tore its publish; \`${branch}\` is moved to ${head.slice(0, 10)} now`,
      );
      return { kind: "go-on" };
    case "lost":
      return { kind: "lost" };
    case "branch-refused":
      return { kind: "again", why: `\`${branch}\` could not be moved to what was published: ${moved.detail}` };
    case "unknown":
      return leave(claim, `the forge did not say whether the branch was moved: ${moved.cause}`);
    default:
      return moved satisfies never;
  }
}

async function handToPerson(
  job: Job,
  { branch: at, expect, head }: Standing,
  why: Extract<Roll, { kind: "person" }>["why"],
): Promise<Rolled> {
  const { claim, item, run } = job;
  const { askedBy, branch, epoch, key, attempt } = claim.record;
  const pull = item.pull?.number ?? null;
  const kept = await keptOf(job, head);
  const body = report.movedComment({
    ...{ askedBy, why, branch, head, at, run, pull, key: String(epoch) },
    kept: kept === null ? null : { ...kept.note, key },
  });
  const told = { failure: null, text: "", output: "", askedBy, attempts: attempt };
  const effects = giveUpEffects({ ...job, pull }, told, body);
  // The branch is at what the program knows as its own only where it was before.
  const change = { after: "blocked", stage: "blocked", head: expect, moves: undefined, kept: kept?.note } as const;
  const text = `the branch \`${branch}\` is not where the published work is`;
  return finished(job, change, effects, kept?.move ?? [], {
    outcome: "needs-person",
    reason: `#${item.issue.number}: gave up: ${text}`,
    next: `@${askedBy} decides; the label put on again goes on.`,
  });
}

interface Kept {
  note: NonNullable<LedgerRecord["kept"]>;
  move: RefChange[];
}

/** What was published stays to be had below `wip/<key>`, whatever becomes of the branch. */
async function keptOf(job: Job, head: string): Promise<Kept | null> {
  const { claim } = job;
  const { key } = claim.record;
  if (!(await brought(job, head))) return null;
  const at = new Date(forgeNow(job.ports)).toISOString();
  const { attempt } = (await lastHeld(job)) ?? claim.record;
  const note = { head, at, attempt, why: "it was published, and the branch was moved since" };
  return { note, move: claim.wip === head ? [] : [{ ref: wipRef(key), old: claim.wip, new: head }] };
}

/** The server lost the commit with the transaction: nothing of it was ever to be seen, so it is as if the run had died before its publish. */
async function startOver(job: Job, head: string): Promise<Rolled> {
  const { claim, item, ports, run } = job;
  const { spend, handled, expect, stage } = claim.record;
  const number = item.issue.number;
  ports.log.warning(
    `#${number}: the published commit ${head.slice(0, 10)} is lost: the forge does not have it; the work begins anew`,
  );
  const held = await lastHeld(job);
  const former = held === null ? { head: expect, attempt: 0, stage } : beforePublish(held);
  const change = { ...former, spend, handled, after: "released", cancelled: undefined, moves: undefined } as const;
  const line = `**Begins anew**: the forge lost ${head.slice(0, 10)} while it was published. That costs no attempt`;
  return finished(job, change, [statusComment(report.statusLine(line, run))], [], {
    outcome: "done",
    reason: `#${number}: what was published is lost, the forge does not have it any more`,
    next: "The next run begins anew.",
  });
}

function beforePublish(held: LedgerRecord): Partial<LedgerRecord> {
  const { state: _state, ttlSeconds: _ttl, after: _after, ...kept } = before(held);
  return { ...kept, attempt: Math.max(0, held.attempt - 1) };
}

/** Records that are searched for the one before the publish: a claim that finishes effects makes two or three. */
const recordsMax = 50;

/** What the claim said before its publish: with it the words of the order and the rounds come back, which a finished work has no more. */
async function lastHeld({ claim, ports }: Job): Promise<LedgerRecord | null> {
  const host = await ports.host();
  const tip = await host.fetchRef(itemRef(claim.record.key), recordsMax);
  if (tip === null) return null;
  for (const message of await ports.workshop.messagesOf(ports, tip, recordsMax)) {
    const parsed = parseRecord(message);
    if (parsed.kind === "record" && parsed.record.state === "held") return parsed.record;
  }
  return null;
}

/** Other effects take the place of those that were published, in one change of the record; then they are finished like any. */
async function finished(
  job: Job,
  change: Partial<LedgerRecord>,
  list: Effects["effects"],
  more: readonly RefChange[],
  done: Pick<Outcome, "outcome" | "reason" | "next">,
): Promise<Rolled> {
  const { claim, item, ports } = job;
  const effects = redacted({ v: 1, issue: item.issue.number, effects: list }, ports.redact);
  const stored = await claim.republish(change, effects, more);
  switch (stored.kind) {
    case "ok":
      break;
    case "lost":
      return { kind: "lost" };
    case "branch-refused":
      return leave(claim, stored.detail);
    case "unknown":
      return leave(claim, stored.cause);
    default:
      return stored satisfies never;
  }
  const settled = await finishEffects(job, effects);
  if (settled.kind !== "settled") return settled;
  return {
    kind: "ended",
    outcome: outcome({ kind: "resume", item: item.issue.number, pullRequest: settled.pull, ...done }),
  };
}
