// What a claim believes and does while the line to the forge loses, delays and hangs, while time jumps, and when the forge comes back as another one.

import { describe, expect, it } from "vitest";
import { type Claim, ClaimLost, type LedgerPorts } from "../../src/ledger/claim.ts";
import { branchRef, itemRef, slotRef, wipRef } from "../../src/ledger/refs.ts";
import { claimItem } from "../../src/ledger/take.ts";
import { OutageTooLong, outageWaitsMs } from "../../src/outage.ts";
import { aRecord, someLimits } from "../support/builders.ts";
import { RefsServer } from "./refs-server.ts";

const ITEM = itemRef("issue-12");
const BRANCH = branchRef("agent/issue-12");
const HEAD = "f".repeat(40);
const effects = { v: 1, issue: 12, effects: [] } as const;
const start = Date.UTC(2026, 0, 1, 12);
const minute = 60_000;

interface Scene {
  server: RefsServer;
  claim: Claim;
  ports: LedgerPorts;
  /** What the forge's clock says more than ours. */
  forgeAhead(ms: number): void;
}

async function claimed(before: string | null = null): Promise<Scene> {
  const server = new RefsServer();
  let ahead = 0;
  if (before !== null) server.refs.set(ITEM, before);
  const limits = someLimits();
  const ports = { host: server.host(), clock: server.clock, now: () => start + server.now + ahead, limits };
  const record = aRecord({ state: "held", seq: 0, slot: 1, at: new Date(ports.now()).toISOString() });
  const outcome = await claimItem(ports, record, before, { number: 1, old: null }, null);
  if (outcome.kind !== "claimed") throw new Error(outcome.kind);
  const forgeAhead = (ms: number) => {
    ahead += ms;
  };
  return { server, claim: outcome.claim, ports, forgeAhead };
}

const publish = (claim: Claim, head: string | null = HEAD) =>
  claim.publish({ after: "done", stage: "needs-review" }, { ...effects, effects: [] }, head);

describe("a change that got no answer", () => {
  it("arrives after it was given up: no loss, on from there", async () => {
    const { server, claim } = await claimed();
    server.pushFaults.push("late", ...Array<"drop">(40).fill("drop"));
    expect(await claim.renew()).toBe("unknown");
    // Between the look and the push of the next life sign.
    server.pushFaults.length = 0;
    const { onTime } = server;
    server.onTime = () => {
      server.onTime = onTime;
      server.arrive();
    };
    expect(await claim.renew()).toBe("ok");
    expect(claim.lost).toBe(false);
    expect(server.refs.get(ITEM)).toBe(claim.sha);
    expect(await claim.renew()).toBe("ok");
  });

  it("arrives late below the next push itself: the same", async () => {
    const { server, claim } = await claimed();
    server.pushFaults.push(...Array<"late">(20).fill("late"));
    expect(await claim.renew()).toBe("unknown");
    server.pushFaults.length = 0;
    let pushes = server.pushes.length;
    server.onTime = () => {
      if (server.pushes.length > pushes) server.arrive();
      pushes = server.pushes.length;
    };
    expect(await claim.renew()).toBe("ok");
    expect(server.refs.get(ITEM)).toBe(claim.sha);
  });

  it("a publish that arrives late is the publish: the branch moves once, and nothing is pushed again", async () => {
    const { server, claim } = await claimed();
    server.pushFaults.push(...Array<"late">(99).fill("late"));
    expect(await publish(claim)).toMatchObject({ kind: "unknown" });
    server.arrive();
    const pushes = server.pushes.length;
    expect(await publish(claim)).toEqual({ kind: "ok" });
    expect(server.pushes).toHaveLength(pushes);
    expect(await claim.isPublished()).toBe(true);
    expect(server.refs.get(BRANCH)).toBe(HEAD);
  });

  it("an end that arrived is the end, also where another run took the slot since", async () => {
    const { server, claim } = await claimed();
    server.pushFaults.push(...Array<"late">(99).fill("late"));
    expect(await claim.finish({ state: "released" })).toMatchObject({ kind: "unknown" });
    server.pushFaults.length = 0;
    server.arrive();
    server.refs.set(slotRef(1), "e".repeat(40));
    expect(await claim.finish({ state: "released" })).toEqual({ kind: "ok" });
    expect(claim.record).toMatchObject({ state: "released", slot: null });
    expect(server.refs.get(slotRef(1))).toBe("e".repeat(40));
  });

  it("is never taken for lost while the forge cannot be read", async () => {
    const { server, claim } = await claimed();
    server.awayUntil = 30 * minute;
    for (let n = 0; n < 5; n++) expect(await claim.renew()).toBe("unknown");
    expect(claim.lost).toBe(false);
    server.pass(server.awayUntil - server.now);
    expect(await claim.renew()).toBe("ok");
  });
});

describe("a line that hangs", () => {
  it("a life sign is over in time for the next, and a whole next one before others may take over", async () => {
    const { server, claim, ports } = await claimed();
    const { renewSeconds, ttlSeconds, apiSeconds } = ports.limits;
    server.pass(renewSeconds * 1000);
    server.awayUntil = server.now + 10 * minute;
    const begun = server.now;
    expect(await claim.renew()).toBe("unknown");
    expect(server.now - begun).toBeLessThanOrEqual(2 * apiSeconds * 1000);
    expect(server.now - begun).toBeLessThanOrEqual(renewSeconds * 1000);
    expect(server.now + apiSeconds * 1000).toBeLessThan(ttlSeconds * 1000);
    for (const { limits } of server.pushes.slice(1)) expect(limits.deadlineMs).toBeLessThanOrEqual(apiSeconds * 1000);
  });

  it("one push that hangs costs no more than itself: the same life sign is made by the next", async () => {
    const { server, claim } = await claimed();
    server.pushFaults.push("hang");
    expect(await claim.renew()).toBe("ok");
    expect(server.now).toBeLessThan(40_000);
  });

  it("a publish may take long, and leaves time for a life sign", async () => {
    const { server, claim, ports } = await claimed();
    server.pushFaults.push("hang", "hang");
    const begun = server.now;
    expect(await publish(claim)).toMatchObject({ kind: "unknown" });
    const { ttlSeconds, renewSeconds } = ports.limits;
    expect(server.pushes[1]?.limits.deadlineMs).toBe(90_000);
    expect(server.now - begun + renewSeconds * 1000).toBeLessThan(ttlSeconds * 1000);
  });
});

describe("the fence", () => {
  it("asks nobody while a life sign is young, and makes one when it is old", async () => {
    const { server, claim } = await claimed();
    server.pass(209_000);
    await claim.fence();
    expect(server.pushes).toHaveLength(1);
    server.pass(2_000);
    expect(claim.permit.mayWrite()).toBe(false);
    await claim.fence();
    expect(server.pushes).toHaveLength(2);
    expect(claim.permit.mayWrite()).toBe(true);
  });

  it("sees time by the forge's clock too, where this whole machine stood still", async () => {
    const { server, claim, forgeAhead } = await claimed();
    forgeAhead(3_600_000);
    expect(claim.permit.mayWrite()).toBe(false);
    await claim.fence();
    expect(server.pushes).toHaveLength(2);
    expect(claim.permit.mayWrite()).toBe(true);
    // Set back: that makes nothing younger.
    forgeAhead(-7_200_000);
    server.pass(211_000);
    expect(claim.permit.mayWrite()).toBe(false);
  });

  it("waits for a forge that is away for ten minutes", async () => {
    const { server, claim } = await claimed();
    server.pass(211_000);
    server.awayUntil = server.now + 10 * minute;
    await claim.fence();
    expect(server.now).toBeGreaterThanOrEqual(server.awayUntil);
    expect(claim.permit.mayWrite()).toBe(true);
  });

  it("gives up after that, without saying that anybody took the item over", async () => {
    const { server, claim } = await claimed();
    server.pass(211_000);
    server.awayUntil = Number.POSITIVE_INFINITY;
    const begun = server.now;
    await expect(claim.fence()).rejects.toBeInstanceOf(OutageTooLong);
    expect(claim.lost).toBe(false);
    expect(server.now - begun).toBeGreaterThanOrEqual(10 * minute);
    expect(server.now - begun).toBeLessThan(30 * minute);
    expect(outageWaitsMs.reduce((sum, ms) => sum + ms, 0)).toBe(10 * minute);
  });

  it("a change counts from its start: one that a long sleep held up opens nothing", async () => {
    const { server, claim } = await claimed();
    const { onTime } = server;
    server.onTime = () => {
      server.onTime = onTime;
      server.pass(3_600_000);
    };
    expect(await claim.renew()).toBe("ok");
    expect(claim.permit.mayWrite()).toBe(false);
  });
});

describe("a claim that is gone", () => {
  it("taken over: nothing more may be written", async () => {
    const { server, claim } = await claimed();
    const theirs = server.takeOver(ITEM);
    expect(await claim.renew()).toBe("lost");
    expect(claim.loss).toBe("taken-over");
    await expect(claim.fence()).rejects.toThrow(ClaimLost);
    expect(claim.permit.mayWrite()).toBe(false);
    expect(await publish(claim)).toEqual({ kind: "lost" });
    expect(await claim.finish({ state: "released" })).toEqual({ kind: "lost" });
    expect(server.refs.get(ITEM)).toBe(theirs);
    expect(server.refs.has(BRANCH)).toBe(false);
  });

  it("a stale run's publish moves nothing, though the branch is where it expects it", async () => {
    const { server, claim } = await claimed();
    const theirs = server.takeOver(ITEM);
    expect(await publish(claim)).toEqual({ kind: "lost" });
    expect([server.refs.get(ITEM), server.refs.has(BRANCH)]).toEqual([theirs, false]);
  });

  it("the forge is back without the record", async () => {
    const { server, claim } = await claimed();
    server.refs.clear();
    expect(await claim.renew()).toBe("lost");
    expect(claim.loss).toBe("gone");
  });

  it.each(["the one before the claim", "an earlier one of the claim"])("the forge is back at %s", async (which) => {
    const before = "a".repeat(40);
    const { server, claim } = await claimed(before);
    const first = claim.sha;
    await claim.renew();
    server.refs.set(ITEM, which === "the one before the claim" ? before : first);
    expect(await claim.renew()).toBe("lost");
    expect(claim.loss).toBe("older");
    await expect(claim.fence()).rejects.toThrow("the forge is back in an older state");
  });
});

describe("a claim that stands, with something else in the way", () => {
  it("the branch moved: refused, and not lost, also where the forge is away right after", async () => {
    const { server, claim } = await claimed();
    server.refs.set(BRANCH, "b".repeat(40));
    const begun = server.pushes.length;
    server.onTime = () => {
      if (server.pushes.length > begun && server.awayUntil === 0) server.awayUntil = server.now + 10 * minute;
    };
    expect(await publish(claim)).toMatchObject({ kind: "unknown" });
    expect(claim.lost).toBe(false);
    server.pass(10 * minute);
    expect(await claim.renew()).toBe("ok");
    expect(await publish(claim)).toMatchObject({ kind: "branch-refused" });
    expect(claim.lost).toBe(false);
    expect(server.refs.get(BRANCH)).toBe("b".repeat(40));
  });

  it.each([slotRef(1), wipRef("issue-12")])("the end leaves %s alone, where it is somebody else's", async (ref) => {
    const { server, claim } = await claimed();
    claim.wip = "1".repeat(40);
    server.refs.set(wipRef("issue-12"), claim.wip);
    expect(await publish(claim)).toEqual({ kind: "ok" });
    server.refs.set(ref, "d".repeat(40));
    expect(await claim.finish({ state: "done" })).toEqual({ kind: "ok" });
    expect(claim.record.state).toBe("done");
    expect(server.refs.get(ref)).toBe("d".repeat(40));
  });

  it("what has ended is not renewed: the next run's claim would have to wait for it", async () => {
    const { server, claim } = await claimed();
    expect(await claim.finish({ state: "released" })).toEqual({ kind: "ok" });
    const pushes = server.pushes.length;
    expect(await claim.renew()).toBe("ok");
    expect(server.pushes).toHaveLength(pushes);
  });

  it("abandoned effects can still be handed to a person", async () => {
    const { server, claim } = await claimed();
    await publish(claim, null);
    expect(await claim.abandon()).toEqual({ kind: "ok" });
    expect(claim.record).toMatchObject({ ttlSeconds: 0, unfinished: 1 });
    expect(await claim.renew()).toBe("ok");
    expect(claim.record.ttlSeconds).toBe(0);
    expect(await claim.finish({ state: "blocked" })).toEqual({ kind: "ok" });
    expect(server.refs.get(ITEM)).toBe(claim.sha);
    expect(claim.record.state).toBe("blocked");
  });
});

describe("a claim in doubt", () => {
  it("is asked after for longer than a life sign, since nobody gives it back", async () => {
    const server = new RefsServer();
    const limits = someLimits();
    const ports = { host: server.host(), clock: server.clock, now: () => start + server.now, limits };
    server.pushFaults.push("lose-answer");
    server.onTime = () => {
      if (server.pushes.length === 1 && server.awayUntil === 0) server.awayUntil = server.now + 80_000;
    };
    const record = aRecord({ state: "held", at: new Date(ports.now()).toISOString() });
    expect(await claimItem(ports, record, null, null, null)).toMatchObject({ kind: "claimed" });
    expect(server.now).toBeGreaterThan(80_000);
  });
});
