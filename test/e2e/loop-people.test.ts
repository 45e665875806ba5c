// The loop, and what people say and do on the way.

import { expect } from "vitest";
import { z } from "zod";
import { approved, implemented, mended, rejected } from "../support/plays.ts";
import { comment, labelIssue, readIssue, until } from "./harness.ts";
import { look, untilQuiet, untilSeen } from "./picture.ts";
import {
  ask,
  cleanedUp,
  handedOver,
  handedOverAgain,
  isReady,
  kinds,
  merge,
  nudge,
  review,
  story,
  tellStories,
} from "./story.ts";

const twoAccounts = story(
  "the same with a second account that judges by formal reviews",
  "two-accounts",
  { plays: { review: [rejected, approved] }, reviewer: true },
  async (world) => {
    const { alice, repo, reviewer } = world;
    const number = await ask(world);
    const ready = await handedOver(world, number);
    await untilQuiet(world);
    const pull = ready.pull?.number ?? 0;
    const Reviews = z.array(
      z.object({ user: z.object({ login: z.string() }), state: z.string(), dismissed: z.boolean() }),
    );
    const reviews = await world.server
      .as(world.server.admin)
      .get(`/repos/${repo.fullName}/pulls/${pull}/reviews`, Reviews);
    // The program's own review is the author's answer to the findings.
    const verdicts = reviews.filter((one) => one.user.login === reviewer.login);
    expect(verdicts.map((one) => [one.user.login, one.state, one.dismissed])).toEqual([
      [reviewer.login, "REQUEST_CHANGES", true],
      [reviewer.login, "APPROVED", false],
    ]);
    expect(await look(world, number)).toMatchObject({
      issue: { labels: [], assignees: [alice.login] },
      pull: { labels: ["agent/merge-ready"], assignees: [alice.login] },
      statuses: { "agent-dispatch/review": "success" },
    });
    expect(await world.played()).toHaveLength(4);
    await merge(world, pull);
    await nudge(world);
    await cleanedUp(world, number);
  },
);

const question = story(
  "a question, and a plain answer to it",
  "question",
  {
    plays: { implement: [{ result: { status: "needs-info", question: "What is the sum of nothing?" } }, implemented] },
  },
  async (world) => {
    const { alice, repo } = world;
    const number = await ask(world);
    const asked = await untilSeen(world, number, "the question", ({ issue }) =>
      issue.labels.includes("agent/needs-info"),
    );
    await untilQuiet(world);
    expect((await look(world, number)).issue).toMatchObject({
      labels: ["agent/needs-info"],
      assignees: [alice.login],
      comments: { question: 1, status: 1 },
    });
    expect(asked.branches).toEqual(["main"]);
    await comment(world.server, alice, repo, number, "Nothing at all, that is: 0.");
    await handedOver(world, number);
    await untilQuiet(world);
    const end = await look(world, number);
    expect(end.issue).toMatchObject({ labels: [], assignees: [alice.login] });
    expect(await world.promptOf("implement", 2)).toContain("Nothing at all, that is: 0.");
    expect(await world.played()).toEqual([
      `implement ${number} round 0`,
      `implement ${number} round 0`,
      `review ${number} round 1`,
    ]);
  },
);

const wishes = story(
  "a person asks for changes after the hand-over, by a review and by a command in one",
  "wishes",
  {
    plays: {
      rework: [
        { write: { "sum.js": `// The sum of nothing is 0.\n${mended}` }, result: { status: "implemented" } },
        { write: { "sum.js": `/** The sum of nothing is 0. */\n${mended}` }, result: { status: "implemented" } },
      ],
    },
  },
  async (world) => {
    const { alice } = world;
    const number = await ask(world);
    const ready = await handedOver(world, number);
    await untilQuiet(world);
    const pull = ready.pull?.number ?? 0;
    await review(world, pull, "REQUEST_CHANGES", "Say what the sum of nothing is.");
    const again = await handedOverAgain(world, number, ready);
    await untilQuiet(world);
    expect(await world.promptOf("rework", 1)).toContain("Say what the sum of nothing is.");
    expect(await look(world, number)).toMatchObject({
      issue: { labels: [], assignees: [alice.login] },
      pull: { number: pull, labels: ["agent/merge-ready"], assignees: [alice.login] },
      statuses: { "agent-dispatch/review": "success" },
    });
    expect(await kinds(world)).toEqual(["implement", "review", "rework", "review"]);

    await review(world, pull, "COMMENT", "/agent fix make it a comment for readers of the documentation");
    await handedOverAgain(world, number, again);
    await untilQuiet(world);
    expect(await world.promptOf("rework", 2)).toContain("make it a comment for readers of the documentation");
    expect((await kinds(world)).slice(4)).toEqual(["rework", "review"]);
  },
);

const again = story("a person closes the pull request and asks again", "again", { plays: {} }, async (world) => {
  const { alice, bot, repo } = world;
  const number = await ask(world);
  const first = await handedOver(world, number);
  await untilQuiet(world);
  await world.server.as(alice).patch(`/repos/${repo.fullName}/pulls/${first.pull?.number}`, { state: "closed" });
  await nudge(world);
  const closed = await untilSeen(world, number, "the end of it", ({ pull }) => pull?.labels.length === 0);
  expect(closed.issue.state).toBe("open");
  await untilQuiet(world);
  expect((await readIssue(world.server, repo, number)).labels).toEqual([]);
  await labelIssue(world.server, alice, repo, number, "bot");
  const second = await untilSeen(
    world,
    number,
    "the second pull request",
    (picture) => isReady(picture) && picture.pull?.number !== first.pull?.number,
  );
  expect(second.pull).toMatchObject({ branch: `agent/issue-${number}-2`, state: "open", author: bot.login });
  await untilQuiet(world);
  const end = await look(world, number);
  expect(end.issue).toMatchObject({ state: "open", labels: [], assignees: [alice.login], comments: { status: 1 } });
  expect(await world.played()).toHaveLength(4);
});

/** Renewals are what sees a person's change of mind while an agent works. */
const watchful = "limits: { renewSeconds: 1, fenceSeconds: 20, killSeconds: 2, apiSeconds: 10, ttlSeconds: 60 }\n";

const hold = story(
  "`hold` while the agent works",
  "hold",
  {
    files: { ".agent-dispatch.yml": watchful },
    plays: { implement: [{ ...implemented, waitMs: 45_000 }, implemented] },
  },
  async (world) => {
    const { alice, repo } = world;
    const number = await ask(world);
    await until(async () => (await world.played()).length === 1, 60_000, "the agent's start");
    await labelIssue(world.server, alice, repo, number, "hold");
    await untilQuiet(world);
    const held = await look(world, number);
    expect(held).toMatchObject({ pull: null, branches: ["main"], issue: { state: "open", labels: ["bot", "hold"] } });
    expect(await world.played()).toHaveLength(1);

    const labels = await world.server
      .as(alice)
      .list(`/repos/${repo.fullName}/labels`, z.object({ id: z.number(), name: z.string() }));
    const hold = labels.find((label) => label.name === "hold")?.id;
    await world.server.as(alice).delete(`/repos/${repo.fullName}/issues/${number}/labels/${hold}`);
    await nudge(world);
    await handedOver(world, number);
  },
);

tellStories([twoAccounts, question, wishes, again, hold]);
