import { beforeAll, describe, expect, test } from "vitest";
import type { Forge } from "../../../src/forge/port.ts";
import type { Api } from "../../e2e/servers/api.ts";
import type { Repo } from "../../e2e/servers/server.ts";
import { makeCommits, pushNew, tipOf } from "../commits.ts";
import { makeLabel, openIssue, openPull, refusal, type Stage, times } from "../stage.ts";
import { differencesOf } from "../versions.ts";

/** What is labelled, single issues, dependencies, assignees. */
export function issueContract(stage: () => Stage): void {
  describe("labelled", () => {
    const many = 56;
    let repo: Repo;
    let forge: Forge;
    let rest: Api;
    let bot = 0;
    let pullNumber = 0;

    beforeAll(async () => {
      repo = await stage().repo("labelled");
      forge = stage().forge(repo, stage().cast.bot);
      rest = stage().rest(repo, stage().cast.owner);
      bot = await makeLabel(rest, "bot");
      await makeLabel(rest, "unused");
      await openIssue(rest, "without label");
      await times(many, (index) => openIssue(rest, `issue ${index}`, { labels: [bot] }));
      await rest.patch(`/issues/${many + 1}`, { state: "closed" });
      const host = await stage().host(repo, stage().cast.bot);
      const [head = ""] = await makeCommits(host, [{ parent: await tipOf(host), files: { a: "a\n" } }]);
      await pushNew(host, { "refs/heads/agent/issue-2": head });
      pullNumber = (await openPull(forge, { head: "agent/issue-2", base: "main", title: "pull", body: "" })).number;
      await forge.addLabels(pullNumber, [bot]);
    });

    test("all open ones on all pages, pull requests among them, oldest first", async () => {
      const found = await forge.labelled("bot");
      const numbers = found.map((item) => item.number);
      const wanted = [...Array.from({ length: many - 1 }, (_, index) => index + 2), pullNumber];
      expect([...numbers].sort((a, b) => a - b)).toEqual(wanted);
      expect(found.map((item) => item.createdAt)).toEqual(
        found.map((item) => item.createdAt).toSorted((a, b) => a - b),
      );
      expect(numbers.at(-1)).toBe(pullNumber);
      expect(found.filter((item) => item.isPull).map((item) => item.number)).toEqual([pullNumber]);
      expect(found[0]).toMatchObject({ state: "open", author: stage().cast.owner.login, labels: [{ name: "bot" }] });
    });

    test("a label that nothing carries, that is not there, or is written otherwise: nothing, never everything", async () => {
      expect(await forge.labelled("unused")).toEqual([]);
      expect(await forge.labelled("nope")).toEqual([]);
      expect(await forge.labelled("Bot")).toEqual([]);
      expect(await forge.labelled("bo")).toEqual([]);
    });

    test("a label with a comma would be two names", async () => {
      await expect(forge.labelled("bot,unused")).rejects.toThrow(/separates label names by commas/);
    });

    test("with odd signs", async () => {
      const name = "prio/a b+c&d#e%f ü";
      const id = await makeLabel(rest, name);
      await forge.addLabels(1, [id]);
      expect((await forge.labelled(name)).map((item) => item.number)).toEqual([1]);
    });

    test("a label of the organisation", async () => {
      const org = await stage().ground.createOrg("label-org");
      await stage().ground.createOrgLabel(org, "bot");
      const shared = await stage().repo("labelled", undefined, { org });
      const onShared = stage().forge(shared, stage().cast.bot);
      const api = stage().rest(shared, stage().cast.keeper);
      for (const title of ["one", "two", "three"]) await openIssue(api, title);
      const label = (await onShared.labels()).find((known) => known.name === "bot");
      expect(label).toMatchObject({ name: "bot", exclusive: false });
      await onShared.addLabels(2, [label?.id ?? 0]);
      expect((await onShared.labelled("bot")).map((item) => item.number)).toEqual([2]);
      expect((await onShared.issue(2))?.labels).toEqual([label]);
    });
  });

  describe("issues", () => {
    let repo: Repo;
    let forge: Forge;
    let rest: Api;

    beforeAll(async () => {
      repo = await stage().repo("issues");
      forge = stage().forge(repo, stage().cast.bot);
      rest = stage().rest(repo, stage().cast.owner);
    });

    test("an issue with all that is read of it", async () => {
      const label = await makeLabel(rest, "kind/bug");
      const { owner, bot } = stage().cast;
      const number = await openIssue(stage().rest(repo, stage().cast.stranger), "Title ✓", { body: "Body\r\nü" });
      expect(await forge.issue(number)).toMatchObject({
        number,
        title: "Title ✓",
        body: "Body\r\nü",
        author: stage().cast.stranger.login,
        state: "open",
        locked: false,
        labels: [],
        assignees: [],
        isPull: false,
        comments: 0,
      });
      await forge.addLabels(number, [label]);
      await forge.assign(number, [bot.login]);
      await forge.createIssueComment(number, "one");
      const { locksByRest } = differencesOf(stage().ground.version);
      const answer = await rest.request("PUT", `/issues/${number}/lock`, { lock_reason: "resolved" });
      expect(answer.status).toBe(locksByRest ? 204 : 404);
      await rest.patch(`/issues/${number}`, { state: "closed" });
      const seen = await forge.issue(number);
      expect(seen).toMatchObject({
        state: "closed",
        locked: locksByRest,
        labels: [{ id: label, name: "kind/bug", exclusive: true }],
        assignees: [bot.login],
        comments: 1,
      });
      expect(seen?.updatedAt).toBeGreaterThanOrEqual(seen?.createdAt ?? Number.POSITIVE_INFINITY);
      expect(seen?.htmlUrl).toMatch(new RegExp(`/${repo.fullName}/issues/${number}$`));
      expect(owner.login).not.toBe(seen?.author);
    });

    test("null for a number that is not there", async () => {
      expect(await forge.issue(4040)).toBeNull();
    });

    test("dependencies that are open", async () => {
      const [waiting = 0, one = 0, two = 0] = await times(3, (index) => openIssue(rest, `dependency ${index}`), 1);
      expect(await forge.openDependencies(waiting)).toEqual([]);
      for (const index of [one, two]) {
        await rest.post(`/issues/${waiting}/dependencies`, { owner: repo.owner, repo: repo.name, index });
      }
      const shown = async () => (await forge.openDependencies(waiting)).map((d) => [d.repository, d.number]);
      expect((await shown()).toSorted()).toEqual([
        [repo.fullName, one],
        [repo.fullName, two],
      ]);
      await rest.patch(`/issues/${one}`, { state: "closed" });
      expect(await shown()).toEqual([[repo.fullName, two]]);
      await rest.patch(`/issues/${two}`, { state: "closed" });
      expect(await shown()).toEqual([]);
    });

    test("a dependency in another repository", async () => {
      const elsewhere = await stage().repo("issues-elsewhere");
      const theirs = await openIssue(stage().rest(elsewhere, stage().cast.owner), "theirs");
      const ours = await openIssue(rest, "ours");
      const meta = { owner: elsewhere.owner, repo: elsewhere.name, index: theirs };
      await rest.post(`/issues/${ours}/dependencies`, meta);
      expect(await forge.openDependencies(ours)).toEqual([{ repository: elsewhere.fullName, number: theirs }]);
    });

    test("assigning replaces, and nobody is possible", async () => {
      const { bot, keeper } = stage().cast;
      const number = await openIssue(rest, "assign");
      expect((await forge.assign(number, [bot.login])).assignees).toEqual([bot.login]);
      expect((await forge.assign(number, [bot.login, keeper.login])).assignees.toSorted()).toEqual(
        [bot.login, keeper.login].sort(),
      );
      expect((await forge.assign(number, [keeper.login])).assignees).toEqual([keeper.login]);
      expect((await forge.assign(number, [])).assignees).toEqual([]);
      expect((await forge.issue(number))?.assignees).toEqual([]);
    });

    test("an account that is not there cannot be assigned", async () => {
      const number = await openIssue(rest, "assign nobody");
      const error = await refusal(forge.assign(number, ["nobody-at-all"]));
      expect(error.message).toContain("One of these accounts does not exist or may not be assigned here.");
      expect(error).toMatchObject({ mender: "workflow author", retry: false });
      expect((await forge.issue(number))?.assignees).toEqual([]);
    });

    test("the account of a job's own token cannot be assigned", async () => {
      const number = await openIssue(rest, "assign the actions user");
      const error = await refusal(forge.assign(number, ["gitea-actions"]));
      expect(error.message).toContain("One of these accounts does not exist or may not be assigned here.");
    });

    test("with issues off there are none to read", async () => {
      const off = await stage().repo("issues-off");
      const number = await openIssue(stage().rest(off, stage().cast.owner), "before");
      await stage().ground.changeRepo(off, { issues: false });
      const onOff = stage().forge(off, stage().cast.bot);
      expect(await onOff.issue(number)).toBeNull();
      expect(await onOff.labelled("bot")).toEqual([]);
    });
  });
}
