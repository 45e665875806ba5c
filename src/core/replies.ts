// What the program says once where somebody asked: why an order is refused, and the answer to `/agent why`. What was said is read off the forge
// (our own comment with the order's id), so that no state can be lost.

import { type Candidate, isSomebodys, known, ownBranch } from "./candidate.ts";
import type { Reply } from "./decision.ts";
import { explained } from "./explain.ts";
import { refusalComment } from "./report.ts";
import type { Row } from "./rows/row.ts";
import { type Standing, saidBefore } from "./standing.ts";

const remedy =
  "Somebody who may write code here can start it by putting the trigger label on again, or with the comment `/agent run`.";

/** `table` is the decision table that `/agent why` explains. */
export function replies(c: Candidate, table: readonly Row[]): Reply[] {
  const { details, s } = known(c);
  const { number } = c.item.issue;
  const said = saidBefore(c, details, ["refusal", "why"]);
  const result: Reply[] = [];
  const add = (reply: Reply) => {
    if (!said.has(reply.id)) result.push(reply);
  };
  const answered = new Set<string>();
  for (const { order, why, isTrusted } of s.refused) {
    // One answer to each person, however often they ask before it is read; somebody trusted gets one to each order.
    if (!isTrusted && answered.has(order.by.toLowerCase())) continue;
    if (!isTrusted) answered.add(order.by.toLowerCase());
    const body = refusalComment(order.id, refusal(order, why, isTrusted));
    add({ purpose: "refusal", on: order.on, id: order.id, body, comment: order.comment });
  }
  for (const order of s.questions) {
    add({ purpose: "why", on: order.on, id: order.id, body: explained(c, table, order.id), comment: order.comment });
  }
  if (c.item.pull === null && isSomebodys(c, details) && waits(c, s)) {
    const text = `Not started: the branch \`${ownBranch(c)}\` holds commits that are not the program's. Rename or delete it.`;
    const id = `branch:${details.branch}`;
    add({ purpose: "refusal", on: number, id, body: refusalComment(id, text), comment: null });
  }
  return result;
}

function refusal(order: Standing["all"][number], why: string, isTrusted: boolean): string {
  if (isTrusted) return `Not done: ${why}.`;
  const what =
    order.source === "comment"
      ? `\`/agent ${order.verb === "unknown" ? order.text : order.verb}\` is refused`
      : "Not started";
  return `${what}: ${why}.${order.verb === "run" ? ` ${remedy}` : ""}`;
}

/** Whether anybody waits for work on it: an order not obeyed yet, or an attempt to be tried again. What a dead run left goes to a person with a comment of its own. */
function waits({ record }: Candidate, s: Standing): boolean {
  return s.pending !== null || record?.state === "released";
}
