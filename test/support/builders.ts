// Values of the pure core for tests: everything ordinary, each test names only what it is about. The clock stands at `now`.

import { bodyHash } from "../../src/core/candidate.ts";
import type { Details, Item, PullDetails, RecordFact, Snapshot, Trigger } from "../../src/core/model.ts";
import type { Limits, Policy } from "../../src/core/policy.ts";
import { protectedByDefault } from "../../src/core/protect.ts";
import type { Comment, Issue, Label, Pull, Review, StatusEntry, TimelineEntry } from "../../src/forge/model.ts";
import type { LedgerRecord, VerdictNote } from "../../src/ledger/record.ts";

export const minute = 60_000;
export const hour = 60 * minute;
/** The forge's clock in every snapshot that names no other. */
export const now = Date.parse("2026-03-01T12:00:00Z");
export const bot = "agent-bot";
/** Who may write code in every `details` that names no others. */
export const writer = "alice";
/** Who may not. */
export const stranger = "mallory";
/** A commit id made of one digit. */
export const sha = (digit: string) => digit.repeat(40);

export const iso = (at: number) => new Date(at).toISOString();

export function labels(...names: string[]): Label[] {
  return names.map((name, index) => ({ id: index + 1, name, exclusive: name.startsWith("agent/") }));
}

/** Issue 12, labelled `bot` by `alice` an hour ago, who also wrote it. */
export function anIssue(change: Partial<Omit<Issue, "labels">> & { labels?: readonly string[] } = {}): Issue {
  const { labels: names, ...rest } = change;
  return {
    number: 12,
    title: "Mend the door",
    body: "It squeaks.",
    author: writer,
    state: "open",
    locked: false,
    assignees: [],
    isPull: false,
    htmlUrl: "https://forge.example/acme/app/issues/12",
    createdAt: now - 2 * hour,
    updatedAt: now - hour,
    comments: 0,
    ...rest,
    labels: labels(...(names ?? ["bot"])),
  };
}

/** Open pull request 20 of the program for issue 12. */
export function aPull(change: Partial<Omit<Pull, "labels">> & { labels?: readonly string[] } = {}): Pull {
  const { labels: names, ...rest } = change;
  return {
    number: 20,
    title: "Mend the door",
    body: "<!-- agent-dispatch:pull v1 issue=12 generation=1 -->\n\nCloses #12",
    author: bot,
    state: "open",
    merged: false,
    draft: false,
    locked: false,
    assignees: [],
    headRef: "agent/issue-12",
    headSha: sha("b"),
    headIsHere: true,
    baseRef: "main",
    mergeBase: sha("a"),
    mergeable: true,
    htmlUrl: "https://forge.example/acme/app/pulls/20",
    createdAt: now - hour,
    updatedAt: now - hour,
    closedAt: null,
    ...rest,
    labels: labels(...(names ?? [])),
  };
}

/** What people have done to an issue; ids are given in order where none is named. */
export function labelled(by: string, at: number, change: { id?: number; label?: string; added?: boolean } = {}) {
  const entry: TimelineEntry = { kind: "label", id: 100, by, at, label: "bot", added: true, ...change };
  return entry;
}

export function assigned(login: string, by: string, at: number, change: { id?: number; added?: boolean } = {}) {
  const entry: TimelineEntry = { kind: "assignee", id: 200, by, at, login, added: true, ...change };
  return entry;
}

export function aComment(body: string, change: Partial<Comment> = {}): Comment {
  const createdAt = change.createdAt ?? now - 10 * minute;
  return {
    id: 300,
    author: writer,
    body,
    createdAt,
    updatedAt: createdAt,
    htmlUrl: "https://forge.example/acme/app/issues/12#issuecomment-300",
    ...change,
  };
}

/** The costly facts: `alice`, who may write code, put the label on an hour ago. */
export function details(change: Partial<Details> = {}): Details {
  return {
    timeline: [labelled(writer, now - hour)],
    comments: [],
    openDependencies: [],
    branch: null,
    access: {
      [writer]: { kind: "yes", evidence: "permission write" },
      [stranger]: { kind: "no", evidence: "permission read" },
    },
    ...{ pull: null, past: null },
    ...change,
  };
}

/** The costly facts of pull request 20: nothing happened on it, it merges cleanly, no check reports anything. */
export function pullFacts(
  change: Partial<Omit<PullDetails, "base">> & { base?: Partial<PullDetails["base"]> } = {},
): PullDetails {
  const { base, ...rest } = change;
  return {
    ...{ timeline: [], comments: [], reviews: [], lineComments: [], statuses: [], merge: "clean" },
    ...rest,
    base: { sha: sha("a"), required: [], requiredApprovals: 0, statuses: [], ...base },
  };
}

/** A person's review of pull request 20 at its present head. */
export function aReview(change: Partial<Review> = {}): Review {
  return {
    ...{ id: 31, author: writer, state: "approved", body: "", commit: sha("b"), official: true, dismissed: false },
    ...{ comments: 0, at: now - 10 * minute, htmlUrl: "https://forge.example/acme/app/pulls/20#issuecomment-31" },
    ...change,
  };
}

export function aStatus(context: string, state: StatusEntry["state"], change: Partial<StatusEntry> = {}): StatusEntry {
  return { context, state, description: "", creator: "ci", targetUrl: "", updatedAt: now - 10 * minute, ...change };
}

/** A verdict on the head of pull request 20. */
export function aVerdict(change: Partial<VerdictNote> = {}): VerdictNote {
  return {
    ...{ head: sha("b"), verdict: "approved", round: 1, summary: "Good.", findings: [], approvedBy: ["second"] },
    ...{ approvalsNeeded: 1, patch: "patch", ...change },
  };
}

/** Issue 12 with its pull request open, published and labelled by the program, the bot assigned. */
export function aPulledItem(
  change: {
    issue?: Parameters<typeof anIssue>[0];
    pull?: Parameters<typeof aPull>[0];
    record?: Partial<LedgerRecord> | RecordFact;
    facts?: Parameters<typeof pullFacts>[0];
    details?: Partial<Details> | null;
  } = {},
): Item {
  const pull = aPull({ labels: ["agent/needs-review"], ...change.pull });
  const published: Partial<LedgerRecord> = {
    ...{ state: "done", stage: "needs-review", head: sha("b"), pull: 20, attempt: 0, at: iso(now - 20 * minute) },
  };
  const { record } = change;
  const recordGiven = record !== undefined && isFact(record) ? record : { ...published, ...record };
  return anItem({
    issue: { assignees: [bot], ...change.issue },
    record: recordGiven,
    pull,
    details:
      change.details === null
        ? null
        : { branch: pull.headIsHere ? pull.headSha : null, pull: pullFacts(change.facts), ...change.details },
  });
}

/** A claim of run 7 that ended in a failure, cooldown over, and whose order (label 100) was obeyed. */
export function aRecord(change: Partial<LedgerRecord> = {}): LedgerRecord {
  return {
    v: 1,
    state: "released",
    key: "issue-12",
    kind: "implement",
    generation: 1,
    epoch: 1,
    seq: 0,
    attempt: 1,
    round: 0,
    stage: null,
    owner: "an-earlier-run",
    nonce: "nonce",
    run: { id: 70, number: 7, attempt: 1, url: "https://forge.example/acme/app/actions/runs/7" },
    at: iso(now - 30 * minute),
    ttlSeconds: 420,
    slot: 1,
    branch: "agent/issue-12",
    expect: null,
    baseBranch: "main",
    base: null,
    askedBy: writer,
    head: null,
    pull: null,
    profile: "claude",
    done: [],
    handled: ["label:100"],
    cooldownUntil: null,
    lastFailure: null,
    spend: { usd: 0, tokens: 0 },
    after: "done",
    bodyHash: bodyHash(anIssue()),
    ...change,
  };
}

export function recorded(change: Partial<LedgerRecord> = {}): RecordFact {
  return { kind: "record", sha: sha("c"), record: aRecord(change) };
}

/** Issue 12 with all its facts read. `issue`, `record` and `details` take overrides; `details: null` = not read yet. */
export function anItem(
  change: Partial<Omit<Item, "issue" | "details" | "record">> & {
    issue?: Parameters<typeof anIssue>[0];
    record?: Partial<LedgerRecord> | RecordFact;
    details?: Partial<Details> | null;
  } = {},
): Item {
  const { issue, record, details: facts, ...rest } = change;
  const made = anIssue(issue);
  const key = made.isPull ? `pr-${made.number}` : `issue-${made.number}`;
  return {
    key,
    issue: made,
    record: recordFact(record, made),
    wip: null,
    pull: null,
    former: null,
    ...{ statuses: null, commanded: false, doubled: [] },
    details: facts === null ? null : details(facts),
    unreadable: null,
    ...rest,
  };
}

function recordFact(given: Partial<LedgerRecord> | RecordFact | undefined, issue: Issue): RecordFact {
  if (given === undefined) return { kind: "none" };
  if (isFact(given)) return given;
  const own = { key: `issue-${issue.number}`, branch: `agent/issue-${issue.number}`, bodyHash: bodyHash(issue) };
  return recorded({ ...own, ...given });
}

function isFact(given: Partial<LedgerRecord> | RecordFact): given is RecordFact {
  return given.kind === "none" || given.kind === "unreadable" || given.kind === "record";
}

export function aTrigger(change: Partial<Trigger> = {}): Trigger {
  return { event: "other", item: null, message: "", actor: null, byHand: false, orderId: "dispatch:run-9", ...change };
}

/** A look at `items`; the ledger's list of records follows from them. */
export function aSnapshot(change: Partial<Omit<Snapshot, "trigger">> & { trigger?: Partial<Trigger> } = {}): Snapshot {
  const { trigger, ...rest } = change;
  const items = rest.items ?? [anItem()];
  return {
    now,
    seed: 1,
    me: { id: 5, login: bot, fullName: "", email: "" },
    owner: "this-run",
    program: [bot, "gitea-actions"],
    base: "main",
    canDispatch: null,
    openPulls: items.flatMap((item) => item.pull ?? []),
    records: Object.fromEntries(
      items.flatMap((item) => (item.record.kind === "none" ? [] : [[item.key, item.record]])),
    ),
    // The forge was asked about every run, and says of none that it has ended.
    ends: Object.fromEntries(items.map((item) => [item.key, null])),
    slots: [],
    budget: { kind: "none" },
    parked: {},
    ...{ wips: {}, archive: { kind: "none" }, unknownRefs: [] },
    pause: null,
    control: { orders: [], handled: [], access: {}, unreadable: null },
    workflow: "agent",
    bases: {},
    profiles: { authors: ["first"], reviewers: ["first", "second"], tellCost: true, setups: {} },
    ...rest,
    items,
    trigger: aTrigger(trigger),
  };
}

export function someLimits(change: Partial<Limits> = {}): Limits {
  return {
    renewSeconds: 60,
    fenceSeconds: 210,
    ttlSeconds: 420,
    slackSeconds: 30,
    endedSeconds: 60,
    killSeconds: 15,
    apiSeconds: 30,
    cooldownSeconds: [300, 1800],
    checkMinutes: 30,
    waitForChecksMinutes: 30,
    startUpSeconds: 0,
    outputBytesMax: 20 * 1024 * 1024,
    toolRepeatsMax: 20,
    fileBytesMax: 10 * 1024 * 1024,
    changeBytesMax: 50 * 1024 * 1024,
    changedFilesMax: 500,
    costUsdPerItem: 25,
    costUsdPerDay: 0,
    costUsdPerRun: 5,
    ...change,
  };
}

/** The program's defaults. */
export function aPolicy(change: Partial<Omit<Policy, "limits">> & { limits?: Partial<Limits> } = {}): Policy {
  const { limits, ...rest } = change;
  return {
    label: "bot",
    base: "main",
    trusted: "writers",
    maxConcurrent: 3,
    maxOpenPulls: 6,
    maxAttempts: 3,
    maxRounds: 3,
    merge: "human",
    protectedPaths: protectedByDefault,
    excludeLabels: ["hold", "wontfix", "question", "epic"],
    excludeTitles: [],
    priorityLabels: [],
    force: null,
    looksMax: 10,
    ...rest,
    limits: someLimits(limits),
  };
}
