import { beforeAll, describe, expect, test } from "vitest";
import type { Forge } from "../../../src/forge/port.ts";
import type { Api } from "../../e2e/servers/api.ts";
import type { Repo } from "../../e2e/servers/server.ts";
import { makeCommits, pushNew, tipOf } from "../commits.ts";
import { openIssue, openPull, refusal, type Stage, times } from "../stage.ts";
import { differencesOf } from "../versions.ts";

/** Comments and reactions. */
export function commentContract(stage: () => Stage): void {
  describe("comments", () => {
    let repo: Repo;
    let forge: Forge;
    let rest: Api;

    beforeAll(async () => {
      repo = await stage().repo("comments");
      forge = stage().forge(repo, stage().cast.bot);
      rest = stage().rest(repo, stage().cast.owner);
    });

    test("written, read, edited", async () => {
      const number = await openIssue(rest, "comments");
      expect(await forge.comments(number)).toEqual([]);
      const made = await forge.createIssueComment(number, "One ✓\n<!-- marker -->");
      expect(made).toMatchObject({ author: stage().cast.bot.login, body: "One ✓\n<!-- marker -->" });
      expect(made.htmlUrl).toMatch(new RegExp(`/${repo.fullName}/issues/${number}#issuecomment-${made.id}$`));
      expect(await forge.comments(number)).toEqual([made]);
      await forge.editComment(made.id, "Two");
      const [edited] = await forge.comments(number);
      expect(edited).toMatchObject({ id: made.id, body: "Two", createdAt: made.createdAt });
      expect(edited?.updatedAt).toBeGreaterThanOrEqual(made.updatedAt);
    });

    test("in the order they were written, all at once, by whom", async () => {
      const number = await openIssue(rest, "many");
      const people = [stage().cast.bot, stage().cast.stranger];
      await times(
        55,
        (index) =>
          stage()
            .forge(repo, people[index % 2] ?? stage().cast.bot)
            .createIssueComment(number, `no. ${index}`),
        1,
      );
      const read = await forge.comments(number);
      expect(read.map((comment) => comment.body)).toEqual(Array.from({ length: 55 }, (_, index) => `no. ${index}`));
      expect(read.map((comment) => comment.author)).toEqual(read.map((_, index) => people[index % 2]?.login));
    });

    test("deleted twice", async () => {
      const number = await openIssue(rest, "delete");
      const made = await forge.createIssueComment(number, "short");
      await forge.deleteComment(made.id);
      await forge.deleteComment(made.id);
      expect(await forge.comments(number)).toEqual([]);
    });

    test("one that is gone cannot be edited", async () => {
      const number = await openIssue(rest, "edit gone");
      const made = await forge.createIssueComment(number, "short");
      await forge.deleteComment(made.id);
      expect((await refusal(forge.editComment(made.id, "again"))).failure.status).toBe(404);
    });

    test("others' are edited and deleted by a writer only", async () => {
      const number = await openIssue(rest, "others");
      const theirs = await stage().forge(repo, stage().cast.stranger).createIssueComment(number, "mine");
      const reader = stage().forge(repo, stage().cast.reader);
      expect((await refusal(reader.editComment(theirs.id, "yours"))).failure.status).toBe(403);
      expect((await refusal(reader.deleteComment(theirs.id))).failure.status).toBe(403);
      await forge.editComment(theirs.id, "ours");
      expect((await forge.comments(number)).map((c) => [c.author, c.body])).toEqual([
        [stage().cast.stranger.login, "ours"],
      ]);
      await forge.deleteComment(theirs.id);
      expect(await forge.comments(number)).toEqual([]);
    });

    test("an empty one, and one on an issue that is not there", async () => {
      const number = await openIssue(rest, "errors");
      expect((await refusal(forge.createIssueComment(number, ""))).failure.status).toBe(422);
      const absent = await refusal(forge.createIssueComment(4040, "hello"));
      expect(absent.message).toMatch(/Most likely the issue does not exist|It does not exist/);
      expect((await refusal(forge.comments(4040))).message).toMatch(/It does not exist|without saying why/);
    });

    test("on a locked issue writers only", async () => {
      const number = await openIssue(rest, "locked");
      const { locksByRest } = differencesOf(stage().ground.version);
      const answer = await rest.request("PUT", `/issues/${number}/lock`, { lock_reason: "spam" });
      expect(answer.status).toBe(locksByRest ? 204 : 404);
      await forge.createIssueComment(number, "I may");
      if (!locksByRest) return;
      const error = await refusal(stage().forge(repo, stage().cast.stranger).createIssueComment(number, "I may not"));
      expect(error.failure.status).toBe(403);
      expect(await forge.comments(number)).toHaveLength(1);
    });

    test("a long one", async () => {
      const number = await openIssue(rest, "long");
      const body = `${"0123456789abcdé\n".repeat(4000)}end`;
      const made = await forge.createIssueComment(number, body);
      expect(made.body).toBe(body);
    });

    describe("of the whole repository", () => {
      let place: Repo;
      let here: Forge;
      const bodies = async (since: number, limit: number) =>
        (await here.commentsSince(since, limit)).map((comment) => comment.body);

      beforeAll(async () => {
        place = await stage().repo("comments-all");
        here = stage().forge(place, stage().cast.bot);
      });

      test("with the issue or pull request they stand on, no reviews", async () => {
        expect(await here.commentsSince(0, 10)).toEqual([]);
        const issue = await openIssue(stage().rest(place, stage().cast.owner), "here");
        const host = await stage().host(place, stage().cast.bot);
        const [sha = ""] = await makeCommits(host, [{ parent: await tipOf(host), files: { "a.txt": "a\n" } }]);
        await pushNew(host, { "refs/heads/topic": sha });
        const pull = await openPull(here, { head: "topic", base: "main", title: "there", body: "" });
        const one = await stage().forge(place, stage().cast.stranger).createIssueComment(issue, "on the issue");
        const two = await here.createIssueComment(pull.number, "on the pull request");
        await here.createReview(pull.number, { event: "comment", body: "a review", commit: sha, comments: [] });
        expect(await here.commentsSince(one.createdAt, 10)).toEqual([
          { ...one, issue },
          { ...two, issue: pull.number },
        ]);
        expect(await bodies(one.createdAt, 1)).toEqual(["on the pull request"]);
        expect(await here.commentsSince(two.createdAt + 3_600_000, 10)).toEqual([]);
      });

      test("the newest of many, with two requests", async () => {
        const issue = await openIssue(stage().rest(place, stage().cast.owner), "many");
        await times(61, (index) => here.createIssueComment(issue, `no. ${index}`), 1);
        const before = here.requests();
        expect(await bodies(0, 20)).toEqual(Array.from({ length: 20 }, (_, index) => `no. ${41 + index}`));
        expect(here.requests() - before).toBe(2);
      });
    });

    test("reacting twice, each with several signs, and to one that is gone", async () => {
      const number = await openIssue(rest, "reactions");
      const made = await forge.createIssueComment(number, "look");
      for (const sign of ["eyes", "eyes", "rocket", "confused"] as const) await forge.react(made.id, sign);
      const shown = await rest.request("GET", `/issues/comments/${made.id}/reactions`);
      const signs = Array.isArray(shown.body)
        ? shown.body.map((reaction: { content: string }) => reaction.content)
        : [];
      expect(signs.sort()).toEqual(["confused", "eyes", "rocket"]);
      await forge.deleteComment(made.id);
      await forge.react(made.id, "eyes");
    });
  });
}
