// Orders: a trusted person's wishes as found on the forge. A label alone proves nothing (the web form for new issues lets any reader set
// existing labels), so every order has a giver, and the giver's right to write code is asked of the forge.

import { parseCommand, type Verb } from "./command.ts";
import { type Details, hasLabel, type Item, isProgram, type Snapshot, sameLogin } from "./model.ts";
import type { Policy } from "./policy.ts";

export interface Order {
  /** `label:<timeline id>`, `comment:<id>` or `dispatch:<run>`. */
  id: string;
  by: string;
  /** ms since 1970. */
  at: number;
  verb: Verb;
  text: string;
  /** Id of the comment that holds it, for the reaction. */
  comment: number | null;
}

export type Trust = { kind: "yes" } | { kind: "no"; why: string } | { kind: "ask" };

/** All orders on an item, newest first, by whomever. Those of the program itself are none. */
export function ordersOf(item: Item, details: Details, snapshot: Snapshot, policy: Policy): Order[] {
  const orders: Order[] = [];
  const { trigger } = snapshot;
  if (trigger.byHand && trigger.item === item.issue.number) {
    // Outside a server nobody is named: then the author of the issue stands in as the one who asked.
    const by = trigger.actor ?? item.issue.author;
    orders.push({ id: trigger.orderId, by, at: snapshot.now, verb: "run", text: trigger.message, comment: null });
  }
  for (const comment of details.comments) {
    // Read as first posted: a comment edited later could have been anything when it was looked at.
    if (comment.updatedAt !== comment.createdAt || isProgram(snapshot, comment.author)) continue;
    const command = parseCommand(comment.body, snapshot.me.login, item.issue.isPull ? "pull" : "issue");
    if (command.kind !== "command") continue;
    const { verb, text } = command;
    orders.push({
      id: `comment:${comment.id}`,
      by: comment.author,
      at: comment.createdAt,
      verb,
      text,
      comment: comment.id,
    });
  }
  const labelled = hasLabel(item.issue.labels, policy.label) ? lastLabelling(details, snapshot, policy) : null;
  if (labelled !== null) orders.push(labelled);
  return orders.sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
}

function lastLabelling(details: Details, snapshot: Snapshot, policy: Policy): Order | null {
  const entry = details.timeline.findLast(
    (e) => e.kind === "label" && e.added && e.label === policy.label && !isProgram(snapshot, e.by),
  );
  return entry === undefined
    ? null
    : { id: `label:${entry.id}`, by: entry.by, at: entry.at, verb: "run", text: "", comment: null };
}

/** Whether a person may give orders. `ask` = the forge has not been asked yet. Anything unclear is a no with its reason. */
export function trustIn(order: Order, details: Details, policy: Policy): Trust {
  // The forge lets only people with the right to start workflows dispatch; at the command line it is the owner of the token.
  if (order.id.startsWith("dispatch:")) return { kind: "yes" };
  return trustInLogin(order.by, details, policy);
}

export function trustInLogin(login: string, details: Details, policy: Policy): Trust {
  if (policy.trusted !== "writers") {
    if (policy.trusted.some((name) => sameLogin(name, login))) return { kind: "yes" };
    return { kind: "no", why: `@${login} is not named in \`trusted\`` };
  }
  const access = details.access[login.toLowerCase()];
  if (access === undefined) return { kind: "ask" };
  switch (access.kind) {
    case "yes":
      return { kind: "yes" };
    case "no":
      return { kind: "no", why: `@${login} may not write code here` };
    case "unknown":
      return { kind: "no", why: `whether @${login} may write code here cannot be proved: ${access.why}` };
    default:
      return access satisfies never;
  }
}
