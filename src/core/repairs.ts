// Writes that bring the forge back in line with facts, without an agent. Pure, like decide; none touches an item with a live claim.

import { isLive, type LedgerRecord } from "../ledger/record.ts";
import type { Effect } from "./effects.ts";
import { hasLabel, type Item, isProgram, type Snapshot } from "./model.ts";
import { holdLabel, type Policy, stageLabel, stageOf, stages } from "./policy.ts";

export interface Repair {
  item: Item;
  /** What is put right, for the log. */
  why: string;
  effects: Effect[];
  /** The record is closed with it; its commit as it was when this was decided. */
  close: boolean;
}

/** Most repairs of one run; the next run goes on. */
const repairsMax = 10;

export function repairs(snapshot: Snapshot, policy: Policy): Repair[] {
  const { pause } = snapshot;
  if (pause !== null && (pause.until === null || pause.until > snapshot.now)) return [];
  const result: Repair[] = [];
  for (const item of snapshot.items) {
    if (item.record.kind !== "record" || isHeld(item)) continue;
    const { record } = item.record;
    if (isLive(record, snapshot.now, policy.limits.slackSeconds)) continue;
    const repair =
      closeItem(item, record, snapshot, policy) ?? unassignBot(item, record, snapshot) ?? rightStage(item, record);
    if (repair !== null) result.push(repair);
  }
  return result.slice(0, repairsMax);
}

function isHeld({ issue, pull }: Item): boolean {
  return hasLabel(issue.labels, holdLabel) || (pull !== null && hasLabel(pull.labels, holdLabel));
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
  const effects = [...endedStatus(record)];
  if (off.length > 0)
    effects.push({ id: "labels-issue", do: "labels", on: "issue", add: [], remove: off.map((l) => l.name) });
  if (pullOff.length > 0)
    effects.push({ id: "labels-pull", do: "labels", on: "pull", add: [], remove: pullOff.map((l) => l.name) });
  effects.push(...unassign(item, snapshot));
  if (item.former?.pull.merged === true && record.head !== null && record.branch !== record.baseBranch) {
    // What was merged may hold a person's commits on top of ours; whatever came later stays.
    effects.push({ id: "branch", do: "delete-branch", branch: record.branch, sha: item.former.pull.headSha });
  }
  return { item, why: `#${item.issue.number} is over: ${over}`, effects, close: true };
}

function endOf(item: Item): string | null {
  if (item.former !== null)
    return `pull request #${item.former.pull.number} was ${item.former.pull.merged ? "merged" : "closed"}`;
  // A closed issue with an open pull request of ours waits for what people do with that.
  if (item.issue.state !== "closed" || item.pull !== null) return null;
  return item.issue.isPull ? "the pull request was closed" : "the issue was closed";
}

/** A reviewer that died, or one that waited for a second opinion, left its status pending: nobody will end it any more. */
function endedStatus(record: LedgerRecord): Effect[] {
  const { state, kind, verdict, run } = record;
  const waits = verdict?.verdict === "approved" && verdict.approvedBy.length < verdict.approvalsNeeded;
  const isDead = (state === "held" || state === "published") && kind === "review";
  const sha = isDead ? (record.expect ?? record.head) : waits ? verdict.head : null;
  if (sha === null) return [];
  const description = "the pull request ended before its review did";
  const context = "agent-dispatch/review";
  return [{ id: "verdict-error", do: "status", sha, context, state: "error", description, target: run?.url ?? "" }];
}

/** Our own writes of a run come a moment before or after its record. */
const ownWritesMs = 120_000;

/** A run ended and nobody will take it over, but the bot is assigned. What happened later can be a person's assignment, which is an order. */
function unassignBot(item: Item, record: LedgerRecord, snapshot: Snapshot): Repair | null {
  if (item.pull !== null) return null;
  if (record.state !== "released" && record.state !== "blocked" && record.state !== "closed") return null;
  if (item.issue.updatedAt > Date.parse(record.at) + ownWritesMs) return null;
  const effects = unassign(item, snapshot);
  return effects.length === 0
    ? null
    : { item, why: `#${item.issue.number} was left assigned to the bot by a run that ended`, effects, close: false };
}

function unassign(item: Item, snapshot: Snapshot): Effect[] {
  const ours = item.issue.assignees.filter((login) => isProgram(snapshot, login));
  if (ours.length === 0) return [];
  const since = new Date(snapshot.now).toISOString();
  return [{ id: "assign-issue", do: "assign", on: "issue", add: [], remove: ours, since }];
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
  // The timeline has whole seconds: a person's label of the record's own second stands where ours was, so it came later.
  const since = new Date(Math.floor(Date.parse(record.at) / 1000) * 1000 - 1).toISOString();
  const effect: Effect = { id: "stage", do: "labels", on, add: [label], remove, since };
  return { item, why: `#${issue.number} is at \`${label}\`, as its record says`, effects: [effect], close: false };
}
