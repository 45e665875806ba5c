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
  until,
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
      const run = await server().waitForRun(repo, "the run to end", (r) => r.event === "issues" && isOver(r));
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

      if (!server().capabilities.dispatch) return;
      await server().as(alice).post(`/repos/${repo.fullName}/actions/workflows/agent.yml/dispatches`, { ref: "main" });
      const idle = await server().waitForRun(repo, "the idle run", (r) => r.event === "workflow_dispatch" && isOver(r));
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

  describe("dispatch", () => {
    it("a person names an issue by hand: that is an order, with a message for the agent", async (context) => {
      if (!server().capabilities.dispatch) context.skip();
      const { repo, alice, mallory } = world;
      const issue = await openIssue(server(), mallory, repo, "sum subtracts, by hand");
      const inputs = { item: String(issue.number), message: "be careful" };
      await server()
        .as(alice)
        .post(`/repos/${repo.fullName}/actions/workflows/agent.yml/dispatches`, { ref: "main", inputs });
      const opened = await waitForPull(
        server(),
        repo,
        "the pull request",
        (p) => p.head.ref === `agent/issue-${issue.number}` && labelNames(p).length > 0,
      );
      expect(labelNames(opened)).toEqual(["agent/needs-review"]);
      expect(labelNames(await readIssue(server(), repo, issue.number))).toEqual(["bot"]);
    });
  });

  describe("label by somebody who may not ask", () => {
    it("is refused once, with one line why, and nothing is started", async () => {
      const { repo, mallory } = world;
      // The web form lets any reader set existing labels on a new issue; REST does not, so the administrator's hand stands in for nobody's.
      const issue = await openIssue(server(), mallory, repo, "please run this");
      await comment(server(), mallory, repo, issue.number, "/agent run now");
      const isRefusal = (text: string) => text.startsWith("<!-- agent-dispatch:refusal v1");
      const said = await until(
        async () => (await readComments(server(), repo, issue.number)).filter((c) => isRefusal(c.body))[0],
        60_000,
        "the refusal",
      );
      expect(said.body).toContain("is refused");
      await comment(server(), mallory, repo, issue.number, "hello?");
      await server().waitForRun(repo, "all runs to end", isOver);
      expect((await readComments(server(), repo, issue.number)).filter((c) => isRefusal(c.body))).toHaveLength(1);
      expect(labelNames(await readIssue(server(), repo, issue.number))).toEqual([]);
    });
  });
});

onEachServer((server) => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld(server(), "ticking", { cron: "@every 10s", eventless: true });
  });
  afterAll(() => world?.close());

  it("a cron tick finds what no event told, and starts a run of its own for it", async (context) => {
    if (!server().capabilities.schedule) context.skip();
    const { repo, alice } = world;
    const issue = await openIssue(server(), alice, repo, "sum subtracts, quietly");
    await labelIssue(server(), alice, repo, issue.number, "bot");
    await waitForPull(server(), repo, "the pull request", (p) => labelNames(p).includes("agent/needs-review"), 300_000);
    const logsOf = async (event: string) => {
      const over = (await server().runs(repo)).filter((run) => run.event === event && isOver(run));
      return await Promise.all(over.map((run) => server().jobLog(repo, run)));
    };
    // Before 1.24 nothing can be dispatched: there the tick itself does the work.
    const worker = server().capabilities.dispatch ? "workflow_dispatch" : "schedule";
    await until(async () => (await logsOf(worker)).some((log) => log.includes("done: #")), 60_000, `the ${worker} run`);
    if (!server().capabilities.dispatch) return;
    const ticks = await logsOf("schedule");
    expect(ticks.some((log) => log.includes("dispatched: #"))).toBe(true);
    expect(ticks.some((log) => log.includes("agent ended"))).toBe(false);
  });
});
