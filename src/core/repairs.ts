// Writes that bring the forge back in line with facts, without an agent. Pure, like decide; none touches an item with a live claim.

import { isLive } from "../ledger/record.ts";
import type { Effect } from "./effects.ts";
import { hasLabel, type Item, isProgram, type Snapshot } from "./model.ts";
import { holdLabel, type Policy, stageOf } from "./policy.ts";

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
    if (item.record.kind === "unreadable" || hasLabel(item.issue.labels, holdLabel)) continue;
    if (item.record.kind === "record" && isLive(item.record.record, snapshot.now, policy.limits.slackSeconds)) continue;
    const repair = closeItem(item, snapshot, policy) ?? unassignBot(item, snapshot, policy);
    if (repair !== null) result.push(repair);
  }
  return result.slice(0, repairsMax);
}

/** Closed or merged: labels off, bot unassigned, record closed, the merged branch deleted. */
function closeItem(item: Item, snapshot: Snapshot, policy: Policy): Repair | null {
  if (item.record.kind !== "record" || item.record.record.state === "closed") return null;
  const { record } = item.record;
  const over = endOf(item);
  if (over === null) return null;
  // Put on again after the end: that label asks for the next generation.
  const again = item.issue.state === "open" && item.former !== null && item.former.labelledAt > item.former.closedAt;
  const off = item.issue.labels.filter((l) => (l.name === policy.label && !again) || stageOf(l.name) !== null);
  const pullOff = (item.former?.pull.labels ?? []).filter((l) => stageOf(l.name) !== null);
  const effects: Effect[] = [];
  if (off.length > 0)
    effects.push({ id: "labels-issue", do: "labels", on: "issue", add: [], remove: off.map((l) => l.name) });
  if (pullOff.length > 0)
    effects.push({ id: "labels-pull", do: "labels", on: "pull", add: [], remove: pullOff.map((l) => l.name) });
  effects.push(...unassign(item, snapshot));
  if (item.former?.pull.merged === true && record.head !== null && record.branch !== record.baseBranch) {
    effects.push({ id: "branch", do: "delete-branch", branch: record.branch, sha: record.head });
  }
  return { item, why: `#${item.issue.number} is over: ${over}`, effects, close: true };
}

function endOf(item: Item): string | null {
  if (item.former !== null)
    return `pull request #${item.former.pull.number} was ${item.former.pull.merged ? "merged" : "closed"}`;
  // A closed issue with an open pull request of ours waits for what people do with that.
  return item.issue.state === "closed" && item.pull === null ? "the issue was closed" : null;
}

/** A run died between its claim and its end, and nobody will take it over: the bot is assigned and nobody works. */
function unassignBot(item: Item, snapshot: Snapshot, policy: Policy): Repair | null {
  if (item.pull !== null || item.record.kind !== "record") return null;
  const { state } = item.record.record;
  // A dead claim whose label still stands is taken over by this run or the next, which assigns again.
  if (state === "published" || state === "done" || (state === "held" && hasLabel(item.issue.labels, policy.label)))
    return null;
  const effects = unassign(item, snapshot);
  return effects.length === 0
    ? null
    : { item, why: `#${item.issue.number} was left assigned to the bot by a run that ended`, effects, close: false };
}

function unassign(item: Item, snapshot: Snapshot): Effect[] {
  const ours = item.issue.assignees.filter((login) => isProgram(snapshot, login));
  if (ours.length === 0) return [];
  return [
    {
      id: "assign-issue",
      do: "assign",
      on: "issue",
      add: [],
      remove: ours,
      since: new Date(snapshot.now).toISOString(),
    },
  ];
}
