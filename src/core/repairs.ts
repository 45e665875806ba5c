// Writes that bring the forge back in line with facts, without an agent. Pure, like decide; none touches an item with a live claim.

import type { LedgerRecord } from "../ledger/record.ts";
import { closes } from "./closing.ts";
import { type Double, doublesOf } from "./doubles.ts";
import { type Effect, reviewContext, verdictStatus } from "./effects.ts";
import { hasLabel, type Item, isProgram, type Snapshot, sameLogin } from "./model.ts";
import { undoOvertaken } from "./overtaken.ts";
import { holdLabel, type Policy, stageLabel, stageOf, stages } from "./policy.ts";
import { mergedLine, verdictWords } from "./report.ts";
import { isAlive } from "./takeover.ts";

export interface Repair {
  item: Item;
  /** What is put right, for the log. */
  why: string;
  effects: Effect[];
  /** Comments and reviews that stand there twice. */
  doubles: readonly Double[];
  /** The record is closed with it, and what was kept of its work removed; its commit as it was when this was decided. */
  close: boolean;
  /** What changes in the record; null = nothing. */
  change: Partial<LedgerRecord> | null;
}

/** Most repairs of one run; the next run goes on. */
const repairsMax = 10;

/** What the cheap facts show, before anything is decided. */
export function repairs(snapshot: Snapshot, policy: Policy): Repair[] {
  return mendable(snapshot, policy)
    .flatMap(({ item, record }): Repair[] => {
      if (record === null) return [];
      const repair =
        closeItem(item, record, snapshot, policy) ??
        endJudging(item, record) ??
        unassignBot(item, record, snapshot) ??
        rightStage(item, record) ??
        rightVerdict(item, record, snapshot);
      return repair === null ? [] : [repair];
    })
    .slice(0, repairsMax);
}

/**
 * What the costly facts show besides, of the items whose facts were read for the decision: nothing is read for it. `chosen`: key of the item that
 * the run is about to work on, to which the bot is assigned; null = none.
 */
export function lateRepairs(snapshot: Snapshot, policy: Policy, chosen: string | null): Repair[] {
  return mendable(snapshot, policy)
    .flatMap(({ item, record }): Repair[] => {
      const doubles = doublesOf(item, snapshot);
      const isFree = item.key !== chosen;
      const left = isFree && isOwnAssignment(item, snapshot, policy) ? unassign(item, snapshot) : [];
      const late = isFree && record !== null ? undoOvertaken(item, record, snapshot, policy) : [];
      const { number } = item.issue;
      const why = [
        ...(doubles.length > 0 ? [`what was said twice on #${number} stands there once`] : []),
        ...(left.length > 0 ? [`#${number} was left assigned to the bot by itself`] : []),
        ...(late.length > 0 ? [`what a run wrote on #${number} after its time is undone`] : []),
      ].join("; ");
      return why === "" ? [] : [aRepair(item, why, { effects: [...left, ...late], doubles })];
    })
    .slice(0, repairsMax);
}

/** The items that may be touched: not while the program is paused, not on hold, no live claim, nothing of a newer version. */
function mendable(snapshot: Snapshot, policy: Policy): { item: Item; record: LedgerRecord | null }[] {
  const { pause } = snapshot;
  if (pause !== null && (pause.until === null || pause.until > snapshot.now)) return [];
  return snapshot.items.flatMap((item) => {
    if (item.record.kind === "unreadable" || item.unreadable !== null || isHeld(item)) return [];
    const record = item.record.kind === "record" ? item.record.record : null;
    if (record !== null && isAlive(record, snapshot, policy.limits)) return [];
    return [{ item, record }];
  });
}

function isHeld({ issue, pull }: Item): boolean {
  return hasLabel(issue.labels, holdLabel) || (pull !== null && hasLabel(pull.labels, holdLabel));
}

function aRepair(item: Item, why: string, does: Partial<Omit<Repair, "item" | "why">>): Repair {
  return { item, why, ...{ effects: [], doubles: [], close: false, change: null }, ...does };
}

/** Closed or merged: labels off, bot unassigned, record closed, the merged branch deleted, a dead reviewer's status ended. */
function closeItem(item: Item, record: LedgerRecord, snapshot: Snapshot, policy: Policy): Repair | null {
  if (record.state === "closed") return null;
  const over = endOf(item);
  if (over === null) return null;
  // Put on again after the end: that label asks for the next generation.
  const again = item.issue.state === "open" && item.former !== null && item.former.labelledAt > item.former.closedAt;
  const off = item.issue.labels.filter((l) => (l.name === policy.label && !again) || stageOf(l.name) !== null);
  const pullOff = (item.former?.pull.labels ?? []).filter((l) => stageOf(l.name) !== null);
  const effects = [...endedStatus(record), ...(again ? [] : landed(item, record))];
  if (off.length > 0)
    effects.push({ id: "labels-issue", do: "labels", on: "issue", add: [], remove: off.map((l) => l.name) });
  if (pullOff.length > 0)
    effects.push({ id: "labels-pull", do: "labels", on: "pull", add: [], remove: pullOff.map((l) => l.name) });
  effects.push(...unassign(item, snapshot));
  if (item.former?.pull.merged === true && record.head !== null && record.branch !== record.baseBranch) {
    // What was merged may hold a person's commits on top of ours; whatever came later stays.
    effects.push({ id: "branch", do: "delete-branch", branch: record.branch, sha: item.former.pull.headSha });
  }
  return aRepair(item, `#${item.issue.number} is over: ${over}`, { effects, close: true });
}

function endOf(item: Item): string | null {
  if (item.former !== null)
    return `pull request #${item.former.pull.number} was ${item.former.pull.merged ? "merged" : "closed"}`;
  // A closed issue with an open pull request of ours waits for what people do with that.
  if (item.issue.state !== "closed" || item.pull !== null) return null;
  return item.issue.isPull ? "the pull request was closed" : "the issue was closed";
}

/** The run that merged died before it could see to the issue: the forge did not close it although the pull request says so, and nobody has told of it. */
function landed({ issue, former }: Item, { kind, state, merging, run }: LedgerRecord): Effect[] {
  const wasLanding = kind === "land" && (state === "held" || state === "published" || state === "released");
  if (!wasLanding || former?.pull.merged !== true) return [];
  const { number, title, body, headSha } = former.pull;
  const isLeftOpen = issue.state !== "closed" && closes(`${title}\n${body}`, issue.number);
  const effects: Effect[] = isLeftOpen ? [{ id: "close", do: "close-issue" }] : [];
  // Of another head somebody else is to tell: it is not the one that was approved.
  if (merging?.head !== headSha) return effects;
  const line = mergedLine(number, headSha, merging.approvedBy, { number: run?.number ?? null, url: run?.url ?? null });
  return [
    ...effects,
    { id: "status", do: "comment", on: "issue", purpose: "status", key: "", mode: "edit", body: line },
  ];
}

/** A reviewer that died, or one that waited for a second opinion, left its status pending: nobody will end it any more. */
function endedStatus(record: LedgerRecord): Effect[] {
  const { state, kind, verdict, judging } = record;
  // Records of older programs do not say what they were judging.
  const isDead = (state === "held" || state === "published") && kind === "review";
  const sha =
    judging ?? (isDead ? (record.expect ?? record.head) : waitsForMore(record) ? verdict?.head : null) ?? null;
  return sha === null
    ? []
    : [verdictStatus(sha, "error", "the pull request ended before its review did", record.run?.url ?? null)];
}

/** The status of a head that nobody judges any more. */
export const noVerdict = "no verdict: its run ended without one";

/** A review ended without a word: its run died, or met an error that trying again does not mend. Whoever reviews next says pending again. */
function endJudging(item: Item, record: LedgerRecord): Repair | null {
  // What is published says it itself, once its effects are finished; an approval that waits for another one is pending by right.
  const waits = waitsForMore(record) && item.pull?.headSha === record.judging;
  if (record.judging === undefined || record.state === "published" || waits) return null;
  const effects = [verdictStatus(record.judging, "error", noVerdict, record.run?.url ?? null)];
  const why = `#${item.issue.number}: a review ended without a word`;
  return aRepair(item, why, { effects, change: { judging: undefined } });
}

/** Approved, and another approval is needed. */
function waitsForMore({ verdict }: LedgerRecord): boolean {
  return verdict?.verdict === "approved" && verdict.approvedBy.length < verdict.approvalsNeeded;
}

/** A review's `pending` that came after the verdict, long under way: the verdict is said again. What others say under that name is theirs. */
function rightVerdict(item: Item, { state, verdict, run }: LedgerRecord, snapshot: Snapshot): Repair | null {
  const { pull, statuses, issue } = item;
  if (state !== "done" || verdict === undefined || verdict.head !== pull?.headSha) return null;
  const said = statuses?.find(({ context }) => context === reviewContext);
  const right = verdictWords(verdict);
  if (said?.state !== "pending" || right.state === "pending" || !isProgram(snapshot, said.creator)) return null;
  const effect = verdictStatus(verdict.head, right.state, right.description, run?.url ?? null);
  return aRepair(item, `the verdict on #${issue.number} is said again`, { effects: [effect] });
}

/**
 * A run ended and nobody will take it over, but the bot is assigned. What happened later, or in the same second, can be a person's assignment, which
 * is an order: that the timeline tells (lateRepairs).
 */
function unassignBot(item: Item, record: LedgerRecord, snapshot: Snapshot): Repair | null {
  if (item.pull !== null) return null;
  if (record.state !== "released" && record.state !== "blocked" && record.state !== "closed") return null;
  if (item.issue.updatedAt >= Math.floor(Date.parse(record.at) / 1000) * 1000) return null;
  const effects = unassign(item, snapshot);
  const why = `#${item.issue.number} was left assigned to the bot by a run that ended`;
  return effects.length === 0 ? null : aRepair(item, why, { effects });
}

function unassign(item: Item, snapshot: Snapshot): Effect[] {
  const ours = item.issue.assignees.filter((login) => isProgram(snapshot, login));
  if (ours.length === 0) return [];
  const since = new Date(snapshot.now).toISOString();
  return [{ id: "assign-issue", do: "assign", on: "issue", add: [], remove: ours, since }];
}

/** The timeline says that the bot is assigned by the program and not by a person, and neither work nor an open pull request is the reason. */
function isOwnAssignment({ issue, pull, record, details }: Item, snapshot: Snapshot, { label }: Policy): boolean {
  if (pull !== null || details === null) return false;
  const state = record.kind === "record" ? record.record.state : "closed";
  // What a dead run holds is taken over, and assigned again; not where somebody took the trigger label off meanwhile.
  if (state === "published" || (state === "held" && hasLabel(issue.labels, label))) return false;
  const ours = issue.assignees.filter((login) => isProgram(snapshot, login));
  return ours.every((login) => {
    const last = details.timeline.findLast((e) => e.kind === "assignee" && e.added && sameLogin(e.login, login));
    return last !== undefined && isProgram(snapshot, last.by);
  });
}

/** States whose stage label the program wrote itself. A stop leaves the label by which a person ordered it. */
const writtenStages: Partial<Record<LedgerRecord["state"], readonly string[]>> = {
  done: ["needs-review", "needs-rework", "merge-ready"],
  blocked: ["needs-info", "blocked"],
};

/** The stage label is not the one that the record names, and nothing has happened since: the record wins. A later change can be a person's order. */
function rightStage(item: Item, record: LedgerRecord): Repair | null {
  const { issue, pull } = item;
  const wanted = stages.find((stage) => stage === record.stage);
  if (wanted === undefined || writtenStages[record.state]?.includes(wanted) !== true) return null;
  if (pull === null && record.state === "done") return null;
  const place = pull === null || issue.isPull ? issue : pull;
  if (Math.max(place.updatedAt, pull?.updatedAt ?? 0) > Date.parse(record.at)) return null;
  const found = place.labels.map((label) => label.name).filter((name) => stageOf(name) !== null);
  const label = stageLabel(wanted);
  if (found.length === 1 && found[0] === label) return null;
  const remove = found.filter((name) => name !== label);
  const on = place === issue ? "issue" : "pull";
  // A label that a person put on is an order whenever that was: also while the run was still writing, whose record was closed after it.
  const since = new Date(0).toISOString();
  const effect: Effect = { id: "stage", do: "labels", on, add: [label], remove, since };
  return aRepair(item, `#${issue.number} is at \`${label}\`, as its record says`, { effects: [effect] });
}
