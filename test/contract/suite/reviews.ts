import { beforeAll, describe, expect, test } from "vitest";
import type { NewReview, Pull } from "../../../src/forge/model.ts";
import type { Forge } from "../../../src/forge/port.ts";
import type { Host } from "../../../src/git/port.ts";
import type { Repo } from "../../e2e/servers/server.ts";
import { makeCommits, pushNew, tipOf } from "../commits.ts";
import { openPull, refusal, type Stage, times } from "../stage.ts";
import { differencesOf } from "../versions.ts";

/** Each with a file of three lines on top of `main`, opened by the bot. */
const names = ["closed", "leftover", "lines", "own", "pages", "requested", "states"] as const;

/** Reviews of pull requests. */
export function reviewContract(stage: () => Stage): void {
  describe("reviews", () => {
    let repo: Repo;
    let host: Host;
    /** The author of every pull request. */
    let bot: Forge;
    /** May write, and so counts. */
    let keeper: Forge;
    const pulls = new Map<string, Pull>();

    beforeAll(async () => {
      repo = await stage().repo("reviews");
      bot = stage().forge(repo, stage().cast.bot);
      keeper = stage().forge(repo, stage().cast.keeper);
      host = await stage().host(repo, stage().cast.bot);
      const parent = await tipOf(host);
      const commits = names.map((name) => ({ parent, message: name, files: { "new.txt": `${name}\ntwo\nthree\n` } }));
      const shas = await makeCommits(host, commits);
      await pushNew(host, Object.fromEntries(names.map((name, index) => [`refs/heads/${name}`, shas[index] ?? ""])));
      for (const name of names) {
        pulls.set(name, await openPull(bot, { head: name, base: "main", title: name, body: "" }));
      }
    }, 60_000);

    function pull(name: (typeof names)[number]): Pull {
      const found = pulls.get(name);
      if (found === undefined) throw new Error(`no pull request ${name}`);
      return found;
    }

    const aReview = (of: Pull, over: Partial<NewReview> = {}): NewReview => ({
      event: "comment",
      body: "Seen ✓",
      commit: of.headSha,
      comments: [],
      ...over,
    });

    test("none", async () => {
      expect(await bot.reviews(pull("states").number)).toEqual([]);
    });

    test("comment, request for changes, approval, oldest first; whose count", async () => {
      const { number, headSha } = pull("states");
      const made = await keeper.createReview(number, aReview(pull("states"), { body: "See <!-- marker -->" }));
      expect(made).toMatchObject({
        author: stage().cast.keeper.login,
        state: "comment",
        body: "See <!-- marker -->",
        commit: headSha,
        official: false,
        dismissed: false,
        comments: 0,
      });
      expect(made.htmlUrl).toMatch(new RegExp(`/${repo.fullName}/pulls/${number}#issuecomment-\\d+$`));
      await keeper.createReview(number, aReview(pull("states"), { event: "request-changes", body: "no" }));
      const stranger = stage().forge(repo, stage().cast.stranger);
      await stranger.createReview(number, aReview(pull("states"), { event: "approve", body: "" }));
      await keeper.createReview(number, aReview(pull("states"), { event: "approve", body: "yes" }));
      const seen = await bot.reviews(number);
      expect(seen[0]).toEqual(made);
      expect(seen.map((r) => [r.author, r.state, r.official, r.dismissed])).toEqual([
        [stage().cast.keeper.login, "comment", false, false],
        // An approval takes back what the same person said before.
        [stage().cast.keeper.login, "changes-requested", false, true],
        [stage().cast.stranger.login, "approved", false, false],
        [stage().cast.keeper.login, "approved", true, false],
      ]);
      expect(seen.map((r) => r.at)).toEqual(seen.map((r) => r.at).toSorted((a, b) => a - b));
    });

    test("comments on lines", async () => {
      const { number, headSha } = pull("lines");
      const comments = [
        { path: "new.txt", line: 1, body: "first" },
        { path: "new.txt", line: 3, body: "third" },
        { path: "new.txt", line: 3, body: "third again" },
      ];
      const made = await keeper.createReview(number, aReview(pull("lines"), { body: "", comments }));
      expect(made).toMatchObject({ comments: 3, commit: headSha, state: "comment" });
      const lines = await bot.lineComments(number, made.id);
      expect(lines.map((c) => ({ path: c.path, line: c.line, body: c.body }))).toEqual(comments);
      expect(lines[0]).toMatchObject({ review: made.id, author: stage().cast.keeper.login });
      expect(lines[0]?.at).toBeGreaterThan(made.at - 60_000);
      // Reviews are no comments of the pull request.
      expect(await bot.comments(number)).toEqual([]);
    });

    test("nobody judges their own, but may comment", async () => {
      const { number } = pull("own");
      for (const event of ["approve", "request-changes"] as const) {
        const error = await refusal(bot.createReview(number, aReview(pull("own"), { event })));
        expect(error).toMatchObject({ mayBeApplied: false, retry: false, mender: "workflow author" });
        expect(error.message).toContain("nobody may approve or reject their own");
      }
      const made = await bot.createReview(number, aReview(pull("own")));
      expect(await bot.reviews(number)).toEqual([made]);
    });

    test("one refused for a line that is not there leaves nothing in the next one", async () => {
      const { number } = pull("leftover");
      const good = { path: "new.txt", line: 1, body: "there" };
      const bad = { path: "new.txt", line: 99, body: "not there" };
      const writing = keeper.createReview(number, aReview(pull("leftover"), { comments: [good, bad] }));
      if (!differencesOf(stage().ground.version).refusesAbsentLines) {
        expect((await writing).comments).toBe(2);
        return;
      }
      const error = await refusal(writing);
      expect(error.message).toContain("on a file or line that the commit does not have");
      expect(await keeper.reviews(number)).toEqual([]);
      const next = await keeper.createReview(number, aReview(pull("leftover"), { body: "only this" }));
      expect(next).toMatchObject({ body: "only this", comments: 0 });
      expect(await keeper.lineComments(number, next.id)).toEqual([]);
      expect(await bot.reviews(number)).toEqual([next]);
    });

    test("a pending one is left out, for its author and an administrator too", async () => {
      const { number } = pull("pages");
      const rest = stage().rest(repo, stage().cast.keeper);
      await rest.post(`/pulls/${number}/reviews`, { event: "PENDING", body: "not yet" });
      expect(await keeper.reviews(number)).toEqual([]);
      expect(await stage().forge(repo, stage().ground.admin).reviews(number)).toEqual([]);
    });

    test("all pages", async () => {
      const { number } = pull("pages");
      const rest = stage().rest(repo, stage().cast.reader);
      await times(55, (index) => rest.post(`/pulls/${number}/reviews`, { event: "COMMENT", body: `no. ${index}` }), 1);
      expect((await bot.reviews(number)).map((r) => r.body)).toEqual(
        Array.from({ length: 55 }, (_, index) => `no. ${index}`),
      );
    });

    test("who was asked for a review", async () => {
      const { number } = pull("requested");
      const { owner, keeper: asked } = stage().cast;
      await stage()
        .rest(repo, owner)
        .post(`/pulls/${number}/requested_reviewers`, { reviewers: [asked.login] });
      expect(await bot.reviews(number)).toMatchObject([
        { author: asked.login, state: "review-requested", body: "", comments: 0 },
      ]);
    });

    test("a closed one takes no judgement, and one that is not there none at all", async () => {
      const { number } = pull("closed");
      await bot.closeIssue(number);
      const error = await refusal(keeper.createReview(number, aReview(pull("closed"), { event: "approve" })));
      expect(error.message).toContain("closed or merged meanwhile");
      expect((await refusal(keeper.createReview(4040, aReview(pull("closed"))))).failure.status).toBe(404);
      expect((await refusal(keeper.reviews(4040))).failure.status).toBe(404);
    });
  });
}
