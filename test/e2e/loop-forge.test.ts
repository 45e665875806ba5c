// The loop, and what the forge, its CI and strangers do on the way.

import { expect } from "vitest";
import { z } from "zod";
import { implemented, mended } from "../support/plays.ts";
import { comment, labelIssue, labelNames, openIssue, readFileOn, readIssue } from "./harness.ts";
import { look, untilQuiet, untilSeen } from "./picture.ts";
import {
  ask,
  cleanedUp,
  handedOver,
  handedOverAgain,
  isReady,
  merge,
  nudge,
  review,
  story,
  tellStories,
} from "./story.ts";

const conflict = story(
  "the base moves into a conflict while a person is to merge",
  "conflict",
  {
    ticks: true,
    plays: { rework: [{ write: { "sum.js": `// By hand.\n${mended}` }, result: { status: "implemented" } }] },
  },
  async (world) => {
    const { repo } = world;
    const number = await ask(world);
    const ready = await handedOver(world, number);
    await untilQuiet(world);
    const moved = "// By hand.\nexport const sum = (numbers) => numbers.reduce((a, b) => a - b);\n";
    await world.server.pushFiles(repo, { "sum.js": moved }, { message: "Begin anew" });
    const again = await handedOverAgain(world, number, ready);
    await untilQuiet(world);
    expect(await world.played()).toEqual([
      `implement ${number} round 0`,
      `review ${number} round 1`,
      expect.stringMatching(`rework ${number} round `),
      expect.stringMatching(`review ${number} round `),
    ]);
    await merge(world, again.pull?.number ?? 0);
    await cleanedUp(world, number);
    expect(await readFileOn(world.server, repo, "main", "sum.js")).toBe(`// By hand.\n${mended}`);
  },
);

const ci = `name: ci
on:
  pull_request:
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: |
          git init --quiet .
          git fetch --quiet --depth 1 "\${GITHUB_SERVER_URL%/}/$GITHUB_REPOSITORY" "$GITHUB_REF"
          git checkout --quiet FETCH_HEAD
          node --test
`;
const wrong = "export const sum = (numbers) => numbers.reduce((a, b) => a * b, 2);\n";

const redCi = story(
  "the forge's own CI is red until the author mends it",
  "red-ci",
  {
    ticks: true,
    files: { ".gitea/workflows/ci.yml": ci },
    checks: "statuses",
    plays: {
      implement: [{ ...implemented, write: { "sum.js": wrong } }],
      rework: [{ write: { "sum.js": mended }, result: { status: "implemented", summary: "It adds now." } }],
    },
    lacks: ({ capabilities }) => (capabilities.workflows ? null : "nothing here runs other workflows"),
  },
  async (world) => {
    const { repo } = world;
    const number = await ask(world);
    const red = await untilSeen(
      world,
      number,
      "the red status",
      ({ statuses }) => statuses["ci / test (pull_request)"] === "failure",
    );
    expect(red.statuses["agent-dispatch/review"]).toBeUndefined();
    const end = await handedOver(world, number, 300_000);
    await untilQuiet(world);
    expect(end.statuses).toMatchObject({ "ci / test (pull_request)": "success", "agent-dispatch/review": "success" });
    expect(await world.played()).toEqual([
      `implement ${number} round 0`,
      `rework ${number} round 1`,
      expect.stringMatching(`review ${number} round `),
    ]);
    expect(await world.promptOf("rework", 1)).toMatch(/AssertionError|ERR_ASSERTION|not ok/);
    expect(await readFileOn(world.server, repo, `agent/issue-${number}`, "sum.js")).toBe(mended);
    // One for each head; that of the first was started again where the server can.
    const runs = (await world.server.runs(repo)).filter((run) => run.workflow === "ci.yml");
    expect(runs).toHaveLength(2);
  },
);

const outsiders = story("what outsiders want is not done", "outsiders", { plays: {} }, async (world) => {
  const { alice, mallory, repo } = world;
  await world.server.addTriager(repo, mallory);
  const { number } = await openIssue(world.server, mallory, repo, "sum subtracts", "/agent run");
  await labelIssue(world.server, mallory, repo, number, "bot");
  await untilSeen(world, number, "the refusal of the label", ({ issue }) => issue.comments["refusal"] === 1);
  await comment(world.server, mallory, repo, number, "/agent run now");
  await untilSeen(world, number, "the refusal of the command", ({ issue }) => (issue.comments["refusal"] ?? 0) > 1);
  await untilQuiet(world);
  await comment(world.server, mallory, repo, number, "hello?");
  await nudge(world);
  await untilQuiet(world);
  const refused = await look(world, number);
  expect(refused).toMatchObject({ pull: null, branches: ["main"] });
  expect(refused.issue.comments["refusal"]).toBe(2);
  expect(await world.played()).toEqual([]);
  // The same word by somebody who may.
  await comment(world.server, alice, repo, number, "/agent run");
  const ready = await handedOver(world, number);
  await untilQuiet(world);
  await comment(world.server, mallory, repo, ready.pull?.number ?? 0, "/agent fix all of it");
  await untilSeen(world, number, "the refusal on the pull request", ({ pull }) => pull?.comments["refusal"] === 1);
  await untilQuiet(world);
  expect(await look(world, number)).toMatchObject({
    issue: { labels: [], assignees: [alice.login] },
    pull: { labels: ["agent/merge-ready"], head: ready.pull?.head },
  });
  expect(await world.played()).toHaveLength(2);
});

const fork = story(
  "an outsider's fork is judged when somebody who may asks, and never pushed to",
  "fork",
  { plays: {}, lacks: ({ capabilities }) => (capabilities.forks ? null : "this forge has no forks") },
  async (world) => {
    const { alice, mallory, repo } = world;
    const api = world.server.as(mallory);
    await api.post(`/repos/${repo.fullName}/forks`, { name: `${repo.name}-fork` });
    const fork = `/repos/${mallory.login}/${repo.name}-fork`;
    const content = Buffer.from(mended).toString("base64");
    const old = await api.get(`${fork}/contents/sum.js`, z.object({ sha: z.string() }));
    const change = { content, sha: old.sha, message: "Add", branch: "main", new_branch: "mine" };
    await api.put(`${fork}/contents/sum.js`, change);
    const head = `${mallory.login}:mine`;
    const pull = { title: "Add", body: "Better.", base: "main", head };
    const { number } = z.object({ number: z.number() }).parse(await api.post(`/repos/${repo.fullName}/pulls`, pull));
    await labelIssue(world.server, alice, repo, number, "bot");
    const judged = await untilSeen(world, number, "the verdict", isReady);
    await untilQuiet(world);
    const end = await look(world, number);
    expect(end.pull).toMatchObject({ labels: ["agent/merge-ready"], head: judged.pull?.head, state: "open" });
    expect(end.statuses["agent-dispatch/review"]).toBe("success");
    // A comment on a fork's pull request starts a run without secrets, which can do nothing: the next look at all finds it.
    await comment(world.server, alice, repo, number, "/agent fix it all");
    await untilQuiet(world);
    await nudge(world);
    await untilSeen(world, number, "the refusal", (picture) => picture.pull?.comments["refusal"] === 1);
    await review(world, number, "REQUEST_CHANGES", "Not so.");
    await untilQuiet(world);
    expect(await world.played()).toEqual([expect.stringMatching(`review ${number} round `)]);
    expect((await look(world, number)).pull?.head).toBe(judged.pull?.head);
    expect((await world.server.runs(repo)).filter((run) => run.status === "failure")).toEqual([]);
  },
);

const whenApproved = story(
  "`merge: when-approved`: a person's approval is the last word",
  "when-approved",
  { files: { ".agent-dispatch.yml": "merge: when-approved\n" }, plays: {} },
  async (world) => {
    const { alice, repo } = world;
    const number = await ask(world);
    const ready = await handedOver(world, number);
    await untilQuiet(world);
    expect((await look(world, number)).pull).toMatchObject({ state: "open", merged: false });
    await review(world, ready.pull?.number ?? 0, "APPROVED", "Good.");
    const end = await cleanedUp(world, number);
    expect(end.pull).toMatchObject({ merged: true, head: ready.pull?.head });
    await untilQuiet(world);
    expect(labelNames(await readIssue(world.server, repo, number))).toEqual([]);
    expect((await look(world, number)).issue.assignees).toEqual([alice.login]);
    expect(await readFileOn(world.server, repo, "main", "sum.js")).toBe(mended);
    expect(await world.played()).toHaveLength(2);
  },
);

tellStories([conflict, redCi, outsiders, fork, whenApproved]);
