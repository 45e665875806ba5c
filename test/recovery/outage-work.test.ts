// The forge goes away while an agent works: the agent goes on, nothing is written that the claim does not cover, and its work is published once the
// forge is back, unless somebody else has the item then.

import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { expectDoneOnce } from "../support/done-once.ts";
import type { FaultDeed, SeenRequest } from "../support/forge/forge.ts";
import { unhurried } from "../support/gate/life.ts";
import { type StillTime, stillTime } from "../support/outage/still-time.ts";
import { type End, mends, type Stage, stage, until } from "../support/run.ts";

const minute = 60_000;
const lastWords = "the claim could not be renewed for now; the work goes on, nothing is written until it is";

/** A run whose agent works until it may end, in time that stands still. */
async function atWork(policy = "") {
  const s = await stage({ limits: unhurried, policy });
  await s.issue("sum subtracts");
  s.pass(2);
  const [begun, hold] = [join(s.dir, "begun"), join(s.dir, "hold")];
  await writeFile(hold, "");
  const agent = `touch ${begun}; while test -e ${hold}; do sleep 0.02; done; ${mends}`;
  const time = stillTime(s);
  const ended = s.start({ clock: time.clock, inputs: { "agent-command": agent } });
  await until(() => existsSync(begun), "an agent at work");
  return { s, time, ended, ends: () => rm(hold) };
}

/** Away from now on, for so long. */
function away({ s, time }: { s: Stage; time: StillTime }, deed: FaultDeed, ms: number): void {
  const backAtMs = time.passed() + ms;
  s.forge.faults.add({ when: () => time.passed() < backAtMs, times: Number.POSITIVE_INFINITY, do: deed });
}

async function expectPublished(s: Stage, end: End): Promise<void> {
  expect(end.exitCode, end.lastLine).toBe(0);
  expect(end.outcome, end.log).toMatchObject({ kind: "implement", outcome: "done", attempt: 1, pullRequest: 2 });
  expect(await s.record(1)).toMatchObject({ epoch: 1 });
  await expectDoneOnce(s);
}

describe("the forge is away while the agent works", () => {
  it("and back before the agent ends: life signs go on, the work is published", async () => {
    const { s, time, ended, ends } = await atWork();
    away({ s, time }, "reset", 5 * minute);
    await time.pass(5 * minute - 1);
    const before = await s.record(1);
    expect(before).toMatchObject({ state: "held" });
    await time.pass(2 * minute);
    expect((await s.record(1))?.seq).toBeGreaterThan(before?.seq ?? 0);
    await ends();
    const end = await ended;
    expect(end.log).toContain(lastWords);
    expect(end.log).toContain("the claim is renewed again after");
    await expectPublished(s, end);
  });

  it.each(["reset", "503"] as const)("and still when it ends (%s): the run waits, then publishes", async (deed) => {
    const { s, time, ended, ends } = await atWork();
    away({ s, time }, deed, 9 * minute);
    await time.pass(4 * minute);
    await ends();
    await expectPublished(s, await ended);
    expect(time.passed()).toBeGreaterThanOrEqual(9 * minute);
  });

  it("for longer than its lease, and nobody took over: published all the same", async () => {
    const { s, time, ended, ends } = await atWork();
    away({ s, time }, "reset", 40 * minute);
    await time.pass(40 * minute);
    await ends();
    await expectPublished(s, await ended);
  });

  it("and another run took the item over meanwhile: lost, and nothing is written any more", async () => {
    const { s, time, ended, ends } = await atWork();
    away({ s, time }, "reset", 10 * minute);
    await time.pass(10 * minute);
    // Time stands still: the sleeper learns nothing before the other is at its end.
    const other = await s.start({ inputs: { "agent-command": mends } });
    expect(other.outcome, other.log).toMatchObject({ kind: "implement", outcome: "done", attempt: 2 });
    const photo = await s.photo();
    await ends();
    const end = await ended;
    expect(end.outcome).toMatchObject({ outcome: "lost", failure: "claim-lost" });
    expect(end.lastLine).toContain("another run took it over");
    expect(await s.photo()).toBe(photo);
    await expectDoneOnce(s);
  });

  it("and another item's run got its place meanwhile: it ends, so that no more agents work than may", async () => {
    const { s, time, ended, ends } = await atWork("maxConcurrent: 1");
    await s.issue("another");
    away({ s, time }, "reset", 10 * minute);
    await time.pass(10 * minute);
    const [atWorkToo, ends2] = [join(s.dir, "at-work-too"), join(s.dir, "ends-too")];
    const command = `touch ${atWorkToo}; while ! test -e ${ends2}; do sleep 0.02; done; ${mends}`;
    const other = s.start({ inputs: { "agent-command": command, item: "2" } });
    await until(() => existsSync(atWorkToo), "the other agent to be at work");
    // The first agent is never told to end: its run ends it.
    await time.pass(2 * minute);
    const end = await ended;
    expect(end.outcome).toMatchObject({ outcome: "cancelled" });
    expect(end.lastLine).toContain("another run works in its place");
    expect(await s.record(1)).toMatchObject({ state: "released", attempt: 0 });
    await writeFile(ends2, "");
    expect((await other).outcome).toMatchObject({ kind: "implement", outcome: "done", item: 2 });
    await ends();
  });
});

describe("git is away and the rest answers", () => {
  it("no write leaves later than the self-fence allows", async () => {
    const { s, time, ended, ends } = await atWork();
    let publishedAt = Number.POSITIVE_INFINITY;
    const since = () => time.passed() - publishedAt;
    const [awayMs, ages] = [9 * minute, [] as number[]];
    s.forge.faults.add({
      when({ kind, path, body }) {
        if (kind !== "git") return false;
        const isPublish = path.endsWith("/git-receive-pack") && body.includes("refs/heads/agent/");
        if (isPublish) publishedAt = Math.min(publishedAt, time.passed());
        // From the publish on, which is carried out.
        return !isPublish && since() >= 0 && since() < awayMs;
      },
      ...{ times: Number.POSITIVE_INFINITY, do: "503" },
    });
    // What is still to be written takes long, each for itself.
    s.forge.faults.add({
      when: ({ kind, method }) => kind === "api" && method !== "GET" && since() >= 0,
      ...{ times: Number.POSITIVE_INFINITY, do: "pass" },
      hold: async () => {
        ages.push(since());
        if (since() < awayMs) await time.pass(90_000);
      },
    });
    await ends();
    await expectPublished(s, await ended);
    const during = ages.filter((ms) => ms < awayMs);
    expect(during.length).toBeGreaterThan(1);
    expect(Math.max(...during)).toBeLessThan(unhurried.fenceSeconds * 1000);
    expect(ages.length).toBeGreaterThan(during.length);
  });
});

describe("pushes that hang", () => {
  it("are cut, looked after and made again: the claim, the publish, the end", async () => {
    const s = await stage({ limits: { apiSeconds: 1 } });
    await s.issue("sum subtracts");
    for (const ref of ["/slot/", "refs/heads/agent/", "/wip/"]) {
      const isIt = ({ path, body }: SeenRequest) => path.endsWith("/git-receive-pack") && body.includes(ref);
      let seen = 0;
      // The upload may take as long as bytes move; its own is the first that names `wip`.
      const from = ref === "/wip/" ? 2 : 1;
      s.forge.faults.add({ when: (request) => isIt(request) && ++seen === from, times: 1, do: "hang" });
    }
    const end = await s.start({ clock: systemClock(), inputs: { "agent-command": mends } });
    expect(s.forge.faults.met).toBe(3);
    await expectPublished(s, end);
  });
});
