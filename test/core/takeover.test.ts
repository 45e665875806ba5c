// Take-over: when a claim is dead, what its end leaves behind, and what becomes of published work whose branch is not where it should be.

import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import { ranked } from "../../src/core/priority.ts";
import { repairs } from "../../src/core/repairs.ts";
import { type Roll, rollForward, type Standing } from "../../src/core/roll-forward.ts";
import { freeSlot } from "../../src/core/slots.ts";
import { type EndOfRun, endOf, isAlive, leftBehind, wantsEnd } from "../../src/core/takeover.ts";
import type { ForgeRun } from "../../src/forge/model.ts";
import {
  anItem,
  aPolicy,
  aPulledItem,
  aRecord,
  aSnapshot,
  bot,
  hour,
  iso,
  minute,
  now,
  sha,
  someLimits,
} from "../support/builders.ts";
import { beginsAgain, chapter, one, pulled, run, said } from "../support/decisions.ts";

const second = 1000;
const limits = someLimits();
const ended = (how: EndOfRun["how"] = "failure", at: number | null = now - 61 * second): EndOfRun => ({ at, how });
const ends = (end: EndOfRun | null) => ({ ends: { "issue-12": end } });
/** Alive by age, and silent for longer than an ended run is waited for. */
const silent = { state: "held", at: iso(now - 2 * minute), attempt: 1 } as const;
const claimed = "skip by row 2: claimed by run 7";
const begins = "implement #12 on agent/issue-12, attempt 1, asked by alice";

describe("whether a claim is alive", () => {
  const cases: [string, { ageSeconds: number; end: EndOfRun | null; state?: "held" | "published" }, boolean][] = [
    ["the forge does not say that it ended", { ageSeconds: 400, end: null }, true],
    ["ended for 59 seconds", { ageSeconds: 400, end: ended("failure", now - 59_999) }, true],
    ["ended for a minute", { ageSeconds: 400, end: ended("failure", now - 60_000) }, false],
    [
      "ended a while ago, and it still gives signs of life",
      { ageSeconds: 59, end: ended("failure", now - hour) },
      true,
    ],
    ["the same, silent for a minute", { ageSeconds: 60, end: ended("failure", now - hour) }, false],
    [
      "nobody knows when it ended: its last sign of life is young",
      { ageSeconds: 59, end: ended("unknown", null) },
      true,
    ],
    ["nobody knows when, and it has been silent for a minute", { ageSeconds: 60, end: ended("unknown", null) }, false],
    ["published, its run ended", { ageSeconds: 400, end: ended(), state: "published" }, false],
    ["old, whatever the forge says", { ageSeconds: 451, end: null }, false],
    [
      "ended in the future, by a forge whose clock went back",
      { ageSeconds: 400, end: ended("failure", now + hour) },
      true,
    ],
  ];
  test.for(cases)("%s", ([, { ageSeconds, end, state = "held" }, expected]) => {
    const record = aRecord({ state, at: iso(now - ageSeconds * second) });
    expect(isAlive(record, { now, ...ends(end) }, limits)).toBe(expected);
  });

  test("a wait of nothing: at once, when the forge says so", () => {
    const record = aRecord({ state: "held", at: iso(now) });
    expect(isAlive(record, { now, ...ends(ended("failure", now)) }, someLimits({ endedSeconds: 0 }))).toBe(false);
  });

  test("the same question everywhere: rows, places, order, repairs", () => {
    const item = anItem({ issue: { assignees: [bot] }, record: { ...silent, slot: 1 } });
    const published = aPulledItem({ record: { ...silent, state: "published" }, pull: { state: "open" } });
    const policy = aPolicy({ maxConcurrent: 1 });
    const slots = [{ number: 1, sha: sha("d"), holder: { key: "issue-12", epoch: 1 } }];
    const closed = anItem({ issue: { state: "closed" }, record: silent });
    for (const end of [null, ended()]) {
      const isDead = end !== null;
      expect(said(decide(aSnapshot({ items: [item], ...ends(end) }), aPolicy())) === claimed).toBe(!isDead);
      expect(freeSlot(aSnapshot({ items: [item], slots, ...ends(end) }), policy)).toBe(isDead ? 1 : null);
      // A dead run's effects come before a rework, a live one's pull request after it.
      const rework = aPulledItem({ issue: { number: 3 }, pull: { number: 21, mergeable: false } });
      const [first] = ranked(aSnapshot({ items: [rework, published], ...ends(end) }), policy);
      expect(first?.key).toBe(isDead ? "issue-12" : "issue-3");
      expect(repairs(aSnapshot({ items: [closed], ...ends(end) }), policy)).toHaveLength(isDead ? 1 : 0);
    }
  });
});

describe("what the forge's answer says about the run of a record", () => {
  const of = { id: 70, number: 7, attempt: 1, url: "" };
  const found: ForgeRun = {
    ...{ id: 70, number: 7, workflow: "agent.yml", event: "issues", state: "ended" },
    ...{ endedAt: now, conclusion: "cancelled" },
  };
  test("it ended: when, and how", () => {
    expect(endOf(found, of)).toEqual({ at: now, how: "cancelled" });
    expect(endOf({ ...found, endedAt: null, conclusion: null }, of)).toEqual({ at: null, how: "unknown" });
    expect(endOf(found, { ...of, workflow: "agent.yml" })).toEqual({ at: now, how: "cancelled" });
  });
  test("nothing: unknown to the forge, going on, started again, of an unknown state", () => {
    expect(endOf(null, of)).toBeNull();
    for (const state of ["running", "waiting", "unknown"] as const) expect(endOf({ ...found, state }, of)).toBeNull();
  });
  test("nothing: another run, such as of another server's ledger", () => {
    expect(endOf({ ...found, number: 8 }, of)).toBeNull();
    expect(endOf(found, { ...of, workflow: "other.yml" })).toBeNull();
  });
});

chapter("row 2: a claim whose run has ended", [
  { when: "the forge does not say so", snapshot: one({ record: silent }, ends(null)), expected: claimed },
  { when: "not long enough", snapshot: one({ record: silent }, ends(ended("failure", now - 5000))), expected: claimed },
  { when: "it failed: the attempt counts", snapshot: one({ record: silent }, ends(ended())), expected: beginsAgain },
  {
    when: "it succeeded, and left its claim: it died all the same",
    snapshot: one({ record: silent }, ends(ended("success"))),
    expected: beginsAgain,
  },
  {
    when: "published: its effects are finished",
    snapshot: one({ record: { ...silent, state: "published" } }, ends(ended())),
    expected: "resume #12",
  },
  {
    when: "outside a server nobody can say it: by age alone",
    snapshot: one({ record: { ...silent, run: null } }),
    expected: "skip by row 2: claimed by a run outside the server",
  },
]);

const dead = { state: "held", at: iso(now - hour), attempt: 1 } as const;
const twice = "give up #12 for alice: its run was cancelled 2 times in a row";

chapter("a dead claim whose run was cancelled", [
  { when: "once: as if it had not begun", snapshot: one({ record: dead }, ends(ended("cancelled"))), expected: begins },
  {
    when: "once, by the forge's word sooner than by age",
    snapshot: one({ record: silent }, ends(ended("cancelled"))),
    expected: begins,
  },
  {
    when: "at the last attempt: that one is not used up",
    snapshot: one({ record: { ...dead, attempt: 3 } }, ends(ended("cancelled"))),
    expected: "implement #12 on agent/issue-12, attempt 3, asked by alice",
  },
  {
    when: "twice in a row",
    snapshot: one({ record: { ...dead, cancelled: 1 } }, ends(ended("cancelled"))),
    expected: twice,
  },
  {
    when: "twice, the second time told by its own last step",
    snapshot: one({ record: { state: "released", attempt: 0, cancelled: 2 } }),
    expected: twice,
  },
  {
    when: "once, told by its own last step",
    snapshot: one({ record: { state: "released", attempt: 0, cancelled: 1 } }),
    expected: begins,
  },
  {
    when: "twice, and a new order",
    snapshot: one(
      { record: { ...dead, cancelled: 1, orderAt: iso(now - hour) }, details: { comments: [run()] } },
      ends(ended("cancelled")),
    ),
    expected: begins,
  },
  {
    when: "cancelled, then killed: not in a row",
    snapshot: one({ record: { ...dead, cancelled: 1 } }, ends(ended("failure"))),
    expected: beginsAgain,
  },
  {
    when: "giving up needs no place",
    snapshot: one(
      { record: { ...dead, cancelled: 1 } },
      {
        ...ends(ended("cancelled")),
        slots: [{ number: 1, sha: sha("d"), holder: null }],
      },
    ),
    expected: twice,
  },
  {
    when: "nobody has asked the forge how it ended",
    snapshot: one({ record: dead }, { ends: {} }),
    expected: "look: end",
  },
  {
    when: "a new order: it does not matter",
    snapshot: one({ record: dead, details: { comments: [run()] } }, { ends: {} }),
    expected: begins,
  },
  {
    when: "a claim outside a server is never asked about",
    snapshot: one({ record: { ...dead, run: null } }, { ends: {} }),
    expected: beginsAgain,
  },
  {
    when: "a review",
    snapshot: pulled({ record: { ...dead, kind: "review", stage: "needs-review" } }, ends(ended("cancelled"))),
    expected: "row 15: review #20, attempt 1",
  },
]);

describe("what a dead claim leaves behind", () => {
  const left = (change: Parameters<typeof aRecord>[0], end: EndOfRun | null, owner = "this-run") =>
    leftBehind(aRecord({ state: "held", attempt: 2, ...change }), ends(end).ends, owner);

  test("its attempt counts, and cancels before it are not in a row any more", () => {
    expect(left({ cancelled: 1 }, ended("failure"))).toEqual({ attempt: 2, cancelled: 0 });
    expect(left({ cancelled: 1 }, null)).toEqual({ attempt: 2, cancelled: 0 });
  });
  test("cancelled: no attempt, one cancel more", () => {
    expect(left({}, ended("cancelled"))).toEqual({ attempt: 1, cancelled: 1 });
    expect(left({ cancelled: 1 }, ended("cancelled"))).toEqual({ attempt: 1, cancelled: 2 });
  });
  test("work without an agent counted no attempt, so none is given back", () => {
    expect(left({ slot: null, cancelled: 1 }, ended("cancelled"))).toEqual({ attempt: 2, cancelled: 1 });
  });
  test("what its own run ended is not counted twice", () => {
    for (const state of ["released", "published", "done", "blocked"] as const)
      expect(left({ state, cancelled: 1 }, ended("cancelled"))).toEqual({ attempt: 2, cancelled: 1 });
  });
  test("this very run's claim, whose answer was lost: no agent was started", () => {
    expect(left({ owner: "this-run", cancelled: 1 }, null)).toEqual({ attempt: 1, cancelled: 1 });
  });
  test("it matters only where an agent may have been at work, on a server", () => {
    const wanted = (change: Parameters<typeof aRecord>[0]) => wantsEnd(aRecord({ state: "held", ...change }), {});
    expect(wanted({})).toBe(true);
    expect([wanted({ run: null }), wanted({ slot: null }), wanted({ state: "published" })]).toEqual([
      false,
      false,
      false,
    ]);
    expect(wantsEnd(aRecord({ state: "held" }), { "issue-12": null })).toBe(false);
  });
});

chapter("row 17: somebody's commits on the branch of a dead claim", [
  {
    when: "no order waits: whoever asked gets it",
    snapshot: one({ record: dead, details: { branch: sha("e") } }),
    expected: "give up #12 for alice: the branch `agent/issue-12` holds commits that are not the program's",
  },
  {
    when: "a new order: skipped, and said there",
    snapshot: one({ record: dead, issue: { comments: 1 }, details: { branch: sha("e"), comments: [run()] } }),
    expected:
      "skip by row 17: the branch `agent/issue-12` holds commits that are not the program's; rename or delete it",
  },
  {
    when: "the branch is at the head that the record names",
    snapshot: one({ record: { ...dead, head: sha("e") }, details: { branch: sha("e") } }),
    expected: beginsAgain,
  },
  {
    when: "on the pull request's branch: its head is what the work goes on from",
    snapshot: pulled({ record: { ...dead, kind: "rework", head: sha("e"), stage: "needs-rework", ordered: true } }),
    expected: "row 4: rework #20 for an order; round 0, attempt 2",
  },
]);

describe("roll forward", () => {
  const [E, H, X] = [sha("e"), sha("b"), sha("f")];
  const standing = (change: Partial<Standing>): Standing => ({
    ...{ branch: H, expect: E, head: H, contains: false, shown: false, over: false },
    ...change,
  });
  const person = (why: "moved-back" | "rewritten" | "deleted"): Roll => ({ kind: "person", why });
  const cases: [string, Partial<Standing>, Roll][] = [
    ["the branch is at what was published", {}, { kind: "go-on" }],
    ["a first publish that stands", { expect: null }, { kind: "go-on" }],
    ["people pushed on top of it", { branch: X, contains: true }, { kind: "go-on" }],
    ["torn: the branch is where it was", { branch: E }, { kind: "mend" }],
    ["torn at the first publish: there is no branch", { branch: null, expect: null }, { kind: "mend" }],
    ["moved back by a person", { branch: E, shown: true }, person("moved-back")],
    ["rewritten by a person", { branch: X }, person("rewritten")],
    ["a person's branch of that name after a torn first publish", { branch: X, expect: null }, person("rewritten")],
    ["deleted by a person", { branch: null }, person("deleted")],
    [
      "deleted by a person, where there was none before",
      { branch: null, expect: null, shown: true },
      person("deleted"),
    ],
    ["merged, and the branch deleted", { branch: null, shown: true, over: true }, { kind: "go-on" }],
    ["closed, and the branch used for something else", { branch: X, over: true }, { kind: "go-on" }],
  ];
  test.for(cases)("%s", ([, change, expected]) => {
    expect(rollForward(standing(change))).toEqual(expected);
  });

  test("a branch is moved only where it is exactly where the publish expected it, and never was elsewhere", () => {
    const shas = [null, E, H, X];
    const flags = [true, false];
    let mended = 0;
    for (const branch of shas)
      for (const expect_ of [null, E])
        for (const contains of flags)
          for (const shown of flags)
            for (const over of flags) {
              const facts = standing({ branch, expect: expect_, contains, shown, over });
              if (rollForward(facts).kind !== "mend") continue;
              mended += 1;
              expect([branch, contains, shown, over]).toEqual([expect_, false, false, false]);
            }
    expect(mended).toBe(2);
  });
});
