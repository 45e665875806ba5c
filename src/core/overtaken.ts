// What a run had sent before it lost its claim can be carried out after the next run has ended. On an item that waits for a person nobody would
// see to it any more, so what the program did there after its record was closed is undone; what people did stays. Where work goes on, the next
// run says everything anew.

import type { TimelineEntry } from "../forge/model.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { Effect } from "./effects.ts";
import { findMarker } from "./marker.ts";
import { hasLabel, type Item, isProgram, type Snapshot, sameLogin } from "./model.ts";
import { type Policy, type Stage, stageLabel, stageOf } from "./policy.ts";
import { handedOverLine, waitingLine } from "./report.ts";

/** One page of an item: the issue, and its pull request once there is one. */
interface Page {
  on: "issue" | "pull";
  labels: Item["issue"]["labels"];
  assignees: readonly string[];
  /** What happened to it after the record was closed. */
  later: readonly TimelineEntry[];
}

/** Times of records come from answers that may be a second old. */
const marginMs = 1_000;

/** The writes that undo it; none where the costly facts were not read, or the item does not wait for a person. */
export function undoOvertaken(item: Item, record: LedgerRecord, snapshot: Snapshot, policy: Policy): Effect[] {
  const stage = waitsAt(record);
  const pages = pagesOf(item, Date.parse(record.at) + marginMs);
  const last = pages.at(-1);
  if (stage === null || last === undefined) return [];
  const since = new Date(Date.parse(record.at) + marginMs).toISOString();
  return [
    ...stageBack(last, stage, since, snapshot),
    ...triggerOff(pages, policy.label, since, snapshot),
    ...pages.flatMap((page) => assigneesBack(page, since, snapshot)),
    ...statusBack(item, record, stage, snapshot),
  ];
}

/** Stages at which only a person goes on, by the state of the record. */
const waiting: Partial<Record<LedgerRecord["state"], readonly Stage[]>> = {
  done: ["merge-ready"],
  blocked: ["blocked", "needs-info"],
};

function waitsAt({ state, stage }: LedgerRecord): Stage | null {
  return waiting[state]?.find((one) => one === stage) ?? null;
}

function pagesOf({ issue, pull, details }: Item, after: number): Page[] {
  if (details === null) return [];
  const later = (timeline: readonly TimelineEntry[]) => timeline.filter(({ at }) => at > after);
  const page: Page = { on: "issue", ...issue, later: later(details.timeline) };
  if (pull === null || issue.isPull || details.pull === null) return [page];
  return [page, { on: "pull", ...pull, later: later(details.pull.timeline) }];
}

function stageBack({ on, labels, later }: Page, stage: Stage, since: string, snapshot: Snapshot): Effect[] {
  const last = later.findLast((entry) => entry.kind === "label" && stageOf(entry.label) !== null);
  const found = labels.map(({ name }) => name).filter((name) => stageOf(name) !== null);
  const wanted = stageLabel(stage);
  if (last === undefined || !isProgram(snapshot, last.by) || (found.length === 1 && found[0] === wanted)) return [];
  return [{ id: "stage", do: "labels", on, add: [wanted], remove: found.filter((name) => name !== wanted), since }];
}

function triggerOff([issue]: readonly Page[], label: string, since: string, snapshot: Snapshot): Effect[] {
  if (issue === undefined || !hasLabel(issue.labels, label)) return [];
  const last = issue.later.findLast((entry) => entry.kind === "label" && entry.label === label);
  if (last === undefined || !isProgram(snapshot, last.by)) return [];
  return [{ id: "trigger", do: "labels", on: "issue", add: [], remove: [label], since }];
}

/** A list of assignees is replaced as a whole: a late one puts the bot on and takes people off. */
function assigneesBack({ on, assignees, later }: Page, since: string, snapshot: Snapshot): Effect[] {
  const changed = new Map<string, { added: boolean; by: string }>();
  for (const entry of later) if (entry.kind === "assignee") changed.set(entry.login, entry);
  const byProgram = [...changed].filter(([, { by }]) => isProgram(snapshot, by));
  const isOn = (login: string) => assignees.some((name) => sameLogin(name, login));
  const remove = byProgram.filter(([login, { added }]) => added && isProgram(snapshot, login) && isOn(login));
  const add = byProgram.filter(([login, { added }]) => !added && !isProgram(snapshot, login) && !isOn(login));
  if (remove.length === 0 && add.length === 0) return [];
  const names = (some: typeof byProgram) => some.map(([login]) => login);
  return [{ id: `assign-${on}`, do: "assign", on, add: names(add), remove: names(remove), since }];
}

function statusBack({ issue, details, pull }: Item, record: LedgerRecord, stage: Stage, snapshot: Snapshot): Effect[] {
  const status = details?.comments.find(
    ({ author, body }) => isProgram(snapshot, author) && findMarker(body, "status") !== null,
  );
  if (status === undefined || status.updatedAt <= Date.parse(record.at) + marginMs) return [];
  // A person's pull request is its own issue: what is said stands on the same page.
  const body = statusOf(record, stage, issue.isPull ? null : (pull?.number ?? null));
  if (status.body === body) return [];
  return [{ id: "status", do: "comment", on: "issue", purpose: "status", key: "", mode: "edit", body }];
}

function statusOf({ askedBy, run }: LedgerRecord, stage: Stage, pull: number | null): string {
  const by = { number: run?.number ?? null, url: run?.url ?? null };
  if (stage === "merge-ready" && pull !== null) return handedOverLine(pull, askedBy, by);
  return waitingLine(stage === "needs-info" ? "answer" : "person", pull, by);
}
