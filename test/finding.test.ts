// Which items one run looks at besides those that carry the trigger label.

import { describe, expect, test } from "vitest";
import type { RecordFact } from "../src/core/model.ts";
import { refusalComment, whyComment } from "../src/core/report.ts";
import { askedIn, commandedIssues, controlledIssues, doubledIssues, unlisted } from "../src/finding.ts";
import type { PlacedComment } from "../src/forge/model.ts";
import { aComment, anIssue, aPull, aSnapshot, bot, hour, iso, minute, now, recorded } from "./support/builders.ts";

const { me, owner, program, seed, workflow, profiles } = aSnapshot();
const who = { me, owner, program, seed, workflow, profiles };
const placed = (body: string, issue = 12, change: Parameters<typeof aComment>[1] = {}): PlacedComment => ({
  ...aComment(body, change),
  issue,
});
const asked = (comments: PlacedComment[], records: Record<string, RecordFact> = {}, pulls = [aPull()]) =>
  askedIn(comments, records, pulls, who).map((a) => [a.issue, a.comment.id, a.isControl]);

describe("commands among the newest comments", () => {
  test("on an issue, on the program's pull request (which means its issue), on a person's", () => {
    const pulls = [aPull(), aPull({ number: 34, author: "carol", body: "Closes #12" })];
    const comments = [20, 34, 12].map((issue, i) => placed("/agent run", issue, { id: 300 + i }));
    expect(asked(comments, {}, pulls)).toEqual([
      [12, 300, false],
      [34, 301, false],
      [12, 302, false],
    ]);
  });

  test("a marker that a stranger put into their own pull request moves nothing", () => {
    const pulls = [aPull({ number: 34, author: "mallory" })];
    expect(asked([placed("/agent run", 34)], {}, pulls)).toEqual([[34, 300, false]]);
  });

  test("a marker edited away, or broken", () => {
    expect(asked([placed("/agent run", 20)], {}, [aPull({ body: "" })])).toEqual([[20, 300, false]]);
    const broken = aPull({ body: "<!-- agent-dispatch:pull v1 issue=x generation=1 -->" });
    expect(asked([placed("/agent run", 20)], {}, [broken])).toEqual([[20, 300, false]]);
  });

  test("pause and resume are about the whole program", () => {
    expect(asked([placed("/agent pause x"), placed("/agent resume", 12, { id: 301 })])).toEqual([
      [12, 300, true],
      [12, 301, true],
    ]);
  });

  test("an unknown command is answered too", () => {
    expect(asked([placed("/agent dance")])).toHaveLength(1);
  });

  test.for([
    ["plain words", placed("thanks")],
    ["by the program", placed("/agent run", 12, { author: bot })],
    ["edited", placed("/agent run", 12, { createdAt: now - hour, updatedAt: now })],
    ["quoted", placed("> /agent run")],
  ] as const)("none: %s", ([, comment]) => {
    expect(asked([comment])).toEqual([]);
  });

  test("what was obeyed, refused or answered is done", () => {
    const command = placed("/agent run");
    const records = (handled: string[]) => ({ "issue-12": recorded({ handled }) });
    expect(asked([command], records(["comment:300"]))).toEqual([]);
    expect(asked([command], records(["comment:301"]))).toHaveLength(1);
    expect(asked([command], { "pr-12": recorded({ handled: ["comment:300"] }) })).toEqual([]);
    const own = (body: string) => placed(body, 12, { id: 900, author: bot });
    expect(asked([command, own(refusalComment("comment:300", "No."))])).toEqual([]);
    expect(asked([command, own(whyComment({ item: 12, gates: [], decision: "So.", key: "comment:300" }))])).toEqual([]);
    const forged = placed(refusalComment("comment:300", "No."), 12, { id: 900, author: "mallory" });
    expect(asked([command, forged])).toHaveLength(1);
  });
});

describe("answers to a question", () => {
  const question = { text: "Which?", at: iso(now - hour) };
  const waiting = { "issue-12": recorded({ state: "blocked", stage: "needs-info", question }) };

  test("any word after it", () => {
    expect(asked([placed("The left one.")], waiting)).toEqual([[12, 300, false]]);
    expect(asked([placed("The left one.", 20)], waiting)).toEqual([[12, 300, false]]);
  });

  test("edited or not: an answer is no command", () => {
    expect(asked([placed("The left one.", 12, { createdAt: now - minute, updatedAt: now })], waiting)).toHaveLength(1);
  });

  test("not before it, and not where none waits", () => {
    expect(asked([placed("Hm.", 12, { createdAt: now - 2 * hour })], waiting)).toEqual([]);
    expect(asked([placed("Hm.")], { "issue-12": recorded({ state: "done", question }) })).toEqual([]);
  });
});

describe("items to read", () => {
  const comments = [7, 1, 7, 2, 3, 4, 5, 6].map((issue, i) => placed("/agent run", issue, { id: 300 + i }));
  const found = askedIn(comments, {}, [], who);

  test("each once, at most five: the two newest, and others by turns", () => {
    const turns = Array.from({ length: 50 }, (_, by) => commandedIssues(found, by));
    for (const numbers of turns) {
      expect(numbers.slice(0, 2)).toEqual([6, 5]);
      expect(new Set(numbers).size).toBe(5);
    }
    expect(new Set(turns.flat()).size).toBe(7);
  });

  test("where something stands twice: the issue of a pull request of ours, each once, at most three", () => {
    const doubled = [20, 20, 7, 8, 9].map((on) => ({ what: "comment", id: on, on, author: "bot" }) as const);
    expect(doubledIssues(doubled, [aPull()], who)).toEqual([12, 7, 8]);
  });

  test("those about the whole program apart", () => {
    const paused = askedIn([...comments, placed("/agent pause", 9, { id: 400 })], {}, [], who);
    expect(controlledIssues(paused, 1)).toEqual([9]);
    expect(controlledIssues(found, 1)).toEqual([]);
  });
});

describe("items of the ledger that no label shows", () => {
  const record = (number: number, change: NonNullable<Parameters<typeof recorded>[0]>) =>
    [`issue-${number}`, recorded({ key: `issue-${number}`, at: iso(now - hour), ...change })] as const;
  const pull = (number: number, change: Parameters<typeof aPull>[0] = {}) =>
    aPull({ number, updatedAt: now - 2 * hour, ...change });
  const find = (records: (readonly [string, RecordFact])[], pulls: ReturnType<typeof pull>[], by = 1) => {
    const { numbers, waiting } = unlisted(Object.fromEntries(records), [], pulls, by);
    return { numbers: [...numbers].sort((a, b) => a - b), waiting: [...waiting] };
  };

  test("what a dead run left, what happened on waiting ones, a few that only wait, a few without a pull request", () => {
    const found = find(
      [
        record(1, { state: "published" }),
        record(2, { state: "held" }),
        record(3, { state: "done", stage: "merge-ready", pull: 103 }),
        record(4, { state: "done", stage: "merge-ready", pull: 104 }),
        record(5, { state: "done", stage: "merge-ready", pull: 105 }),
        record(6, { state: "blocked", stage: "needs-info" }),
        record(7, { state: "closed" }),
        record(8, { state: "blocked", stage: "blocked", pull: 108 }),
      ],
      [pull(103, { updatedAt: now }), pull(104, { mergeable: false }), pull(105), pull(108)],
    );
    // 8 waits for a person, and nothing happened on it.
    expect(found).toEqual({ numbers: [1, 2, 3, 4, 5, 6], waiting: [5] });
  });

  test("bounded, and none starves", () => {
    const many = Array.from({ length: 20 }, (_, i) =>
      record(i + 1, { state: "done", stage: "merge-ready", pull: 101 + i }),
    );
    const pulls = Array.from({ length: 20 }, (_, i) => pull(101 + i));
    expect(find(many, pulls).numbers).toHaveLength(2);
    const seen = new Set(Array.from({ length: 300 }, (_, by) => find(many, pulls, by).numbers).flat());
    expect(seen.size).toBe(20);
    const held = Array.from({ length: 20 }, (_, i) => record(i + 1, { state: "held" }));
    expect(find(held, []).numbers).toHaveLength(3);
  });

  test("listed items, unreadable records and other entries are no matter of turns", () => {
    const records = {
      ...Object.fromEntries([record(1, { state: "held" })]),
      "issue-2": { kind: "unreadable", sha: "", why: "" } as const,
      control: recorded({ state: "held" }),
    };
    expect(unlisted(records, [anIssue({ number: 1 })], [], 1).numbers).toEqual([]);
  });
});
