// The policy of the program as a table. `decide` is pure: it sees a snapshot and a policy, time included, and answers what this run does.
//
// Per item the first row that answers decides; rows are numbered as in docs/decisions.md. A row answers `skip` with its reason, `work`, or
// `look` when it needs facts that are read only for the best candidates. Across items: finish before start, then priority label, then oldest.
// To change when, or on what, the program works: change one row here (what it asks is in rows/) and add one to decide.test.ts.

import { type Candidate, candidate, ownBranch } from "./candidate.ts";
import { controlDecision, controlReplies } from "./control.ts";
import { type Decision, isAgentWork, type Passed, type Reply, type Wanted, type Work } from "./decision.ts";
import { hasLabel, type Item, isProgram, type Snapshot } from "./model.ts";
import { holdLabel, type Policy } from "./policy.ts";
import { lookable, ranked } from "./priority.ts";
import { replies } from "./replies.ts";
import { claimed, closed, cooling, excludedCheaply, handsOff, unlabelled, waitsQuietly } from "./rows/cheap.ts";
import * as facts from "./rows/facts.ts";
import { implement, notReady } from "./rows/issue.ts";
import {
  coolingWithoutOrder,
  factsOfOrders,
  fixUnderway,
  labelOff,
  obey,
  taken,
  unfinished,
  unordered,
} from "./rows/orders.ts";
import {
  badVerdict,
  conflict,
  goodVerdict,
  handedOver,
  noVerdict,
  pendingChecks,
  personsPull,
  redChecks,
  unsettled,
} from "./rows/pull.ts";
import { type Answer, type Row, skip } from "./rows/row.ts";
import { standing } from "./standing.ts";
import { withUnknown } from "./unknown-refs.ts";

export const table: readonly Row[] = [
  { row: 1, about: "hold, locked, unreadable record", judge: handsOff, fact: facts.labels },
  { row: 2, about: "live claim", judge: claimed, fact: facts.claim },
  { row: 3, about: "closed", judge: closed, fact: facts.state },
  { row: 9, about: "trigger label off, nobody asks", judge: unlabelled, fact: facts.trigger },
  { row: 8, about: "handed over, nothing happened since", judge: waitsQuietly, fact: facts.stage },
  { row: 6, about: "cooling down, nothing new", judge: cooling, fact: facts.cooldown },
  { row: 17, about: "what costs nothing to know", judge: excludedCheaply, fact: facts.exclusion },
  { row: 4, about: "orders and their givers", judge: factsOfOrders, fact: facts.orders },
  { row: 5, about: "taken by a person", judge: taken, fact: facts.assignees },
  { row: 6, about: "cooling down, base red", judge: coolingWithoutOrder, fact: facts.cooldown },
  { row: 7, about: "effects of a dead run", judge: unfinished, fact: facts.effects },
  { row: 11, about: "draft, or its branch has just moved", judge: unsettled, fact: facts.head },
  { row: 4, about: "a person's order", judge: obey, fact: facts.newestOrder },
  { row: 8, about: "handed over", judge: handedOver, fact: facts.stage },
  { row: 9, about: "trigger label off", judge: labelOff, fact: facts.trigger },
  { row: 4, about: "no order stands", judge: unordered, fact: facts.standingOrder },
  { row: 4, about: "an ordered fix that is not done", judge: fixUnderway, fact: facts.underway },
  { row: 10, about: "a person's pull request", judge: personsPull, fact: facts.author },
  { row: 11, about: "conflict with the base", judge: conflict, fact: facts.merge },
  { row: 12, about: "foreign checks red", judge: redChecks, fact: facts.checks },
  { row: 13, about: "foreign checks pending", judge: pendingChecks, fact: facts.checks },
  { row: 14, about: "changes were requested", judge: badVerdict, fact: facts.verdict },
  { row: 15, about: "not judged yet", judge: noVerdict, fact: facts.verdict },
  { row: 16, about: "approved", judge: goodVerdict, fact: facts.verdict },
  { row: 17, about: "not ready", judge: notReady, fact: facts.bounds },
  { row: 18, about: "implement", judge: implement, fact: facts.attempts },
];

export function decide(snapshot: Snapshot, policy: Policy): Decision {
  const { trigger, pause } = snapshot;
  const own =
    (trigger.event === "label" || trigger.event === "comment") &&
    trigger.actor !== null &&
    isProgram(snapshot, trigger.actor);
  if (own) return idle("the event was caused by the program itself");
  const control = controlDecision(snapshot, policy);
  if (control !== null) return control;
  if (pause !== null && (pause.until === null || pause.until > snapshot.now))
    return idle(
      withUnknown(`paused by ${pause.by}: ${pause.why}`, snapshot.unknownRefs),
      controlReplies(snapshot, policy),
    );

  const passed: Passed[] = [];
  const said: Reply[] = controlReplies(snapshot, policy);
  const items = ranked(snapshot, policy);
  const mayLook = lookable(items, snapshot, policy, (item) => {
    const cheap = candidate({ ...item, details: null, unreadable: null }, snapshot, policy);
    return judge(cheap).answer.kind === "look";
  });
  for (const item of items) {
    const c = candidate(item, snapshot, policy);
    const { row, answer } = judge(c);
    if (item.details !== null) said.push(...replies(c, table));
    const pass = (reason: string) => passed.push({ item: item.issue.number, title: item.issue.title, row, reason });
    const wanted = answer.kind === "skip" ? wantedForReply(c) : null;
    if (wanted !== null) return { kind: "look", item, wanted };
    if (answer.kind === "skip") pass(answer.reason);
    else if (answer.kind === "look" && mayLook.has(item.key)) return { kind: "look", item, wanted: answer.wanted };
    else if (answer.kind === "look")
      pass(`not looked at closely in this run; its turn comes (${policy.looksMax} a run)`);
    else if (policy.force !== null && answer.work.kind !== policy.force)
      pass(`would be ${answer.work.kind}, \`mode\` asks for ${policy.force}`);
    else return viaDispatch({ ...answer.work, replies: said }, snapshot);
  }
  const reason = withUnknown(summary(snapshot, policy, passed), snapshot.unknownRefs);
  return { kind: "idle", reason, passed, replies: said };
}

/** Somebody asks here, by a comment: they get their answer also where nothing is done, on hold or while a run is at work. */
function wantedForReply(c: Candidate): Wanted | null {
  const { item, snapshot } = c;
  const isAsked = item.commanded || (snapshot.trigger.event === "comment" && c.named);
  if (!isAsked || item.unreadable !== null) return null;
  if (item.details === null) return { facts: "details", branch: ownBranch(c) };
  const { ask } = standing(c, item.details);
  return ask.length > 0 ? { facts: "access", logins: ask } : null;
}

/** What the table says about one item. The last row answers for every item that the others let through. */
export function judge(c: Candidate): { row: number; answer: Answer } {
  for (const row of table) {
    const answer = row.judge(c);
    if (answer !== null) return { row: row.row, answer };
  }
  return { row: 18, answer: skip("no row of the table is about it") };
}

// A cron tick never runs an agent where it can start a run of its own: up to Gitea 1.25 the next tick cancels a scheduled run still going.
function viaDispatch(work: Work, snapshot: Snapshot): Decision {
  if (snapshot.trigger.event !== "schedule" || !isAgentWork(work) || snapshot.canDispatch === false) return work;
  if (snapshot.canDispatch === null) return { kind: "look", item: work.item, wanted: { facts: "dispatch" } };
  if (snapshot.canDispatch === "busy") {
    const reason = `#${work.item.issue.number} is ready, but another dispatched run is at work, and this server would cancel that one`;
    return { kind: "idle", reason, passed: [], replies: work.replies ?? [] };
  }
  return { kind: "dispatch", item: work.item, row: work.row, work: work.kind };
}

function idle(reason: string, replies: readonly Reply[] = []): Decision {
  return { kind: "idle", reason, passed: [], replies };
}

function summary(snapshot: Snapshot, policy: Policy, passed: readonly Passed[]): string {
  const { item } = snapshot.trigger;
  const [first] = passed;
  if (item !== null && first !== undefined) return `#${first.item}: ${first.reason}`;
  if (item !== null) return `#${item} is no open item`;
  if (first === undefined) return `no open issue carries the label \`${policy.label}\``;
  return `${passed.length} item${passed.length === 1 ? "" : "s"} looked at, none is ready`;
}

/** Whether two decisions are the same work: what a run claimed must still be what it would choose after the claim. */
export function sameWork(a: Decision, b: Decision): boolean {
  if (a.kind !== b.kind || !("item" in a) || !("item" in b) || a.item.key !== b.item.key) return false;
  const [before, now] = [startOf(a), startOf(b)];
  return before === now;
}

/** What the work starts from: another branch, another commit or another head is other work. */
function startOf(decision: Decision): string {
  switch (decision.kind) {
    case "implement":
      return `${decision.plan.branch} ${decision.plan.expect}`;
    case "review":
    case "rework":
      return `${decision.plan.branch} ${decision.plan.expect} ${decision.plan.pull.number} ${decision.plan.pull.headSha}`;
    case "hand-over":
    case "land":
    case "rerun":
      return `${decision.pull.number} ${decision.pull.headSha}`;
    default:
      return "";
  }
}

/** What a held claim asks at each renewal: may the work go on? A person takes it back by hold, assignment, closing, locking or label off. */
export function takenBack(
  item: Pick<Item, "issue" | "pull">,
  policy: Policy,
  program: readonly string[],
  assignedBefore: readonly string[],
): string | null {
  const { issue, pull } = item;
  const what = issue.isPull ? "the pull request" : "the issue";
  if (issue.state === "closed") return `${what} was closed`;
  if (issue.locked) return `${what} was locked`;
  if (hasLabel(issue.labels, holdLabel)) return `\`${holdLabel}\` was put on`;
  if (!hasLabel(issue.labels, policy.label)) return `\`${policy.label}\` was taken off`;
  if (pull !== null && !issue.isPull) {
    if (pull.state === "closed") return `pull request #${pull.number} was ${pull.merged ? "merged" : "closed"}`;
    if (pull.locked) return `pull request #${pull.number} was locked`;
    if (hasLabel(pull.labels, holdLabel)) return `\`${holdLabel}\` was put on pull request #${pull.number}`;
  }
  const names = [...program, ...assignedBefore].map((name) => name.toLowerCase());
  const assignees = [...issue.assignees, ...(pull?.assignees ?? [])];
  const person = assignees.find((login) => !names.includes(login.toLowerCase()));
  return person === undefined ? null : `@${person} was assigned`;
}
