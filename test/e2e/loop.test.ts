// The whole loop, on every server at hand: from a person's wish to the merge.

import { expect } from "vitest";
import { approved, rejected } from "../support/plays.ts";
import { readFileOn } from "./harness.ts";
import { look, untilQuiet } from "./picture.ts";
import { ask, cleanedUp, handedOver, merge, nudge, story, tellStories } from "./story.ts";

const wholeLoop = story(
  "label, implement, reject, rework, approve, hand over, merge by a person, clean up",
  "loop",
  { plays: { review: [rejected, approved] } },
  async (world) => {
    const { alice, bot, repo } = world;
    const number = await ask(world);
    const ready = await handedOver(world, number);
    await untilQuiet(world);
    const end = await look(world, number);
    expect(end).toMatchObject({
      issue: { state: "open", labels: [], assignees: [alice.login] },
      pull: { state: "open", labels: ["agent/merge-ready"], assignees: [alice.login], author: bot.login },
      statuses: { "agent-dispatch/review": "success", "agent-dispatch/checks": "success" },
      branches: [`agent/issue-${number}`, "main"],
    });
    expect(end.issue.comments).toEqual({ status: 1 });
    expect(end.pull?.comments["handover"]).toBe(1);
    const loop = [
      `implement ${number} round 0`,
      `review ${number} round 1`,
      `rework ${number} round 1`,
      `review ${number} round 2`,
    ];
    expect(await world.played()).toEqual(loop);
    expect(await world.promptOf("rework", 1)).toContain("No answer for an empty list");
    expect(await readFileOn(world.server, repo, `agent/issue-${number}`, "sum.js")).toContain(
      "The sum of nothing is 0.",
    );

    await merge(world, ready.pull?.number ?? 0);
    await nudge(world);
    const merged = await cleanedUp(world, number);
    expect(merged.pull).toMatchObject({ merged: true, state: "closed" });
    expect(merged.issue.assignees).toEqual([alice.login]);
    await untilQuiet(world);
    expect(await world.played()).toEqual(loop);
  },
);

tellStories([wholeLoop]);
