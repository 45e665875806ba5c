// What the orders of an item are worth: which are trusted, which are handled, which is to be obeyed now.

import type { Comment } from "../forge/model.ts";
import type { Candidate } from "./candidate.ts";
import { isDashboard } from "./control.ts";
import { isLost, lastWordAt } from "./lost.ts";
import { findMarker } from "./marker.ts";
import { type Details, hasLabel, isProgram, sameLogin } from "./model.ts";
import { type Order, ordersOf, trustIn } from "./orders.ts";

/** The orders of an item sorted by what they are worth. */
export interface Standing {
  /** Newest trusted order that no record has handled yet. */
  pending: Order | null;
  /** Words of all trusted orders that are not handled yet, oldest first: the newest says what is done, all are told. */
  words: string[];
  /** Orders of people who may not give them, or whose right cannot be proved, or that make no sense here. */
  refused: { order: Order; why: string; isTrusted: boolean }[];
  /** `/agent why` by trusted people. */
  questions: Order[];
  /** Logins whose right must be asked before anything can be said. */
  ask: string[];
  /** When the newest trusted order, handled or not, was given; 0 = never. */
  lastOrderAt: number;
  /** Trusted orders, handled or not: what new work marks as handled. Refused ones stay out, so that they never count. */
  trusted: Order[];
  all: Order[];
}

/** Most orders of one person that count on one item; older ones do not. */
const ordersMax = 10;

/** Most people whose right is asked about, besides whoever put the label on or started the run. */
const giversMax = 20;

export function standing(c: Candidate, details: Details): Standing {
  const all = countedOrders(ordersOf(c.item, details, c.snapshot, c.policy));
  const handled = new Set(c.record?.handled ?? []);
  const result: Standing = {
    ...{ pending: null, words: [], refused: [], questions: [], ask: [] },
    ...{ lastOrderAt: recordedOrderAt(c), trusted: [], all },
  };
  const takenOffAt = lastTakenOff(c, details);
  const refusedBefore = saidBefore(c, details, ["refusal"]);
  const isObeyedBefore = obeyedBefore(c, details);
  // Newest first: what is older than an order that was obeyed is answered with it.
  let answered = false;
  let before: Order | null = null;
  for (const order of all) {
    if (handled.has(order.id) && !isHalfObeyed(c, order, result)) {
      result.trusted.push(order);
      result.lastOrderAt = Math.max(result.lastOrderAt, order.at);
      answered = true;
      continue;
    }
    const trust = handled.has(order.id) ? ({ kind: "yes" } as const) : trustIn(order, details, c.policy);
    if (trust.kind === "ask" && !result.ask.some((login) => sameLogin(login, order.by))) result.ask.push(order.by);
    // A plain comment by somebody without rights is no order, so it is not refused either.
    if (trust.kind === "no" && order.source !== "reply")
      result.refused.push({ order, why: trust.why, isTrusted: false });
    if (trust.kind !== "yes") continue;
    // On the dashboard they are about the whole program, and obeyed there (control.ts).
    if ((order.verb === "pause" || order.verb === "resume") && isDashboard(c.item.issue)) continue;
    // What was refused stays refused: its giver was told so, and may ask again.
    const why = refusedBefore.has(order.id) ? "it was refused before" : senseless(c, order);
    if (why !== null) result.refused.push({ order, why, isTrusted: true });
    else if (order.verb === "why") result.questions.push(order);
    else {
      result.trusted.push(order);
      result.lastOrderAt = Math.max(result.lastOrderAt, order.at);
      // Whoever took the trigger label off took back what was asked before.
      const isTakenBack = order.at <= takenOffAt && order.source !== "dispatch" && order.source !== "label";
      if (answered || isTakenBack) continue;
      if (isObeyedBefore(order)) {
        before ??= order;
        continue;
      }
      result.pending ??= order;
      if (order.text !== "") result.words.unshift(order.text);
    }
  }
  // The work that it began goes on for as long as the label is on.
  if (hasLabel(c.item.issue.labels, c.policy.label) && before !== null && before.at > endedAt(details))
    result.pending ??= { ...before, verb: "run", text: "" };
  return result;
}

/**
 * Without a record nobody knows which orders were obeyed: those before the program's last word were, and those before the end of the last pull
 * request with it. A label says no more than that work is wanted, so it stands until then.
 */
function obeyedBefore({ record, snapshot }: Candidate, details: Details): (order: Order) => boolean {
  if (!isLost(record)) return () => false;
  const saidAt = lastWordAt(details, snapshot);
  const isLabel = (order: Order) => order.source === "label" || order.source === "dispatch";
  return (order) => order.at <= (isLabel(order) ? endedAt(details) : Math.max(saidAt, endedAt(details)));
}

function endedAt({ past }: Details): number {
  return past?.endedAt ?? 0;
}

/** The newest order, to stop or to hand over, whose run died between its claim and the first word of it on the forge. */
function isHalfObeyed(c: Candidate, order: Order, { trusted }: Standing): boolean {
  const { record } = c;
  if (record?.state !== "held" || record.kind !== "resume" || trusted.length > 0) return false;
  return (order.verb === "stop" || order.verb === "hand-over") && order.at > recordedOrderAt(c);
}

/** Ids of the orders that our own comments on the item have answered. */
export function saidBefore(c: Candidate, details: Details, purposes: readonly ("refusal" | "why")[]): Set<string> {
  return answersIn([...details.comments, ...(details.pull?.comments ?? [])], c.snapshot, purposes);
}

/** The same in any comments: `who` are the logins of the program. */
export function answersIn(
  comments: readonly Pick<Comment, "author" | "body">[],
  who: Parameters<typeof isProgram>[0],
  purposes: readonly ("refusal" | "why")[],
): Set<string> {
  const own = comments.filter((comment) => isProgram(who, comment.author));
  const ids = own.flatMap((comment) =>
    purposes.flatMap((purpose) => findMarker(comment.body, purpose)?.values["for"] ?? []),
  );
  return new Set(ids);
}

/** When a person last took the trigger label off, ms since 1970; 0 = never. */
function lastTakenOff({ policy, snapshot }: Candidate, { timeline }: Details): number {
  const removal = timeline.findLast(
    (e) => e.kind === "label" && !e.added && e.label === policy.label && !isProgram(snapshot, e.by),
  );
  return removal?.at ?? 0;
}

/** Why an order cannot be obeyed on this item, whoever gave it; null when it can. */
function senseless({ item }: Candidate, { verb, text, source }: Order): string | null {
  const { pull, issue } = item;
  if (issue.state === "closed" && source === "comment" && verb !== "why")
    return "it is closed; reopen it, and ask again";
  switch (verb) {
    case "pause":
    case "resume":
      return `\`/agent ${verb}\` is about the whole program and counts on its dashboard issue only; here, \`hold\` or \`/agent stop\` does it`;
    case "unknown":
      return text === ""
        ? "`/agent` needs a command: run, review, fix, retry, stop or why"
        : `\`/agent ${text}\` is no command; there are run, review, fix, retry, stop and why`;
    case "review":
    case "hand-over":
      return pull === null ? "there is no open pull request of the program for it yet" : null;
    case "fix":
      return issue.isPull && pull !== null && !pull.headIsHere
        ? "its branch lies in a fork, where the program never pushes"
        : null;
    default:
      return null;
  }
}

// The label and a run by hand always count: strangers can comment, and a flood of their commands must not push those out.
function countedOrders(orders: readonly Order[]): Order[] {
  const comments = orders.filter((order) => order.comment !== null || order.source === "review");
  const givers = [...new Set(comments.map((order) => order.by.toLowerCase()))].slice(0, giversMax);
  // The newest of each: a flood by one person pushes out nobody else's.
  const counted = givers.flatMap((by) => comments.filter((o) => o.by.toLowerCase() === by).slice(0, ordersMax));
  return orders.filter((order) => !comments.includes(order) || counted.includes(order));
}

function recordedOrderAt({ record }: Candidate): number {
  return record?.orderAt === undefined ? 0 : Date.parse(record.orderAt);
}
