import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import { type Parked, parkingAfter, unparked } from "../../src/core/parking.ts";
import { aPolicy, hour, labelled, minute, now, sha, writer } from "../support/builders.ts";
import { begins, chapter, one, pulled, run } from "../support/decisions.ts";

const quota = { failure: "quota", why: "You have hit your limit.", resetsAt: null, setup: "s1" } as const;

const parked = (until: number, change: Partial<Parked> = {}): Parked => ({
  ...{ sha: sha("9"), since: now - 30 * minute, failure: "quota", why: "limit", times: 1, setup: "s1", until },
  ...change,
});

describe("how long", () => {
  test("a usage limit that tells its end: until then", () => {
    const resetsAt = now + 5 * hour;
    expect(parkingAfter({ ...quota, resetsAt }, null, now)).toMatchObject({ until: resetsAt, since: now, times: 1 });
  });

  test("one that does not: 15 minutes, doubling to 6 hours", () => {
    const waits: number[] = [];
    let at = now;
    let before = null;
    for (let times = 0; times < 7; times++) {
      before = parkingAfter(quota, before, at);
      waits.push((before.until - at) / minute);
      at = before.until + minute;
    }
    expect(waits).toEqual([15, 30, 60, 120, 240, 360, 360]);
  });

  test("the ladder begins anew after a day, and with another failure", () => {
    const before = parked(now - 25 * hour, { times: 4 });
    expect(parkingAfter(quota, before, now)).toMatchObject({ until: now + 15 * minute, times: 1 });
    const auth = parkingAfter({ ...quota, failure: "auth" }, parked(now, { times: 4 }), now);
    expect(auth).toMatchObject({ until: now + 6 * hour, times: 1 });
  });
});

test("an order that is newer than the parking ends it, and so does a change of the profile", () => {
  const profiles = { authors: [], reviewers: [], tellCost: true, setups: { first: "s1", second: "s1" } };
  const found = { parked: { first: parked(now + hour, { since: now - 10 }) }, profiles, now };
  expect(unparked(["first", "second"], found, now - 11)).toEqual(["second"]);
  expect(unparked(["first", "second"], found, now - 9)).toEqual(["first", "second"]);
  const changed = { ...found, profiles: { ...profiles, setups: { first: "s2" } } };
  expect(unparked(["first"], changed, 0)).toEqual(["first"]);
  expect(unparked(["first"], { ...found, now: now + hour }, 0)).toEqual(["first"]);
});

const isParked = (...names: string[]) => ({
  parked: Object.fromEntries(names.map((name) => [name, parked(now + hour)])),
  profiles: {
    authors: ["first"],
    reviewers: ["first", "second"],
    tellCost: true,
    setups: { first: "s1", second: "s1" },
  },
});
const order = { issue: { comments: 1 }, details: { comments: [run({ createdAt: now - minute })] } };

chapter("who writes", [
  { when: "the only author is free", snapshot: one({}, isParked("second")), expected: begins },
  {
    when: "the only author is parked",
    snapshot: one({}, isParked("first")),
    expected: "skip by row 18: its profile is parked: `first` until 2026-03-01 13:00 UTC (quota)",
  },
  {
    when: "the time is over",
    snapshot: one({}, { parked: { first: parked(now) } }),
    expected: begins,
  },
  { when: "parked, and somebody orders it", snapshot: one(order, isParked("first")), expected: begins },
]);

chapter("who reviews", [
  {
    when: "the author's profile is parked, the other reviewer is free",
    snapshot: pulled({}, isParked("first")),
    expected: "row 15: review #20, attempt 1",
  },
  {
    when: "both are parked",
    snapshot: pulled({}, isParked("first", "second")),
    expected:
      "skip by row 15: all profiles are parked: `first` until 2026-03-01 13:00 UTC (quota), `second` until 2026-03-01 13:00 UTC (quota)",
  },
]);

const labelledSince = { details: { timeline: [labelled(writer, now - minute)] } };

chapter("a label is no word about a profile", [
  {
    when: "put on after the parking",
    snapshot: one(labelledSince, isParked("first")),
    expected: "skip by row 18: its profile is parked: `first` until 2026-03-01 13:00 UTC (quota)",
  },
]);

test("the plan names those that are free, in order of preference", () => {
  const reviews = decide(pulled({}, isParked("first")), aPolicy());
  expect(reviews.kind === "review" && reviews.plan.profiles).toEqual(["second"]);
  const both = decide(pulled({}), aPolicy());
  expect(both.kind === "review" && both.plan.profiles).toEqual(["first", "second"]);
});
