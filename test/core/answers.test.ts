import { describe, expect, test } from "vitest";
import { type Answers, judgeUnchanged, repliesTo, roundsWith, type Stay, unreasoned } from "../../src/core/answers.ts";
import type { FindingNote, VerdictNote } from "../../src/ledger/record.ts";
import { recordCharactersMax } from "../../src/ledger/record.ts";
import { sha } from "../support/builders.ts";

const finding = (id: string, change: Partial<FindingNote> = {}): FindingNote => ({
  ...{ id, severity: "major", path: "src/door.ts", line: 3, title: `Point ${id}`, body: "It squeaks." },
  ...change,
});
const answers = (change: Partial<Answers> = {}): Answers => ({ status: "no-change-needed", replies: [], ...change });
const reply = (id: string, action: "fixed" | "rejected" | "clarified", body = "because of line 9") => ({
  ...{ finding: id, action, body },
});
const verdict = (change: Partial<VerdictNote> = {}): VerdictNote => ({
  ...{ head: sha("a"), verdict: "changes-requested", round: 1, summary: "Not yet.", findings: [finding("1.1")] },
  ...{ approvedBy: [], approvalsNeeded: 1, patch: "p" },
  ...change,
});

describe("repliesTo", () => {
  test("one answer a finding, in their order, the last word counts; answers to nothing are left out", () => {
    const replies = [
      reply("1.2", "fixed"),
      reply("7.7", "fixed"),
      reply("1.1", "fixed", "a"),
      reply("1.1", "rejected", "b"),
    ];
    expect(repliesTo([finding("1.1"), finding("1.2"), finding("1.3")], answers({ replies }))).toEqual([
      { finding: "1.1", action: "rejected", body: "b" },
      { finding: "1.2", action: "fixed", body: "because of line 9" },
    ]);
  });

  test.for(["1.2", " 1.2 ", "[1.2]", "#1.2", "Finding 1.2:", "`1.2`"])("an id written as %s is known", (id) => {
    expect(repliesTo([finding("1.2")], answers({ replies: [reply(id, "fixed")] }))).toHaveLength(1);
  });

  test("1.1 is not 1.10", () => {
    const replies = [reply("1.1", "rejected", "one")];
    expect(repliesTo([finding("1.10"), finding("1.1")], answers({ replies }))).toEqual([
      { finding: "1.1", action: "rejected", body: "one" },
    ]);
  });

  test("an answer without words is kept, and cut at what a record takes", () => {
    const replies = [{ finding: "1.1", action: "fixed" as const }, reply("1.2", "rejected", "x".repeat(9_000))];
    const kept = repliesTo([finding("1.1"), finding("1.2")], answers({ replies }));
    expect(kept.map((r) => r.body.length)).toEqual([0, 4_000]);
  });
});

test("unreasoned: no answer, an answer without words, and a claim that something was changed", () => {
  const findings = ["1.1", "1.2", "1.3", "1.4", "1.5"].map((id) => finding(id));
  const replies = [
    reply("1.1", "rejected"),
    reply("1.2", "clarified"),
    reply("1.3", "fixed"),
    reply("1.4", "rejected", ""),
  ];
  expect(unreasoned(findings, replies).map((f) => f.id)).toEqual(["1.3", "1.4", "1.5"]);
});

describe("judgeUnchanged", () => {
  const findings = [finding("1.1"), finding("1.2", { severity: "nit" })];
  const stay = (change: Partial<Stay> = {}): Stay => ({
    ...{ causes: { ordered: false, reviews: [], findings: true }, instruction: "", findings, unresolved: [] },
    ...change,
  });
  const both = [reply("1.1", "rejected"), reply("1.2", "clarified")];
  const ordered = { ordered: true, reviews: [], findings: true };
  const orderedAlone = { ordered: true, reviews: [], findings: false };
  const byReview = { ordered: false, reviews: [5], findings: false };
  const red = { causes: { ordered: false, reviews: [], findings: false }, findings: [], unresolved: ["`ci` is red"] };

  test.for<[string, Partial<Answers>, Partial<Stay>, string]>([
    ["every finding has a reason", { replies: both }, {}, "answered"],
    ["the same, called implemented", { status: "implemented", replies: both }, {}, "answered"],
    ["a nit has none", { replies: [reply("1.1", "rejected")] }, {}, "unanswered"],
    [
      "one is called fixed, and nothing was changed",
      { replies: [both[0] ?? reply("1.1", "fixed"), reply("1.2", "fixed")] },
      {},
      "unanswered",
    ],
    ["a summary is no answer to findings", { summary: "All is well." }, {}, "unanswered"],
    [
      "checks are red: no words mend them",
      { replies: both, summary: "Flaky." },
      { unresolved: ["`ci` is red"] },
      "unanswered",
    ],
    ["red checks alone, with a reason", { summary: "Flaky." }, red, "unanswered"],
    ["nothing to answer and no order", { summary: "All is well." }, { findings: [] }, "unanswered"],
    ["a run ordered without words is about the findings", { replies: both }, { causes: ordered }, "answered"],
    [
      "a person's words, with a reason",
      { summary: "It is there already." },
      { causes: ordered, instruction: "mend it" },
      "declined",
    ],
    ["a person's words, without", { replies: both }, { causes: ordered, instruction: "mend it" }, "unanswered"],
    [
      "called implemented, and nothing was changed",
      { status: "implemented", summary: "Done." },
      { causes: orderedAlone, findings: [] },
      "unanswered",
    ],
    [
      "`fix` without words and without findings",
      { summary: "There is nothing." },
      { causes: orderedAlone, findings: [] },
      "declined",
    ],
    ["a person's review, with a reason", { summary: "See line 9." }, { causes: byReview, findings: [] }, "declined"],
    [
      "a person hears no also while checks are red",
      { summary: "See line 9." },
      { causes: byReview, findings: [], unresolved: ["`ci` is red"] },
      "declined",
    ],
  ])("%s", ([, said, given, kind]) => {
    expect(judgeUnchanged(answers(said), stay(given)).kind).toBe(kind);
  });

  test("what is left open, and the agent's words, are told", () => {
    const judged = judgeUnchanged(answers({ summary: "No time.", replies: [reply("1.1", "rejected")] }), stay());
    expect(judged).toEqual({ kind: "unanswered", why: "no reasoned answer to 1.2. It says: No time." });
  });

  test("a declined order says whether the findings are settled too", () => {
    const given = stay({ causes: ordered, instruction: "mend it" });
    const summary = "It is there already.";
    expect(judgeUnchanged(answers({ summary }), given)).toMatchObject({ settled: false, reason: summary });
    expect(judgeUnchanged(answers({ summary, replies: both }), given)).toMatchObject({ settled: true });
    const alone = stay({ causes: byReview, findings: [] });
    expect(judgeUnchanged(answers({ summary }), alone)).toMatchObject({ settled: false });
  });
});

describe("roundsWith", () => {
  test("without a verdict nothing is over", () => {
    expect(roundsWith(undefined, undefined, [])).toEqual([]);
  });

  test("the verdict joins the rounds before it, with its answers", () => {
    const first = roundsWith(undefined, verdict(), [reply("1.1", "fixed", "done")]);
    const rounds = roundsWith(first, verdict({ round: 2, head: sha("b"), verdict: "approved", findings: [] }), []);
    expect(rounds.map((r) => [r.round, r.verdict, r.replies.length])).toEqual([
      [1, "changes-requested", 1],
      [2, "approved", 0],
    ]);
    expect(first[0]).toEqual({
      ...{ round: 1, head: sha("a"), verdict: "changes-requested", summary: "Not yet.", findings: [finding("1.1")] },
      replies: [{ finding: "1.1", action: "fixed", body: "done" }],
    });
  });

  test("a round that is there already is not told twice", () => {
    const before = roundsWith(undefined, verdict(), []);
    const rounds = roundsWith(before, verdict(), [reply("1.1", "rejected")]);
    expect(rounds.map((r) => r.replies.length)).toEqual([1]);
  });

  test("whatever is in them, they fit into a record, and the newest is kept", () => {
    const many = Array.from({ length: 50 }, (_, i) =>
      finding(`1.${i + 1}`, { path: "p".repeat(1_000), title: "\u0001".repeat(255), body: "\u0001".repeat(2_000) }),
    );
    const replies = many.map((f) => reply(f.id, "rejected", "\u0001".repeat(4_000)));
    let rounds = roundsWith(undefined, verdict(), []);
    for (let round = 2; round < 8; round++) rounds = roundsWith(rounds, verdict({ round, findings: many }), replies);
    expect(JSON.stringify(rounds).length).toBeLessThan(recordCharactersMax / 2);
    expect(rounds.at(-1)?.round).toBe(7);
  });
});
