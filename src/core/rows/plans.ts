// What work starts from, whatever its kind: who asked, in which words, how often it was tried, which orders it obeys.

import { dayBudgetUsed, itemBudgetUsed, reservation } from "../budget.ts";
import {
  assignedByProgram,
  type Candidate,
  generation,
  isFixUnderway,
  known,
  type OpenPull,
  ownBranch,
} from "../candidate.ts";
import type { LightPlan, Plan, ReworkCauses } from "../decision.ts";
import { approvalsOf } from "../model.ts";
import { allParked, unparked } from "../parking.ts";
import { freeSlot } from "../slots.ts";
import { cancelsMax, leftBehind, wantsEnd } from "../takeover.ts";
import { shorten } from "../text.ts";
import { noPlace } from "./cheap.ts";
import { type Answer, lookAt, skip, work } from "./row.ts";

/** Attempts without progress so far: an order, a new generation and every finished step begin anew. */
export function attemptsBefore(c: Candidate): number {
  return countsBefore(c).attempt;
}

/** Attempts, and runs cancelled in a row. */
function countsBefore(c: Candidate): { attempt: number; cancelled: number } {
  const { record, snapshot } = c;
  const isBegun = record?.state === "held" || record?.state === "released" || record?.state === "published";
  if (record === null || !isBegun || known(c).s.pending !== null) return { attempt: 0, cancelled: 0 };
  return leftBehind(record, snapshot.ends, snapshot.owner);
}

/** Rounds so far; an order begins anew, a lost ledger too. */
export function roundsBefore(c: Candidate): number {
  const { record } = c;
  return known(c).s.pending !== null || record === null || record.state === "closed" ? 0 : record.round;
}

/** Longest words of people in a plan, in characters: they are kept in the record, which must stay readable. */
const instructionMax = 20_000;

export function plan(c: Candidate, profiles: readonly string[]): Plan {
  const { details, s } = known(c);
  const { snapshot, policy, record, item } = c;
  const words = [...s.words, item.issue.number === snapshot.trigger.item ? snapshot.trigger.message : ""];
  // Words of an order that was begun and failed are still what a person wants.
  const goesOn = s.pending === null || (s.pending.verb === "run" && isFixUnderway(c));
  const before = goesOn ? (record?.instruction ?? "") : "";
  return {
    generation: generation(c),
    branch: ownBranch(c),
    expect: details.branch,
    attempt: attemptsBefore(c) + 1,
    cancelled: countsBefore(c).cancelled,
    round: roundsBefore(c),
    orderAt: s.lastOrderAt,
    instruction: shorten(
      [before, ...words].filter((text, i, all) => text !== "" && all.indexOf(text) === i).join("\n\n"),
      instructionMax,
    ),
    profiles,
    slot: freeSlot(snapshot, policy) ?? 1,
    reserve: reservation(policy.limits, snapshot.profiles.tellCost),
    ...lightPlan(c),
  };
}

export function lightPlan(c: Candidate): LightPlan {
  const { details, s } = known(c);
  return {
    askedBy: s.pending?.by ?? (c.record?.askedBy || c.item.issue.author),
    handled: s.trusted.map((order) => order.id),
    orderComments: s.pending?.comment === null || s.pending === null ? [] : [s.pending.comment],
    unassign: assignedByProgram(c, c.item.issue.assignees, details.timeline),
  };
}

/**
 * An agent's work, unless a bound forbids it: then a person gets the item, or it waits for a place or a profile. `profiles`: names of those whose
 * work it is, in order of preference.
 */
export function startable(
  c: Candidate,
  row: number,
  profiles: readonly string[],
  begin: (plan: Plan) => Answer,
): Answer {
  const { snapshot, policy, item, record } = c;
  // Whether a dead run counts as an attempt depends on how it ended; a new order begins anew whatever it was.
  if (
    record !== null &&
    known(c).s.pending === null &&
    record.owner !== snapshot.owner &&
    wantsEnd(record, snapshot.ends)
  )
    return lookAt({ facts: "end" });
  const { pending } = known(c).s;
  // A label says that work is wanted, not that a profile is well again.
  const orderAt = pending === null || pending.source === "label" ? 0 : pending.at;
  const free = unparked(profiles, snapshot, orderAt);
  const made = plan(c, free);
  if (made.cancelled >= cancelsMax) {
    const reason = `its run was cancelled ${made.cancelled} times in a row`;
    const { askedBy, generation, handled } = made;
    return work({ kind: "give-up", item, row, cause: "cancelled", reason, askedBy, generation, handled });
  }
  if (made.attempt > policy.maxAttempts) {
    const reason = `${policy.maxAttempts} attempts ended without a result`;
    const { askedBy, generation, handled } = made;
    return work({ kind: "give-up", item, row, cause: "attempts", reason, askedBy, generation, handled });
  }
  const used = itemBudgetUsed(c.record, policy.limits);
  if (used !== null) {
    const { askedBy, generation, handled } = made;
    return work({ kind: "give-up", item, row, cause: "budget", reason: used, askedBy, generation, handled });
  }
  const day = dayBudgetUsed(snapshot, policy);
  if (day !== null) return skip(day);
  if (profiles.length > 0 && free.length === 0) return skip(allParked(profiles, snapshot.parked));
  if (freeSlot(snapshot, policy) === null) return skip(noPlace(policy));
  return begin(made);
}

export function review(c: Candidate, row: number, { pull, verdict }: OpenPull): Answer {
  const approved = verdict?.kind === "more" ? verdict.note.approvedBy : [];
  // Who approved this head already is no second opinion.
  const reviewers = c.snapshot.profiles.reviewers.filter((name) => !approved.includes(name));
  return startable(c, row, reviewers, (made) => {
    const author = c.record?.work?.profile;
    const avoid = [...approved, ...(author === undefined ? [] : [author])];
    return work({
      kind: "review",
      item: c.item,
      row,
      plan: { ...made, pull, avoid, foreign: c.item.issue.isPull },
    });
  });
}

/** Back to an author; a rework that nobody ordered needs a round that is left. */
export function rework(
  c: Candidate,
  row: number,
  open: OpenPull,
  why: { conflict: boolean; ordered: boolean },
): Answer {
  const { item, policy } = c;
  const { pull, facts, red, verdict } = open;
  const findings = verdict?.kind === "changes-requested";
  const causes: ReworkCauses = { ...why, findings, red, reviews: orderedReviews(c) };
  const rounds = roundsBefore(c);
  if (!why.ordered && rounds >= policy.maxRounds) {
    const reason = `${rounds} rounds did not bring it to an approval${why.conflict ? "; it conflicts with the base branch" : ""}`;
    const { askedBy, handled } = lightPlan(c);
    return work({ kind: "give-up", item, row, cause: "rounds", reason, askedBy, generation: generation(c), handled });
  }
  return startable(c, row, c.snapshot.profiles.authors, (made) => {
    // A rework after a failure verdict belongs to that round; one for a conflict or red checks alone makes its own.
    const round = why.ordered || findings ? made.round : made.round + 1;
    const approved = approvalsOf(pull.headSha, facts.reviews, c.snapshot).length > 0;
    return work({
      kind: "rework",
      item,
      row,
      plan: { ...made, round, pull, causes, approved, unassignOnPull: askedOn(c, open), foreign: item.issue.isPull },
    });
  });
}

/** A person's pull request is its own issue: its assignees are those of the plan. */
function askedOn(c: Candidate, { pull, facts }: OpenPull): string[] {
  return c.item.issue.isPull ? [] : assignedByProgram(c, pull.assignees, facts.timeline);
}

function orderedReviews(c: Candidate): number[] {
  const handled = new Set(c.record?.handled ?? []);
  return known(c).s.trusted.flatMap((order) =>
    order.source === "review" && !handled.has(order.id) ? [Number(order.id.slice("review:".length))] : [],
  );
}
