// The levers by which people stop the program: whenever they are used, nothing is published after, that is said, and only a later order
// undoes it. Each test looks at how the forge ends.

import { describe, expect, it } from "vitest";
import type { SeenRequest } from "../support/forge/faults.ts";
import { approved, implemented, type Plays, played, playing, rejected, reworked } from "../support/plays.ts";
import { quickLimits, type Stage, shortLimits, stage } from "../support/run.ts";
import { atWork, type Person, person, said, settled, statuses, tick } from "./acting.ts";

type Kind = keyof Plays;

interface Lever {
  act(alice: Person, pull: number): Promise<void>;
  /** Only where there is a pull request. */
  needsPull?: true;
  /** What the status comment says of it. */
  why: string;
  /** Takes it back: after that, and the label put on, work goes on. */
  undo?(alice: Person, pull: number): Promise<void>;
}

const levers: Record<string, Lever> = {
  "`hold` on the issue": {
    act: (alice) => alice.label(1, "hold"),
    why: "`hold` was put on.",
    undo: (alice) => alice.unlabel(1, "hold"),
  },
  "`hold` on the pull request": {
    needsPull: true,
    act: (alice, pull) => alice.label(pull, "hold"),
    why: "`hold` was put on pull request #2.",
    undo: (alice, pull) => alice.unlabel(pull, "hold"),
  },
  "a person takes it": {
    act: (alice) => alice.assign(1, "alice"),
    why: "@alice was assigned.",
    undo: (alice) => alice.unassign(1, "alice"),
  },
  "`bot` off": {
    act: (alice) => alice.unlabel(1, "bot"),
    why: "`bot` was taken off.",
    undo: (alice) => alice.label(1, "bot"),
  },
  "the issue closed": { act: (alice) => alice.close(1), why: "the issue was closed." },
  "the pull request closed": {
    needsPull: true,
    act: (alice, pull) => alice.close(pull),
    why: "pull request #2 was closed.",
  },
  "the issue locked": { act: (alice) => alice.lock(1), why: "the issue was locked." },
  "the pull request locked": {
    needsPull: true,
    act: (alice, pull) => alice.lock(pull),
    why: "pull request #2 was locked.",
  },
  "`/agent stop`": {
    act: async (alice) => void (await alice.comment(1, "/agent stop")),
    why: "@alice ordered it.",
    undo: (alice) => alice.label(1, "bot"),
  },
  "`/agent stop` on the pull request": {
    needsPull: true,
    act: async (alice, pull) => void (await alice.comment(pull, "/agent stop")),
    why: "@alice ordered it.",
    undo: (alice) => alice.label(1, "bot"),
  },
  "`agent/needs-info` by a person": {
    act: (alice, pull) => alice.label(pull === 0 ? 1 : pull, "agent/needs-info"),
    why: "@alice ordered it.",
    undo: (alice) => alice.label(1, "bot"),
  },
  "`agent/blocked` by a person": {
    act: (alice, pull) => alice.label(pull === 0 ? 1 : pull, "agent/blocked"),
    why: "@alice ordered it.",
    undo: (alice) => alice.label(1, "bot"),
  },
};

const cases = (filter: (lever: Lever) => boolean) => Object.entries(levers).filter(([, lever]) => filter(lever));

/** Plays in which the first agent of this kind is slow. */
function slow(kind: Kind, waitMs: number): Plays {
  const plays: Plays = { implement: [implemented], review: [rejected, approved], rework: [reworked] };
  const [first, ...rest] = plays[kind] ?? [];
  return { ...plays, [kind]: [{ ...first, waitMs }, { ...first, waitMs: 0 }, ...rest] };
}

/** A stage where the next step is this kind of work. */
async function upTo(kind: Kind, limits: Record<string, number>, waitMs: number) {
  const s = await stage({ limits });
  const inputs = { "agent-command": await playing(s.dir, slow(kind, waitMs)) };
  await s.issue("sum subtracts");
  s.pass(2);
  const before = { implement: 0, review: 1, rework: 2 }[kind];
  for (let run = 0; run < before; run++) expect((await tick(s, inputs)).outcome?.outcome).toBe("done");
  const pull = kind === "implement" ? 0 : 2;
  return { s, inputs, alice: person(s, "alice"), pull };
}

interface Before {
  head: string | null;
  statuses: string[];
  pulls: number;
  reviews: number;
}

/** What reviewers have said on the pull request. */
function reviewsSaid(s: Stage): number {
  return said(s, 2).filter((text) => text.startsWith("<!-- agent-dispatch:review")).length;
}

async function before(s: Stage): Promise<Before> {
  const head = await s.ref("refs/heads/agent/issue-1");
  return { head, statuses: statuses(s, head), pulls: s.pulls().length, reviews: s.pulls().length && reviewsSaid(s) };
}

/** Nothing was published since, and the page says so. */
async function expectStopped(s: Stage, was: Before, why: string, kind: Kind): Promise<void> {
  expect(await s.ref("refs/heads/agent/issue-1")).toBe(was.head);
  expect(s.pulls()).toHaveLength(was.pulls);
  // The status of a review that was begun does not stay pending, and is no verdict.
  const verdict = statuses(s, was.head).filter((text) => text.startsWith("agent-dispatch/review "));
  if (kind === "review") expect(verdict).toEqual(["agent-dispatch/review error"]);
  else expect(statuses(s, was.head)).toEqual(was.statuses);
  if (was.pulls > 0) expect(reviewsSaid(s)).toBe(was.reviews);
  expect(s.see(1).assignees).not.toContain("bot");
  const status = said(s, 1).filter((text) => text.startsWith("<!-- agent-dispatch:status"));
  expect(status).toHaveLength(1);
  expect(status[0]).toContain(`**Stopped**: ${why} Nothing was published`);
}

describe("before the claim", () => {
  it.each(cases((lever) => lever.needsPull !== true))("%s: nothing begins", async (_, lever) => {
    const { s, inputs, alice } = await upTo("implement", shortLimits, 0);
    await lever.act(alice, 0);
    await settled(s, inputs);
    expect(await played(s.dir)).toEqual([]);
    expect(s.see(1).assignees).not.toContain("bot");
    expect(s.pulls()).toEqual([]);
    if (lever.undo === undefined) return;
    await lever.undo(alice, 0);
    expect((await tick(s, inputs)).outcome).toMatchObject({ kind: "implement", outcome: "done" });
  });

  it.each(cases(() => true))("%s: no review begins", async (_, lever) => {
    const { s, inputs, alice, pull } = await upTo("review", shortLimits, 0);
    await lever.act(alice, pull);
    await settled(s, inputs);
    expect(await played(s.dir)).toEqual(["implement 1 round 0"]);
    if (lever.undo === undefined) return;
    await lever.undo(alice, pull);
    expect((await tick(s, inputs)).outcome).toMatchObject({ kind: "review", outcome: "done" });
  });
});

describe.each(["implement", "review", "rework"] as const)("while the agent works: %s", (kind) => {
  it.each(cases((lever) => kind !== "implement" || lever.needsPull !== true))("%s", async (_, lever) => {
    const { s, inputs, alice, pull } = await upTo(kind, quickLimits, 60_000);
    const { end } = await atWork(s, kind, { event: "schedule", inputs });
    const was = await before(s);
    const startedAt = Date.now();
    await lever.act(alice, pull);
    const ended = await end;
    expect(Date.now() - startedAt).toBeLessThan(6_000);
    expect(ended).toMatchObject({ exitCode: 0, left: [], outcome: { outcome: "cancelled" } });
    await expectStopped(s, was, lever.why, kind);
    const { length } = await played(s.dir);
    await settled(s, inputs);
    expect(await played(s.dir)).toHaveLength(length);
    expect(s.see(1).assignees).not.toContain("bot");
    if (lever.undo === undefined) return;
    await lever.undo(alice, pull);
    expect((await tick(s, inputs)).outcome).toMatchObject({ kind, outcome: "done" });
  });
});

describe.each(["implement", "review", "rework"] as const)("right before the publish: %s", (kind) => {
  // No life sign comes in time: only the last look can see it.
  const limits = { ...shortLimits, renewSeconds: 20, fenceSeconds: 60, ttlSeconds: 200 };

  // The look itself is the same for all kinds: of the others only what is read elsewhere.
  const isWorthIt = (lever: Lever) => (kind === "implement" ? lever.needsPull !== true : lever.needsPull === true);
  it.each(cases(isWorthIt))("%s", async (_, lever) => {
    const { s, inputs, alice, pull } = await upTo(kind, limits, 700);
    const { end } = await atWork(s, kind, { event: "schedule", inputs });
    const was = await before(s);
    await lever.act(alice, pull);
    expect(await end).toMatchObject({ exitCode: 0, outcome: { outcome: "cancelled" } });
    await expectStopped(s, was, lever.why, kind);
  });
});

it("a stop in the very second in which the program looked last is seen all the same", async () => {
  const { s, inputs, alice } = await upTo("review", quickLimits, 60_000);
  s.forge.freezeClock();
  const { end } = await atWork(s, "review", { event: "schedule", inputs });
  // Long enough for several looks in this second.
  await new Promise((resolve) => setTimeout(resolve, 700));
  const same = s.forge.clockOffsetMs;
  await s.forge
    .as("owner")
    .post(`/repos/${s.repo}/labels`, { name: "agent/blocked", color: "#aaaaaa", exclusive: true });
  await s.forge.addLabelAs("alice", s.repo, 2, "agent/blocked");
  expect(s.forge.clockOffsetMs).toBe(same);
  expect(await end).toMatchObject({ outcome: { outcome: "cancelled" } });
  expect(s.see(2).labels).toEqual(["agent/blocked"]);
  expect(alice).toBeDefined();
});

it("a stage label that is put on between the claim and the first word of a run stays, and is obeyed", async () => {
  const { s, inputs, alice } = await upTo("implement", quickLimits, 60_000);
  let isClaimed = false;
  let looks = 0;
  // The first look after the claim confirms it; before the second one is answered the label is on.
  const when = ({ kind, method, path }: SeenRequest) => {
    if (kind === "git" && method === "POST" && path.endsWith("/git-receive-pack")) isClaimed = true;
    return isClaimed && method === "GET" && path.endsWith("/issues/1") && ++looks === 2;
  };
  s.forge.faults.add({ when, times: 1, do: "pass", hold: () => alice.label(1, "agent/needs-info") });
  expect((await tick(s, inputs)).outcome).toMatchObject({ outcome: "cancelled" });
  expect(looks).toBeGreaterThanOrEqual(2);
  expect(s.see(1)).toMatchObject({ labels: ["agent/needs-info"], assignees: [] });
});

it("whom the program had asked can take the item back from the work that they ordered", async () => {
  const s = await stage({ limits: quickLimits });
  const inputs = { "agent-command": await playing(s.dir, { rework: [{ ...reworked, waitMs: 60_000 }] }) };
  await s.issue("sum subtracts");
  for (let run = 0; run < 2; run++) await tick(s, inputs);
  expect([1, 2].map((number) => s.see(number).assignees)).toEqual([["alice"], ["alice"]]);
  const alice = person(s, "alice");
  await alice.comment(2, "/agent fix the sum of nothing");
  const { end } = await atWork(s, "rework", { event: "schedule", inputs });
  expect([1, 2].map((number) => s.see(number).assignees)).toEqual([["bot"], []]);
  const was = await before(s);
  await alice.assign(1, "alice");
  expect(await end).toMatchObject({ exitCode: 0, outcome: { outcome: "cancelled" } });
  await expectStopped(s, was, "@alice was assigned.", "rework");
});
