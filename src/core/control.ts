// `/agent pause` and `/agent resume` on the dashboard issue: the whole program stops, or goes on. Read also while it is paused.

import type { Issue } from "../forge/model.ts";
import type { Decision, Reply } from "./decision.ts";
import { findMarker } from "./marker.ts";
import type { Control, ControlOrder, Snapshot } from "./model.ts";
import { trustInLogin } from "./orders.ts";
import type { Policy } from "./policy.ts";
import { refusalComment } from "./report.ts";

/** Whether this issue is the dashboard, where `/agent pause` and `/agent resume` count. */
export function isDashboard({ body, isPull, state }: Pick<Issue, "body" | "isPull" | "state">): boolean {
  return !isPull && state === "open" && findMarker(body.slice(0, 200), "dashboard") !== null;
}

/** The newest order of somebody trusted that has not been obeyed; what is older than an obeyed one was answered with it. */
export function controlDecision({ control }: Snapshot, policy: Policy): Decision | null {
  const open = newOrders(control);
  const trusts = open.map((order) => ({ order, trust: trustInLogin(order.by, control.access, policy) }));
  const ask = trusts.filter(({ trust }) => trust.kind === "ask").map(({ order }) => order.by);
  if (ask.length > 0) return { kind: "look-control", logins: [...new Set(ask)] };
  const chosen = trusts.find(({ trust }) => trust.kind === "yes")?.order;
  // What a newer program wrote is overwritten by nobody's order.
  return chosen === undefined || control.unreadable?.isNewer === true
    ? null
    : { kind: "control", order: chosen, replies: [] };
}

/** Said once to everybody who may not order it: what our own comments answered is not among the orders any more. */
export function controlReplies({ control }: Snapshot, policy: Policy): Reply[] {
  const told = new Set<string>();
  const open = newOrders(control);
  const strangers = open.flatMap((order): Reply[] => {
    const trust = trustInLogin(order.by, control.access, policy);
    if (trust.kind !== "no" || told.has(order.by.toLowerCase())) return [];
    told.add(order.by.toLowerCase());
    return [refusal(order, trust.why)];
  });
  return [...strangers, ...refusedByVersion(control, open, policy)];
}

/** The newest order of somebody trusted, where only a newer program may write down what becomes of it. */
function refusedByVersion({ unreadable, access }: Control, open: readonly ControlOrder[], policy: Policy): Reply[] {
  const order = open.find(({ by }) => trustInLogin(by, access, policy).kind === "yes");
  if (unreadable?.isNewer !== true || order === undefined) return [];
  const why = `the ledger's record \`control\` was written by a newer version of agent-dispatch (${unreadable.why}), and this run must not overwrite it. Update agent-dispatch in every workflow of this repository, then order it again`;
  return [refusal(order, why)];
}

function refusal({ id, verb, issue, comment }: ControlOrder, why: string): Reply {
  const body = refusalComment(id, `\`/agent ${verb}\` is refused: ${why}.`);
  return { purpose: "refusal", on: issue, id, body, comment };
}

function newOrders({ orders, handled }: Control): ControlOrder[] {
  const newest = [...orders].sort((a, b) => b.at - a.at || b.comment - a.comment);
  const obeyed = newest.findIndex((order) => handled.includes(order.id));
  return obeyed < 0 ? newest : newest.slice(0, obeyed);
}
