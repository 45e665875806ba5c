// Orders that are refused, each answered once, where it was given, with one line why. What was answered is read off the forge (our own
// comment with the order's id), so that no state can be lost.

import { type Candidate, ownBranch, type Standing, standing } from "./candidate.ts";
import type { Refusal } from "./decision.ts";
import { findMarker } from "./marker.ts";
import { type Details, isProgram, sameLogin } from "./model.ts";

const remedy =
  "Somebody who may write code here can start it by putting the trigger label on again, or with the comment `/agent run`.";

const stopText =
  "`/agent stop` does not end a running agent yet; the label `hold` does. Nothing new is started here before the trigger label is put on again.";

export function refusals(c: Candidate, details: Details): Refusal[] {
  const said = new Set(
    details.comments
      .filter((comment) => sameLogin(comment.author, c.snapshot.me.login) || isProgram(c.snapshot, comment.author))
      .flatMap((comment) => findMarker(comment.body, "refusal")?.values["for"] ?? []),
  );
  const s = standing(c, details);
  const result: Refusal[] = [];
  const add = (id: string, text: string, comment: number | null) => {
    if (!said.has(id)) result.push({ item: c.item.issue.number, id, text, comment });
  };
  const answered = new Set<string>();
  for (const { order, why } of s.refused) {
    // One answer to each person, however often they ask before it is read.
    if (answered.has(order.by.toLowerCase())) continue;
    answered.add(order.by.toLowerCase());
    const what = order.comment === null ? "Not started" : `\`/agent ${order.verb}\` is refused`;
    add(order.id, `${what}: ${why}.${order.verb === "run" ? ` ${remedy}` : ""}`, order.comment);
  }
  for (const order of s.all) {
    const refused = s.refused.some((r) => r.order.id === order.id) || c.record?.handled.includes(order.id) === true;
    if (order.verb !== "run" && !refused)
      add(order.id, order.verb === "stop" ? stopText : `\`/agent ${order.verb}\` is not supported yet.`, order.comment);
  }
  if (details.branch !== null && details.branch !== c.record?.head && c.item.pull === null && waits(c, s)) {
    const id = `branch:${details.branch}`;
    add(
      id,
      `Not started: the branch \`${ownBranch(c)}\` holds commits that are not the program's. Rename or delete it.`,
      null,
    );
  }
  return result;
}

/** Whether anybody waits for work on it: an order not obeyed yet, or an attempt to be tried again. */
function waits({ record }: Candidate, s: Standing): boolean {
  return s.pending !== null || record?.state === "released" || record?.state === "held";
}
