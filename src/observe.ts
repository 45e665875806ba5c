// Reads the forge into a snapshot. Cheap facts for all items, costly ones only where decide asks for them. Chooses nothing.
//
// The ledger is read after the facts it is compared with: what a run finished meanwhile is then seen as finished.

import type { Decision } from "./core/decision.ts";
import { type Effects, parseEffects } from "./core/effects.ts";
import { findMarker } from "./core/marker.ts";
import {
  type Details,
  type Item,
  issueKey,
  type RecordFact,
  type Slot,
  type Snapshot,
  sameLogin,
  type Trigger,
} from "./core/model.ts";
import type { Policy } from "./core/policy.ts";
import { turn } from "./core/priority.ts";
import { describe, RunError } from "./errors.ts";
import type { Account, Issue, Pull } from "./forge/port.ts";
import { parseControl } from "./ledger/control.ts";
import { parseRecord } from "./ledger/record.ts";
import { ledgerPrefix, parseRef } from "./ledger/refs.ts";
import { parseSlot } from "./ledger/slot.ts";
import type { Ports } from "./ports.ts";

/** Items of the ledger without label that one run looks at, for repairs. */
const unlabelledLooksMax = 3;
/** Former pull requests that one run reads. */
const formerLooksMax = 5;

export interface Who {
  me: Account;
  owner: string;
  program: readonly string[];
  seed: number;
}

interface Ledger {
  records: Record<string, RecordFact>;
  slots: Slot[];
  pause: Snapshot["pause"];
  /** Effects still to be written, by key; those that cannot be read are missing. */
  effects: Map<string, Effects>;
}

export interface Observed {
  snapshot: Snapshot;
  effects: Map<string, Effects>;
}

/** A fresh look. `trigger.item` narrows it to one item. */
export async function observe(ports: Ports, who: Who, trigger: Trigger, policy: Policy): Promise<Observed> {
  const { forge } = ports;
  const [issues, openPulls] = await Promise.all([
    trigger.item === null ? forge.labelled(policy.label) : named(ports, trigger.item, who),
    forge.openPulls(),
  ]);
  const ledger = await readLedger(ports);
  const wide = trigger.item === null;
  const listed = issues.filter((issue) => !isOwnPull(issue, who));
  const rest = wide ? await unlabelled(ports, ledger, listed, openPulls, who.seed) : [];
  let formerLooks = 0;
  const items: Item[] = [];
  for (const issue of [...listed, ...rest]) {
    const key = issue.isPull ? `pr-${issue.number}` : issueKey(issue.number);
    const record = ledger.records[key] ?? { kind: "none" };
    const pull = openPulls.find((p) => isPullOf(p, issue.number, record, who)) ?? null;
    const former =
      pull === null && formerLooks < formerLooksMax ? await formerPull(ports, issue, record, policy, who) : null;
    if (former !== null) formerLooks++;
    items.push({
      key,
      issue,
      record,
      pull,
      former,
      details: null,
      unreadable: unreadableEffects(record, ledger.effects.has(key)),
    });
  }
  const now = forge.now() ?? Date.now();
  const { records, slots, pause, effects } = ledger;
  return {
    snapshot: { now, trigger, ...who, base: policy.base, canDispatch: null, items, openPulls, records, slots, pause },
    effects,
  };
}

async function named(ports: Ports, number: number, who: Who): Promise<Issue[]> {
  const issue = await ports.forge.issue(number);
  if (issue === null) return [];
  const marker = isOwnPull(issue, who) ? findMarker(issue.body, "pull") : null;
  const meant = marker === null ? null : await ports.forge.issue(Number(marker.values["issue"]));
  return [meant ?? issue];
}

function isOwnPull(issue: Issue, who: Who): boolean {
  return (
    issue.isPull && who.program.some((name) => sameLogin(name, issue.author)) && findMarker(issue.body, "pull") !== null
  );
}

function isPullOf(pull: Pull, issue: number, record: RecordFact, who: Who): boolean {
  if (!pull.headIsHere || !who.program.some((name) => sameLogin(name, pull.author))) return false;
  if (record.kind === "record" && record.record.pull === pull.number) return true;
  return findMarker(pull.body, "pull")?.values["issue"] === String(issue);
}

async function readLedger(ports: Ports): Promise<Ledger> {
  const ledger: Ledger = { records: {}, slots: [], pause: null, effects: new Map() };
  // One REST request tells whether there is anything to read; git is started only then.
  const refs = await ports.forge.refs(ledgerPrefix.slice("refs/".length).replace(/\/$/, ""));
  if (refs.length === 0) return ledger;
  for (const [name, { sha, message, effects }] of await (await ports.host()).fetchLedger()) {
    const ref = parseRef(name);
    if (ref.kind === "item") {
      const parsed = parseRecord(message);
      ledger.records[ref.key] =
        parsed.kind === "record"
          ? { kind: "record", sha, record: parsed.record }
          : { kind: "unreadable", sha, why: parsed.why };
      const readable = effects === null ? null : parseEffects(effects);
      if (readable !== null) ledger.effects.set(ref.key, readable);
    }
    if (ref.kind === "slot") ledger.slots.push({ number: ref.number, sha, holder: parseSlot(message) });
    if (ref.kind === "control") ledger.pause = parseControl(message);
  }
  return ledger;
}

/** Effects of a newer version, or broken ones, are left alone with the record that holds them: writing it anew would lose them. */
function unreadableEffects(record: RecordFact, isReadable: boolean): string | null {
  if (isReadable || record.kind !== "record" || record.record.state !== "published") return null;
  return "what is still to be written for it (`effects.json`) cannot be read by this version";
}

/** Some items that the ledger knows and no label shows: closed, merged or handed over meanwhile. Others' turn comes with the next runs. */
async function unlabelled(
  ports: Ports,
  ledger: Ledger,
  listed: readonly Issue[],
  openPulls: readonly Pull[],
  seed: number,
): Promise<Issue[]> {
  const numbers = Object.entries(ledger.records).flatMap(([key, fact]) => {
    const number = /^issue-(\d+)$/.exec(key)?.[1];
    if (number === undefined || fact.kind !== "record" || fact.record.state === "closed") return [];
    const { pull } = fact.record;
    const waits = fact.record.state === "done" && openPulls.some((p) => p.number === pull);
    return waits || listed.some((issue) => issue.number === Number(number)) ? [] : [Number(number)];
  });
  if (numbers.length === 0) return [];
  const chosen = turn(numbers, seed, unlabelledLooksMax);
  const found = await Promise.all(chosen.map((number) => ports.forge.issue(number)));
  return found.filter((issue) => issue !== null);
}

async function formerPull(
  ports: Ports,
  issue: Issue,
  record: RecordFact,
  policy: Policy,
  who: Who,
): Promise<Item["former"]> {
  if (record.kind !== "record" || record.record.pull === null || record.record.state === "closed") return null;
  const pull = await ports.forge.pull(record.record.pull);
  if (pull === null || pull.state === "open") return null;
  const timeline = await ports.forge.timeline(issue.number);
  const labelled = timeline.findLast(
    (e) =>
      e.kind === "label" && e.added && e.label === policy.label && !who.program.some((name) => sameLogin(name, e.by)),
  );
  return { pull, closedAt: pull.closedAt ?? pull.updatedAt, labelledAt: labelled?.at ?? 0 };
}

/** The facts that decide asked for, put into a new snapshot. */
export async function look(
  ports: Ports,
  snapshot: Snapshot,
  decision: Extract<Decision, { kind: "look" }>,
): Promise<Snapshot> {
  const { item, wanted } = decision;
  switch (wanted.facts) {
    case "details":
      return withItem(snapshot, { ...item, ...(await readDetails(ports, item, wanted.branch)) });
    case "access": {
      if (item.details === null) throw new Error("rights are asked for before the facts they belong to");
      const asked = await Promise.all(
        wanted.logins.map(async (login) => [login.toLowerCase(), await ports.forge.writeAccess(login)] as const),
      );
      return withDetails(snapshot, item, {
        ...item.details,
        access: { ...item.details.access, ...Object.fromEntries(asked) },
      });
    }
    case "dispatch":
      return { ...snapshot, canDispatch: await mayDispatch(ports) };
    default:
      return wanted satisfies never;
  }
}

/** Runs that are searched for a dispatched one still at work. */
const runsSearched = 50;

/** Whether this run may start another one now without harm. */
export async function mayDispatch(ports: Ports): Promise<boolean | "busy"> {
  const own = await ports.ownRun();
  if (own === null || !(await ports.forge.canDispatch())) return false;
  if (!(await ports.forge.dispatchCancels())) return true;
  const runs = (await ports.forge.recentRuns(runsSearched)) ?? [];
  const isAtWork = runs.some(
    (run) => run.state === "running" && run.event === "workflow_dispatch" && run.workflow === own.workflow,
  );
  return isAtWork ? "busy" : true;
}

// What one stranger can make unreadable (megabytes of comments on an issue of theirs) must not stop the whole run: that item is left alone.
async function readDetails(ports: Ports, item: Item, branch: string): Promise<Pick<Item, "details" | "unreadable">> {
  const { number } = item.issue;
  try {
    const [timeline, comments, openDependencies, found] = await Promise.all([
      ports.forge.timeline(number),
      ports.forge.comments(number),
      ports.forge.openDependencies(number),
      ports.forge.branch(branch),
    ]);
    const access = item.details?.access ?? {};
    return { details: { timeline, comments, openDependencies, branch: found?.sha ?? null, access }, unreadable: null };
  } catch (error) {
    if (!(error instanceof RunError) || error.retry) throw error;
    return { details: null, unreadable: describe(error) };
  }
}

function withDetails(snapshot: Snapshot, item: Item, details: Details): Snapshot {
  return withItem(snapshot, { ...item, details });
}

function withItem(snapshot: Snapshot, item: Item): Snapshot {
  return { ...snapshot, items: snapshot.items.map((other) => (other.key === item.key ? item : other)) };
}
