// Whose orders count, which of several, and who has taken the item.

import {
  aComment,
  aPolicy,
  assigned,
  bot,
  hour,
  iso,
  labelled,
  minute,
  now,
  stranger,
  writer,
} from "../support/builders.ts";
import { begins, beginsAgain, chapter, one, run } from "../support/decisions.ts";

chapter("row 4: orders", [
  { when: "the label by somebody trusted", snapshot: one({}), expected: begins },
  {
    when: "the label by somebody untrusted",
    snapshot: one({ details: { timeline: [labelled(stranger, now - hour)] } }),
    expected: "skip by row 4: the order is refused: @mallory may not write code here",
  },
  {
    when: "the label by somebody whose right cannot be proved",
    snapshot: one({ details: { access: { alice: { kind: "unknown", why: "the forge hides it" } } } }),
    expected:
      "skip by row 4: the order is refused: whether @alice may write code here cannot be proved: the forge hides it",
  },
  {
    when: "the label by the program alone is nobody's order",
    snapshot: one({ details: { timeline: [labelled(bot, now - hour)] } }),
    expected: "skip by row 4: nobody who may give orders asked for it",
  },
  {
    when: "another label is no order",
    snapshot: one({ details: { timeline: [labelled(writer, now - hour, { label: "bug" })] } }),
    expected: "skip by row 4: nobody who may give orders asked for it",
  },
  {
    when: "the label was put on by a writer, off, and on again by a stranger: the last counts",
    snapshot: one({
      details: {
        timeline: [labelled(writer, now - 2 * hour, { id: 100 }), labelled(stranger, now - hour, { id: 101 })],
      },
    }),
    expected: "skip by row 4: the order is refused: @mallory may not write code here",
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
    expected: "skip by row 4: the order is refused: @alice is not named in `trusted`",
  },
  {
    when: "`/agent run` without the label",
    snapshot: one(
      { issue: { labels: [], comments: 1 }, details: { timeline: [], comments: [run()] } },
      { trigger: { event: "comment", item: 12, actor: writer } },
    ),
    expected: begins,
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
    expected: begins,
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
    expected: "skip by row 4: its work is done; put the label on again for another go",
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
    expected: begins,
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
    expected: begins,
  },
  {
    when: "`/agent stop` after the label: nothing older is obeyed",
    snapshot: one({ issue: { comments: 1 }, details: { comments: [aComment("/agent stop")] } }),
    expected: "stop #12 for alice",
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
    expected: begins,
  },
  {
    when: "`/agent why` is a question, and stops nothing",
    snapshot: one({ issue: { comments: 1 }, details: { comments: [aComment("/agent why")] } }),
    expected: begins,
  },
  {
    when: "`/agent stop` older than an order that was obeyed is over",
    snapshot: one({
      record: { handled: ["label:100"] },
      issue: { comments: 1 },
      details: { comments: [aComment("/agent stop", { createdAt: now - 2 * hour })] },
    }),
    expected: beginsAgain,
  },
  {
    when: "the label again after the program gave up: attempts start again",
    snapshot: one({
      record: { state: "blocked", attempt: 3 },
      details: { timeline: [labelled(writer, now - hour), labelled(writer, now - minute, { id: 101 })] },
    }),
    expected: begins,
  },
  {
    when: "the label again after a question",
    snapshot: one({
      record: { state: "blocked", attempt: 1, stage: "needs-info" },
      details: { timeline: [labelled(writer, now - minute, { id: 101 })] },
    }),
    expected: begins,
  },
  {
    when: "gave up, the old label never came off",
    snapshot: one({ record: { state: "blocked", attempt: 3 } }),
    expected: "skip by row 4: it waits for a person; put the label on again to go on",
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
    expected: begins,
  },
  {
    when: "assigned in the same second as the label, as one form does both",
    snapshot: one({
      issue: { assignees: ["bob"] },
      details: { timeline: [labelled(writer, now - hour), assigned("bob", writer, now - hour)] },
    }),
    expected: begins,
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
    expected: begins,
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
  {
    when: "assigned by themselves, taken off by a write of the program that did not know of them, and put back",
    snapshot: one({
      issue: { assignees: ["bob"] },
      details: {
        timeline: [
          labelled(writer, now - hour),
          assigned("bob", "bob", now - minute),
          assigned("bob", bot, now - minute, { id: 201, added: false }),
          assigned("bob", bot, now - minute + 1000, { id: 202 }),
        ],
      },
    }),
    expected: "skip by row 5: @bob is assigned",
  },
  {
    when: "assigned by themselves and off again, then assigned by the program",
    snapshot: one({
      issue: { assignees: ["bob"] },
      details: {
        timeline: [
          labelled(writer, now - hour),
          assigned("bob", "bob", now - 30 * minute),
          assigned("bob", "bob", now - 20 * minute, { id: 201, added: false }),
          assigned("bob", bot, now - minute, { id: 202 }),
        ],
      },
    }),
    expected: begins,
  },
  { when: "the bot is assigned", snapshot: one({ issue: { assignees: ["Agent-Bot"] } }), expected: begins },
  {
    when: "a command after the assignment",
    snapshot: one({
      issue: { assignees: ["bob"], comments: 1 },
      details: { timeline: [labelled(writer, now - 3 * hour), assigned("bob", "bob", now - hour)], comments: [run()] },
    }),
    expected: begins,
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
    expected: beginsAgain,
  },
]);
