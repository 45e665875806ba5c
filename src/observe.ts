// Reads the forge into a snapshot: cheap facts for all items; costly ones only where decide asks for them (look.ts). Chooses nothing.
//
// The ledger is read after the facts it is compared with: what a run finished meanwhile is then seen as finished.

import { parseCommand } from "./core/command.ts";
import { isDashboard } from "./core/control.ts";
import { doubledIn } from "./core/doubles.ts";
import type { Effects } from "./core/effects.ts";
import { generationOfBranch } from "./core/lost.ts";
import { findMarker } from "./core/marker.ts";
import {
  type Control,
  type ControlOrder,
  type Item,
  isProgram,
  issueKey,
  type RecordFact,
  type Snapshot,
  type Trigger,
} from "./core/model.ts";
import type { Policy } from "./core/policy.ts";
import type { Ends } from "./core/takeover.ts";
import { readEnds } from "./ends.ts";
import { describe, RunError } from "./errors.ts";
import {
  type Asked,
  askedIn,
  commandedIssues,
  controlledIssues,
  doubledIssues,
  scanMax,
  scanMs,
  unlisted,
} from "./finding.ts";
import type { Account, Issue, PlacedComment, Pull } from "./forge/model.ts";
import type { ControlState } from "./ledger/control.ts";
import { type Ledger, readLedger } from "./ledger/read.ts";
import type { Ports } from "./ports.ts";

/** Former pull requests that one run reads. */
const formerLooksMax = 5;

export interface Who {
  me: Account;
  owner: string;
  program: readonly string[];
  seed: number;
  /** Display name of the workflow that this program runs in; empty where none. */
  workflow: string;
  /** Names of the profiles that can work. */
  profiles: Snapshot["profiles"];
}

export interface Observed {
  snapshot: Snapshot;
  effects: Map<string, Effects>;
  control: { state: ControlState; sha: string | null };
}

/** A fresh look. `trigger.item` narrows it to one item. `ends`: what a look a moment ago was told of runs that ended, so that the forge is not asked again. */
export async function observe(
  ports: Ports,
  who: Who,
  trigger: Trigger,
  policy: Policy,
  ends: Ends | null = null,
): Promise<Observed> {
  const { forge } = ports;
  const wide = trigger.item === null;
  const [issues, openPulls, assigned, comments] = await Promise.all([
    wide ? forge.labelled(policy.label) : named(ports, trigger.item, who),
    forge.openPulls(),
    wide && who.me.id > 0 ? forge.assigned(who.me.login) : [],
    wide ? scan(ports) : [],
  ]);
  const ledger = await readLedger(ports);
  const { records } = ledger;
  const asked = askedIn(comments, records, openPulls, who);
  const found = await listed(ports, [...issues, ...assigned], who);
  const commanded = new Set(commandedIssues(unanswered(asked, ledger), who.seed));
  const doubles = doubledIn(comments, who);
  const mentioned = [...commanded, ...doubledIssues(doubles, openPulls, who)];
  const more = wide
    ? await others(ports, ledger, found, openPulls, mentioned, who)
    : { issues: [], waiting: new Set<number>() };
  const items: Item[] = [];
  let formerLooks = 0;
  for (const issue of unique([...found, ...more.issues])) {
    const key = issue.isPull ? `pr-${issue.number}` : issueKey(issue.number);
    const record = records[key] ?? { kind: "none" };
    const open = openPulls.find((p) => isPullOf(p, issue, record, who)) ?? null;
    const isUnlisted = open === null && !issue.isPull && formerLooks < formerLooksMax;
    const unlistedPull = isUnlisted ? await pullOf(ports, record) : null;
    const former = unlistedPull?.state === "closed" ? await asFormer(ports, issue, unlistedPull, policy, who) : null;
    if (former !== null) formerLooks++;
    // Opened after the list was read, by a run that has ended since.
    const isNew = unlistedPull?.state === "open" && isPullOf(unlistedPull, issue, record, who);
    const pull = isNew ? unlistedPull : open;
    const isWaiting = pull !== null && more.waiting.has(issue.number);
    items.push({
      ...{ key, issue, record, pull, former, commanded: commanded.has(issue.number), details: null },
      wip: ledger.wips[key] ?? null,
      doubled: doubles.filter(({ on }) => on === issue.number || on === (pull ?? former?.pull)?.number),
      statuses: isWaiting ? await forge.statuses(pull.headSha) : null,
      unreadable: unreadableEffects(record, ledger.effects.has(key)),
    });
  }
  const control = await controlOf(ports, ledger, asked, wide ? [] : issues, who.seed);
  const now = forge.now() ?? Date.now();
  // Who names the program's own pull request means its issue: from here on that is the item named.
  const meant = wide ? trigger : { ...trigger, item: found[0]?.number ?? trigger.item };
  const snapshot: Snapshot = {
    ...{ now, trigger: meant, ...who, base: policy.base, canDispatch: null, items, openPulls, records },
    ...{
      ends: ends ?? (await readEnds(ports, records, meant, who, policy.limits, now)),
      slots: ledger.slots,
      budget: ledger.budget,
      parked: ledger.parked,
      ...{ wips: ledger.wips, archive: ledger.archive, unknownRefs: ledger.unknownRefs },
      pause: ledger.control.pause,
      control,
      bases: await basesOf(ports, items),
    },
  };
  return { snapshot, effects: ledger.effects, control: { state: ledger.control, sha: ledger.controlSha } };
}

async function named(ports: Ports, number: number | null, who: Who): Promise<Issue[]> {
  const issue = number === null ? null : await ports.forge.issue(number);
  return issue === null ? [] : listed(ports, [issue], who);
}

/** The items meant: for the program's own pull request, its issue. */
async function listed(ports: Ports, issues: readonly Issue[], who: Who): Promise<Issue[]> {
  const meant: Issue[] = [];
  for (const issue of issues) {
    const marker = isOwnPull(issue, who) ? findMarker(issue.body, "pull") : null;
    const number = Number(marker?.values["issue"]);
    if (marker === null) meant.push(issue);
    else if (!issues.some((other) => other.number === number)) {
      const own = Number.isSafeInteger(number) && number > 0 ? await ports.forge.issue(number) : null;
      if (own !== null) meant.push(own);
    }
  }
  return unique(meant);
}

function unique(issues: readonly Issue[]): Issue[] {
  return [...new Map(issues.map((issue) => [issue.number, issue])).values()];
}

/** Somebody's megabytes of comments must not stop the run: events still bring what is said on an issue of its own. */
async function scan(ports: Ports): Promise<PlacedComment[]> {
  try {
    return await ports.forge.commentsSince((ports.forge.now() ?? Date.now()) - scanMs, scanMax);
  } catch (error) {
    if (!(error instanceof RunError) || error.retry) throw error;
    ports.log.warning(`the newest comments are not scanned for commands: ${describe(error)}`);
    return [];
  }
}

/** Items that no label shows: named by what a comment says, left by a dead run, or waiting. */
async function others(
  ports: Ports,
  ledger: Ledger,
  found: readonly Issue[],
  openPulls: readonly Pull[],
  mentioned: readonly number[],
  who: Who,
): Promise<{ issues: Issue[]; waiting: ReadonlySet<number> }> {
  const { numbers, waiting } = unlisted(ledger.records, found, openPulls, who.seed);
  const wanted = new Set([...mentioned, ...numbers]);
  const missing = [...wanted].filter((number) => !found.some((issue) => issue.number === number));
  const read = await Promise.all(missing.map((number) => ports.forge.issue(number)));
  return {
    issues: await listed(
      ports,
      read.filter((issue) => issue !== null),
      who,
    ),
    waiting,
  };
}

function isOwnPull(issue: Issue, who: Who): boolean {
  return issue.isPull && isProgram(who, issue.author) && findMarker(issue.body, "pull") !== null;
}

function isPullOf(pull: Pull, issue: Issue, record: RecordFact, who: Who): boolean {
  if (issue.isPull) return pull.number === issue.number;
  if (!pull.headIsHere || !isProgram(who, pull.author)) return false;
  if (record.kind === "record" && record.record.pull === pull.number) return true;
  const marker = findMarker(pull.body, "pull");
  // A person who edits the text may take the marker out: then the branch says whose it is.
  if (marker === null) return generationOfBranch(pull.headRef, issue.number) !== null;
  return marker.values["issue"] === String(issue.number);
}

/** Effects of a newer version, or broken ones, are left alone with the record that holds them: writing it anew would lose them. */
function unreadableEffects(record: RecordFact, isReadable: boolean): string | null {
  if (isReadable || record.kind !== "record" || record.record.state !== "published") return null;
  return "what is still to be written for it (`effects.json`) cannot be read by this version";
}

/** Without the orders about the whole program that were obeyed, or are older than one that was. */
function unanswered(asked: readonly Asked[], ledger: Ledger): Asked[] {
  return asked.filter((a) => !a.isControl || !ledger.control.handled.includes(`comment:${a.comment.id}`));
}

/** `/agent pause` and `/agent resume` count on the dashboard issue only. An event names it; else the scan finds them. */
async function controlOf(
  ports: Ports,
  ledger: Ledger,
  asked: readonly Asked[],
  named: readonly Issue[],
  seed: number,
): Promise<Control> {
  const { handled } = ledger.control;
  const orders: ControlOrder[] = [];
  for (const issue of named.filter(isDashboard)) {
    const comments = await ports.forge.comments(issue.number);
    orders.push(...comments.flatMap((comment) => controlOrder({ ...comment, issue: issue.number })));
  }
  for (const number of controlledIssues(unanswered(asked, ledger), seed)) {
    const issue = await ports.forge.issue(number);
    if (issue === null || !isDashboard(issue)) continue;
    // Those that were obeyed as well: they say which older ones are answered.
    const here = asked.filter((a) => a.isControl && a.comment.issue === number);
    orders.push(...here.flatMap((a) => controlOrder(a.comment)));
  }
  return { orders, handled, access: {}, unreadable: ledger.control.unreadable };
}

function controlOrder(comment: PlacedComment): ControlOrder[] {
  const command = parseCommand(comment.body, "", "issue");
  if (command.kind !== "command" || (command.verb !== "pause" && command.verb !== "resume")) return [];
  if (comment.updatedAt !== comment.createdAt) return [];
  const { id, author: by, createdAt: at, issue } = comment;
  return [{ id: `comment:${id}`, by, at, verb: command.verb, text: command.text, comment: id, issue }];
}

/** Tips of the bases that items wait for. */
async function basesOf(ports: Ports, items: readonly Item[]): Promise<Record<string, string>> {
  const names = items.flatMap(({ record }) =>
    record.kind === "record" && record.record.waitsForBase !== undefined ? [record.record.baseBranch] : [],
  );
  const bases: Record<string, string> = {};
  for (const name of new Set(names)) {
    const branch = await ports.forge.branch(name);
    if (branch !== null) bases[name] = branch.sha;
  }
  return bases;
}

/** The pull request that a record names. */
async function pullOf(ports: Ports, record: RecordFact): Promise<Pull | null> {
  if (record.kind !== "record" || record.record.pull === null || record.record.state === "closed") return null;
  return ports.forge.pull(record.record.pull);
}

async function asFormer(
  ports: Ports,
  issue: Issue,
  pull: Pull,
  policy: Policy,
  who: Who,
): Promise<NonNullable<Item["former"]>> {
  const timeline = await ports.forge.timeline(issue.number);
  const labelled = timeline.findLast(
    (e) => e.kind === "label" && e.added && e.label === policy.label && !isProgram(who, e.by),
  );
  return { pull, closedAt: pull.closedAt ?? pull.updatedAt, labelledAt: labelled?.at ?? 0 };
}
