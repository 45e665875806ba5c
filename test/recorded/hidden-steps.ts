import { afterPush } from "../support/forge/acts/pushes.ts";
import type { Forge } from "../support/forge/forge.ts";
import type { StartingWorld } from "./starting-world.ts";

type Step = (world: StartingWorld) => unknown;

const app = "/repos/acme/app";

/** What happened on the servers right before the call of that name, without being recorded. */
export const hiddenSteps: Record<string, Step> = {
  "issue labels: add two by name": async ({ forge }) => {
    forge.addOrgLabel("acme", "org-wide");
    await open(forge, "owner", "labels");
  },
  "issue: title": async ({ forge }) => {
    await open(forge, "owner", "edit me", "old");
    await open(forge, "outsider", "mine");
  },
  "comments: create": ({ forge }) => open(forge, "owner", "comments"),
  "comments: later": (world) => mark(world),
  "lock: writer": ({ forge }) => open(forge, "owner", "lock me"),
  "dependencies: none": async ({ forge }) => {
    await open(forge, "owner", "needs the other");
    await open(forge, "owner", "the other");
  },
  "dependencies: list with a closed one": async ({ forge }) => {
    await forge.as("bot").patch(`${app}/issues/24`, { state: "closed" });
  },
  "list: default": ({ forge }) => fillMany(forge),
  "list: since, one commented later": async (world) => {
    mark(world);
    await world.forge.as("bot").post("/repos/acme/many/issues/3/comments", { body: "later" });
  },
  "list: since, one labelled later": async ({ forge }) => {
    await forge.as("bot").post("/repos/acme/many/issues/4/labels", { labels: ["bot"] });
  },
  // The second changed at another call on each server.
  "statuses: error": (world) => world.forge.version !== "1.27.0" && mark(world),
  "statuses: warning": (world) => world.forge.version === "1.27.0" && mark(world),
  "combined: 51 contexts": async (world) => {
    const { forge, names } = world;
    const newSecond = { "1.24.7": 23, "1.26.4": 46, "1.27.0": 38 }[forge.version];
    for (let number = 1; number <= 51; number += 1) {
      if (number === newSecond) mark(world);
      const context = `many/${String(number).padStart(2, "0")}`;
      const state = number === 1 ? "failure" : "success";
      await forge.as("bot").post(`${app}/statuses/${names.sha("draft-1")}`, { context, state });
    }
  },
  "pulls: head at the tip of base": (world) => push(world, "at-tip", "main-2"),
  "mergeable over time: conflict resolved by a push": async (world) => {
    for (const [head, base, title] of [
      ["scheduled", "stable", "Scheduled"],
      ["closing", "main", "Closing"],
      ["depends", "main", "Depends"],
    ]) {
      await world.forge.as("bot").post(`${app}/pulls`, { head, base, title });
    }
    mark(world);
    // The check took longer there than the recording looked.
    world.forge.mergeCheckMs = world.forge.version === "1.24.7" ? 3_600_000 : 0;
    await push(world, "conflict", "conflict-resolved");
    world.forge.mergeCheckMs = 0;
  },
  "mergeable over time: conflict brought back by a push": (world) => push(world, "conflict", "conflict-1"),
  "mergeable over time: new commit pushed": (world) => push(world, "agent/issue-1", "clean-2"),
  "mergeable over time: base moved": (world) => push(world, "main", "main-3"),
  "update: draft": async ({ forge }) => {
    await forge.as("bot").patch(`${app}/pulls/29`, { title: "WIP: Draft, renamed" });
  },
  "reviews: official on a protected base": (world) => judge(world, "APPROVED", "yes"),
  "merge: protected, approved, status pending": (world) => report(world, "protected-1", "pending"),
  "merge: protected, approved, status failed": (world) => report(world, "protected-1", "failure"),
  "merge: protected, changes requested, status good": async (world) => {
    await report(world, "protected-1", "success");
    await judge(world, "REQUEST_CHANGES", "no");
  },
  "reviews: on a protected base after a push": async (world) => {
    await judge(world, "APPROVED", "yes");
    await push(world, "protected-work", "protected-2");
  },
  "merge: protected, all fulfilled": async (world) => {
    await report(world, "protected-2", "success");
    await judge(world, "APPROVED", "yes");
  },
  "merge: right after a push": async ({ forge }) => {
    forge.mergeCheckMs = 3_600_000;
    await forge.commitFiles("acme/app", { "d2.txt": "d\n" }, { branch: "depends", author: "bot" });
    forge.mergeCheckMs = 0;
  },
  "merge: open dependency": async ({ forge }) => {
    for (const issue of forge.repo("acme/app").issues) if (issue.pull) issue.pull.checkingUntil = 0;
    await forge.as("bot").post(`${app}/issues/33/dependencies`, { owner: "acme", repo: "app", index: 1 });
  },
  "merge: squash and delete the branch": async ({ forge }) => {
    await forge.as("bot").delete(`${app}/issues/33/dependencies`, { owner: "acme", repo: "app", index: 1 });
  },
  "pulls: create beside a closed one": (world) => mark(world),
  "pulls: list closed": async ({ forge }) => {
    await forge.as("bot").patch(`${app}/pulls/32`, { state: "closed" });
  },
  "pulls: merged, branch pushed again": (world) => push(world, "agent/issue-1", "clean-again"),
  "assignees: POST": ({ forge }) => open(forge, "owner", "assign by POST"),
  "actions: tasks, one running": ({ forge }) => {
    for (let id = 1; id <= 6; id += 1) {
      forge.pickUp(id);
      forge.endRun(id, id === 3 ? "failure" : "success");
    }
    forge.pickUp(7);
  },
  "actions: tasks after the second dispatch": ({ forge }) => {
    forge.pickUp(8);
    if (forge.version !== "1.27.0") forge.endRun(8, "success");
  },
  "actions: tasks, done": ({ forge }) => {
    forge.endRun(7, "success");
    forge.endRun(8, "success");
    if (forge.version !== "1.24.7") return;
    forge.pickUp(9);
    forge.endRun(9, "success");
  },
};

async function open(forge: Forge, login: string, title: string, body = ""): Promise<void> {
  await forge.as(login).post(`${app}/issues`, { title, body });
}

/** Lets two seconds pass and remembers the moment as what `<time>` in later requests means. */
function mark({ forge, names }: StartingWorld): void {
  forge.clockOffsetMs += 2000;
  names.mark = new Date(forge.world.now()).toISOString();
}

/** 120 issues: every third labelled, every fifth with a stage, every seventh assigned, every tenth closed. */
async function fillMany(forge: Forge): Promise<void> {
  const owner = forge.as("owner");
  await owner.post("/repos/acme/many/labels", { name: "bot", color: "#00aabb" });
  await owner.post("/repos/acme/many/labels", { name: "agent/needs-review", color: "#00aabb", exclusive: true });
  const [bot, stage] = forge.repo("acme/many").labels.map((label) => label.id);
  for (let number = 1; number <= 120; number += 1) {
    const labels = [...(number % 3 === 0 ? [bot] : []), ...(number % 5 === 0 ? [stage] : [])];
    const assignees = number % 7 === 0 ? ["bot"] : [];
    await owner.post("/repos/acme/many/issues", {
      title: `issue ${number}`,
      labels,
      assignees,
      closed: number % 10 === 0,
    });
  }
}

/** A push by the bot, as far as anybody sees it from outside. */
async function push({ forge, names }: StartingWorld, branch: string, name: string): Promise<void> {
  const git = forge.world.git(forge.repo("acme/app"));
  const sha = names.sha(name) ?? "";
  const present = git.branch(branch);
  const before = present ?? "0".repeat(40);
  await git.moveRef(`refs/heads/${branch}`, sha, before);
  await afterPush(
    forge.world,
    forge.repo("acme/app"),
    [{ ref: `refs/heads/${branch}`, before, after: sha }],
    forge.world.user("bot"),
  );
}

async function judge({ forge }: StartingWorld, event: string, body: string): Promise<void> {
  await forge.as("reviewer").post(`${app}/pulls/30/reviews`, { event, body });
}

async function report({ forge, names }: StartingWorld, name: string, state: string): Promise<void> {
  for (const context of ["ci/test", "lint / all"]) {
    await forge.as("bot").post(`${app}/statuses/${names.sha(name)}`, { context, state });
  }
}
