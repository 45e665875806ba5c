// Forms of the ledger: what is written is read back as it was, and no text makes a reader throw.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failureClasses } from "../../src/core/failure.ts";
import { formatControl, parseControl } from "../../src/ledger/control.ts";
import {
  failureAfter,
  formatRecord,
  isLive,
  type LedgerRecord,
  parseRecord,
  recordCharactersMax,
} from "../../src/ledger/record.ts";
import {
  archiveRef,
  budgetRef,
  controlRef,
  itemRef,
  keyElsewhere,
  ledgerPrefix,
  parseRef,
  profileRef,
  slotRef,
  wipRef,
} from "../../src/ledger/refs.ts";
import { formatSlot, parseSlot } from "../../src/ledger/slot.ts";
import { aRecord, aVerdict, iso, now } from "../support/builders.ts";

const time = fc
  .date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })
  .map((date) => date.toISOString());
const count = fc.nat();
const commit = fc.stringMatching(/^[0-9a-f]{40}$/);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value);

const words = fc.string({ unit: "binary", maxLength: 200 });
const finding = fc.record({
  ...{ id: fc.string(), severity: fc.constantFrom("blocker", "major", "minor", "nit"), path: optional(fc.string()) },
  ...{ line: optional(count), title: words, body: words },
});
const verdict = fc.constantFrom("approved", "changes-requested");
const judged = { head: commit, verdict, round: count, summary: words, findings: fc.array(finding, { maxLength: 3 }) };
const reply = fc.record({
  finding: fc.string(),
  action: fc.constantFrom("fixed", "rejected", "clarified"),
  body: words,
});
const check = fc.record({ command: fc.string(), exitCode: optional(fc.integer()), durationMs: count });

/** What reviews, reworks and landing keep: absent until there is something to keep. */
const kept: fc.Arbitrary<Partial<LedgerRecord>> = fc.record(
  {
    instruction: words,
    verdict: fc.record({
      ...{ ...judged, approvedBy: fc.array(fc.string()), approvalsNeeded: fc.integer({ min: 1, max: 9 }) },
      patch: fc.string(),
    }),
    rounds: fc.array(fc.record({ ...judged, replies: fc.array(reply, { maxLength: 3 }) }), { maxLength: 3 }),
    work: fc.record({
      ...{ head: commit, profile: fc.string(), summary: words, followUps: fc.array(fc.string()) },
      checks: optional(fc.array(check, { maxLength: 3 })),
    }),
    question: fc.record({ text: fc.string(), at: time }),
    rerun: fc.record({ head: commit, at: time, started: fc.boolean() }),
    mergeClean: fc.record({ head: commit, base: commit }),
    waitsForBase: commit,
    landing: fc.record({ head: commit, times: count, answer: words }),
    merging: fc.record({ head: commit, approvedBy: words }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const record: fc.Arbitrary<LedgerRecord> = fc.record(
  {
    v: fc.constant(1 as const),
    state: fc.constantFrom("held", "published", "done", "released", "blocked", "closed"),
    key: fc.string(),
    kind: fc.constantFrom("implement", "review", "rework", "resume", "land"),
    ...{ generation: count, epoch: count, seq: count, attempt: count, round: count },
    stage: optional(fc.string()),
    ...{ owner: fc.string(), nonce: fc.uuid(), at: time, ttlSeconds: count },
    run: optional(fc.record({ id: count, number: count, attempt: count, url: fc.webUrl() })),
    slot: optional(fc.integer({ min: 1, max: 100 })),
    ...{ branch: fc.string(), expect: optional(commit), baseBranch: fc.string(), base: optional(commit) },
    ...{
      askedBy: fc.string(),
      orderAt: time,
      head: optional(commit),
      pull: optional(count),
      profile: optional(fc.string()),
    },
    ...{ done: fc.array(fc.string()), handled: fc.array(fc.string()), cooldownUntil: optional(time) },
    lastFailure: optional(
      fc.record({
        class: fc.constantFrom(...failureClasses),
        fingerprint: fc.string(),
        text: fc.string({ unit: "binary" }),
        at: time,
        same: count,
      }),
    ),
    spend: fc.record({ usd: fc.double({ min: 0, max: 1e6, noNaN: true }).map((n) => n + 0), tokens: count }),
    after: fc.constantFrom("done", "released", "blocked", "closed"),
    ...{ unfinished: count, resumeAt: time },
    bodyHash: optional(fc.string()),
  },
  { noNullPrototype: true },
);

describe("records", () => {
  test("parse(format(x)) is x", () => {
    fc.assert(
      fc.property(record, kept, (always, more) => {
        const given: LedgerRecord = { ...always, ...more };
        const parsed = parseRecord(formatRecord(given));
        // The longest texts of all at once are more than is read: that is said, and nothing is lost silently.
        if (formatRecord(given).length <= recordCharactersMax)
          expect(parsed).toEqual({ kind: "record", record: given });
        else expect(parsed.kind).toBe("unreadable");
      }),
    );
  });

  test("what a later program of the same version added is kept", () => {
    const later = { ...aRecord(), mood: "good", spend: { usd: 1, tokens: 2, euro: 1 } };
    expect(parseRecord(formatRecord(later))).toEqual({ kind: "record", record: later });
  });

  test("its first line is for people", () => {
    expect(formatRecord(aRecord({ state: "held", epoch: 7, seq: 3 })).split("\n")[0]).toBe(
      "agent-dispatch v1 held issue-12 e7.3",
    );
  });

  test("parse of any text, and of any record with a piece changed, answers", () => {
    const good = formatRecord(aRecord());
    fc.assert(
      fc.property(
        fc.string(),
        fc.nat({ max: good.length }),
        fc.nat({ max: 30 }),
        fc.anything(),
        (noise, at, length, value) => {
          for (const text of [
            noise,
            `agent-dispatch v1\n\n${noise}`,
            good.slice(0, at) + noise + good.slice(at + length),
            `agent-dispatch v1 held issue-1 e1.1\n\n${JSON.stringify({ ...aRecord(), slot: value })}`,
            `agent-dispatch v1 held issue-1 e1.1\n\n${JSON.stringify(value)}`,
          ]) {
            expect(["record", "unreadable"]).toContain(parseRecord(text).kind);
          }
        },
      ),
    );
  });

  test.for([
    ["", "not a record of agent-dispatch"],
    ["agent-dispatch v1 held issue-12 e1.0", "not a record of agent-dispatch"],
    ["some commit\n\n{}", "not a record of agent-dispatch"],
    ["agent-dispatch v1\n\n{", "its JSON cannot be read"],
    ['agent-dispatch v2\n\n{"v":2}', "version 2, this program knows version 1"],
    ["agent-dispatch v1\n\n{}", "field v: "],
    ['agent-dispatch v1\n\n{"v":1}', "field state: "],
    ["agent-dispatch v1\n\n[]", "field ?: "],
    [formatRecord(aRecord({ handled: ["x".repeat(recordCharactersMax)] })), "longer than 200000 characters"],
    [formatRecord(aRecord({ at: "yesterday" })), "field at: "],
    [formatRecord(aRecord({ head: "HEAD" })), "field head: "],
    [formatRecord(aRecord({ attempt: -1 })), "field attempt: "],
    [formatRecord(aRecord({ resumeAt: "soon" })), "field resumeAt: "],
    [formatRecord(aRecord({ unfinished: -1 })), "field unfinished: "],
    [formatRecord(aRecord({ verdict: aVerdict({ head: "HEAD" }) })), "field verdict.head: "],
    [formatRecord(aRecord({ verdict: aVerdict({ approvalsNeeded: 0 }) })), "field verdict.approvalsNeeded: "],
    [formatRecord(aRecord({ verdict: aVerdict({ summary: "x".repeat(4001) }) })), "field verdict.summary: "],
    [formatRecord(aRecord({ question: { text: "Which?", at: "now" } })), "field question.at: "],
    [formatRecord(aRecord({ waitsForBase: "main" })), "field waitsForBase: "],
    [formatRecord(aRecord({ landing: { head: "a".repeat(40), times: -1, answer: "" } })), "field landing.times: "],
  ])("%j is unreadable: %s", ([text, why]) => {
    const parsed = parseRecord(text ?? "");
    expect(parsed.kind === "unreadable" ? parsed.why : "a record").toContain(why);
  });

  test.for([
    ["held", 450_000, true],
    ["held", 450_001, false],
    ["published", 450_000, true],
    ["published", 450_001, false],
    ["held", -1000, true],
    ["done", 0, false],
    ["released", 0, false],
    ["blocked", 0, false],
    ["closed", 0, false],
  ] as const)("%s, %i ms old: live %s", ([state, age, expected]) => {
    expect(isLive(aRecord({ state, at: iso(now - age), ttlSeconds: 420 }), now, 30)).toBe(expected);
  });

  test("given up by its holder: not live", () => {
    expect(isLive(aRecord({ state: "held", at: iso(now), ttlSeconds: 0 }), now, 30)).toBe(false);
  });

  test("failures in a row", () => {
    const failure = { class: "timeout", fingerprint: "a", text: "x".repeat(3000) } as const;
    const first = failureAfter(null, failure, now);
    expect(first).toEqual({ ...failure, text: "x".repeat(2000), at: iso(now), same: 1, free: 0 });
    expect(failureAfter(first, failure, now).same).toBe(2);
    expect(failureAfter(first, { ...failure, fingerprint: "b" }, now).same).toBe(1);
    expect(failureAfter(first, { ...failure, class: "crash" }, now).same).toBe(1);
    // What costs no attempt is counted whatever its class, until something that costs one.
    const free = failureAfter(
      failureAfter(first, { ...failure, class: "quota" }, now),
      { ...failure, class: "base-red" },
      now,
    );
    expect(free.free).toBe(2);
    expect(failureAfter(free, failure, now).free).toBe(0);
  });
});

describe("slots", () => {
  test("parse(format(x)) is x", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.stringMatching(/^issue-\d{1,9}$/),
        count,
        fc.uuid(),
        (number, key, epoch, nonce) => {
          expect(parseSlot(formatSlot(number, key, epoch, nonce))).toEqual({ key, epoch });
        },
      ),
    );
  });

  test("any other text is nobody's", () => {
    fc.assert(
      fc.property(fc.string(), fc.json(), (text, json) => {
        expect(parseSlot(text)).toBe(null);
        expect(parseSlot(`agent-dispatch v1 slot 1 issue-1 e1\n\n${json}`)).toBe(null);
      }),
    );
    expect(parseSlot(`agent-dispatch v1 slot 1\n\n{"v":2,"key":"issue-1","epoch":1,"nonce":"n"}`)).toBe(null);
    expect(parseSlot(formatSlot(1, "x".repeat(10_000), 1, "n"))).toBe(null);
    expect(parseSlot(formatRecord(aRecord()))).toBe(null);
  });
});

describe("names of refs", () => {
  test("parse(format(x)) is x", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9999 }), fc.constantFrom("issue", "pr"), (number, kind) => {
        expect(parseRef(itemRef(`${kind}-${number}`))).toEqual({ kind: "item", key: `${kind}-${number}` });
        expect(parseRef(slotRef(number))).toEqual({ kind: "slot", number });
      }),
    );
    expect(parseRef(controlRef)).toEqual({ kind: "control" });
    expect(parseRef(wipRef("issue-12"))).toEqual({ kind: "wip", key: "issue-12" });
    expect(parseRef(archiveRef)).toEqual({ kind: "archive" });
    expect(parseRef(budgetRef)).toEqual({ kind: "budget" });
    expect(parseRef(profileRef("opus-2"))).toEqual({ kind: "profile", name: "opus-2" });
  });

  test.for([
    "refs/heads/main",
    `${ledgerPrefix}item/issue-0`,
    `${ledgerPrefix}item/issue-12/x`,
    `${ledgerPrefix}item/issue-12345678901`,
    `${ledgerPrefix}item/../control`,
    `${ledgerPrefix}slot/0`,
    `${ledgerPrefix}slot/10000`,
    `${ledgerPrefix}wip/issue-0`,
    `${ledgerPrefix}profile/Opus`,
    "refs/agent-dispatch/v2/item/issue-12",
    "",
  ])("%s is another", (name) => {
    expect(parseRef(name)).toEqual({ kind: "other" });
  });

  test("an item that another version's ledger knows", () => {
    expect(keyElsewhere("refs/agent-dispatch/v2/item/issue-12")).toBe("issue-12");
    expect(keyElsewhere("refs/agent-dispatch/v17/item/pr-3")).toBe("pr-3");
    for (const name of [itemRef("issue-12"), "refs/agent-dispatch/v2/slot/1", "refs/heads/v2/item/issue-12", ""])
      expect(keyElsewhere(name)).toBeNull();
    for (const rest of [
      "item/issue-12",
      "v2/item/issue-12/x",
      "v2/item/issue-0",
      "vx/item/issue-12",
      "v2/v2/item/issue-1",
    ])
      expect(keyElsewhere(`refs/agent-dispatch/${rest}`)).toBeNull();
  });

  test("any name has an answer", () => {
    fc.assert(
      fc.property(fc.string(), (name) => parseRef(ledgerPrefix + name).kind !== "control" || name === "control"),
    );
  });
});

describe("the pause", () => {
  const control = (value: unknown) => parseControl(`agent-dispatch v1 control\n\n${JSON.stringify(value)}`).pause;

  test("none, until a time, until somebody resumes", () => {
    expect(control({ v: 1, pause: null })).toBe(null);
    expect(control({ v: 1, pause: { by: "ann", why: "release", until: iso(now) } })).toEqual({
      by: "ann",
      why: "release",
      until: now,
    });
    expect(control({ v: 1, pause: { by: "ann", why: "release", until: null }, later: 1 })).toEqual({
      by: "ann",
      why: "release",
      until: null,
    });
  });

  test("whatever cannot be read pauses", () => {
    const unreadable = { by: "the ledger", until: null };
    fc.assert(
      fc.property(fc.string(), fc.json(), (text, json) => {
        expect(parseControl(text).pause).toMatchObject(unreadable);
        expect(parseControl(`agent-dispatch v1 control\n\n${json}`).pause).toMatchObject(unreadable);
      }),
    );
    expect(control({ v: 2, pause: null })).toMatchObject(unreadable);
    expect(control({ v: 1 })).toMatchObject(unreadable);
    expect(control({ v: 1, pause: null, x: "x".repeat(10_000) })).toMatchObject(unreadable);
  });

  test("what cannot be read says whether a newer version wrote it", () => {
    const of = (message: string) => parseControl(message).unreadable;
    expect(of('agent-dispatch v2 control open\n\n{"v":2,"pause":null}')).toEqual({ why: "version 2", isNewer: true });
    for (const message of ["hello", "agent-dispatch v1 control\n\n{not json", 'agent-dispatch v1 control\n\n{"v":1}'])
      expect(of(message)).toEqual({ why: "its form is not known", isNewer: false });
    expect(of('agent-dispatch v1 control\n\n{"v":1,"pause":null}')).toBeNull();
  });

  test("fields of a later program are kept by every writer", () => {
    const message = 'agent-dispatch v1 control\n\n{"v":1,"pause":null,"failures":2,"later":{"a":1}}';
    const again = parseControl(formatControl({ ...parseControl(message), pause: { by: "ann", why: "", until: now } }));
    expect(again).toMatchObject({ failures: 2, more: { later: { a: 1 } }, pause: { by: "ann", until: now } });
    expect(Object.keys(again.more)).toEqual(["later"]);
  });
});
