// What holds for every snapshot, not only for those somebody thought of. `Truth` is the forge as it is; a look answers from it, and `after` is a
// tiny model of what a run leaves behind, whether it ends well or dies.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import type { Decision, Work } from "../../src/core/decision.ts";
import { cooldownSeconds, type FailureClass, failureRules, goesToPerson } from "../../src/core/failure.ts";
import { type Details, hasLabel, type Item, type Snapshot } from "../../src/core/model.ts";
import { repairs } from "../../src/core/repairs.ts";
import type { WriteAccess } from "../../src/forge/port.ts";
import { failureAfter, isLive, type LedgerRecord } from "../../src/ledger/record.ts";
import {
  aComment,
  anItem,
  aPolicy,
  aPull,
  aRecord,
  aSnapshot,
  assigned,
  bot,
  hour,
  iso,
  labelled,
  labels,
  minute,
  now,
  sha,
} from "../support/builders.ts";

const people = ["alice", "bob", "mallory", "carol"] as const;
const person = fc.constantFrom(...people, bot);
const past = fc.integer({ min: 1, max: 300 }).map((minutes) => now - minutes * minute);

/** What the forge would answer: alice and bob may write code, mallory may not, nobody knows about carol. */
const rights: Record<string, WriteAccess> = {
  alice: { kind: "yes", evidence: "" },
  bob: { kind: "yes", evidence: "" },
  mallory: { kind: "no", evidence: "" },
  carol: { kind: "unknown", why: "hidden" },
};

const states = ["held", "published", "done", "released", "blocked", "closed"] as const;
const record = fc
  .record({
    state: fc.constantFrom(...states),
    at: past.map(iso),
    attempt: fc.nat({ max: 4 }),
    generation: fc.integer({ min: 1, max: 3 }),
    askedBy: fc.constantFrom("", "alice", "mallory"),
    handled: fc.subarray(["label:100", "comment:300", "comment:301"]),
    cooldownUntil: fc.option(past.map((at) => iso(at + 2 * hour))),
    bodyHash: fc.constantFrom(null, "another text"),
    epoch: fc.nat({ max: 3 }),
    owner: fc.constantFrom("another run", "this-run"),
    // The branch, where there is one, stands at `b`.
    head: fc.constantFrom(null, sha("b"), sha("b"), sha("e")),
  })
  .map((change) => aRecord(change));

const comment = fc.record({
  body: fc.constantFrom("/agent run", "/agent stop", "/agent why", "hello", `@${bot} go`),
  author: person,
  createdAt: past,
  edited: fc.boolean(),
});

const timelineEntry = fc.oneof(
  fc.record({ by: person, at: past, added: fc.boolean() }).map(({ by, at, added }) => labelled(by, at, { added })),
  fc.record({ who: person, by: person, at: past }).map(({ who, by, at }) => assigned(who, by, at)),
);

function item(number: number): fc.Arbitrary<Item> {
  return fc
    .record({
      labels: fc.subarray(["bot", "hold", "epic", "urgent"]),
      assignees: fc.subarray([...people, bot]),
      closed: fc.boolean(),
      locked: fc.boolean(),
      isPull: fc.boolean(),
      author: person,
      createdAt: past,
      record: fc.option(record),
      unreadable: fc.boolean(),
      pull: fc.boolean(),
      timeline: fc.array(timelineEntry, { maxLength: 4 }),
      comments: fc.array(comment, { maxLength: 3 }),
      depends: fc.boolean(),
      branch: fc.boolean(),
      ordinary: fc.boolean(),
    })
    .map((x) => {
      // Half of all items are ordinary ones, else nearly every item would be excluded by something.
      const odd = !x.ordinary;
      const own = { key: `issue-${number}`, branch: `agent/issue-${number}` };
      return anItem({
        issue: {
          number,
          author: x.author,
          labels: odd ? x.labels : ["bot"],
          assignees: odd ? x.assignees : [],
          state: odd && x.closed ? "closed" : "open",
          locked: odd && x.locked,
          isPull: odd && x.isPull,
          createdAt: x.createdAt,
          updatedAt: now - minute,
          comments: x.comments.length,
        },
        ...(x.record === null ? {} : { record: { ...x.record, ...own } }),
        ...(odd && x.unreadable ? { record: { kind: "unreadable", sha: sha("d"), why: "version 2" } as const } : {}),
        pull: odd && x.pull ? aPull({ number: number + 100, headRef: own.branch }) : null,
        details: {
          timeline: x.timeline.sort((a, b) => a.at - b.at).map((entry, i) => ({ ...entry, id: 100 + i })),
          comments: x.comments
            .sort((a, b) => a.createdAt - b.createdAt)
            .map((c, i) => aComment(c.body, { ...c, id: 300 + i, updatedAt: c.createdAt + (c.edited ? 1 : 0) })),
          openDependencies: odd && x.depends ? [{ repository: "acme/app", number: 1 }] : [],
          branch: x.branch ? sha("b") : null,
        },
      });
    });
}

/** Items with all their facts, and what else a run sees. */
const truth = fc
  .uniqueArray(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 14 })
  .chain((numbers) =>
    fc.record({
      items: fc.tuple(...numbers.map(item)),
      seed: fc.nat(),
      event: fc.constantFrom("schedule", "other", "dispatch"),
      named: fc.option(fc.constantFrom(...numbers), { freq: 4 }),
      byHand: fc.boolean(),
      actor: fc.option(person),
      slots: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
      canDispatch: fc.boolean(),
    }),
  )
  .map(({ items, seed, event, named, byHand, actor, slots, canDispatch }) => ({
    canDispatch,
    snapshot: aSnapshot({
      items,
      seed,
      slots: slots.map((number) => ({ number, sha: sha("1"), holder: { key: `issue-${number}`, epoch: 1 } })),
      trigger: { event, item: named, byHand: named !== null && byHand && event === "dispatch", actor },
    }),
  }));

type Truth = typeof truth extends fc.Arbitrary<infer T> ? T : never;
type Decided = Exclude<Decision, { kind: "look" }>;

const policy = aPolicy({ priorityLabels: ["urgent"] });

/** Decides as a run does: starts with cheap facts only and reads what is asked for. */
function decideBy({ snapshot, canDispatch }: Truth, looksMax = policy.looksMax) {
  const known = new Map(snapshot.items.map(({ key, details }) => [key, details]));
  let seen: Snapshot = { ...snapshot, items: snapshot.items.map((i) => ({ ...i, details: null })) };
  const looked = new Set<string>();
  for (let steps = 0; ; steps++) {
    const decision = decide(seen, { ...policy, looksMax });
    if (decision.kind !== "look") return { decision, looked, steps, items: seen.items };
    const { item: at, wanted } = decision;
    looked.add(at.key);
    if (steps > 10 * snapshot.items.length + 10) throw new Error("the looks never end");
    if (wanted.facts === "dispatch") seen = { ...seen, canDispatch };
    else {
      const facts: Details | null | undefined = wanted.facts === "details" ? known.get(at.key) : at.details;
      if (facts === null || facts === undefined) throw new Error("no facts to look at");
      const asked = wanted.facts === "access" ? wanted.logins : [];
      const access = {
        ...(wanted.facts === "access" ? facts.access : {}),
        ...Object.fromEntries(
          asked.map((login) => [
            login.toLowerCase(),
            rights[login.toLowerCase()] ?? { kind: "no" as const, evidence: "" },
          ]),
        ),
      };
      seen = {
        ...seen,
        items: seen.items.map((i) => (i.key === at.key ? { ...i, details: { ...facts, access } } : i)),
      };
    }
  }
}

/** A decision without the facts that its item carries along. */
function gist(decision: Decided) {
  if (decision.kind === "idle")
    return { ...decision, refusals: [...decision.refusals].sort((a, b) => (a.id < b.id ? -1 : 1)) };
  return { kind: decision.kind, key: decision.item.key, plan: decision.kind === "implement" ? decision.plan : null };
}

describe("one decision", () => {
  test("the order of lists does not matter", () => {
    fc.assert(
      fc.property(truth, fc.infiniteStream(fc.nat()), ({ snapshot, canDispatch }, dice) => {
        const shuffled = <T>(list: readonly T[]): T[] =>
          list
            .map((value) => ({ value, at: dice.next().value }))
            .sort((a, b) => Number(a.at) - Number(b.at))
            .map(({ value }) => value);
        const other: Snapshot = {
          ...snapshot,
          items: shuffled(snapshot.items),
          openPulls: shuffled(snapshot.openPulls),
          slots: shuffled(snapshot.slots),
          records: Object.fromEntries(shuffled(Object.entries(snapshot.records))),
        };
        expect(gist(decideBy({ snapshot: other, canDispatch }).decision)).toEqual(
          gist(decideBy({ snapshot, canDispatch }).decision),
        );
      }),
      { numRuns: 60 },
    );
  });

  test("never an item with a live claim, hold, closed, locked, unreadable or a person's pull request", () => {
    fc.assert(
      fc.property(truth, (t) => {
        const { decision } = decideBy(t);
        if (decision.kind === "idle") return;
        const { issue, record: fact, pull } = decision.item;
        expect(hasLabel(issue.labels, "hold") || issue.locked || issue.state === "closed" || issue.isPull).toBe(false);
        expect(fact.kind).not.toBe("unreadable");
        if (fact.kind === "record" && fact.record.owner !== t.snapshot.owner)
          expect(isLive(fact.record, now, 30)).toBe(false);
        // A second pull request for an issue is never begun.
        if (decision.kind === "implement") expect(pull).toBe(null);
        if (decision.kind === "implement") expect(decision.plan.attempt).toBeLessThanOrEqual(policy.maxAttempts);
      }),
      { numRuns: 150 },
    );
  });

  test("nobody untrusted starts anything", () => {
    fc.assert(
      fc.property(truth, (t) => {
        const { decision } = decideBy(t);
        if (decision.kind !== "implement" || t.snapshot.trigger.byHand) return;
        const begun = decision.item.record.kind === "record" ? decision.item.record.record.askedBy : "";
        expect(["alice", "bob", begun]).toContain(decision.plan.askedBy);
        expect(decision.plan.askedBy).not.toBe("");
      }),
      { numRuns: 150 },
    );
  });

  test("a branch is replaced only where it stands at the head that the record names", () => {
    let replaced = 0;
    fc.assert(
      fc.property(truth, (t) => {
        const { decision } = decideBy(t);
        if (decision.kind !== "implement" || decision.plan.expect === null) return;
        replaced += 1;
        if (decision.item.record.kind !== "record") throw new Error("a branch without a record is replaced");
        expect(decision.plan.expect).toBe(decision.item.record.record.head);
      }),
      { numRuns: 300 },
    );
    expect(replaced).toBeGreaterThan(0);
  });

  test("looks end, and are at most looksMax items", () => {
    fc.assert(
      fc.property(truth, fc.integer({ min: 1, max: 10 }), (t, looksMax) => {
        const { looked, steps } = decideBy(t, looksMax);
        // An assigned one may come on top where looksMax is smaller than the places kept for it.
        expect(looked.size).toBeLessThanOrEqual(looksMax + 1);
        // Details, the rights of those who gave orders, the right of the author; then once whether a run can be started.
        expect(steps).toBeLessThanOrEqual(3 * looked.size + 1);
      }),
      { numRuns: 150 },
    );
  });

  test("the worlds of these tests are of every kind", () => {
    const kinds = new Map<string, number>();
    for (const t of fc.sample(truth, { numRuns: 200, seed: 1 })) {
      const { kind } = decideBy(t).decision;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    for (const kind of ["idle", "implement", "resume", "give-up", "dispatch"])
      expect(kinds.get(kind), kind).toBeGreaterThan(1);
  });

  test("deciding again with everything read is the same decision", () => {
    fc.assert(
      fc.property(truth, (t) => {
        const { decision, items } = decideBy(t);
        const again = decide({ ...t.snapshot, items, canDispatch: t.canDispatch }, policy);
        expect(again.kind === "look" ? again.kind : gist(again)).toEqual(gist(decision));
      }),
      { numRuns: 150 },
    );
  });

  test("repairs touch no held, live or unreadable item, and each ends what it repairs", () => {
    fc.assert(
      fc.property(truth, ({ snapshot }) => {
        for (const { item: at, effects, close } of repairs(snapshot, policy)) {
          expect(hasLabel(at.issue.labels, "hold")).toBe(false);
          if (at.record.kind !== "record") throw new Error("a repair without a record");
          expect(isLive(at.record.record, now, 30)).toBe(false);
          expect(effects.length > 0 || close).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });
});

type Fate = "done" | "died" | "died-early" | "died-published" | FailureClass;

/** What a run with this fate leaves of the item. */
function after(snapshot: Snapshot, work: Work, fate: Fate): Item {
  const { item: at } = work;
  const before =
    at.record.kind === "record" ? at.record.record : aRecord({ attempt: 0, epoch: 0, handled: [], askedBy: "" });
  const facts = at.details ?? { timeline: [], comments: [], openDependencies: [], branch: null, access: {} };
  const claim: LedgerRecord = {
    ...before,
    key: at.key,
    owner: `run-${snapshot.now}`,
    epoch: before.epoch + 1,
    at: iso(snapshot.now),
  };
  const put = (change: Partial<LedgerRecord>, rest: Partial<Item> = {}): Item => ({
    ...at,
    ...rest,
    record: { kind: "record", sha: sha("e"), record: { ...claim, ...change } },
  });
  const bare = { ...at.issue, labels: at.issue.labels.filter((label) => label.name !== "bot") };
  const blocked = (change: Partial<LedgerRecord>) => put({ state: "blocked", ...change }, { issue: bare });
  const pull = aPull({ number: at.issue.number + 100, headRef: `agent/issue-${at.issue.number}`, body: "" });
  if (work.kind === "give-up") return fate.startsWith("died") ? put({ state: "held" }) : blocked({});
  if (work.kind === "resume")
    return fate.startsWith("died") ? put({ state: "published" }) : put({ state: "done", pull: pull.number }, { pull });
  const { plan } = work;
  const held = {
    generation: plan.generation,
    branch: plan.branch,
    attempt: plan.attempt,
    askedBy: plan.askedBy,
    handled: [...new Set([...before.handled, ...plan.handled])],
    orderAt: iso(plan.orderAt),
    lastFailure: plan.attempt === 1 ? null : before.lastFailure,
    bodyHash: null,
  };
  if (fate === "died-early") return put({ ...held, state: "held" });
  // The run has put the label on, where a command asked for work.
  const on = hasLabel(at.issue.labels, "bot")
    ? {}
    : {
        issue: { ...at.issue, labels: labels("bot") },
        details: { ...facts, timeline: [...facts.timeline, labelled(bot, snapshot.now, { id: 999 })] },
      };
  if (fate === "died") return put({ ...held, state: "held" }, on);
  if (fate === "died-published") return put({ ...held, state: "published", head: sha("b") }, on);
  if (fate === "done") return put({ ...held, state: "done", pull: pull.number }, { ...on, pull });
  const last = failureAfter(held.lastFailure, { class: fate, fingerprint: fate, text: fate }, snapshot.now);
  const attempt = failureRules[fate].costsAttempt ? plan.attempt : plan.attempt - 1;
  if (goesToPerson(fate, plan.attempt, policy.maxAttempts, last.same))
    return blocked({ ...held, attempt, lastFailure: last });
  const waitMs = cooldownSeconds(fate, last.same, [300, 1800]) * 1000;
  return put({ ...held, attempt, state: "released", lastFailure: last, cooldownUntil: iso(snapshot.now + waitMs) }, on);
}

/** Runs one after another, a day apart, until there is nothing to do; answers how many worked. */
function runs(t: Truth, fates: (run: number) => Fate, runsMax: number): { worked: number; items: readonly Item[] } {
  let { snapshot } = t;
  for (let worked = 0; ; worked++) {
    const { decision } = decideBy({ ...t, snapshot });
    if (decision.kind === "idle") return { worked, items: snapshot.items };
    if (worked > runsMax) throw new Error(`still at work after ${runsMax} runs: ${JSON.stringify(gist(decision))}`);
    if (decision.kind === "dispatch") {
      snapshot = { ...snapshot, trigger: { ...snapshot.trigger, event: "other", byHand: false } };
      continue;
    }
    const left = after(snapshot, decision, fates(worked));
    const items = snapshot.items.map((i) => (i.key === left.key ? left : i));
    const records = Object.fromEntries(items.flatMap((i) => (i.record.kind === "none" ? [] : [[i.key, i.record]])));
    snapshot = {
      ...snapshot,
      items,
      records,
      openPulls: [...new Set([...snapshot.openPulls, ...items.flatMap((i) => i.pull ?? [])])],
      now: snapshot.now + 24 * hour,
      trigger: { ...snapshot.trigger, byHand: false },
      seed: snapshot.seed + 1,
    };
  }
}

describe("decision after decision", () => {
  const failures = fc.constantFrom<Fate>("timeout", "checks-failed", "crash", "no-change", "died", "died-early");

  test("comes to idle, although every attempt fails or dies", () => {
    fc.assert(
      fc.property(truth, fc.array(failures, { minLength: 1, maxLength: 30 }), (t, fates) => {
        // Each item: its attempts, and one run that hands it to a person, which may die as often as the list says.
        const bound = t.snapshot.items.length * (policy.maxAttempts + 1) * 2 + fates.length;
        runs(t, (run) => fates[run] ?? "crash", bound);
      }),
      { numRuns: 150 },
    );
  });

  test("comes to idle after any mixture of endings, each item finished, waiting for a person or not asked for", () => {
    const any = fc.oneof(
      failures,
      fc.constantFrom<Fate>("done", "died-published", "network", "quota", "cancelled", "base-red"),
    );
    fc.assert(
      fc.property(truth, fc.array(any, { maxLength: 40 }), (t, fates) => {
        const bound = t.snapshot.items.length * (policy.maxAttempts + 2) + fates.length;
        const { items } = runs(t, (run) => fates[run] ?? "done", bound);
        for (const { record: fact } of items) {
          if (fact.kind === "record") expect(fact.record.attempt).toBeLessThanOrEqual(Math.max(4, policy.maxAttempts));
        }
      }),
      { numRuns: 150 },
    );
  });
});
