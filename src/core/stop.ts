// Whether somebody ordered to stop while a run is at work: `/agent stop`, or a stage label that means the same.

import type { Comment, TimelineEntry } from "../forge/model.ts";
import type { Item, Snapshot } from "./model.ts";
import { type Order, ordersOf, trustInLogin } from "./orders.ts";
import type { Policy } from "./policy.ts";

export interface Read {
  number: number;
  comments: Comment[];
  timeline: TimelineEntry[];
}

export interface Watched {
  snapshot: Snapshot;
  policy: Policy;
  /** Orders that the running work was started by, or that were obeyed before. */
  handled: readonly string[];
  item: Item;
}

/** Orders to stop that were not handled yet, newest first; an order after them is obeyed by a later run. `ask` = the forge has to be asked who may. */
export function stopOrders(read: readonly Read[], watched: Watched): { order: Order; trust: "yes" | "ask" }[] {
  const { snapshot, policy, handled, item } = watched;
  const [issue, pull] = read;
  if (issue === undefined) return [];
  const { comments, timeline } = issue;
  const ofPull =
    pull === undefined
      ? null
      : {
          ...{ timeline: pull.timeline, comments: pull.comments, reviews: [], lineComments: [], statuses: [] },
          ...{ base: { sha: null, required: [], requiredApprovals: 0, statuses: [] }, merge: "clean" as const },
        };
  const details = { timeline, comments, openDependencies: [], branch: null, access: {}, pull: ofPull, past: null };
  const labelled = { ...item, issue: { ...item.issue, labels: labelsOf(timeline) } };
  const known =
    item.pull === null || pull === undefined
      ? labelled
      : { ...labelled, pull: { ...item.pull, labels: labelsOf(pull.timeline) } };
  return ordersOf(known, details, { ...snapshot, trigger: { ...snapshot.trigger, byHand: false } }, policy)
    .filter((order) => order.verb === "stop" && !handled.includes(order.id))
    .flatMap((order) => {
      const trust = trustInLogin(order.by, {}, policy).kind;
      return trust === "no" ? [] : [{ order, trust }];
    });
}

/** Labels as the timeline leaves them: what was read at the claim may be old. */
function labelsOf(timeline: readonly TimelineEntry[]): { id: number; name: string; exclusive: boolean }[] {
  const on = new Set<string>();
  for (const entry of timeline) {
    if (entry.kind !== "label") continue;
    if (entry.added) on.add(entry.label);
    else on.delete(entry.label);
  }
  return [...on].map((name) => ({ id: 0, name, exclusive: false }));
}
