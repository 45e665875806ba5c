// Rows about what people said: whose word counts, what the newest order asks for, who has taken the item.

import {
  bodyHash,
  type Candidate,
  isFixUnderway,
  known,
  type OpenPull,
  openPull,
  ownBranch,
  takenBy,
} from "../candidate.ts";
import { wasTakenOff } from "../label.ts";
import { wantsPast } from "../lost.ts";
import { isProgram } from "../model.ts";
import { trustInLogin } from "../orders.ts";
import { standing } from "../standing.ts";
import { clockTime } from "../text.ts";
import { coolsUntil, waitsForBase } from "./cheap.ts";
import { lightPlan, review, rework } from "./plans.ts";
import { type Answer, lookAt, skip, work } from "./row.ts";

/** Everything below this row has the costly facts and knows whom to trust. */
export function factsOfOrders(c: Candidate): Answer | null {
  const { details } = c.item;
  if (details === null) return lookAt({ facts: "details", branch: ownBranch(c) });
  if (wantsPast(c.item, c.snapshot)) return lookAt({ facts: "past" });
  const s = standing(c, details);
  const ask = [...s.ask];
  const { author } = c.item.issue;
  if (s.pending === null && ask.length === 0 && textChanged(c) && isUnknown(c, author)) ask.push(author);
  return ask.length > 0 ? lookAt({ facts: "access", logins: [...new Set(ask)] }) : null;
}

function isUnknown(c: Candidate, login: string): boolean {
  return c.item.details !== null && trustInLogin(login, c.item.details.access, c.policy).kind === "ask";
}

/** The newest order that names its work. `run` and `retry` ask for the next step, whichever that is: the rows below find it. */
export function obey(c: Candidate): Answer | null {
  const { pending } = known(c).s;
  const open = openPull(c);
  const { item } = c;
  switch (pending?.verb) {
    case "stop":
      return work({ kind: "stop", item, row: 4, plan: lightPlan(c), by: pending.by, stage: pending.stage ?? null });
    case "review":
      if (open === null) return null;
      return open.pull.draft ? skip(`pull request #${open.pull.number} is a draft`) : review(c, 4, open);
    case "fix":
      // On an issue without a pull request it is work like any other, with these words.
      return open === null ? null : fix(c, open);
    case "hand-over":
      return open === null ? null : work({ kind: "hand-over", item, row: 4, plan: lightPlan(c), pull: open.pull });
    default:
      return null;
  }
}

/** The forge's word about a conflict is a hint only, and the author is told of one. */
function fix(c: Candidate, open: OpenPull): Answer {
  if (open.facts.merge === "hint") return lookAt({ facts: "merge" });
  return rework(c, 4, open, { conflict: open.facts.merge === "conflict", ordered: true });
}

/** An ordered fix goes on until it is done: after a failure, a question or giving up, nothing of the head says that it was wanted. */
export function fixUnderway(c: Candidate): Answer | null {
  const open = openPull(c);
  return open === null || !isFixUnderway(c) ? null : fix(c, open);
}

export function taken(c: Candidate): Answer | null {
  const { details, s } = known(c);
  const login = takenBy(c, details, s.lastOrderAt);
  return login === null ? null : skip(`@${login} is assigned`);
}

export function coolingWithoutOrder(c: Candidate): Answer | null {
  const until = coolsUntil(c.record, c.snapshot) ?? waitsForBase(c);
  return until === null || known(c).s.pending !== null ? null : skip(until);
}

export function unfinished({ item, record, snapshot }: Candidate): Answer | null {
  if (record?.state !== "published") return null;
  if (record.resumeAt !== undefined && Date.parse(record.resumeAt) > snapshot.now) {
    return skip(`what an earlier run published is finished after ${clockTime(record.resumeAt)}; the last try failed`);
  }
  return work({ kind: "resume", item, row: 7 });
}

export function labelOff(c: Candidate): Answer | null {
  return stands(c) || known(c).s.pending !== null ? null : skip(`\`${c.policy.label}\` is off, nobody asks for work`);
}

/** Whether an order, new or begun, allows work at all; if not, why. */
export function unordered(c: Candidate): Answer | null {
  const { details, s } = known(c);
  if (s.pending !== null) return null;
  if (!continues(c)) {
    const refusal = s.refused.find(({ isTrusted }) => !isTrusted);
    return skip(refusal === undefined ? awaits(c) : `the order is refused: ${refusal.why}`);
  }
  if (textChanged(c) && trustInLogin(c.item.issue.author, details.access, c.policy).kind !== "yes") {
    return skip(
      "its text was changed after the order by somebody who may not give orders; put the label on again to go on",
    );
  }
  return null;
}

/** The label is on; or a run that obeyed a command died before it could put it on, and nobody has taken it off since. */
function stands(c: Candidate): boolean {
  const { labelled, record, policy } = c;
  if (labelled || record?.state !== "held") return labelled;
  const { details, s } = known(c);
  return !wasTakenOff(details.timeline, policy.label, s.lastOrderAt);
}

/** A command, a review or a run by hand: it names the item, so what only keeps the program from choosing it by itself does not count. */
export function isExplicit(c: Candidate): boolean {
  const { pending } = known(c).s;
  return pending !== null && pending.source !== "label";
}

/** Work begun under an order that still stands: a step is done and the next one comes, or it failed, or its run died. */
function continues(c: Candidate): boolean {
  const { record, item, snapshot, policy } = c;
  if (record === null || !stands(c) || record.askedBy === "") return false;
  if (record.state === "blocked" || record.state === "closed") return false;
  // A finished step goes on only on its pull request: without one there is nothing left to do.
  if (record.state === "done" && (item.pull === null || record.stage === "merge-ready")) return false;
  const { details, s } = known(c);
  const last = details.timeline.findLast((e) => e.kind === "label" && e.added && e.label === policy.label);
  // A label that somebody without the right put on after the last order asks for something new, and is refused.
  return last === undefined || isProgram(snapshot, last.by) || last.at <= s.lastOrderAt;
}

function awaits({ record, item }: Candidate): string {
  if (record?.state === "blocked") return "it waits for a person; put the label on again to go on";
  if (record?.state === "done" && item.pull !== null) return `pull request #${item.pull.number} waits for a person`;
  if (record?.state === "done" || record?.state === "closed")
    return "its work is done; put the label on again for another go";
  return "nobody who may give orders asked for it";
}

function textChanged({ record, item }: Candidate): boolean {
  if (record === null || record.state === "closed" || record.bodyHash === null) return false;
  return record.bodyHash !== bodyHash(item.issue);
}
