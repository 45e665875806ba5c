// The policy of the program as a table. `decide` is pure: it sees a snapshot and a policy, time included, and answers what this run does.
//
// Per item the first row that answers decides; rows are numbered as in docs/decisions.md. A row answers `skip` with its reason, `work`, or
// `look` when it needs facts that are read only for the best candidates. Across items: finish before start, then priority label, then oldest.
// To change when, or on what, the program works: change one row here and add one to decide.test.ts.

import { isLive } from "../ledger/record.ts";
import {
  assignedByProgram,
  bodyHash,
  type Candidate,
  candidate,
  generation,
  ownBranch,
  type Standing,
  standing,
  takenBy,
} from "./candidate.ts";
import { closes } from "./closing.ts";
import type { Decision, Passed, Refusal, Wanted, Work } from "./decision.ts";
import { branchName, type Details, hasLabel, type Item, isProgram, type Snapshot } from "./model.ts";
import { trustInLogin } from "./orders.ts";
import { holdLabel, type Policy, stageLabel } from "./policy.ts";
import { lookable, ranked } from "./priority.ts";
import { refusals } from "./refusals.ts";
import { freeSlot } from "./slots.ts";
import { clockTime } from "./text.ts";

type Answer = { kind: "skip"; reason: string } | { kind: "look"; wanted: Wanted } | { kind: "work"; work: Work };

interface Row {
  row: number;
  /** What the row is about, as the documentation names it. */
  about: string;
  judge(c: Candidate): Answer | null;
}

const skip = (reason: string): Answer => ({ kind: "skip", reason });
const lookAt = (wanted: Wanted): Answer => ({ kind: "look", wanted });

export const table: readonly Row[] = [
  { row: 1, about: "hold, locked, unreadable record", judge: handsOff },
  { row: 2, about: "live claim", judge: claimed },
  { row: 3, about: "closed", judge: closed },
  { row: 10, about: "a person's pull request", judge: personsPull },
  { row: 9, about: "trigger label off, nobody asks", judge: unlabelled },
  { row: 11, about: "open pull request of the program", judge: openPull },
  { row: 6, about: "cooling down, nothing new", judge: cooling },
  { row: 17, about: "what costs nothing to know", judge: excludedCheaply },
  { row: 4, about: "orders and their givers", judge: orders },
  { row: 5, about: "taken by a person", judge: taken },
  { row: 6, about: "cooling down", judge: coolingWithoutOrder },
  { row: 7, about: "effects of a dead run", judge: unfinished },
  { row: 9, about: "trigger label off", judge: labelOff },
  { row: 17, about: "not ready", judge: notReady },
  { row: 18, about: "implement", judge: implement },
];

export function decide(snapshot: Snapshot, policy: Policy): Decision {
  const { trigger, pause } = snapshot;
  const own =
    (trigger.event === "label" || trigger.event === "comment") &&
    trigger.actor !== null &&
    isProgram(snapshot, trigger.actor);
  if (own) return idle("the event was caused by the program itself");
  if (pause !== null && (pause.until === null || pause.until > snapshot.now))
    return idle(`paused by ${pause.by}: ${pause.why}`);

  const passed: Passed[] = [];
  const refused: Refusal[] = [];
  const items = ranked(snapshot, policy);
  const mayLook = lookable(items, snapshot, policy, (item) => {
    const cheap = candidate({ ...item, details: null, unreadable: null }, snapshot, policy);
    return judge(cheap).answer.kind === "look";
  });
  for (const item of items) {
    const c = candidate(item, snapshot, policy);
    const { row, answer } = judge(c);
    if (item.details !== null) refused.push(...refusals(c, item.details));
    const pass = (reason: string) => passed.push({ item: item.issue.number, title: item.issue.title, row, reason });
    if (answer.kind === "skip") pass(answer.reason);
    else if (answer.kind === "look" && mayLook.has(item.key)) return { kind: "look", item, wanted: answer.wanted };
    else if (answer.kind === "look")
      pass(`not looked at closely in this run; its turn comes (${policy.looksMax} a run)`);
    else if (policy.force !== null && answer.work.kind !== policy.force)
      pass(`would be ${answer.work.kind}, \`mode\` asks for ${policy.force}`);
    else return viaDispatch({ ...answer.work, refusals: refused }, snapshot);
  }
  return { kind: "idle", reason: summary(snapshot, policy, passed), passed, refusals: refused };
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
  if (snapshot.trigger.event !== "schedule" || work.kind !== "implement" || snapshot.canDispatch === false) return work;
  if (snapshot.canDispatch === null) return { kind: "look", item: work.item, wanted: { facts: "dispatch" } };
  if (snapshot.canDispatch === "busy") {
    const reason = `#${work.item.issue.number} is ready, but another dispatched run is at work, and this server would cancel that one`;
    return { kind: "idle", reason, passed: [], refusals: work.refusals ?? [] };
  }
  return { kind: "dispatch", item: work.item, row: work.row, work: work.kind };
}

function idle(reason: string): Decision {
  return { kind: "idle", reason, passed: [], refusals: [] };
}

function summary(snapshot: Snapshot, policy: Policy, passed: readonly Passed[]): string {
  const { item } = snapshot.trigger;
  const [first] = passed;
  if (item !== null && first !== undefined) return `#${first.item}: ${first.reason}`;
  if (item !== null) return `#${item} is no open item`;
  if (first === undefined) return `no open issue carries the label \`${policy.label}\``;
  return `${passed.length} item${passed.length === 1 ? "" : "s"} looked at, none is ready`;
}

function handsOff({ item }: Candidate): Answer | null {
  if (hasLabel(item.issue.labels, holdLabel)) return skip(`\`${holdLabel}\` is on the issue`);
  if (item.pull !== null && hasLabel(item.pull.labels, holdLabel))
    return skip(`\`${holdLabel}\` is on pull request #${item.pull.number}`);
  if (item.issue.locked) return skip("the issue is locked");
  if (item.pull?.locked === true) return skip(`pull request #${item.pull.number} is locked`);
  if (item.unreadable !== null) return skip(`its facts cannot be read: ${item.unreadable}`);
  if (item.record.kind === "unreadable")
    return skip(`its record in the ledger cannot be read (${item.record.why}); it is left alone`);
  return null;
}

function claimed({ record, snapshot, policy }: Candidate): Answer | null {
  if (record === null || record.owner === snapshot.owner || !isLive(record, snapshot.now, policy.limits.slackSeconds))
    return null;
  return skip(`claimed by ${record.run === null ? "a run outside the server" : `run ${record.run.number}`}`);
}

function closed({ item }: Candidate): Answer | null {
  return item.issue.state === "closed" ? skip("it is closed") : null;
}

function personsPull({ item }: Candidate): Answer | null {
  return item.issue.isPull ? skip("it is a person's pull request; reviewing those is not supported yet") : null;
}

function unlabelled({ item, labelled, named, record, policy }: Candidate): Answer | null {
  if (labelled || named || record?.state === "published" || record?.state === "held") return null;
  return skip(`\`${policy.label}\` is off${item.issue.assignees.length > 0 ? "" : ", nobody asks for work"}`);
}

function openPull({ item, record }: Candidate): Answer | null {
  if (item.pull === null || record?.state === "published") return null;
  const label = item.pull.labels.find((l) => l.name.startsWith("agent/"))?.name ?? stageLabel("needs-review");
  return skip(`pull request #${item.pull.number} is open with \`${label}\`; the next step on it is not supported yet`);
}

// An order younger than the record moves the issue's time of change; our own writes do too, hence the two minutes.
function cooling({ item, record, named, snapshot }: Candidate): Answer | null {
  const until = coolsUntil(record, snapshot);
  if (until === null || named || record === null) return null;
  return item.issue.updatedAt > Date.parse(record.at) + 120_000 ? null : skip(until);
}

function coolsUntil(record: Candidate["record"], snapshot: Snapshot): string | null {
  if (record === null || record.state !== "released" || record.cooldownUntil === null) return null;
  if (Date.parse(record.cooldownUntil) <= snapshot.now) return null;
  return `cooling down after ${record.lastFailure?.class ?? "a failure"} until ${clockTime(record.cooldownUntil)}`;
}

// Without an explicit order these hold whatever the costly facts are, so that they are never read for such an item.
function excludedCheaply(c: Candidate): Answer | null {
  if (c.named || c.item.issue.comments > 0 || c.record?.state === "published") return null;
  const reason = excluded(c);
  return reason === null ? null : skip(reason);
}

function excluded({ item, policy, snapshot, record }: Candidate): string | null {
  const label = item.issue.labels.find((l) => policy.excludeLabels.includes(l.name));
  if (label !== undefined) return `the label \`${label.name}\` excludes it`;
  const title = policy.excludeTitles.find((pattern) => pattern.test(item.issue.title));
  if (title !== undefined) return `its title matches \`${title.source}\`, which excludes it`;
  const own = record?.branch ?? branchName(item.issue.number, 1);
  const [pull] = snapshot.openPulls
    .filter((p) => !(p.headIsHere && p.headRef === own) && closes(`${p.title}\n${p.body}`, item.issue.number))
    .sort((a, b) => a.number - b.number);
  return pull === undefined ? null : `pull request #${pull.number} by @${pull.author} closes it already`;
}

/** Everything below this row has the costly facts and knows whom to trust. */
function orders(c: Candidate): Answer | null {
  const { details } = c.item;
  if (details === null) return lookAt({ facts: "details", branch: ownBranch(c) });
  const s = standing(c, details);
  const ask = [...s.ask];
  if (
    s.pending === null &&
    ask.length === 0 &&
    textChanged(c) &&
    trustInLogin(c.item.issue.author, details, c.policy).kind === "ask"
  ) {
    ask.push(c.item.issue.author);
  }
  return ask.length > 0 ? lookAt({ facts: "access", logins: [...new Set(ask)] }) : null;
}

function known(c: Candidate): { details: Details; s: Standing } {
  if (c.item.details === null) throw new Error("a row that needs costly facts stands above the row that asks for them");
  return { details: c.item.details, s: standing(c, c.item.details) };
}

function taken(c: Candidate): Answer | null {
  const { details, s } = known(c);
  const login = takenBy(c, details, s.lastOrderAt);
  return login === null ? null : skip(`@${login} is assigned`);
}

function coolingWithoutOrder(c: Candidate): Answer | null {
  const until = coolsUntil(c.record, c.snapshot);
  return until === null || known(c).s.pending !== null ? null : skip(until);
}

function unfinished({ item, record, snapshot }: Candidate): Answer | null {
  if (record?.state !== "published") return null;
  if (record.resumeAt !== undefined && Date.parse(record.resumeAt) > snapshot.now) {
    return skip(`what an earlier run published is finished after ${clockTime(record.resumeAt)}; the last try failed`);
  }
  return { kind: "work", work: { kind: "resume", item, row: 7 } };
}

function labelOff(c: Candidate): Answer | null {
  const { details, s } = known(c);
  return stands(c, details, s) || isExplicit(s) ? null : skip(`\`${c.policy.label}\` is off, nobody asks for work`);
}

/**
 * The label is on; or a run that obeyed a command died before it could put it on, and nobody has taken it off since.
 */
function stands({ labelled, record, policy }: Candidate, details: Details, s: Standing): boolean {
  if (labelled || record?.state !== "held") return labelled;
  const isRemoval = (e: Details["timeline"][number]) => e.kind === "label" && !e.added && e.label === policy.label;
  return !details.timeline.some((e) => isRemoval(e) && e.at >= s.lastOrderAt);
}

/** A command or a run by hand: it names the item, so what only keeps the program from choosing it by itself does not count. */
function isExplicit(s: Standing): boolean {
  return s.pending !== null && !s.pending.id.startsWith("label:");
}

function notReady(c: Candidate): Answer | null {
  const { details, s } = known(c);
  const { snapshot, policy, record, item } = c;
  if (s.pending === null) {
    const [refusal] = s.refused;
    if (refusal !== undefined && !continues(c, s)) return skip(`the order is refused: ${refusal.why}`);
    if (!continues(c, s)) return skip(awaits(c));
    if (textChanged(c) && trustInLogin(item.issue.author, details, policy).kind !== "yes") {
      return skip(
        "its text was changed after the order by somebody who may not give orders; put the label on again to go on",
      );
    }
  } else if (s.pending.verb !== "run") {
    return skip(`\`/agent ${s.pending.verb}\` is not supported yet`);
  }
  if (!isExplicit(s)) {
    const reason = excluded(c);
    if (reason !== null) return skip(reason);
    const [blocker] = details.openDependencies;
    if (blocker !== undefined) return skip(`it waits for ${blocker.repository}#${blocker.number}, which is open`);
  }
  // Only a head that the record names is ours: whatever else stands there is somebody's work and is never replaced.
  if (details.branch !== null && details.branch !== record?.head) {
    return skip(`the branch \`${ownBranch(c)}\` holds commits that are not the program's; rename or delete it`);
  }
  const pulls = snapshot.openPulls.filter((pull) => isProgram(snapshot, pull.author)).length;
  if (pulls >= policy.maxOpenPulls)
    return skip(`${pulls} pull requests of the program are open (\`max-open-pulls\` is ${policy.maxOpenPulls})`);
  if (freeSlot(snapshot, policy) === null)
    return skip(`all places for agents are taken (\`max-concurrent\` is ${policy.maxConcurrent})`);
  return null;
}

/** Work begun under an order that still stands: failed, or its run died. */
function continues(c: Candidate, s: Standing): boolean {
  const { record, item, snapshot, policy } = c;
  if (record === null || item.details === null || !stands(c, item.details, s) || record.askedBy === "") return false;
  if (record.state !== "released" && record.state !== "held") return false;
  const last = item.details.timeline.findLast((e) => e.kind === "label" && e.added && e.label === policy.label);
  // A label that somebody without the right put on after the last order asks for something new, and is refused.
  return last === undefined || isProgram(snapshot, last.by) || last.at <= s.lastOrderAt;
}

function awaits({ record }: Candidate): string {
  if (record?.state === "blocked") return "it waits for a person; put the label on again to go on";
  if (record?.state === "done" || record?.state === "closed")
    return "its work is done; put the label on again for another go";
  return "nobody who may give orders asked for it";
}

function textChanged({ record, item }: Candidate): boolean {
  return (
    record !== null && record.state !== "closed" && record.bodyHash !== null && record.bodyHash !== bodyHash(item.issue)
  );
}

function implement(c: Candidate): Answer {
  const { details, s } = known(c);
  const { snapshot, policy, item, record } = c;
  const askedBy = s.pending?.by ?? record?.askedBy ?? "";
  const fresh = s.pending !== null || record === null || record.state === "closed";
  const attempt = (fresh ? 0 : record.attempt) + 1;
  if (attempt > policy.maxAttempts) {
    const reason = `${policy.maxAttempts} attempts ended without a result`;
    return { kind: "work", work: { kind: "give-up", item, row: 18, reason, askedBy, generation: generation(c) } };
  }
  const handled = s.trusted.map((order) => order.id);
  const slot = freeSlot(snapshot, policy) ?? 1;
  const plan = {
    generation: generation(c),
    branch: ownBranch(c),
    expect: details.branch,
    attempt,
    askedBy,
    orderAt: s.lastOrderAt,
    instruction: [s.pending?.text ?? "", snapshot.trigger.message]
      .filter((text, i, all) => text !== "" && all.indexOf(text) === i)
      .join("\n\n"),
    handled,
    orderComments: s.pending?.comment === null || s.pending === null ? [] : [s.pending.comment],
    unassign: assignedByProgram(c, details),
    slot,
  };
  return { kind: "work", work: { kind: "implement", item, row: 18, plan } };
}

/** Whether two decisions are the same work: what a run claimed must still be what it would choose after the claim. */
export function sameWork(a: Decision, b: Decision): boolean {
  if (a.kind !== b.kind || !("item" in a) || !("item" in b) || a.item.key !== b.item.key) return false;
  if (a.kind === "implement" && b.kind === "implement")
    return a.plan.branch === b.plan.branch && a.plan.expect === b.plan.expect;
  return true;
}

/** What a held claim asks at each renewal: may the work go on? A person takes it back by hold, assignment, closing, locking or label off. */
export function takenBack(
  item: Item,
  policy: Policy,
  program: readonly string[],
  assignedBefore: readonly string[],
): string | null {
  const { issue } = item;
  if (issue.state === "closed") return "the issue was closed";
  if (issue.locked) return "the issue was locked";
  if (hasLabel(issue.labels, holdLabel)) return `\`${holdLabel}\` was put on`;
  if (!hasLabel(issue.labels, policy.label)) return `\`${policy.label}\` was taken off`;
  const names = [...program, ...assignedBefore].map((name) => name.toLowerCase());
  const person = issue.assignees.find((login) => !names.includes(login.toLowerCase()));
  return person === undefined ? null : `@${person} was assigned`;
}
