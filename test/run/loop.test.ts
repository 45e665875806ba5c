// The whole loop by whole runs: review, rework, review, hand-over, merge by a person, clean-up. Each test looks at how the forge ends.

import { describe, expect, it } from "vitest";
import { approved, played, playing, rejected } from "../support/plays.ts";
import { stage } from "../support/run.ts";

describe("the loop", () => {
  it("implement, reject, rework, approve, hand over, merge by a person, clean up", async () => {
    const s = await stage();
    const agent = await playing(s.dir, { review: [rejected, approved] });
    const inputs = { "agent-command": agent };
    const number = await s.issue("sum subtracts");
    const ends = [];
    for (let run = 0; run < 4; run++) ends.push(await s.start({ inputs }));
    expect(ends.map((end) => end.lastLine)).toEqual([
      "done: #1: pull request #2 is open. The next run reviews it.",
      "done: #1: pull request #2 needs changes (1 major). The author goes on with it.",
      "done: #1: pull request #2 is reworked. The next run reviews it.",
      "done: #1: pull request #2 is approved; #1: pull request #2 is ready for @alice. A person merges it.",
    ]);
    expect(await played(s.dir)).toEqual([
      "implement 1 round 0",
      "review 1 round 1",
      "rework 1 round 1",
      "review 1 round 2",
    ]);
    expect(s.see(number)).toMatchObject({ state: "open", labels: [], assignees: ["alice"] });
    expect(s.see(2)).toMatchObject({ state: "open", labels: ["agent/merge-ready"], assignees: ["alice"] });
    const idle = await s.start({ inputs });
    expect(idle.outcome).toMatchObject({ kind: "idle", outcome: "idle" });
    expect(idle.log).toContain("#1 sum subtracts: pull request #2 waits for a person to merge it");
    await s.forge.as("alice").post(`/repos/${s.repo}/pulls/2/merge`, { Do: "merge" });
    const after = await s.start({ inputs });
    expect(after.log).toContain("repaired: #1 is over: pull request #2 was merged");
    expect(s.see(number)).toMatchObject({ state: "closed", labels: [], assignees: ["alice"] });
    expect(s.see(2)).toMatchObject({ state: "closed", labels: [] });
    expect(await s.branches()).toEqual(["main"]);
  });
});
