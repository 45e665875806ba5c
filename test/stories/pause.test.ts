// The whole program pauses and goes on: by people on the dashboard issue, and by itself when the forge fails again and again.

import { describe, expect, it } from "vitest";
import type { SeenRequest } from "../support/forge/forge.ts";
import { played, playing } from "../support/plays.ts";
import { type Stage, type Start, stage } from "../support/run.ts";
import { learn, person, reactions, said, settled, tick, ways } from "./acting.ts";

const marker = "<!-- agent-dispatch:dashboard v1 -->";

/** A tick looks at a few of the issues that may be the dashboard: the newest, and others by turns. */
async function someTicks(s: Stage, inputs: Start["inputs"]): Promise<void> {
  for (let run = 0; run < 6; run++) await tick(s, inputs);
}

/** Issue #1 is the dashboard, #2 waits for work. */
async function scene(policy = "") {
  const s = await stage({ policy });
  const inputs = { "agent-command": await playing(s.dir, {}) };
  await s.issue("Dashboard", { body: `${marker}\n\nNothing yet.`, by: "owner", label: null });
  await s.issue("sum subtracts");
  s.pass(2);
  return { s, inputs, alice: person(s, "alice"), mallory: person(s, "mallory") };
}

describe.each(ways)("pause, by %s", (way) => {
  it("by a trusted person: nothing moves until `/agent resume`", async () => {
    const { s, inputs, alice } = await scene();
    const pause = await alice.comment(1, "/agent pause the server moves house");
    expect((await learn(s, way, inputs)).lastLine).toContain("paused by @alice: the server moves house");
    expect(reactions(s, pause)).toEqual(["bot rocket"]);
    const before = await s.photo();
    for (let run = 0; run < 3; run++) {
      const end = await tick(s, inputs);
      expect(end).toMatchObject({ exitCode: 0, outcome: { outcome: "idle" } });
      expect(end.lastLine).toContain("paused by @alice: the server moves house");
    }
    const byHand = await s.start({ inputs: { ...inputs, item: "2" } });
    expect(byHand.lastLine).toContain("paused by @alice");
    expect(await s.photo()).toBe(before);
    expect(await played(s.dir)).toEqual([]);
    const resume = await alice.comment(1, "/agent resume");
    expect((await learn(s, way, inputs)).lastLine).toContain("@alice ended the pause");
    expect(reactions(s, resume)).toEqual(["bot rocket"]);
    await settled(s, inputs);
    expect(s.see(3).labels).toEqual(["agent/merge-ready"]);
    expect(said(s, 1)).toEqual([]);
  });

  it("orders given in a pause are obeyed after it", async () => {
    const { s, inputs, alice } = await scene();
    await alice.comment(1, "/agent pause");
    await learn(s, way, inputs);
    const stop = await alice.comment(2, "/agent stop");
    await learn(s, way, inputs);
    expect(reactions(s, stop)).toEqual([]);
    await alice.comment(1, "/agent resume");
    await learn(s, way, inputs);
    await settled(s, inputs);
    expect(reactions(s, stop)).toEqual(["bot rocket"]);
    expect(await played(s.dir)).toEqual([]);
  });

  it("by a stranger: nothing but at most one line", async () => {
    const { s, inputs, mallory } = await scene();
    await mallory.comment(1, "/agent pause ha");
    await learn(s, way, inputs);
    await settled(s, inputs);
    expect(s.see(3).labels).toEqual(["agent/merge-ready"]);
    expect(said(s, 1).length).toBeLessThanOrEqual(1);
  });

  it("a stranger cannot end it, nor with a dashboard of their own", async () => {
    const { s, inputs, alice, mallory } = await scene();
    await alice.comment(1, "/agent pause");
    await learn(s, way, inputs);
    await mallory.comment(1, "/agent resume");
    await learn(s, way, inputs);
    await s.issue("Mine", { body: marker, by: "mallory", label: null });
    await mallory.comment(3, "/agent resume");
    await learn(s, way, inputs);
    expect(await settled(s, inputs)).toEqual([]);
    expect(await played(s.dir)).toEqual([]);
  });

  it("elsewhere it is refused with one line", async () => {
    const { s, inputs, alice } = await scene();
    const id = await alice.comment(2, "/agent pause please");
    await learn(s, way, inputs);
    await settled(s, inputs);
    expect(reactions(s, id)).toEqual(["bot confused"]);
    expect(said(s, 2).filter((text) => text.includes("counts on its dashboard issue only"))).toHaveLength(1);
    expect(s.see(3).labels).toEqual(["agent/merge-ready"]);
  });

  it("a word on the dashboard afterwards is answered with nothing", async () => {
    const { s, inputs, alice } = await scene();
    for (const body of ["/agent pause", "/agent resume", "Thank you."]) {
      await alice.comment(1, body);
      await learn(s, way, inputs);
    }
    await settled(s, inputs);
    expect(said(s, 1)).toEqual([]);
    expect(s.see(3).labels).toEqual(["agent/merge-ready"]);
  });

  it("elsewhere, where nothing else asks for work, it is refused all the same", async () => {
    const { s, inputs, alice } = await scene();
    await alice.unlabel(2, "bot");
    const id = await alice.comment(2, "/agent pause please");
    await learn(s, way, inputs);
    await settled(s, inputs);
    expect(reactions(s, id)).toEqual(["bot confused"]);
    expect(said(s, 2).filter((text) => text.includes("counts on its dashboard issue only"))).toHaveLength(1);
  });

  it("commands of strangers elsewhere do not hide those on the dashboard", async () => {
    const { s, inputs, alice, mallory } = await scene();
    for (let at = 0; at < 6; at++) await s.issue(`mine ${at}`, { by: "mallory", label: null });
    for (let at = 3; at < 9; at++) await mallory.comment(at, "/agent pause");
    await alice.comment(1, "/agent pause");
    for (let at = 3; at < 9; at++) await mallory.comment(at, "/agent pause");
    await learn(s, way, inputs);
    await someTicks(s, inputs);
    expect((await tick(s, inputs)).lastLine).toContain("paused by @alice");
    for (let at = 3; at < 9; at++) await mallory.comment(at, "/agent resume");
    await alice.comment(1, "/agent resume");
    for (let at = 3; at < 9; at++) await mallory.comment(at, "/agent resume");
    await learn(s, way, inputs);
    await someTicks(s, inputs);
    expect((await tick(s, inputs)).lastLine).not.toContain("paused");
  });

  it("the newest of several counts", async () => {
    const { s, inputs, alice } = await scene();
    await alice.comment(1, "/agent pause one");
    await alice.comment(1, "/agent resume");
    await learn(s, way, inputs);
    await settled(s, inputs);
    expect(s.see(3).labels).toEqual(["agent/merge-ready"]);
  });
});

describe("the breaker", () => {
  it("five failures of the forge in a row pause everything for 30 minutes, then it goes on", async () => {
    const { s, inputs } = await scene("maxAttempts: 10");
    const opens = (r: SeenRequest) => r.kind === "api" && r.method === "POST" && r.path.endsWith("/pulls");
    s.forge.faults.add({ when: opens, times: Number.POSITIVE_INFINITY, do: "500" });
    let failures = 0;
    for (let run = 0; run < 8 && failures < 5; run++) {
      const end = await tick(s, inputs);
      if (end.outcome?.failure === "forge-error") failures++;
      expect(end.exitCode, end.lastLine).toBe(0);
      s.pass(2_000);
    }
    expect(failures).toBe(5);
    // The last step passed 33 minutes: back to a minute after the fifth failure.
    s.pass(-1_940);
    const paused = await tick(s, inputs);
    expect(paused.lastLine).toContain("paused by the program itself: 5 failures of network or forge in a row");
    const before = await s.photo();
    await tick(s, inputs);
    expect(await s.photo()).toBe(before);
    s.forge.faults.clear();
    s.pass(1_900);
    await settled(s, inputs);
    expect(s.see(3).labels).toEqual(["agent/merge-ready"]);
  });
});
