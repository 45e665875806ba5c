// The forge's own checks of a pull request, by whole runs: whose red or pending status counts, and what becomes of it.

import { describe, expect, it } from "vitest";
import type { ForgeVersion } from "../support/forge/forge.ts";
import { mended, type Play, played, promptOf } from "../support/plays.ts";
import type { Stage } from "../support/run.ts";
import {
  expectHandedOver,
  expectOurs,
  handedOver,
  head,
  opened,
  protect,
  push,
  runs,
  setStatus,
  untilIdle,
  verdictsOf,
} from "./story.ts";

const log = `${"x\n".repeat(50_000)}Error: sum([]) is undefined\nexit status 1\n`;
const mends: Play = {
  write: { "sum.js": `// nothing sums to 0\n${mended}` },
  result: { status: "implemented", summary: "Mended what CI found." },
};

/** CI ended red on the branch's head. */
async function red(s: Stage, job = "test"): Promise<void> {
  s.forge.addChecks(s.repo, { sha: String(await head(s)), jobs: [{ name: job, state: "failure", log }] });
  s.pass(2);
}

describe("pending", () => {
  it("young: waits; older than the policy allows: reviewed", async () => {
    const { s, inputs } = await opened();
    await setStatus(s, await head(s), "ci/test", "pending");
    const before = await s.photo();
    const [end] = await runs(s, 1, inputs);
    expect(end?.outcome).toMatchObject({ outcome: "idle" });
    expect(end?.outcome?.passed[0]?.reason).toBe("waiting for the check `ci/test`");
    expect(await s.photo()).toBe(before);
    s.pass(31 * 60);
    await untilIdle(s, inputs);
    expectHandedOver(s);
    expect(s.see(2).comments.at(-1)).toContain("1 check not ended");
  });

  it("green at last: reviewed", async () => {
    const { s, inputs } = await opened();
    await setStatus(s, await head(s), "ci/test", "pending");
    expect(await untilIdle(s, inputs)).toEqual([]);
    await setStatus(s, await head(s), "ci/test", "success");
    await untilIdle(s, inputs);
    expectHandedOver(s);
  });
});

describe("red", () => {
  it.each([
    ["1.27.0", 1],
    ["1.26.4", 1],
    ["1.24.7", 0],
  ] as [ForgeVersion, number][])(
    "on %s: run again %i times, then back to the author with the end of the log",
    async (version, again) => {
      const { s, inputs } = await opened({ rework: [mends] }, { version });
      await red(s);
      const [first] = await runs(s, 1, inputs);
      expect(first?.outcome).toMatchObject({ kind: "rework", outcome: "done" });
      expect(first?.log).not.toContain("[Agent");
      const ci = s.forge.repo(s.repo).runs.filter((run) => run.workflow === "ci.yml");
      expect(ci.map((run) => run.attempt)).toEqual([1 + again]);
      if (again > 0) {
        for (const run of ci) {
          s.forge.pickUp(run.id);
          s.forge.setLog(run.id, log);
          s.forge.endRun(run.id, "failure");
        }
        s.pass(200);
      }
      const before = await head(s);
      await runs(s, 1, inputs);
      expect(await head(s)).not.toBe(before);
      const prompt = await promptOf(s.dir, "rework", 1);
      expect(prompt).toContain("Error: sum([]) is undefined");
      expect(prompt).toContain("CI / test (push)");
      expect(prompt.length).toBeLessThan(60_000);
      await untilIdle(s, inputs);
      expect(await played(s.dir)).toEqual(["implement 1 round 0", "rework 1 round 1", "review 1 round 2"]);
      expectHandedOver(s);
    },
  );

  it("a status without a run behind it: the author gets its words", async () => {
    const { s, inputs } = await opened({ rework: [mends] });
    await setStatus(s, await head(s), "jenkins", "failure");
    await untilIdle(s, inputs);
    expect(await promptOf(s.dir, "rework", 1)).toContain("jenkins");
    expectHandedOver(s);
  });

  it("where the base requires contexts, those alone count", async () => {
    const { s, inputs } = await opened();
    await protect(s, { enable_status_check: true, status_check_contexts: ["ci/*"] });
    await setStatus(s, await head(s), "ci/test", "success");
    await setStatus(s, await head(s), "nightly", "failure");
    await setStatus(s, await head(s), "slow", "pending");
    await untilIdle(s, inputs);
    expectHandedOver(s);
    expect(await played(s.dir)).toEqual(["implement 1 round 0", "review 1 round 1"]);
  });

  it("a required one that never came: waited for as long as for a pending one", async () => {
    const { s, inputs } = await opened();
    await protect(s, { enable_status_check: true, status_check_contexts: ["ci/test"] });
    const [end] = await runs(s, 1, inputs);
    expect(end?.outcome?.passed[0]?.reason).toBe("waiting for the required check `ci/test`");
    s.pass(31 * 60);
    await untilIdle(s, inputs);
    expectHandedOver(s);
  });

  it("the program's own contexts never count, whoever set them", async () => {
    const { s, inputs } = await opened();
    await setStatus(s, await head(s), "agent-dispatch/review", "failure");
    await setStatus(s, await head(s), "agent-dispatch/else", "pending");
    await untilIdle(s, inputs);
    expect(await played(s.dir)).toEqual(["implement 1 round 0", "review 1 round 1"]);
    expectHandedOver(s);
  });

  it("red on the base too: waits without an attempt until the base is mended", async () => {
    const { s, inputs } = await opened();
    await setStatus(s, await head(s), "ci/test", "failure");
    await setStatus(s, await s.ref("refs/heads/main"), "ci/test", "failure");
    expect(await untilIdle(s, inputs)).toEqual([]);
    expect(await played(s.dir)).toEqual(["implement 1 round 0"]);
    expect(await s.record(1)).toMatchObject({ attempt: 0, round: 0 });
    const tip = await push(s, { "README.md": "# mended\n" });
    await setStatus(s, tip, "ci/test", "success");
    await setStatus(s, await head(s), "ci/test", "success");
    await untilIdle(s, inputs);
    expectHandedOver(s);
  });

  it("after the hand-over: it comes back, and is handed over once more", async () => {
    const { s, inputs } = await handedOver({ rework: [mends] }, { version: "1.24.7" });
    await red(s);
    await runs(s, 2, inputs);
    expectOurs(s, "needs-review");
    await untilIdle(s, inputs);
    expect(verdictsOf(s)).toHaveLength(2);
    expectHandedOver(s);
  });

  it("stays red after every rework: ends with a person", async () => {
    const again = (n: number): Play => ({ ...mends, write: { "sum.js": `// try ${n}\n${mended}` } });
    const { s, inputs } = await opened({ rework: [again(1), again(2), again(3), again(4)] });
    for (let round = 0; round < 8; round++) {
      if (!s.see(1).labels.includes("bot")) break;
      await setStatus(s, await head(s), "ci/test", "failure");
      await runs(s, 1, inputs);
    }
    expect(s.see(1)).toMatchObject({ labels: [], assignees: ["alice"] });
    expect(s.see(2)).toMatchObject({ labels: ["agent/blocked"], assignees: ["alice"] });
    expect(s.see(2).comments.at(-1)).toContain("its checks are still red: `ci/test`");
  });
});
