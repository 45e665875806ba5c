// The main story, on every server at hand, by every way in: a person asks, a real runner executes the workflow, a pull request stands there.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  assigneeLogins,
  comment,
  isOver,
  labelIssue,
  labelNames,
  onEachServer,
  openIssue,
  readComments,
  readFileOn,
  readIssue,
  readStatuses,
  waitForPull,
} from "./harness.ts";
import { makeWorld, type World } from "./world.ts";

onEachServer((server) => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld(server(), "app");
  });
  afterAll(() => world?.close());

  describe("label", () => {
    it("a labelled issue becomes an open pull request, and the next run is idle and green", async () => {
      const { repo, alice, bot } = world;
      const issue = await openIssue(server(), alice, repo, "sum subtracts", "It should add.");
      await labelIssue(server(), alice, repo, issue.number, "bot");
      const opened = await waitForPull(server(), repo, "the pull request", (pull) =>
        labelNames(pull).includes("agent/needs-review"),
      );
      const run = await server().waitForRun(repo, "the run to end", isOver);
      expect(run.status).toBe("success");

      expect(opened.title).toBe("Add instead of subtract");
      expect(opened.head.ref).toBe(`agent/issue-${issue.number}`);
      expect(opened.body.trimEnd().endsWith(`Closes #${issue.number}`)).toBe(true);
      expect(opened.user.login).toBe(bot.login);
      const after = await readIssue(server(), repo, issue.number);
      expect(labelNames(after)).toEqual(["bot"]);
      expect(assigneeLogins(after)).toEqual([bot.login]);
      expect(await readFileOn(server(), repo, opened.head.ref, "sum.js")).toContain("a + b");
      const statuses = await readStatuses(server(), repo, opened.head.sha);
      expect(statuses.find((s) => s.context === "agent-dispatch/checks")?.status).toBe("success");
      const status = (await readComments(server(), repo, issue.number)).filter((c) =>
        c.body.startsWith("<!-- agent-dispatch:status v1 -->"),
      );
      expect(status).toHaveLength(1);
      expect(status[0]?.body).toContain(`#${opened.number}`);

      await server().as(alice).post(`/repos/${repo.fullName}/actions/workflows/agent.yml/dispatches`, { ref: "main" });
      const idle = await server().waitForRun(repo, "the idle run", (r) => r.number > run.number && isOver(r));
      expect(idle.status).toBe("success");
      expect(await server().jobLog(repo, idle)).toContain("idle: ");
    });
  });

  describe("comment", () => {
    it("`/agent run` by somebody who may write code does the same, with the words for the agent", async () => {
      const { repo, alice, mallory } = world;
      const issue = await openIssue(server(), mallory, repo, "sum subtracts again");
      await comment(server(), mallory, repo, issue.number, "/agent run");
      await comment(server(), alice, repo, issue.number, "/agent run and be quick");
      const opened = await waitForPull(
        server(),
        repo,
        "the pull request",
        (pull) => pull.head.ref === `agent/issue-${issue.number}` && labelNames(pull).length > 0,
      );
      expect(opened.body).toContain(`Closes #${issue.number}`);
      expect(labelNames(await readIssue(server(), repo, issue.number))).toEqual(["bot"]);
    });
  });
});
