// Orders that are refused, each answered once, where it was given, with one line why. What was answered is read off the forge (our own
// comment with the order's id), so that no state can be lost.

import { type Candidate, standing } from "./candidate.ts";
import type { Refusal } from "./decision.ts";
import { findMarker } from "./marker.ts";
import { type Details, isProgram, sameLogin } from "./model.ts";

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
  for (const { order, why } of s.refused) {
    add(
      order.id,
      `${order.id.startsWith("label:") ? "Not started" : `\`/agent ${order.verb}\` is refused`}: ${why}.`,
      order.comment,
    );
  }
  for (const order of s.all) {
    const refused = s.refused.some((r) => r.order.id === order.id) || c.record?.handled.includes(order.id) === true;
    if (order.verb !== "run" && !refused)
      add(order.id, `\`/agent ${order.verb}\` is not supported yet.`, order.comment);
  }
  if (details.branch !== null && c.record === null) {
    const id = `branch:${details.branch}`;
    add(
      id,
      `Not started: the branch \`agent/issue-${c.item.issue.number}\` exists already and is not the program's. Rename or delete it.`,
      null,
    );
  }
  return result;
}
