import { beforeAll, describe, expect, test } from "vitest";
import type { TimelineEntry } from "../../../src/forge/model.ts";
import type { Forge } from "../../../src/forge/port.ts";
import type { Api } from "../../e2e/servers/api.ts";
import type { Repo } from "../../e2e/servers/server.ts";
import { until } from "../../e2e/servers/until.ts";
import { makeCommits, pushNew, tipOf } from "../commits.ts";
import { makeLabel, openIssue, openPull, type Stage, times } from "../stage.ts";

/** What happened to an issue, and by whom. */
export function timelineContract(stage: () => Stage): void {
  describe("timeline", () => {
    let repo: Repo;
    let forge: Forge;
    let rest: Api;
    const entries = async (number: number) => (await forge.timeline(number)).map(worded);

    beforeAll(async () => {
      repo = await stage().repo("timeline");
      forge = stage().forge(repo, stage().cast.bot);
      rest = stage().rest(repo, stage().cast.owner);
    });

    test("labels by whom", async () => {
      const { owner, bot } = stage().cast;
      const [one, two] = [await makeLabel(rest, "bot"), await makeLabel(rest, "hold")];
      const number = await openIssue(rest, "labelled");
      expect(await forge.timeline(number)).toEqual([]);
      await rest.post(`/issues/${number}/labels`, { labels: [one] });
      await forge.addLabels(number, [two]);
      await forge.removeLabel(number, one);
      expect(await entries(number)).toEqual([
        `${owner.login} label +bot`,
        `${bot.login} label +hold`,
        `${bot.login} label -bot`,
      ]);
    });

    test("a swap of exclusive labels is a removal and an addition", async () => {
      const [one, two] = [await makeLabel(rest, "step/one"), await makeLabel(rest, "step/two")];
      const number = await openIssue(rest, "swap");
      await forge.addLabels(number, [one]);
      await forge.addLabels(number, [two]);
      const { login } = stage().cast.bot;
      const seen = await entries(number);
      expect(seen[0]).toBe(`${login} label +step/one`);
      expect(seen.slice(1).toSorted()).toEqual([`${login} label +step/two`, `${login} label -step/one`].sort());
    });

    test("assignees by whom", async () => {
      const { owner, bot, keeper } = stage().cast;
      const number = await openIssue(rest, "assigned");
      await forge.assign(number, [bot.login]);
      await rest.patch(`/issues/${number}`, { assignees: [keeper.login] });
      const seen = await entries(number);
      expect(seen[0]).toBe(`${bot.login} assignee +${bot.login}`);
      expect(seen.slice(1).toSorted()).toEqual(
        [`${owner.login} assignee +${keeper.login}`, `${owner.login} assignee -${bot.login}`].sort(),
      );
    });

    test("closed and opened again, comments left out", async () => {
      const { owner, bot } = stage().cast;
      const number = await openIssue(rest, "closed");
      await rest.patch(`/issues/${number}`, { state: "closed" });
      await forge.createIssueComment(number, "why?");
      await stage().rest(repo, bot).patch(`/issues/${number}`, { state: "open" });
      expect(await entries(number)).toEqual([`${owner.login} close`, `${bot.login} reopen`]);
    });

    test("pushes on a pull request", async () => {
      const host = await stage().host(repo, stage().cast.bot);
      const main = await tipOf(host);
      const [one = ""] = await makeCommits(host, [{ parent: main, files: { a: "1\n" } }]);
      const [two = ""] = await makeCommits(host, [{ parent: one, files: { a: "2\n" } }]);
      await pushNew(host, { "refs/heads/agent/pushed": one });
      const pull = await openPull(forge, { head: "agent/pushed", base: "main", title: "pushed", body: "" });
      const ref = "refs/heads/agent/pushed";
      expect(await host.push([{ ref, old: one, new: two }])).toMatchObject({ kind: "ok" });
      const pushes = async () => (await forge.timeline(pull.number)).filter((entry) => entry.kind === "push");
      // The server writes them down after it has answered the push.
      const last = await until(async () => (await pushes()).find((push) => push.body.includes(two)), 20_000, "a push");
      expect(last).toMatchObject({ kind: "push", by: stage().cast.bot.login });
      const body: unknown = JSON.parse(last.body);
      expect(body).toMatchObject({ is_force_push: false, commit_ids: [two] });
    });

    test("all pages, with comments between, in order and with their times", async () => {
      const [bot, hold] = [await makeLabel(rest, "many/bot"), await makeLabel(rest, "many-hold")];
      const number = await openIssue(rest, "many", { labels: [bot] });
      await times(52, (index) => forge.createIssueComment(number, `no. ${index}`), 1);
      await times(
        12,
        (index) => (index % 2 === 0 ? forge.addLabels(number, [hold]) : forge.removeLabel(number, hold)),
        1,
      );
      await times(52, (index) => forge.createIssueComment(number, `and ${index}`), 1);
      await rest.patch(`/issues/${number}`, { state: "closed" });
      const seen = await forge.timeline(number);
      const { owner, bot: robot } = stage().cast;
      const swaps = Array.from(
        { length: 12 },
        (_, index) => `${robot.login} label ${index % 2 === 0 ? "+" : "-"}many-hold`,
      );
      expect(seen.map(worded)).toEqual([`${owner.login} label +many/bot`, ...swaps, `${owner.login} close`]);
      expect(seen.map((entry) => entry.at)).toEqual(seen.map((entry) => entry.at).toSorted((a, b) => a - b));
      expect(new Set(seen.map((entry) => entry.id)).size).toBe(seen.length);
    });
  });
}

function worded(entry: TimelineEntry): string {
  switch (entry.kind) {
    case "label":
      return `${entry.by} label ${entry.added ? "+" : "-"}${entry.label}`;
    case "assignee":
      return `${entry.by} assignee ${entry.added ? "+" : "-"}${entry.login}`;
    case "push":
    case "close":
    case "reopen":
      return `${entry.by} ${entry.kind}`;
    default:
      return entry satisfies never;
  }
}
