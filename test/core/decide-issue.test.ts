// An issue without a pull request: whether work on it begins, and what it is told.

import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import type { Snapshot } from "../../src/core/model.ts";
import {
  aComment,
  aPolicy,
  aPull,
  assigned,
  bot,
  hour,
  labelled,
  minute,
  now,
  recorded,
  sha,
  stranger,
  writer,
} from "../support/builders.ts";
import { begins, beginsAgain, chapter, dead, live, one, run, said } from "../support/decisions.ts";

const past = { generation: 1, endedAt: 0, branch: null };

const notOurs =
  "skip by row 17: the branch `agent/issue-12` holds commits that are not the program's; rename or delete it";

const personsPull = aPull({ number: 30, author: "bob", headRef: "door", title: "Oil it", body: "Fixes #12" });

const sixPulls = Array.from({ length: 6 }, (_, i) =>
  aPull({ number: 40 + i, headRef: `agent/issue-${40 + i}`, body: "" }),
);
const allTaken = {
  slots: [{ number: 1, sha: sha("1"), holder: { key: "issue-9", epoch: 4 } }],
  records: { "issue-9": recorded({ ...live, key: "issue-9", epoch: 4 }) },
};

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
    expected: begins,
  },
  {
    when: "a run by hand overrides it",
    snapshot: one(
      { issue: { labels: ["bot", "epic"] } },
      { trigger: { event: "dispatch", item: 12, byHand: true, actor: writer } },
    ),
    expected: begins,
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
    expected: begins,
  },
  {
    when: "a person's pull request closes it",
    snapshot: one({}, { openPulls: [personsPull] }),
    expected: "skip by row 17: pull request #30 by @bob closes it already",
  },
  {
    when: "a person's pull request closes it, and an explicit command",
    snapshot: one({ issue: { comments: 1 }, details: { comments: [run()] } }, { openPulls: [personsPull] }),
    expected: begins,
  },
  {
    when: "a person's pull request closes issue 120",
    snapshot: one({}, { openPulls: [aPull({ ...personsPull, labels: [], body: "Fixes #120" })] }),
    expected: begins,
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
    expected: beginsAgain,
  },
  {
    when: "a pull request from a branch of that name in a fork is another one",
    snapshot: one({ record: {} }, { openPulls: [aPull({ author: "bob", headIsHere: false, body: "Closes #12" })] }),
    expected: "skip by row 17: pull request #20 by @bob closes it already",
  },
  {
    when: "a branch of our name without a record, and nobody knows whose commits it holds",
    snapshot: one({ details: { branch: sha("b") } }),
    expected: "look: past",
  },
  {
    when: "a branch of our name without a record, with somebody's commits",
    snapshot: one({ details: { branch: sha("b"), past: { ...past, branch: { sha: sha("b"), isOurs: false } } } }),
    expected: notOurs,
  },
  {
    when: "a branch of our name without a record, with the program's commits alone",
    snapshot: one({ details: { branch: sha("b"), past: { ...past, branch: { sha: sha("b"), isOurs: true } } } }),
    expected: begins,
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
    expected: beginsAgain,
  },
  {
    when: "the branch of an earlier claim is gone",
    snapshot: one({ record: { head: sha("b") } }),
    expected: beginsAgain,
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
    when: "the cap is known without a look",
    snapshot: one({ details: null }, { openPulls: sixPulls }),
    expected: "skip by row 17: 6 pull requests of the program are open (`max-open-pulls` is 6)",
  },
  {
    when: "the cap, and comments that may hold an order to stop",
    snapshot: one({ issue: { comments: 1 }, details: null }, { openPulls: sixPulls }),
    expected: "look at #12: details, agent/issue-12",
  },
  {
    when: "the cap, named by the event: looked at, since it may have to be refused",
    snapshot: one({ details: null }, { openPulls: sixPulls, trigger: { event: "label", item: 12, actor: writer } }),
    expected: "look at #12: details, agent/issue-12",
  },
  {
    when: "no place is free: known without a look",
    snapshot: one({ details: null }, allTaken),
    policy: aPolicy({ maxConcurrent: 1 }),
    expected: "skip by row 17: all places for agents are taken (`max-concurrent` is 1)",
  },
  {
    when: "no place is free, attempts used up: giving up needs none",
    snapshot: one({ record: { ...dead, attempt: 3 } }, allTaken),
    policy: aPolicy({ maxConcurrent: 1 }),
    expected: "give up #12 for alice: 3 attempts ended without a result",
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
    expected: begins,
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
    expected: "skip by row 18: all places for agents are taken (`max-concurrent` is 1)",
  },
  {
    when: "the text was changed after the order by an author who may not give orders",
    snapshot: one({ issue: { author: stranger, body: "Something else." }, record: { bodyHash: "as it was" } }),
    expected:
      "skip by row 4: its text was changed after the order by somebody who may not give orders; put the label on again to go on",
  },
  {
    when: "the text was changed by an author who may",
    snapshot: one({ record: { bodyHash: "as it was" } }),
    expected: beginsAgain,
  },
  {
    when: "the text was changed, and a trusted person put the label on again",
    snapshot: one({
      issue: { author: stranger },
      record: { bodyHash: "as it was" },
      details: { timeline: [labelled(writer, now - hour), labelled(writer, now - minute, { id: 101 })] },
    }),
    expected: begins,
  },
  {
    when: "the text was changed, the author's right is not known yet",
    snapshot: one({ issue: { author: "carol" }, record: { bodyHash: "as it was" } }),
    expected: "look at #12: access of carol",
  },
  {
    when: "the work is done, the label still on",
    snapshot: one({ record: { state: "done", pull: 20 } }),
    expected: "skip by row 4: its work is done; put the label on again for another go",
  },
]);

chapter("row 18: implement", [
  { when: "a fresh issue", snapshot: one({}), expected: begins },
  {
    when: "after a failure, the cooldown over",
    snapshot: one({ record: { attempt: 1 } }),
    expected: beginsAgain,
  },
  {
    when: "after a failure that cost no attempt",
    snapshot: one({ record: { attempt: 0 } }),
    expected: begins,
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
    expected: begins,
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
    expected: "skip by row 4: its work is done; put the label on again for another go",
  },
  {
    when: "begun by a command: the program's own label lets it go on",
    snapshot: one({
      record: { handled: ["comment:300"] },
      issue: { comments: 1 },
      details: { timeline: [labelled(bot, now - 40 * minute)], comments: [run({ createdAt: now - 41 * minute })] },
    }),
    expected: beginsAgain,
  },
  {
    when: "begun by a writer, then labelled again by a stranger",
    snapshot: one({
      details: { timeline: [labelled(writer, now - hour), labelled(stranger, now - minute, { id: 101 })] },
      record: {},
    }),
    expected: "skip by row 4: the order is refused: @mallory may not write code here",
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
        issue: { assignees: ["alice", "bob", "carol"], comments: 2 },
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
            // Put back after a write that did not know of her.
            assigned("carol", "carol", now - 40 * minute, { id: 202 }),
            assigned("carol", bot, now - 40 * minute, { id: 203, added: false }),
            assigned("carol", bot, now - 39 * minute, { id: 204 }),
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
      cancelled: 0,
      profiles: ["first"],
      round: 0,
      askedBy: "alice",
      orderAt: now - minute,
      instruction: "quickly\nand well\n\nmind the hinges",
      handled: ["comment:301", "label:100"],
      orderComments: [301],
      unassign: ["alice"],
      slot: expect.any(Number),
      reserve: 5,
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
