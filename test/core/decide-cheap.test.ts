// Rows that need few facts: the whole run, hands off, claims, cooldown, effects of dead runs, the label off.

import {
  aPolicy,
  aPull,
  aSnapshot,
  assigned,
  bot,
  hour,
  iso,
  labelled,
  minute,
  now,
  sha,
  stranger,
  writer,
} from "../support/builders.ts";
import { begins, beginsAgain, chapter, cooling, dead, live, one, run } from "../support/decisions.ts";

chapter("before any row: the whole run", [
  {
    when: "nothing carries the label",
    snapshot: aSnapshot({ items: [] }),
    expected: "idle: no open issue carries the label `bot`",
  },
  {
    when: "the item that the event names is gone",
    snapshot: aSnapshot({ items: [], trigger: { event: "label", item: 12 } }),
    expected: "idle: #12 is no open item",
  },
  {
    when: "the program's own label event",
    snapshot: aSnapshot({ trigger: { event: "label", actor: "Agent-Bot", item: 12 } }),
    expected: "idle: the event was caused by the program itself",
  },
  {
    when: "the automatic token's comment event",
    snapshot: aSnapshot({ trigger: { event: "comment", actor: "gitea-actions", item: 12 } }),
    expected: "idle: the event was caused by the program itself",
  },
  {
    when: "the program's own dispatch is never ignored",
    snapshot: aSnapshot({ trigger: { event: "dispatch", actor: bot, item: 12 } }),
    expected: begins,
  },
  {
    when: "the program's own schedule is never ignored",
    snapshot: aSnapshot({ trigger: { event: "schedule", actor: bot }, canDispatch: false }),
    expected: begins,
  },
  {
    when: "a person's label event",
    snapshot: aSnapshot({ trigger: { event: "label", actor: writer, item: 12 } }),
    expected: begins,
  },
]);

chapter("row 1: paused, hold, locked, unreadable", [
  {
    when: "paused until somebody resumes",
    snapshot: aSnapshot({ pause: { by: "ann", why: "release day", until: null } }),
    expected: "idle: paused by ann: release day",
  },
  {
    when: "paused for another minute",
    snapshot: aSnapshot({ pause: { by: "ann", why: "release day", until: now + 1 } }),
    expected: "idle: paused by ann: release day",
  },
  {
    when: "a pause that is over",
    snapshot: aSnapshot({ pause: { by: "ann", why: "release day", until: now } }),
    expected: begins,
  },
  {
    when: "paused, and ordered by hand",
    snapshot: aSnapshot({
      pause: { by: "ann", why: "release day", until: null },
      trigger: { event: "dispatch", item: 12, byHand: true, actor: writer },
    }),
    expected: "idle: paused by ann: release day",
  },
  {
    when: "hold on the issue",
    snapshot: one({ issue: { labels: ["bot", "hold"] } }),
    expected: "skip by row 1: `hold` is on the issue",
  },
  {
    when: "hold wins over an explicit command",
    snapshot: one({ issue: { labels: ["bot", "hold"] }, details: { comments: [run()] } }),
    expected: "skip by row 1: `hold` is on the issue",
  },
  {
    when: "hold wins over a run by hand, a live claim, closing and unfinished effects",
    snapshot: one(
      { issue: { labels: ["hold"], state: "closed" }, record: { ...live, state: "published" } },
      { trigger: { event: "dispatch", item: 12, byHand: true, actor: writer } },
    ),
    expected: "skip by row 1: `hold` is on the issue",
  },
  {
    when: "hold on the pull request",
    snapshot: one({ pull: aPull({ labels: ["hold"] }) }),
    expected: "skip by row 1: `hold` is on pull request #20",
  },
  {
    when: "the issue is locked",
    snapshot: one({ issue: { locked: true } }),
    expected: "skip by row 1: the issue is locked",
  },
  {
    when: "the pull request is locked",
    snapshot: one({ pull: aPull({ locked: true }) }),
    expected: "skip by row 1: pull request #20 is locked",
  },
  {
    when: "the record cannot be read",
    snapshot: one({ record: { kind: "unreadable", sha: sha("d"), why: "version 2" } }),
    expected: "skip by row 1: its record in the ledger cannot be read (version 2); it is left alone",
  },
  {
    when: "the facts cannot be read",
    snapshot: one({ details: null, unreadable: "too many comments" }),
    expected: "skip by row 1: its facts cannot be read: too many comments",
  },
]);

chapter("row 2: a live claim", [
  { when: "held", snapshot: one({ record: live }), expected: "skip by row 2: claimed by run 7" },
  {
    when: "published, effects on their way",
    snapshot: one({ record: { ...live, state: "published" } }),
    expected: "skip by row 2: claimed by run 7",
  },
  {
    when: "held outside a server",
    snapshot: one({ record: { ...live, run: null } }),
    expected: "skip by row 2: claimed by a run outside the server",
  },
  {
    when: "held, and ordered by a command",
    snapshot: one({ record: live, details: { comments: [run()] } }),
    expected: "skip by row 2: claimed by run 7",
  },
  {
    when: "its age is exactly ttl and slack",
    snapshot: one({ record: { ...dead, at: iso(now - 450_000) } }),
    expected: "skip by row 2: claimed by run 7",
  },
  {
    when: "its age is one millisecond more: taken over, the attempt counted",
    snapshot: one({ record: { ...dead, at: iso(now - 450_001) } }),
    expected: beginsAgain,
  },
  {
    when: "a claim without a lease was given up by its holder",
    snapshot: one({ record: { ...live, ttlSeconds: 0 } }),
    expected: beginsAgain,
  },
  {
    when: "a claim from the future, by a forge whose clock went back",
    snapshot: one({ record: { ...live, at: iso(now + hour) } }),
    expected: "skip by row 2: claimed by run 7",
  },
]);

chapter("row 3: closed", [
  { when: "closed", snapshot: one({ issue: { state: "closed" } }), expected: "skip by row 3: it is closed" },
  {
    when: "closed, and ordered by hand",
    snapshot: one(
      { issue: { state: "closed" } },
      { trigger: { event: "dispatch", item: 12, byHand: true, actor: writer } },
    ),
    expected: "skip by row 3: it is closed",
  },
  {
    when: "closed with effects of a dead run: repairs close the record",
    snapshot: one({ issue: { state: "closed" }, record: { ...dead, state: "published" } }),
    expected: "skip by row 3: it is closed",
  },
  {
    when: "its pull request was closed after the repairs of this run: nothing begins in a generation that is over",
    snapshot: one({
      former: { pull: aPull({ number: 20, state: "closed" }), closedAt: now, labelledAt: now - hour },
      record: { state: "done", pull: 20 },
    }),
    expected: "skip by row 3: pull request #20 was closed, and its record is closed first",
  },
  {
    when: "its pull request was closed, the record too, and a person orders to stop: the same before and after the claim",
    snapshot: one({
      issue: { labels: ["bot", "agent/blocked"] },
      former: { pull: aPull({ number: 20, state: "closed" }), closedAt: now - hour, labelledAt: now - 2 * hour },
      details: { timeline: [labelled(writer, now - minute, { label: "agent/blocked" })] },
      record: { state: "closed", pull: 20 },
    }),
    expected: "stop #12 for alice",
  },
]);

chapter("row 6: cooling down", [
  {
    when: "until later, and nothing new since: known without a look",
    snapshot: one({ record: { ...cooling }, details: null }),
    expected: "skip by row 6: cooling down after timeout until 2026-03-01 12:10 UTC",
  },
  {
    when: "something happened on the issue since: worth a look",
    snapshot: one({ record: { ...cooling }, issue: { updatedAt: now - minute }, details: null }),
    expected: "look at #12: details, agent/issue-12",
  },
  {
    when: "what happened was no order",
    snapshot: one({ record: { ...cooling }, issue: { updatedAt: now - minute } }),
    expected: "skip by row 6: cooling down after timeout until 2026-03-01 12:10 UTC",
  },
  {
    when: "a trusted order clears it",
    snapshot: one({
      record: { ...cooling },
      issue: { updatedAt: now - minute, comments: 1 },
      details: { comments: [run({ createdAt: now - minute })] },
    }),
    expected: begins,
  },
  {
    when: "a stranger's order does not",
    snapshot: one({
      record: { ...cooling },
      issue: { updatedAt: now - minute, comments: 1 },
      details: { comments: [run({ author: stranger, createdAt: now - minute })] },
    }),
    expected: "skip by row 6: cooling down after timeout until 2026-03-01 12:10 UTC",
  },
  {
    when: "over at this very moment",
    snapshot: one({ record: { ...cooling, cooldownUntil: iso(now) } }),
    expected: beginsAgain,
  },
  {
    when: "named by the event: looked at, and still cooling",
    snapshot: one({ record: { ...cooling } }, { trigger: { event: "label", item: 12, actor: writer } }),
    expected: "skip by row 6: cooling down after timeout until 2026-03-01 12:10 UTC",
  },
]);

const unfinished = { ...live, state: "published", ttlSeconds: 0, unfinished: 2 } as const;

chapter("row 7: effects of a dead run", [
  {
    when: "published and dead",
    snapshot: one({ record: { ...dead, state: "published" } }),
    expected: "resume #12",
  },
  {
    when: "published and dead, with its pull request open already",
    snapshot: one({ record: { ...dead, state: "published", pull: 20 }, pull: aPull() }),
    expected: "resume #12",
  },
  {
    when: "published and dead, the label off already",
    snapshot: one({ issue: { labels: [] }, record: { ...dead, state: "published" } }),
    expected: "resume #12",
  },
  {
    when: "published and dead: neither exclusions nor caps stop the rest",
    snapshot: one(
      {
        issue: { labels: ["bot", "epic"] },
        record: { ...dead, state: "published" },
        details: { openDependencies: [{ repository: "acme/app", number: 3 }] },
      },
      { openPulls: Array.from({ length: 6 }, (_, i) => aPull({ number: 40 + i, headRef: `agent/issue-${40 + i}` })) },
    ),
    expected: "resume #12",
  },
  {
    when: "published, and a person took it since",
    snapshot: one({
      issue: { assignees: ["bob"] },
      record: { ...dead, state: "published" },
      details: { timeline: [labelled(writer, now - hour), assigned("bob", "bob", now - minute)] },
    }),
    expected: "skip by row 5: @bob is assigned",
  },
  {
    when: "they could not be finished before: not yet again",
    snapshot: one({ record: { ...unfinished, resumeAt: iso(now + 10 * minute) } }),
    expected:
      "skip by row 7: what an earlier run published is finished after 2026-03-01 12:10 UTC; the last try failed",
  },
  {
    when: "not yet again, also for an explicit command",
    snapshot: one({
      record: { ...unfinished, resumeAt: iso(now + 10 * minute) },
      issue: { comments: 1 },
      details: { comments: [run()] },
    }),
    expected:
      "skip by row 7: what an earlier run published is finished after 2026-03-01 12:10 UTC; the last try failed",
  },
  {
    when: "they could not be finished before, the wait over at this very moment",
    snapshot: one({ record: { ...unfinished, resumeAt: iso(now) } }),
    expected: "resume #12",
  },
]);

/** A claim that obeyed the command of comment 300 and died. */
const begun = { ...dead, handled: ["comment:300"] };

chapter("row 9: the label is off", [
  {
    when: "off, and nobody asks",
    snapshot: one({ issue: { labels: [] } }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "off, handed over",
    snapshot: one({ issue: { labels: [], assignees: ["alice"] }, record: { state: "done" } }),
    expected: "skip by row 9: `bot` is off",
  },
  {
    when: "off, an old label in the timeline is no order",
    snapshot: one({ issue: { labels: [] } }, { trigger: { event: "label", item: 12, actor: writer } }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "taken off while a run was at work that then died",
    snapshot: one({
      issue: { labels: [] },
      record: dead,
      details: { timeline: [labelled(writer, now - hour), labelled(writer, now - minute, { id: 101, added: false })] },
    }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "taken off in the very second of the order: off",
    snapshot: one({
      issue: { labels: [] },
      record: { ...dead, handled: ["dispatch:run-8"], orderAt: iso(now - hour) },
      details: { timeline: [labelled(writer, now - hour, { added: false })] },
    }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "a run that obeyed a command died before it put the label on: known only with a look",
    snapshot: one({ issue: { labels: [], comments: 1 }, record: begun, details: null }),
    expected: "look at #12: details, agent/issue-12",
  },
  {
    when: "the same, looked at: its order still stands",
    snapshot: one({
      issue: { labels: [], comments: 1 },
      record: begun,
      details: { timeline: [], comments: [run({ createdAt: now - hour })] },
    }),
    expected: beginsAgain,
  },
  {
    when: "the same, the label taken off before the order",
    snapshot: one({
      issue: { labels: [], comments: 1 },
      record: begun,
      details: {
        timeline: [
          labelled(writer, now - 3 * hour),
          labelled(writer, now - 2 * hour, { id: 101, added: false }),
          labelled(writer, now - minute, { id: 102, label: "bug", added: false }),
        ],
        comments: [run({ createdAt: now - hour })],
      },
    }),
    expected: beginsAgain,
  },
  {
    when: "begun by a command, the label put on by the run and taken off by a person",
    snapshot: one({
      issue: { labels: [], comments: 1 },
      record: begun,
      details: {
        timeline: [labelled(bot, now - 50 * minute), labelled(writer, now - minute, { id: 101, added: false })],
        comments: [run({ createdAt: now - hour })],
      },
    }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "failed, and the label is off: only a claim that died stands without it",
    snapshot: one({
      issue: { labels: [], comments: 1 },
      record: { ...begun, state: "released" },
      details: { timeline: [], comments: [run({ createdAt: now - hour })] },
    }),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "another name for the label",
    snapshot: one({ issue: { labels: ["bot"] } }),
    policy: aPolicy({ label: "robot" }),
    expected: "skip by row 9: `robot` is off, nobody asks for work",
  },
]);
