// Rows about an open pull request: what it needs next, from the forge's facts about its head.

import { type Candidate, isHandedOver, known, type OpenPull, openPull, wasHandedOver } from "../candidate.ts";
import { approvalsOf, isPersonsVerdict, type PullDetails, sameLogin } from "../model.ts";
import { trustInLogin } from "../orders.ts";
import { clockTime } from "../text.ts";
import { isExplicit } from "./orders.ts";
import { lightPlan, review, rework, roundsBefore } from "./plans.ts";
import { type Answer, lookAt, skip, work } from "./row.ts";

/** Row 8: a person has it. It comes back by itself only when the base broke it; it is merged only where the policy allows and a person approved. */
export function handedOver(c: Candidate): Answer | null {
  const open = openPull(c);
  if (open === null || c.item.issue.isPull || known(c).s.pending !== null || !isPersons(c)) return null;
  const broken = conflict(c) ?? redChecks(c);
  if (broken !== null) return broken;
  const merged = c.policy.merge === "when-approved" ? landing(c, open) : null;
  return merged ?? skip(`pull request #${open.pull.number} waits for a person to merge it`);
}

function isPersons(c: Candidate): boolean {
  return isHandedOver(c) || wasHandedOver(c, known(c).details);
}

/** How often the forge may put off the merge of one head; then a person gets it. */
export const landingsMax = 5;

function landing(c: Candidate, open: OpenPull): Answer | null {
  const { pull, facts, checks } = open;
  const not = (why: string) => skip(`pull request #${pull.number} is not merged yet: ${why}`);
  if (pull.draft) return not("it is a draft");
  const approvals = approvalsOf(pull.headSha, facts.reviews, c.snapshot);
  if (approvals.length === 0) return not("no person approved this head");
  const access = known(c).details.access;
  const trust = approvals.map((r) => ({ by: r.author, trust: trustInLogin(r.author, access, c.policy) }));
  const ask = trust.filter((t) => t.trust.kind === "ask").map((t) => t.by);
  if (ask.length > 0) return lookAt({ facts: "access", logins: [...new Set(ask)] });
  const approver = trust.find((t) => t.trust.kind === "yes");
  if (approver === undefined) return not("nobody who approved it may write code here");
  const objector = objectorTo(c, facts);
  if (objector !== null) return not(`@${objector} asked for changes`);
  const official = new Set(approvals.filter((r) => r.official).map((r) => r.author.toLowerCase()));
  if (official.size < facts.base.requiredApprovals)
    return not(`${facts.base.requiredApprovals} approvals are required, ${official.size} count`);
  const waits = [...checks.red, ...checks.pending].map((s) => s.context).concat(checks.missing);
  if (waits.length > 0) return not(`\`${waits[0]}\` is not green`);
  const { landing } = c.record ?? {};
  if (landing?.head === pull.headSha && landing.times >= landingsMax) {
    const reason = `the forge put off the merge ${landing.times} times`;
    const { askedBy, handled } = lightPlan(c);
    return work({
      kind: "give-up",
      item: c.item,
      row: 8,
      cause: "landing",
      reason,
      askedBy,
      generation: c.record?.generation ?? 1,
      handled,
    });
  }
  const { cooldownUntil } = c.record ?? {};
  if (landing?.head === pull.headSha && cooldownUntil && Date.parse(cooldownUntil) > c.snapshot.now)
    return not(`the forge put it off, until ${clockTime(cooldownUntil)}`);
  return work({ kind: "land", item: c.item, row: 8, plan: lightPlan(c), pull, approvedBy: approver.by });
}

/** Somebody whose last verdict asks for changes. */
function objectorTo(c: Candidate, { reviews }: PullDetails): string | null {
  const verdicts = reviews.filter(
    (r) => isPersonsVerdict(c.snapshot, r) && (r.state === "approved" || r.state === "changes-requested"),
  );
  const last = verdicts.filter((r) => !verdicts.some((o) => sameLogin(o.author, r.author) && o.at > r.at));
  return last.find((r) => r.state === "changes-requested")?.author ?? null;
}

/** Row 10: a person's pull request is judged once per head; it is changed only on `/agent fix` (row 4). */
export function personsPull(c: Candidate): Answer | null {
  if (!c.item.issue.isPull) return null;
  const open = openPull(c);
  if (open === null) return skip("it is a pull request whose facts cannot be read");
  if (open.pull.draft) return skip(`pull request #${open.pull.number} is a draft`);
  if (open.verdict !== null && open.verdict.kind !== "more" && known(c).s.pending === null)
    return skip(`head \`${open.pull.headSha.slice(0, 10)}\` is judged already`);
  const wait = pendingChecks(c);
  if (wait !== null && !isExplicit(c)) return wait;
  return review(c, 10, open);
}

/** The pull request's branch and its head disagree for a moment after a push; a person's draft is not the program's turn. */
export function unsettled(c: Candidate): Answer | null {
  const open = openPull(c);
  if (open === null) return null;
  const { pull } = open;
  if (pull.draft && !isExplicit(c)) return skip(`pull request #${pull.number} is a draft`);
  const { branch } = known(c).details;
  if (pull.headIsHere && branch !== null && branch !== pull.headSha)
    return skip(`the branch of pull request #${pull.number} moved a moment ago; the next look sees its new head`);
  return null;
}

/** Row 11. The forge's `false` is a hint only: git decides. */
export function conflict(c: Candidate): Answer | null {
  const open = openPull(c);
  if (open === null || open.pull.draft) return null;
  if (open.facts.merge === "hint") return lookAt({ facts: "merge" });
  if (open.facts.merge !== "conflict") return null;
  return rework(c, isPersons(c) ? 8 : 11, open, { conflict: true, ordered: orderedBy(c) });
}

/** How long a requested re-run may take to show, in ms: until then a result older than the request may still stand there. */
const rerunShowsMs = 120_000;

/** Row 12. The failed jobs are started again once; what is red on the base too is not this branch's doing. */
export function redChecks(c: Candidate): Answer | null {
  const open = openPull(c);
  if (open === null) return null;
  const { pull, red, redOnBase } = open;
  const [first] = red;
  if (first === undefined) {
    const [shared] = redOnBase;
    if (shared === undefined || open.verdict?.kind === "changes-requested") return null;
    return skip(`\`${shared.context}\` is red, and on the base branch too: it waits until that is mended`);
  }
  const rerun = c.record?.rerun;
  if (rerun?.head !== pull.headSha) return work({ kind: "rerun", item: c.item, row: 12, pull, red });
  const isOld = red.some((status) => status.updatedAt <= Date.parse(rerun.at));
  if (rerun.started && isOld && c.snapshot.now - Date.parse(rerun.at) < rerunShowsMs)
    return skip(`\`${first.context}\` was red and is run again`);
  return rework(c, isPersons(c) ? 8 : 12, open, { conflict: false, ordered: orderedBy(c) });
}

/** Row 13: at most so long as the policy says, counted from the status, or from the publish where a required one never came. */
export function pendingChecks(c: Candidate): Answer | null {
  const open = openPull(c);
  if (open === null) return null;
  const since = c.snapshot.now - c.policy.limits.waitForChecksMinutes * 60_000;
  const [young] = open.checks.pending.filter((status) => status.updatedAt > since);
  if (young !== undefined) return skip(`waiting for the check \`${young.context}\``);
  const [missing] = open.checks.missing;
  // A head that is judged was waited for already: the record has been written since.
  if (open.verdict !== null) return null;
  const publishedAt = c.record === null ? 0 : Date.parse(c.record.at);
  return missing !== undefined && publishedAt > since ? skip(`waiting for the required check \`${missing}\``) : null;
}

/** Row 14. */
export function badVerdict(c: Candidate): Answer | null {
  const open = openPull(c);
  if (open?.verdict?.kind !== "changes-requested") return null;
  return rework(c, 14, open, { conflict: false, ordered: orderedBy(c) });
}

/** Row 15. */
export function noVerdict(c: Candidate): Answer | null {
  const open = openPull(c);
  if (open === null || (open.verdict !== null && open.verdict.kind !== "more")) return null;
  // The branch brings nothing (any more): there is nothing to judge, and nothing to merge.
  const isEmpty = open.pull.headSha === open.pull.mergeBase || c.record?.empty === open.pull.headSha;
  if (isEmpty && known(c).s.pending === null) return skip(`pull request #${open.pull.number} changes nothing`);
  return review(c, 15, open);
}

/** Row 16. An order with words on an approved pull request wants something more than a hand-over. */
export function goodVerdict(c: Candidate): Answer | null {
  const open = openPull(c);
  if (open === null) return null;
  const hasWords = known(c).s.pending !== null && known(c).s.words.length > 0;
  if (hasWords) return rework(c, 16, open, { conflict: false, ordered: true });
  return work({ kind: "hand-over", item: c.item, row: 16, plan: lightPlan(c), pull: open.pull });
}

// `run` and `retry` begin the count anew (the rounds before them are 0), so nothing more is needed here than to say so.
function orderedBy(c: Candidate): boolean {
  return known(c).s.pending !== null && roundsBefore(c) === 0;
}
