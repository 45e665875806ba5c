import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseResult, type Result } from "../../src/agent/result.ts";
import { redaction } from "../../src/core/redact.ts";
import {
  approvalsNeeded,
  earlierApproval,
  findingIds,
  findingsMax,
  keptRounds,
  type Reading,
  type ReadVerdict,
  roundsBefore,
  verdictNote,
  verdictOf,
} from "../../src/core/verdict.ts";
import { type FindingNote, RoundNote, VerdictNote } from "../../src/ledger/record.ts";
import { sha } from "../support/builders.ts";

type Verdict = Extract<ReadVerdict, { kind: "verdict" }>;

const lines: Readonly<Record<string, readonly number[]>> = {
  "src/door.ts": [3, 4, 5],
  "b/odd.ts": [1],
  "src/back`tick.ts": [2],
  "gone.ts": [],
};

const reading = (change: Partial<Reading> = {}): Reading => ({
  diff: {
    files: new Set(Object.keys(lines)),
    has: (path, line) => lines[path]?.includes(line) ?? false,
  },
  ...{ round: 2, used: [], redact: (text) => text },
  ...change,
});

/** As an agent would write it: through the reader of `result.json`. */
function resultOf(value: unknown): Result {
  const read = parseResult(JSON.stringify(value));
  if (read.kind !== "valid") throw new Error(`no result: ${JSON.stringify(read)}`);
  return read.result;
}

const read = (value: unknown, change: Partial<Reading> = {}) => verdictOf(resultOf(value), reading(change));

function verdict(value: unknown, change: Partial<Reading> = {}): Verdict {
  const got = read(value, change);
  if (got.kind !== "verdict") throw new Error(got.why);
  return got;
}

const major = { severity: "major", path: "src/door.ts", line: 4, title: "It squeaks", body: "Open it slowly." };
const nit = { severity: "nit", title: "A name" };
const changes = (...findings: unknown[]) => ({ status: "changes-requested", summary: "Not yet.", findings });

describe("what is a verdict", () => {
  test("approved, with or without lesser points", () => {
    expect(read({ status: "approved", summary: "Good." })).toEqual({
      ...{ kind: "verdict", verdict: "approved", summary: "Good.", findings: [], onLines: [], inText: [] },
    });
    expect(read({ status: "approved", findings: [nit, { ...nit, severity: "minor" }] })).toMatchObject({
      verdict: "approved",
      findings: [{ severity: "nit" }, { severity: "minor" }],
    });
  });

  test("changes requested, with findings of any severity", () => {
    expect(read(changes(major))).toMatchObject({ verdict: "changes-requested", summary: "Not yet." });
    expect(read({ status: "changes-requested", findings: [nit] })).toMatchObject({ kind: "verdict", summary: "" });
  });

  test.for(["blocker", "major"])("approved with a %s contradicts itself", (severity) => {
    const got = read({ status: "approved", summary: "Good.", findings: [nit, { ...major, severity }] });
    expect(got).toEqual({
      kind: "none",
      why: `The reviewer contradicts itself: it approved, with a finding that is a ${severity}: It squeaks.`,
    });
  });

  test.for(["implemented", "no-change-needed", "needs-info", "blocked"])("%s judges nothing", (status) => {
    expect(read({ status })).toEqual({
      kind: "none",
      why: `The reviewer judged nothing: it answered \`${status}\`.`,
    });
  });

  test("what it said instead is told, in short", () => {
    const got = read({ status: "needs-info", question: `Which door? ${"x".repeat(5_000)}` });
    expect(got).toMatchObject({ kind: "none", why: expect.stringContaining("`needs-info`: Which door?") });
    expect(got.kind === "none" && got.why.length).toBeLessThan(400);
  });

  test("changes without a word are none", () => {
    const none = { kind: "none", why: "The reviewer wants changes but named none." };
    expect(read({ status: "changes-requested" })).toEqual(none);
    expect(read({ status: "changes-requested", summary: "  \n " })).toEqual(none);
  });

  test("changes that only the summary names become one finding, so that the author can answer it", () => {
    const got = verdict({ status: "changes-requested", summary: "The hinge is wrong.\nTurn it." });
    expect(got.findings).toEqual([
      {
        ...{ id: "2.1", severity: "major", path: null, line: null },
        ...{ title: "The hinge is wrong.", body: "The hinge is wrong.\nTurn it." },
      },
    ]);
    expect(got.inText).toEqual(got.findings);
  });

  test("the body stands in for a summary", () => {
    expect(verdict({ status: "approved", body: "All fine." }).summary).toBe("All fine.");
  });
});

describe("where findings stand", () => {
  const place = (path: unknown, line?: unknown) => {
    const got = verdict(changes({ ...major, path, line }));
    return { on: got.onLines.map((f) => `${f.path}:${f.line}`), text: got.inText.map((f) => [f.path, f.line]) };
  };

  test("on a line of the diff", () => {
    expect(place("src/door.ts", 3)).toEqual({ on: ["src/door.ts:3"], text: [] });
  });

  test.for([
    ["a line beside it", "src/door.ts", 9],
    ["no line", "src/door.ts", undefined],
    ["a file that is gone", "gone.ts", 1],
    ["another file", "src/window.ts", 3],
    ["a path that leads out", "../../etc/passwd", 3],
    ["an absolute path", "/src/door.ts", 3],
  ] as const)("%s goes into the text", ([, path, line]) => {
    expect(place(path, line)).toEqual({ on: [], text: [[path, line ?? null]] });
  });

  test("no path at all", () => {
    expect(place(undefined, 3)).toEqual({ on: [], text: [[null, 3]] });
    expect(place("   ", 3)).toEqual({ on: [], text: [[null, 3]] });
  });

  test("as a diff or a shell spells it, but a path of that name first", () => {
    expect(place("./src/door.ts", 3).on).toEqual(["src/door.ts:3"]);
    expect(place("b/src/door.ts", 3).on).toEqual(["src/door.ts:3"]);
    expect(place("a/src/door.ts", 3).on).toEqual(["src/door.ts:3"]);
    expect(place("b/odd.ts", 1).on).toEqual(["b/odd.ts:1"]);
  });

  test("odd characters are data", () => {
    expect(place("src/back`tick.ts", 2).on).toEqual(["src/back`tick.ts:2"]);
    expect(place("src/door.ts\u0000\u202e", 3)).toEqual({ on: ["src/door.ts:3"], text: [] });
    expect(place("src/\ndoor.ts", 3).text).toEqual([["src/\ndoor.ts", 3]]);
    expect(place("toString", 3).on).toEqual([]);
  });

  test("a path that holds a secret is not shown, and stands on no line", () => {
    const got = verdict(changes({ ...major, path: "src/s3cret-s3cret.ts", line: 1 }), {
      redact: redaction(["s3cret-s3cret"]),
      diff: { files: new Set(["src/s3cret-s3cret.ts"]), has: () => true },
    });
    expect(got.onLines).toEqual([]);
    expect(JSON.stringify(got)).not.toContain("s3cret-s3cret");
  });
});

describe("notes", () => {
  test("ids count on in the round, whoever gave those before", () => {
    const ids = (used: string[]) => verdict(changes(major, nit), { used }).findings.map((f) => f.id);
    expect(ids([])).toEqual(["2.1", "2.2"]);
    expect(ids(["1.7", "2.1", "2.3", "2.x", "22.9"])).toEqual(["2.4", "2.5"]);
  });

  test("of too many findings the worst stay, in their order", () => {
    const many = Array.from({ length: 60 }, (_, at) => ({ severity: "nit", title: `n${at}` }));
    const got = verdict(changes(...many.slice(0, 55), { severity: "minor", title: "worse" }, major));
    expect(got.findings).toHaveLength(findingsMax);
    expect(got.findings.slice(-2).map((f) => f.title)).toEqual(["worse", "It squeaks"]);
    expect(got.findings[0]?.title).toBe("n0");
  });

  test("texts are bounded and without secrets and control characters", () => {
    const secret = "s3cret-s3cret";
    const got = verdict(
      {
        ...{ status: "changes-requested", summary: `${secret} ${"s".repeat(9_000)}` },
        findings: [{ severity: "major", title: `\u001b[31m${secret}`, body: `${secret} ${"b".repeat(9_000)}` }],
      },
      { redact: redaction([secret]) },
    );
    expect(got.summary.length).toBeLessThanOrEqual(4_000);
    expect(got.findings[0]?.body.length).toBeLessThanOrEqual(2_000);
    expect(got.findings[0]?.title).toBe("[31m***");
    expect(JSON.stringify(got)).not.toContain(secret);
  });

  test("a secret in a contradiction or in other words is not told", () => {
    const redact = redaction(["s3cret-s3cret"]);
    const both = [
      read({ status: "approved", findings: [{ ...major, title: "s3cret-s3cret" }] }, { redact }),
      read({ status: "blocked", summary: "s3cret-s3cret" }, { redact }),
    ];
    expect(JSON.stringify(both)).not.toContain("s3cret-s3cret");
  });
});

const head = sha("b");
const judged = { head, round: 2, profile: "second", patch: "p1", approvalsNeeded: 1 };
const aFinding = (id: string, change: Partial<FindingNote> = {}): FindingNote => ({
  ...{ id, severity: "nit", path: null, line: null, title: "A name", body: "" },
  ...change,
});
const aNote = (change: Partial<VerdictNote> = {}): VerdictNote => ({
  ...{ head, verdict: "approved", round: 2, summary: "Good.", findings: [aFinding("2.1")], approvedBy: ["first"] },
  ...{ approvalsNeeded: 2, patch: "p1" },
  ...change,
});
const approval = verdict({ status: "approved", summary: "Fine." });
const refusal = verdict(changes(major, nit));

describe("what the record keeps", () => {
  test("a first verdict", () => {
    expect(verdictNote(refusal, judged, undefined)).toEqual({
      ...{ head, round: 2, patch: "p1", approvalsNeeded: 1, verdict: "changes-requested", summary: "Not yet." },
      ...{ findings: refusal.findings, approvedBy: [] },
    });
    expect(verdictNote(approval, judged, undefined).approvedBy).toEqual(["second"]);
  });

  test("a second approval of the same head is added, with what the first left open", () => {
    const note = verdictNote(approval, { ...judged, approvalsNeeded: 2 }, aNote());
    expect(note).toMatchObject({ approvedBy: ["first", "second"], findings: [{ id: "2.1" }], approvalsNeeded: 2 });
  });

  test("the same profile does not approve twice", () => {
    expect(verdictNote(approval, judged, aNote({ approvedBy: ["second"] })).approvedBy).toEqual(["second"]);
  });

  test("approvals of another head do not count", () => {
    expect(verdictNote(approval, judged, aNote({ head: sha("c") }))).toMatchObject({
      ...{ approvedBy: ["second"], findings: [] },
    });
  });

  test("who thinks better of it approves no longer; the other one still does", () => {
    const before = aNote({ approvedBy: ["first", "second"] });
    expect(verdictNote(refusal, judged, before)).toMatchObject({ verdict: "changes-requested", approvedBy: ["first"] });
    const after = verdictNote(refusal, judged, before);
    expect(verdictNote(approval, { ...judged, profile: "third" }, after).approvedBy).toEqual(["first", "third"]);
  });

  test("findings of a refusal of the same head are over with a new verdict", () => {
    const before = aNote({ verdict: "changes-requested", approvedBy: [] });
    expect(verdictNote(approval, judged, before).findings).toEqual([]);
  });

  test("the worst first, and as much as the record can hold", () => {
    const words = '"\\'.repeat(1_000);
    const many = Array.from({ length: 49 }, () => ({
      severity: "nit",
      path: "p".repeat(900),
      title: words,
      body: words,
    }));
    const note = verdictNote(verdict(changes(...many, major)), judged, undefined);
    expect(JSON.stringify(note.findings).length).toBeLessThanOrEqual(50_000);
    expect(note.findings[0]).toMatchObject({ severity: "major", title: "It squeaks" });
    expect(note.findings.length).toBeGreaterThan(10);
    expect(VerdictNote.parse(note)).toEqual(note);
  });

  test("two approvals only where paths are protected and two can review", () => {
    expect([approvalsNeeded(true, 2), approvalsNeeded(true, 3)]).toEqual([2, 2]);
    expect([approvalsNeeded(true, 1), approvalsNeeded(false, 2), approvalsNeeded(true, 0)]).toEqual([1, 1, 1]);
  });
});

describe("rounds that are over", () => {
  const bad = aNote({ verdict: "changes-requested", head: sha("a"), round: 1, approvedBy: [] });
  const { summary, findings } = bad;
  const asRound = { round: 1, head: sha("a"), verdict: "changes-requested", summary, findings, replies: [] } as const;
  const replied: RoundNote = {
    ...asRound,
    findings: [...findings],
    replies: [{ finding: "2.1", action: "fixed", body: "Done." }],
  };

  test("none", () => {
    expect(roundsBefore({}, head)).toEqual([]);
  });

  test("the verdict of an older head", () => {
    expect(roundsBefore({ verdict: bad }, head)).toEqual([asRound]);
    expect(roundsBefore({ verdict: { ...bad, verdict: "approved" } }, head)).toHaveLength(1);
  });

  test("not twice, where the rework stored it with the answers", () => {
    expect(roundsBefore({ verdict: bad, rounds: [replied] }, head)).toEqual([replied]);
  });

  test("a refusal of this head is over, an approval goes on", () => {
    expect(roundsBefore({ verdict: bad }, sha("a"))).toEqual([asRound]);
    expect(roundsBefore({ verdict: aNote() }, head)).toEqual([]);
    expect(earlierApproval(aNote(), head)).toEqual(aNote());
    expect(earlierApproval(bad, sha("a"))).toBeNull();
    expect(earlierApproval(aNote(), sha("c"))).toBeNull();
    expect(earlierApproval(undefined, head)).toBeNull();
  });

  test("the last five", () => {
    const rounds = [1, 2, 3, 4, 5, 6].map((round) => ({ ...replied, round }));
    expect(roundsBefore({ rounds }, head).map((r) => r.round)).toEqual([2, 3, 4, 5, 6]);
    expect(roundsBefore({ rounds, verdict: { ...bad, round: 7 } }, head).map((r) => r.round)).toEqual([3, 4, 5, 6, 7]);
  });

  test("kept ones fit into the record", () => {
    const body = "word ".repeat(700);
    const many = Array.from({ length: 50 }, (_, at) => aFinding(`1.${at}`, { body, title: "t".repeat(200) }));
    const replies = many.map(({ id }) => ({ finding: id, action: "fixed" as const, body }));
    const rounds = Array.from({ length: 9 }, (_, at) => ({
      ...asRound,
      round: at,
      findings: many,
      replies,
      summary: body,
    }));
    const kept = keptRounds(rounds);
    expect(kept.map((round) => round.round)).toEqual([4, 5, 6, 7, 8]);
    expect(JSON.stringify(kept).length).toBeLessThan(5 * 16_000);
    expect(kept[0]?.findings.length).toBeGreaterThan(20);
    expect(RoundNote.array().parse(kept)).toEqual(kept);
  });

  test("short ones stay as they are", () => {
    expect(keptRounds([replied])).toEqual([replied]);
  });

  test("ids of all findings", () => {
    expect(findingIds({})).toEqual([]);
    expect(findingIds({ verdict: aNote({ findings: [aFinding("2.1")] }), rounds: [replied] })).toEqual(["2.1", "2.1"]);
  });
});

describe("whatever a reviewer writes", () => {
  const severity = fc.constantFrom("blocker", "major", "minor", "nit");
  const finding = fc.record(
    {
      severity,
      path: fc.oneof(fc.constantFrom(...Object.keys(lines)), fc.string({ unit: "binary", maxLength: 40 })),
      line: fc.integer({ min: 1, max: 9 }),
      title: fc.string({ unit: "binary", maxLength: 300 }),
      body: fc.string({ unit: "binary", maxLength: 3_000 }),
    },
    { requiredKeys: ["severity", "title"] },
  );
  const status = fc.constantFrom("approved", "changes-requested", "blocked", "implemented");
  const results = fc.record({
    status,
    summary: fc.string({ maxLength: 80 }),
    findings: fc.array(finding, { maxLength: 8 }),
  });

  test("an approval has nothing that must change, lines are of the diff, ids are unique, the record takes it", () => {
    fc.assert(
      fc.property(results, (value) => {
        const got = read(value);
        const mustChange = value.findings.some((f) => f.severity === "blocker" || f.severity === "major");
        const isSaid = value.findings.length > 0 || value.summary.trim() !== "";
        const counts = value.status === "approved" ? !mustChange : value.status === "changes-requested" && isSaid;
        expect(got.kind).toBe(counts ? "verdict" : "none");
        if (got.kind === "none") return;
        expect(got.verdict).toBe(value.status);
        if (got.verdict === "approved")
          expect(got.findings.filter((f) => /blocker|major/.test(f.severity))).toEqual([]);
        else expect(got.findings.length).toBeGreaterThan(0);
        for (const { path, line } of got.onLines) expect(lines[path]).toContain(line);
        expect([...got.onLines, ...got.inText]).toHaveLength(got.findings.length);
        expect(new Set(got.findings.map((f) => f.id)).size).toBe(got.findings.length);
        const note = verdictNote(got, judged, undefined);
        expect(VerdictNote.parse(JSON.parse(JSON.stringify(note)))).toEqual(note);
      }),
    );
  });
});
