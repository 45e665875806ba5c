// The decision table, chapter by chapter as in section 3 of the design: one row, one situation, one expected decision.

import { describe, expect, test } from "vitest";
import { decide, sameWork, takenBack } from "../../src/core/decide.ts";
import type { Decision } from "../../src/core/decision.ts";
import type { Snapshot } from "../../src/core/model.ts";
import type { Policy } from "../../src/core/policy.ts";
import {
  aComment,
  type anIssue,
  anItem,
  aPolicy,
  aPull,
  aSnapshot,
  assigned,
  bot,
  details,
  hour,
  iso,
  labelled,
  minute,
  now,
  recorded,
  sha,
  stranger,
  writer,
} from "../support/builders.ts";

interface Row {
  when: string;
  snapshot: Snapshot;
  policy?: Policy;
  expected: string;
}

/** A decision as one line; of an idle one the first item passed over, with the row that said so. */
function said(decision: Decision): string {
  switch (decision.kind) {
    case "idle": {
      const [first] = decision.passed;
      return first === undefined ? `idle: ${decision.reason}` : `skip by row ${first.row}: ${first.reason}`;
    }
    case "look": {
      const { wanted } = decision;
      if (wanted.facts === "details") return `look at #${decision.item.issue.number}: details, ${wanted.branch}`;
      if (wanted.facts === "access") return `look at #${decision.item.issue.number}: access of ${wanted.logins}`;
      return `look: ${wanted.facts}`;
    }
    case "implement": {
      const { branch, attempt, askedBy } = decision.plan;
      return `implement #${decision.item.issue.number} on ${branch}, attempt ${attempt}, asked by ${askedBy}`;
    }
    case "resume":
      return `resume #${decision.item.issue.number}`;
    case "give-up":
      return `give up #${decision.item.issue.number} for ${decision.askedBy}: ${decision.reason}`;
    case "dispatch":
      return `dispatch #${decision.item.issue.number} (${decision.work})`;
    default:
      return decision satisfies never;
  }
}

function chapter(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    test.for(rows.map((row) => [row.when, row] as const))("%s", ([, row]) => {
      expect(said(decide(row.snapshot, row.policy ?? aPolicy()))).toBe(row.expected);
    });
  });
}

/** A look at one item. */
const one = (item: Parameters<typeof anItem>[0], more: Parameters<typeof aSnapshot>[0] = {}) =>
  aSnapshot({ items: [anItem(item)], ...more });

const first = "implement #12 on agent/issue-12, attempt 1, asked by alice";
const live = { state: "held", at: iso(now - minute) } as const;
const dead = { state: "held", at: iso(now - hour), attempt: 1 } as const;
const failed = { class: "timeout", fingerprint: "f", text: "too slow", at: iso(now - hour), same: 1 } as const;
const cooling = { cooldownUntil: iso(now + 10 * minute), lastFailure: failed };
const run = (change: Parameters<typeof aComment>[1] = {}) => aComment("/agent run", change);
const unfinished = { ...live, state: "published", ttlSeconds: 0, unfinished: 2 } as const;
/** A claim that obeyed the command of comment 300 and died. */
const begun = { ...dead, handled: ["comment:300"] };

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
    expected: first,
  },
  {
    when: "the program's own schedule is never ignored",
    snapshot: aSnapshot({ trigger: { event: "schedule", actor: bot }, canDispatch: false }),
    expected: first,
  },
  {
    when: "a person's label event",
    snapshot: aSnapshot({ trigger: { event: "label", actor: writer, item: 12 } }),
    expected: first,
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
    expected: first,
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
    expected: "implement #12 on agent/issue-12, attempt 2, asked by alice",
  },
  {
    when: "a claim without a lease was given up by its holder",
    snapshot: one({ record: { ...live, ttlSeconds: 0 } }),
    expected: "implement #12 on agent/issue-12, attempt 2, asked by alice",
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
]);

chapter("row 4: orders", [
  { when: "the label by somebody trusted", snapshot: one({}), expected: first },
  {
    when: "the label by somebody untrusted",
    snapshot: one({ details: { timeline: [labelled(stranger, now - hour)] } }),
    expected: "skip by row 17: the order is refused: @mallory may not write code here",
  },
  {
    when: "the label by somebody whose right cannot be proved",
    snapshot: one({ details: { access: { alice: { kind: "unknown", why: "the forge hides it" } } } }),
    expected:
      "skip by row 17: the order is refused: whether @alice may write code here cannot be proved: the forge hides it",
  },
  {
    when: "the label by the program alone is nobody's order",
    snapshot: one({ details: { timeline: [labelled(bot, now - hour)] } }),
    expected: "skip by row 17: nobody who may give orders asked for it",
  },
  {
    when: "another label is no order",
    snapshot: one({ details: { timeline: [labelled(writer, now - hour, { label: "bug" })] } }),
    expected: "skip by row 17: nobody who may give orders asked for it",
  },
  {
    when: "the label was put on by a writer, off, and on again by a stranger: the last counts",
    snapshot: one({
      details: {
        timeline: [labelled(writer, now - 2 * hour, { id: 100 }), labelled(stranger, now - hour, { id: 101 })],
      },
    }),
    expected: "skip by row 17: the order is refused: @mallory may not write code here",
  },
  {
    when: "people named in the policy are trusted without asking, in any case",
    snapshot: one({ details: { access: {}, timeline: [labelled("Ann", now - hour)] } }),
    policy: aPolicy({ trusted: ["ANN"] }),
    expected: "implement #12 on agent/issue-12, attempt 1, asked by Ann",
  },
  {
    when: "people not named in the policy are not, whatever they may write",
    snapshot: one({}),
    policy: aPolicy({ trusted: ["ann"] }),
    expected: "skip by row 17: the order is refused: @alice is not named in `trusted`",
  },
  {
    when: "`/agent run` without the label",
    snapshot: one(
      { issue: { labels: [], comments: 1 }, details: { timeline: [], comments: [run()] } },
      { trigger: { event: "comment", item: 12, actor: writer } },
    ),
    expected: first,
  },
  {
    when: "`/agent run` by a stranger",
    snapshot: one(
      { issue: { labels: [], comments: 1 }, details: { timeline: [], comments: [run({ author: stranger })] } },
      { trigger: { event: "comment", item: 12, actor: stranger } },
    ),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "a mention of the bot is the same",
    snapshot: one(
      { issue: { labels: [], comments: 1 }, details: { timeline: [], comments: [aComment(`@${bot} please`)] } },
      { trigger: { event: "comment", item: 12, actor: writer } },
    ),
    expected: first,
  },
  {
    when: "a command in a comment that was edited is none",
    snapshot: one(
      {
        issue: { labels: [], comments: 1 },
        details: { timeline: [], comments: [run({ createdAt: now - hour, updatedAt: now })] },
      },
      { trigger: { event: "comment", item: 12, actor: writer } },
    ),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "a command by the program is none",
    snapshot: one(
      { issue: { labels: [], comments: 1 }, details: { timeline: [], comments: [run({ author: bot })] } },
      { trigger: { event: "comment", item: 12, actor: writer } },
    ),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "a command that was obeyed is not obeyed again",
    snapshot: one({
      record: { state: "done", handled: ["label:100", "comment:300"] },
      details: { comments: [run()] },
    }),
    expected: "skip by row 17: its work is done; put the label on again for another go",
  },
  {
    when: "a run by hand without the label",
    snapshot: one(
      { issue: { labels: [] }, details: { timeline: [], access: {} } },
      { trigger: { event: "dispatch", item: 12, byHand: true, actor: "ann" } },
    ),
    expected: "implement #12 on agent/issue-12, attempt 1, asked by ann",
  },
  {
    when: "a run by hand outside a server: the issue's author stands in",
    snapshot: one(
      { issue: { labels: [], author: "carol" }, details: { timeline: [], access: {} } },
      { trigger: { event: "dispatch", item: 12, byHand: true, actor: null } },
    ),
    expected: "implement #12 on agent/issue-12, attempt 1, asked by carol",
  },
  {
    when: "a run that the program dispatched itself orders nothing",
    snapshot: one(
      { issue: { labels: [] }, details: { timeline: [] } },
      { trigger: { event: "dispatch", item: 12, byHand: false, actor: bot } },
    ),
    expected: "skip by row 9: `bot` is off, nobody asks for work",
  },
  {
    when: "of several orders the latest wins",
    snapshot: one({
      issue: { comments: 2 },
      details: {
        access: { alice: { kind: "yes", evidence: "" }, ann: { kind: "yes", evidence: "" } },
        comments: [
          run({ id: 300, createdAt: now - 30 * minute }),
          run({ id: 301, author: "ann", createdAt: now - 20 * minute }),
        ],
      },
    }),
    expected: "implement #12 on agent/issue-12, attempt 1, asked by ann",
  },
  {
    when: "a stranger's later command does not undo a trusted order",
    snapshot: one({ issue: { comments: 1 }, details: { comments: [run({ author: stranger })] } }),
    expected: first,
  },
  {
    when: "a flood of strangers' commands does not push the label out",
    snapshot: one({
      issue: { comments: 30 },
      details: {
        comments: Array.from({ length: 30 }, (_, i) =>
          run({ id: 300 + i, author: `spam${i % 4}`, createdAt: now - minute + i }),
        ),
        access: {
          alice: { kind: "yes", evidence: "" },
          ...Object.fromEntries([0, 1, 2, 3].map((i) => [`spam${i}`, { kind: "no", evidence: "" } as const])),
        },
      },
    }),
    expected: first,
  },
  {
    when: "`/agent stop` after the label: nothing older is obeyed",
    snapshot: one({ issue: { comments: 1 }, details: { comments: [aComment("/agent stop")] } }),
    expected: "skip by row 17: `/agent stop` is not supported yet",
  },
  {
    when: "the label again after `/agent stop`",
    snapshot: one({
      issue: { comments: 1 },
      details: {
        comments: [aComment("/agent stop", { createdAt: now - hour })],
        timeline: [labelled(writer, now - minute)],
      },
    }),
    expected: first,
  },
  {
    when: "`/agent why` is refused, and stops nothing",
    snapshot: one({ issue: { comments: 1 }, details: { comments: [aComment("/agent why")] } }),
    expected: first,
  },
  {
    when: "`/agent stop` older than an order that was obeyed is over",
    snapshot: one({
      record: { handled: ["label:100"] },
      issue: { comments: 1 },
      details: { comments: [aComment("/agent stop", { createdAt: now - 2 * hour })] },
    }),
    expected: "implement #12 on agent/issue-12, attempt 2, asked by alice",
  },
  {
    when: "the label again after the program gave up: attempts start again",
    snapshot: one({
      record: { state: "blocked", attempt: 3 },
      details: { timeline: [labelled(writer, now - hour), labelled(writer, now - minute, { id: 101 })] },
    }),
    expected: first,
  },
  {
    when: "the label again after a question",
    snapshot: one({
      record: { state: "blocked", attempt: 1, stage: "needs-info" },
      details: { timeline: [labelled(writer, now - minute, { id: 101 })] },
    }),
    expected: first,
  },
  {
    when: "gave up, the old label never came off",
    snapshot: one({ record: { state: "blocked", attempt: 3 } }),
    expected: "skip by row 17: it waits for a person; put the label on again to go on",
  },
]);

chapter("row 5: taken by a person", [
  {
    when: "assigned by themselves after the order",
    snapshot: one({
      issue: { assignees: ["bob"] },
      details: { timeline: [labelled(writer, now - hour), assigned("bob", "bob", now - minute)] },
    }),
    expected: "skip by row 5: @bob is assigned",
  },
  {
    when: "assigned before the order: the order is newer",
    snapshot: one({
      issue: { assignees: ["bob"] },
      details: { timeline: [assigned("bob", "bob", now - 2 * hour), labelled(writer, now - hour)] },
    }),
    expected: first,
  },
  {
    when: "assigned in the same second as the label, as one form does both",
    snapshot: one({
      issue: { assignees: ["bob"] },
      details: { timeline: [labelled(writer, now - hour), assigned("bob", writer, now - hour)] },
    }),
    expected: first,
  },
  {
    when: "assigned, and nobody knows when",
    snapshot: one({ issue: { assignees: ["bob"] } }),
    expected: "skip by row 5: @bob is assigned",
  },
  {
    when: "assigned by the program, to answer a question",
    snapshot: one({
      issue: { assignees: ["alice"] },
      record: { state: "blocked" },
      details: {
        timeline: [
          labelled(writer, now - hour),
          assigned("alice", bot, now - 30 * minute),
          labelled(writer, now - minute, { id: 101 }),
        ],
      },
    }),
    expected: first,
  },
  {
    when: "assigned by the program, then by themselves",
    snapshot: one({
      issue: { assignees: ["Bob"] },
      details: {
        timeline: [
          labelled(writer, now - hour),
          assigned("bob", bot, now - 30 * minute),
          assigned("bob", "bob", now - minute, { id: 201 }),
        ],
      },
    }),
    expected: "skip by row 5: @Bob is assigned",
  },
  { when: "the bot is assigned", snapshot: one({ issue: { assignees: ["Agent-Bot"] } }), expected: first },
  {
    when: "a command after the assignment",
    snapshot: one({
      issue: { assignees: ["bob"], comments: 1 },
      details: { timeline: [labelled(writer, now - 3 * hour), assigned("bob", "bob", now - hour)], comments: [run()] },
    }),
    expected: first,
  },
  {
    when: "a question to the program after the assignment is no order to take it back",
    snapshot: one({
      issue: { assignees: ["bob"], comments: 1 },
      details: {
        timeline: [labelled(writer, now - 3 * hour), assigned("bob", "bob", now - hour)],
        comments: [aComment("/agent why")],
      },
    }),
    expected: "skip by row 5: @bob is assigned",
  },
  {
    when: "assigned before a run by hand whose first attempt failed",
    snapshot: one({
      issue: { assignees: ["bob"] },
      record: { handled: ["dispatch:run-8"], orderAt: iso(now - hour) },
      details: { timeline: [assigned("bob", "bob", now - 2 * hour), labelled(bot, now - hour + minute)] },
    }),
    expected: "implement #12 on agent/issue-12, attempt 2, asked by alice",
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
    expected: first,
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
    expected: "implement #12 on agent/issue-12, attempt 2, asked by alice",
  },
  {
    when: "named by the event: looked at, and still cooling",
    snapshot: one({ record: { ...cooling } }, { trigger: { event: "label", item: 12, actor: writer } }),
    expected: "skip by row 6: cooling down after timeout until 2026-03-01 12:10 UTC",
  },
]);

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
    expected: "implement #12 on agent/issue-12, attempt 2, asked by alice",
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
    expected: "implement #12 on agent/issue-12, attempt 2, asked by alice",
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

chapter("row 10: a person's pull request (reviews come later)", [
  {
    when: "labelled",
    snapshot: one({ issue: { isPull: true } }),
    expected: "skip by row 10: it is a person's pull request; reviewing those is not supported yet",
  },
]);

chapter("rows 11 to 16: an open pull request of the program (review and rework come later)", [
  {
    when: "waits for review",
    snapshot: one({ pull: aPull({ labels: ["agent/needs-review"] }), record: { state: "done", pull: 20 } }),
    expected:
      "skip by row 11: pull request #20 is open with `agent/needs-review`; the next step on it is not supported yet",
  },
  {
    when: "in conflict with its base",
    snapshot: one({ pull: aPull({ mergeable: false }), record: { state: "done", pull: 20 } }),
    expected:
      "skip by row 11: pull request #20 is open with `agent/needs-review`; the next step on it is not supported yet",
  },
  {
    when: "changes wanted",
    snapshot: one({ pull: aPull({ labels: ["agent/needs-rework"] }), record: { state: "done", pull: 20 } }),
    expected:
      "skip by row 11: pull request #20 is open with `agent/needs-rework`; the next step on it is not supported yet",
  },
  {
    when: "ordered by a command all the same",
    snapshot: one({
      pull: aPull({ labels: ["agent/merge-ready"] }),
      record: { state: "done", pull: 20 },
      issue: { comments: 1 },
      details: { comments: [run()] },
    }),
    expected:
      "skip by row 11: pull request #20 is open with `agent/merge-ready`; the next step on it is not supported yet",
  },
]);

const notOurs =
  "skip by row 17: the branch `agent/issue-12` holds commits that are not the program's; rename or delete it";
const personsPull = aPull({ number: 30, author: "bob", headRef: "door", title: "Oil it", body: "Fixes #12" });

chapter("row 17: not ready", [
  {
    when: "an excluded label: known without a look",
    snapshot: one({ issue: { labels: ["bot", "epic"] }, details: null }),
    expected: "skip by row 17: the label `epic` excludes it",
  },
  {
    when: "an excluded label, with comments that may hold an order",
    snapshot: one({ issue: { labels: ["bot", "epic"], comments: 1 }, details: null }),
    expected: "look at #12: details, agent/issue-12",
  },
  {
    when: "the comments hold none",
    snapshot: one({ issue: { labels: ["bot", "epic"], comments: 1 } }),
    expected: "skip by row 17: the label `epic` excludes it",
  },
  {
    when: "an explicit command overrides an excluded label",
    snapshot: one({ issue: { labels: ["bot", "epic"], comments: 1 }, details: { comments: [run()] } }),
    expected: first,
  },
  {
    when: "a run by hand overrides it",
    snapshot: one(
      { issue: { labels: ["bot", "epic"] } },
      { trigger: { event: "dispatch", item: 12, byHand: true, actor: writer } },
    ),
    expected: first,
  },
  {
    when: "a run that the program dispatched does not",
    snapshot: one({ issue: { labels: ["bot", "epic"] } }, { trigger: { event: "dispatch", item: 12, actor: bot } }),
    expected: "skip by row 17: the label `epic` excludes it",
  },
  {
    when: "an excluded title",
    snapshot: one({ issue: { title: "Draft: think about doors" } }),
    policy: aPolicy({ excludeTitles: [/^draft:/i] }),
    expected: "skip by row 17: its title matches `^draft:`, which excludes it",
  },
  {
    when: "an open dependency",
    snapshot: one({ details: { openDependencies: [{ repository: "acme/lib", number: 3 }] } }),
    expected: "skip by row 17: it waits for acme/lib#3, which is open",
  },
  {
    when: "an open dependency, and an explicit command",
    snapshot: one({
      issue: { comments: 1 },
      details: { openDependencies: [{ repository: "acme/lib", number: 3 }], comments: [run()] },
    }),
    expected: first,
  },
  {
    when: "a person's pull request closes it",
    snapshot: one({}, { openPulls: [personsPull] }),
    expected: "skip by row 17: pull request #30 by @bob closes it already",
  },
  {
    when: "a person's pull request closes it, and an explicit command",
    snapshot: one({ issue: { comments: 1 }, details: { comments: [run()] } }, { openPulls: [personsPull] }),
    expected: first,
  },
  {
    when: "a person's pull request closes issue 120",
    snapshot: one({}, { openPulls: [aPull({ ...personsPull, labels: [], body: "Fixes #120" })] }),
    expected: first,
  },
  {
    when: "several pull requests close it: the first is named, in whatever order they are listed",
    snapshot: one({}, { openPulls: [aPull({ ...personsPull, number: 31, labels: [] }), personsPull] }),
    expected: "skip by row 17: pull request #30 by @bob closes it already",
  },
  {
    when: "the pull request from its own branch, whose marker a person edited out, is no other one",
    snapshot: one(
      { record: { head: sha("b") }, details: { branch: sha("b") } },
      { openPulls: [aPull({ body: "Closes #12" })] },
    ),
    expected: "implement #12 on agent/issue-12, attempt 2, asked by alice",
  },
  {
    when: "a pull request from a branch of that name in a fork is another one",
    snapshot: one({ record: {} }, { openPulls: [aPull({ author: "bob", headIsHere: false, body: "Closes #12" })] }),
    expected: "skip by row 17: pull request #20 by @bob closes it already",
  },
  {
    when: "a branch of our name without a record",
    snapshot: one({ details: { branch: sha("b") } }),
    expected: notOurs,
  },
  {
    when: "a branch of our name, and a record that has published nothing",
    snapshot: one({ record: { branch: "agent/issue-12" }, details: { branch: sha("b") } }),
    expected: notOurs,
  },
  {
    when: "a person pushed to the branch that an earlier claim published",
    snapshot: one({ record: { head: sha("b") }, details: { branch: sha("e") } }),
    expected: notOurs,
  },
  {
    when: "also for an explicit command: a person's work is never replaced",
    snapshot: one({
      record: { head: sha("b") },
      issue: { comments: 1 },
      details: { branch: sha("e"), comments: [run()] },
    }),
    expected: notOurs,
  },
  {
    when: "the branch stands where an earlier claim published it",
    snapshot: one({ record: { head: sha("b") }, details: { branch: sha("b") } }),
    expected: "implement #12 on agent/issue-12, attempt 2, asked by alice",
  },
  {
    when: "the branch of an earlier claim is gone",
    snapshot: one({ record: { head: sha("b") } }),
    expected: "implement #12 on agent/issue-12, attempt 2, asked by alice",
  },
  {
    when: "the cap on open pull requests is reached",
    snapshot: one(
      {},
      {
        openPulls: Array.from({ length: 6 }, (_, i) =>
          aPull({ number: 40 + i, headRef: `agent/issue-${40 + i}`, body: "" }),
        ),
      },
    ),
    expected: "skip by row 17: 6 pull requests of the program are open (`max-open-pulls` is 6)",
  },
  {
    when: "people's pull requests do not count",
    snapshot: one(
      {},
      {
        openPulls: Array.from({ length: 9 }, (_, i) =>
          aPull({ number: 40 + i, author: "bob", headRef: `b${i}`, body: "" }),
        ),
      },
    ),
    expected: first,
  },
  {
    when: "all slots are taken, also for an explicit command",
    snapshot: one(
      { issue: { comments: 1 }, details: { comments: [run()] } },
      {
        slots: [{ number: 1, sha: sha("1"), holder: { key: "issue-9", epoch: 4 } }],
        records: { "issue-9": recorded({ ...live, key: "issue-9", epoch: 4 }) },
      },
    ),
    policy: aPolicy({ maxConcurrent: 1 }),
    expected: "skip by row 17: all places for agents are taken (`max-concurrent` is 1)",
  },
  {
    when: "the text was changed after the order by an author who may not give orders",
    snapshot: one({ issue: { author: stranger, body: "Something else." }, record: { bodyHash: "as it was" } }),
    expected:
      "skip by row 17: its text was changed after the order by somebody who may not give orders; put the label on again to go on",
  },
  {
    when: "the text was changed by an author who may",
    snapshot: one({ record: { bodyHash: "as it was" } }),
    expected: "implement #12 on agent/issue-12, attempt 2, asked by alice",
  },
  {
    when: "the text was changed, and a trusted person put the label on again",
    snapshot: one({
      issue: { author: stranger },
      record: { bodyHash: "as it was" },
      details: { timeline: [labelled(writer, now - hour), labelled(writer, now - minute, { id: 101 })] },
    }),
    expected: first,
  },
  {
    when: "the text was changed, the author's right is not known yet",
    snapshot: one({ issue: { author: "carol" }, record: { bodyHash: "as it was" } }),
    expected: "look at #12: access of carol",
  },
  {
    when: "the work is done, the label still on",
    snapshot: one({ record: { state: "done", pull: 20 } }),
    expected: "skip by row 17: its work is done; put the label on again for another go",
  },
]);

chapter("row 18: implement", [
  { when: "a fresh issue", snapshot: one({}), expected: first },
  {
    when: "after a failure, the cooldown over",
    snapshot: one({ record: { attempt: 1 } }),
    expected: "implement #12 on agent/issue-12, attempt 2, asked by alice",
  },
  {
    when: "after a failure that cost no attempt",
    snapshot: one({ record: { attempt: 0 } }),
    expected: first,
  },
  {
    when: "the last attempt",
    snapshot: one({ record: { ...dead, attempt: 2 } }),
    expected: "implement #12 on agent/issue-12, attempt 3, asked by alice",
  },
  {
    when: "attempts used up by a run that died",
    snapshot: one({ record: { ...dead, attempt: 3 } }),
    expected: "give up #12 for alice: 3 attempts ended without a result",
  },
  {
    when: "attempts used up, and a new order",
    snapshot: one({ record: { ...dead, attempt: 3 }, issue: { comments: 1 }, details: { comments: [run()] } }),
    expected: first,
  },
  {
    when: "closed generation, the label put on again: the next one, on its own branch",
    snapshot: one({
      record: { state: "closed", pull: 20, attempt: 2 },
      details: { timeline: [labelled(writer, now - hour), labelled(writer, now - minute, { id: 101 })] },
    }),
    expected: "implement #12 on agent/issue-12-2, attempt 1, asked by alice",
  },
  {
    when: "second generation goes on after a failure",
    snapshot: one({ record: { generation: 2, branch: "agent/issue-12-2" } }),
    expected: "implement #12 on agent/issue-12-2, attempt 2, asked by alice",
  },
  {
    when: "next generation whose branch a person has made",
    snapshot: one({
      record: { state: "closed", head: sha("b") },
      details: { branch: sha("e"), timeline: [labelled(writer, now - minute, { id: 101 })] },
    }),
    expected:
      "skip by row 17: the branch `agent/issue-12-2` holds commits that are not the program's; rename or delete it",
  },
  {
    when: "closed generation, nobody asks again",
    snapshot: one({ record: { state: "closed" } }),
    expected: "skip by row 17: its work is done; put the label on again for another go",
  },
  {
    when: "begun by a command: the program's own label lets it go on",
    snapshot: one({
      record: { handled: ["comment:300"] },
      issue: { comments: 1 },
      details: { timeline: [labelled(bot, now - 40 * minute)], comments: [run({ createdAt: now - 41 * minute })] },
    }),
    expected: "implement #12 on agent/issue-12, attempt 2, asked by alice",
  },
  {
    when: "begun by a writer, then labelled again by a stranger",
    snapshot: one({
      details: { timeline: [labelled(writer, now - hour), labelled(stranger, now - minute, { id: 101 })] },
      record: {},
    }),
    expected: "skip by row 17: the order is refused: @mallory may not write code here",
  },
]);

describe("what an implementation is told", () => {
  const plan = (snapshot: Snapshot) => {
    const decision = decide(snapshot, aPolicy());
    if (decision.kind !== "implement") throw new Error(`expected an implementation, got ${said(decision)}`);
    return decision.plan;
  };

  test("the words of the order and of the run, whose comment to answer, whom to take off", () => {
    const snapshot = one(
      {
        issue: { assignees: ["alice", "bob"], comments: 2 },
        details: {
          branch: null,
          comments: [
            aComment("/agent run quickly\nand well", { id: 301, createdAt: now - minute }),
            aComment("/agent run", { id: 302, author: stranger, createdAt: now - 1000 }),
          ],
          timeline: [
            labelled(writer, now - hour),
            assigned("alice", bot, now - 30 * minute),
            assigned("bob", "bob", now - 2 * hour, { id: 201 }),
          ],
        },
      },
      { trigger: { event: "comment", item: 12, actor: writer, message: "mind the hinges" } },
    );
    expect(plan(snapshot)).toEqual({
      generation: 1,
      branch: "agent/issue-12",
      expect: null,
      attempt: 1,
      askedBy: "alice",
      orderAt: now - minute,
      instruction: "quickly\nand well\n\nmind the hinges",
      handled: ["comment:301", "label:100"],
      orderComments: [301],
      unassign: ["alice"],
      slot: expect.any(Number),
    });
  });

  test("the message of a run by hand is said once", () => {
    const trigger = { event: "dispatch", item: 12, byHand: true, actor: writer, message: "do it" } as const;
    expect(plan(one({}, { trigger }))).toMatchObject({
      instruction: "do it",
      orderAt: now,
      orderComments: [],
      handled: ["dispatch:run-9", "label:100"],
    });
  });

  test("the commit that its branch is at", () => {
    expect(plan(one({ record: { head: sha("f") }, details: { branch: sha("f") } }))).toMatchObject({
      expect: sha("f"),
      attempt: 2,
    });
  });
});

describe("looking: cheap facts first, then details, then rights", () => {
  const unread = { details: null } as const;

  test("one item, step by step", () => {
    const policy = aPolicy();
    expect(said(decide(one(unread), policy))).toBe("look at #12: details, agent/issue-12");
    expect(said(decide(one({ details: { access: {} } }), policy))).toBe("look at #12: access of alice");
    expect(said(decide(one({}), policy))).toBe(first);
  });

  test("the branch of the next generation is asked for", () => {
    expect(said(decide(one({ record: { state: "closed" }, ...unread }), aPolicy()))).toBe(
      "look at #12: details, agent/issue-12-2",
    );
  });

  test("each giver is asked about once, the program never", () => {
    const comments = ["ann", "Ann", "bob", bot].map((author, i) => run({ id: 300 + i, author, createdAt: now - i }));
    expect(said(decide(one({ issue: { comments: 4 }, details: { access: {}, comments } }), aPolicy()))).toBe(
      "look at #12: access of ann,bob,alice",
    );
  });

  test("a flood of givers is asked about up to a bound; whoever put the label on always is", () => {
    const comments = Array.from({ length: 30 }, (_, i) => run({ id: 300 + i, author: `spam${i}`, createdAt: now - i }));
    expect(said(decide(one({ issue: { comments: 30 }, details: { access: {}, comments } }), aPolicy()))).toBe(
      `look at #12: access of ${Array.from({ length: 20 }, (_, i) => `spam${i}`)},alice`,
    );
  });

  test("givers that a record has obeyed are not asked about", () => {
    expect(said(decide(one({ record: {}, details: { access: {} } }), aPolicy()))).toBe(
      "implement #12 on agent/issue-12, attempt 2, asked by alice",
    );
  });

  test("at most looksMax items a run, the oldest first, the rest from a place that moves", () => {
    const many = Array.from({ length: 60 }, (_, i) =>
      anItem({ issue: { number: 100 + i, createdAt: now - hour + i, updatedAt: now }, details: null }),
    );
    const lookedAt = (seed: number, looksMax = 10) => {
      const numbers: number[] = [];
      let items = many;
      for (;;) {
        const decision = decide(aSnapshot({ items, seed }), aPolicy({ looksMax }));
        if (decision.kind !== "look") return numbers;
        numbers.push(decision.item.issue.number);
        // Read, and found to be nobody's order.
        const { key } = decision.item;
        items = items.map((item) => (item.key === key ? { ...item, details: details({ timeline: [] }) } : item));
      }
    };
    const one = lookedAt(1);
    expect(one.slice(0, 5)).toEqual([100, 101, 102, 103, 104]);
    expect(one.length).toBe(9);
    for (const looksMax of [1, 2, 3, 4]) expect(lookedAt(7, looksMax).length).toBeLessThanOrEqual(looksMax);
    // None starves, whatever the steps in which runs are numbered.
    for (const step of [1, 2, 60]) {
      const seen = new Set(Array.from({ length: 200 }, (_, i) => lookedAt(7 + i * step)).flat());
      expect(seen.size, `runs numbered in steps of ${step}`).toBe(60);
    }
  });

  test("of items that are assigned to people one a run, and only where something happened within a day", () => {
    const at = (number: number, updatedAt: number, change: Parameters<typeof anItem>[0] = {}) =>
      anItem({ ...change, issue: { number, updatedAt, assignees: ["bob"] }, details: null });
    const lookedAt = (items: Snapshot["items"], seeds = 20) => {
      const numbers = Array.from({ length: seeds }, (_, seed) => {
        const look = (left: Snapshot["items"], found: number[]): number[] => {
          const decision = decide(aSnapshot({ items: left, seed }), aPolicy());
          if (decision.kind !== "look") return found;
          const { key, issue } = decision.item;
          const read = details({ timeline: [] });
          const next = left.map((i) => (i.key === key ? { ...i, details: read } : i));
          return look(next, [...found, issue.number]);
        };
        return look(items, []);
      });
      expect(Math.max(...numbers.map((found) => found.length))).toBeLessThanOrEqual(1);
      return [...new Set(numbers.flat())].sort();
    };
    const day = 24 * hour;
    expect(lookedAt([at(1, now - day + 1), at(2, now - day), at(3, now - 9 * day), at(4, now)])).toEqual([1, 4]);
    // Begun ones always: nobody may have touched what a run left.
    const states = ["published", "held", "released", "done", "blocked", "closed"] as const;
    const left = states.map((state, i) => at(i + 1, now - 9 * day, { record: { ...dead, state } }));
    expect(lookedAt(left, 60)).toEqual([1, 2, 3]);
    // The one that the event names is no matter of turns.
    const named = aSnapshot({ items: [at(1, now - 9 * day)], trigger: { event: "label", item: 1, actor: writer } });
    expect(said(decide(named, aPolicy()))).toBe("look at #1: details, agent/issue-1");
  });

  test("of one item's commands the newest 50 count", () => {
    const comments = Array.from({ length: 51 }, (_, i) => run({ id: 300 + i, createdAt: now - hour - i * minute }));
    const decision = decide(one({ issue: { comments: 51 }, details: { timeline: [], comments } }), aPolicy());
    if (decision.kind !== "implement") throw new Error(said(decision));
    expect(decision.plan.handled).toEqual(Array.from({ length: 50 }, (_, i) => `comment:${300 + i}`));
  });

  test("items that need no look do not use up the places", () => {
    const waiting = Array.from({ length: 20 }, (_, i) =>
      anItem({
        issue: { number: 100 + i, createdAt: i },
        pull: aPull({ number: 200 + i, headRef: `agent/issue-${100 + i}`, body: "" }),
        record: { state: "done", pull: 200 + i },
        details: null,
      }),
    );
    const snapshot = aSnapshot({ items: [...waiting, anItem({ details: null })], openPulls: [] });
    expect(said(decide(snapshot, aPolicy()))).toBe("look at #12: details, agent/issue-12");
  });

  test("what is not looked at says so", () => {
    const items = [
      anItem({ issue: { number: 1, createdAt: 1 }, details: { timeline: [] } }),
      anItem({ issue: { number: 2, createdAt: 2 }, details: null }),
    ];
    const decision = decide(aSnapshot({ items }), aPolicy({ looksMax: 1 }));
    expect(decision).toMatchObject({
      kind: "idle",
      reason: "2 items looked at, none is ready",
      passed: [
        { item: 1, row: 17 },
        { item: 2, row: 4, reason: "not looked at closely in this run; its turn comes (1 a run)" },
      ],
    });
  });
});

describe("across items", () => {
  const chosen = (items: Snapshot["items"], policy = aPolicy()) => said(decide(aSnapshot({ items }), policy));
  const issue = (number: number, change: Parameters<typeof anItem>[0] = {}) =>
    anItem({ ...change, issue: { number, createdAt: now - number * minute, ...change?.issue } });

  test("the oldest", () => {
    expect(chosen([issue(13), issue(14)])).toContain("implement #14");
  });

  test("of two as old, the lowest number", () => {
    const at = { createdAt: 5 };
    expect(
      chosen([issue(14, { issue: { number: 14, ...at } }), issue(13, { issue: { number: 13, ...at } })]),
    ).toContain("implement #13");
  });

  test("a priority label before age, in the order of the policy", () => {
    const items = [
      issue(15),
      issue(14, { issue: { number: 14, labels: ["bot", "soon"] } }),
      issue(13, { issue: { number: 13, labels: ["bot", "now"] } }),
    ];
    expect(chosen(items, aPolicy({ priorityLabels: ["now", "soon"] }))).toContain("implement #13");
    expect(chosen(items, aPolicy({ priorityLabels: ["soon"] }))).toContain("implement #14");
  });

  test("finishing before starting", () => {
    const items = [
      issue(14, { issue: { number: 14, labels: ["bot", "now"] } }),
      issue(13, { record: { ...dead, state: "published" } }),
    ];
    expect(chosen(items, aPolicy({ priorityLabels: ["now"] }))).toBe("resume #13");
  });

  test("one that is not ready does not stop the next, and keeps its reason", () => {
    const items = [issue(14, { record: live }), issue(13)];
    expect(chosen(items)).toContain("implement #13");
  });
});

chapter("a forced mode", [
  { when: "implement is what it needs", snapshot: one({}), policy: aPolicy({ force: "implement" }), expected: first },
  {
    when: "implement is not what it needs",
    snapshot: one({ record: { ...dead, state: "published" } }),
    policy: aPolicy({ force: "implement" }),
    expected: "skip by row 7: would be resume, `mode` asks for implement",
  },
]);

const tick = { event: "schedule" } as const;
chapter("a cron tick", [
  {
    when: "nobody knows yet whether it can start a run",
    snapshot: one({}, { trigger: tick }),
    expected: "look: dispatch",
  },
  { when: "it can", snapshot: one({}, { trigger: tick, canDispatch: true }), expected: "dispatch #12 (implement)" },
  {
    when: "it can, but a dispatched run is at work that this server would cancel",
    snapshot: one({}, { trigger: tick, canDispatch: "busy" }),
    expected: "idle: #12 is ready, but another dispatched run is at work, and this server would cancel that one",
  },
  { when: "it cannot", snapshot: one({}, { trigger: tick, canDispatch: false }), expected: first },
  {
    when: "work without an agent it does itself",
    snapshot: one({ record: { ...dead, state: "published" } }, { trigger: tick, canDispatch: true }),
    expected: "resume #12",
  },
  {
    when: "so is handing an item to a person",
    snapshot: one({ record: { ...dead, attempt: 3 } }, { trigger: tick, canDispatch: true }),
    expected: "give up #12 for alice: 3 attempts ended without a result",
  },
]);

test("idle says what was looked at and why none was taken", () => {
  const items = [
    anItem({ issue: { number: 1, title: "One", labels: ["bot", "hold"], createdAt: 1 } }),
    anItem({ issue: { number: 2, title: "Two", createdAt: 2 }, record: live }),
  ];
  expect(decide(aSnapshot({ items }), aPolicy())).toEqual({
    kind: "idle",
    reason: "2 items looked at, none is ready",
    passed: [
      { item: 1, title: "One", row: 1, reason: "`hold` is on the issue" },
      { item: 2, title: "Two", row: 2, reason: "claimed by run 7" },
    ],
    refusals: [],
  });
  const named = decide(aSnapshot({ items: items.slice(0, 1), trigger: { item: 1 } }), aPolicy());
  expect(named).toMatchObject({ reason: "#1: `hold` is on the issue" });
});

describe("the same work after the claim", () => {
  const work = (item: Parameters<typeof anItem>[0], more: Parameters<typeof aSnapshot>[0] = {}) =>
    decide(one(item, more), aPolicy());

  test("the same", () => {
    expect(sameWork(work({}), work({}))).toBe(true);
    expect(sameWork(work({}), work({ issue: { comments: 1 }, details: { comments: [run()] } }))).toBe(true);
    const published = { record: { ...dead, state: "published" } } as const;
    expect(sameWork(work(published), work(published))).toBe(true);
  });

  test("another item, kind, branch or start is other work", () => {
    expect(sameWork(work({}), work({ issue: { number: 13 } }))).toBe(false);
    expect(sameWork(work({}), work({ issue: { labels: ["hold"] } }))).toBe(false);
    expect(sameWork(work({ issue: { labels: ["hold"] } }), work({ issue: { labels: ["hold"] } }))).toBe(false);
    const ours = { head: sha("f") };
    const there = work({ record: ours, details: { branch: sha("f") } });
    expect(sameWork(there, there)).toBe(true);
    expect(sameWork(work({ record: ours }), there)).toBe(false);
    const next = { record: { state: "closed" }, details: { timeline: [labelled(writer, now, { id: 101 })] } } as const;
    expect(
      sameWork(work({}), work({ ...next, details: { ...next.details, timeline: [...next.details.timeline] } })),
    ).toBe(false);
    expect(sameWork(work({}), work({ record: { ...dead, attempt: 3 } }))).toBe(false);
  });
});

describe("taken back from a run at work", () => {
  const rows: [string, Parameters<typeof anIssue>[0], string | null][] = [
    ["nothing happened", { assignees: [bot] }, null],
    ["closed", { state: "closed" }, "the issue was closed"],
    ["locked", { locked: true }, "the issue was locked"],
    ["hold", { labels: ["bot", "hold"] }, "`hold` was put on"],
    ["the label off", { labels: [] }, "`bot` was taken off"],
    ["somebody assigned", { assignees: [bot, "bob"] }, "@bob was assigned"],
    ["somebody who was assigned before", { assignees: ["ALICE", "Agent-Bot"] }, null],
  ];
  test.for(rows)("%s", ([, issue = {}, expected]) => {
    expect(takenBack(anItem({ issue }), aPolicy(), [bot], ["alice"])).toBe(expected);
  });
});
