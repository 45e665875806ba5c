import { describe, expect, test } from "vitest";
import { ForgeError } from "../../src/errors.ts";
import { giteaForge } from "../../src/forge/gitea.ts";
import type { NewReview } from "../../src/forge/model.ts";
import type { Forge } from "../../src/forge/port.ts";
import { forgeOn, type Loopback, token } from "./loopback.ts";
import { replay, sha, time, versions } from "./replay.ts";

async function failureOf(promise: Promise<unknown>): Promise<ForgeError> {
  const thrown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof ForgeError) return thrown;
  throw new Error("expected a ForgeError", { cause: thrown });
}

function flows(server: Loopback): Forge {
  return giteaForge({ serverUrl: server.url, token, owner: "acme", name: "flows", sleep: () => Promise.resolve() });
}

const aReview = (over: Partial<NewReview> = {}): NewReview => ({
  event: "comment",
  body: "see",
  commit: sha("clean-1"),
  comments: [],
  ...over,
});

describe.each(versions)("Gitea %s", (version) => {
  describe("reviews", () => {
    test("their states, what counts, and requests, of a team without a user", async () => {
      const server = await replay(version, "reviews: list with a request");
      const reviews = await forgeOn(server.url).reviews(25);
      expect(reviews[0]).toEqual({
        id: 1,
        author: "bot",
        state: "comment",
        body: "see",
        commit: sha("clean-1"),
        official: false,
        dismissed: false,
        comments: 1,
        at: time,
        htmlUrl: expect.stringMatching(/\/acme\/app\/pulls\/25#issuecomment-\d+$/),
      });
      const by = (id: number) => reviews.find((review) => review.id === id);
      expect(by(5)).toMatchObject({ state: "changes-requested", author: "reviewer" });
      expect(by(6)).toMatchObject({ state: "approved", dismissed: true });
      expect(by(8)).toMatchObject({ state: "approved", author: "outsider", official: false });
      expect(by(14)).toMatchObject({ state: "review-requested", author: "outsider" });
      expect(by(15)).toMatchObject({ state: "review-requested", author: "" });
    });

    test("a pending one is left out", async () => {
      const server = await replay(version, "reviews: list with a pending one, its author");
      expect((await forgeOn(server.url).reviews(25)).map((review) => review.id)).toEqual([1, 2, 3]);
    });

    test("comments on lines", async () => {
      const server = await replay(version, "reviews: comments");
      expect(await forgeOn(server.url).lineComments(25, 1)).toEqual([
        { id: 205, review: 1, author: "bot", body: "a line", path: "hi.txt", line: 1, at: time },
      ]);
    });

    test("created with Gitea's words, one's own only as a comment", async () => {
      const server = await replay(
        version,
        "reviews: list",
        "reviews: comment on own with inline",
        "reviews: approve own",
        "reviews: request changes on own",
      );
      const forge = forgeOn(server.url);
      const comments = [{ path: "hi.txt", line: 1, body: "a line" }];
      expect(await forge.createReview(25, aReview({ comments }))).toMatchObject({ id: 1, comments: 1 });
      expect(server.seen.at(-1)?.body).toEqual({
        event: "COMMENT",
        body: "see",
        commit_id: sha("clean-1"),
        comments: [{ path: "hi.txt", new_position: 1, body: "a line" }],
      });
      for (const [event, word] of [
        ["approve", "APPROVED"],
        ["request-changes", "REQUEST_CHANGES"],
      ] as const) {
        const failure = await failureOf(forge.createReview(25, aReview({ event })));
        expect(server.seen.at(-1)?.body).toMatchObject({ event: word });
        expect(failure.message).toContain("nobody may approve or reject their own");
        expect(failure.mayBeApplied).toBe(false);
      }
    });

    test("another's pending one, which site administrators see, stays", async () => {
      const server = await replay(
        version,
        "reviews: list with a pending one, its author",
        "user",
        "reviews: comment on own with inline",
      );
      // The pending one is the reviewer's, and the token the bot's: it stays.
      await forgeOn(server.url).createReview(25, aReview());
      expect(server.seen.map((seen) => seen.method)).not.toContain("DELETE");
    });

    test("a closed or merged one", async () => {
      const server = await replay(version, "reviews: list", "reviews: approve merged");
      const failure = await failureOf(forgeOn(server.url).createReview(25, aReview({ event: "approve" })));
      expect(failure.message).toContain("closed or merged meanwhile");
    });
  });

  describe("merging", () => {
    const order = { style: "squash", head: sha("clean-1") } as const;
    const of = async (number: number, ...steps: string[]) =>
      forgeOn((await replay(version, ...steps)).url).merge(number, order);

    test("merged, with the head that was named", async () => {
      const server = await replay(version, "merge: protected, all fulfilled");
      expect(await forgeOn(server.url).merge(30, order)).toEqual({ kind: "merged" });
      expect(server.seen[0]?.body).toEqual({ Do: "squash", head_commit_id: sha("clean-1") });
    });

    test.each([
      [28, "merge: conflict", "not-yet", "Please try again later"],
      [26, "merge: nothing to merge", "not-yet", "Please try again later"],
      [33, "merge: right after a push", "not-yet", "Please try again later"],
      [30, "merge: protected, approved, status missing", "not-yet", "Not all required status checks successful"],
      [30, "merge: protected, changes requested, status good", "not-yet", "Does not have enough approvals"],
      [25, "merge: wrong head commit", "moved", "head out of date"],
      [29, "merge: draft", "refused", "Work in progress PRs cannot be merged"],
      [25, "merge: outsider", "refused", "User not allowed to merge PR"],
      [25, "merge: unknown style", "refused", "[Do]: In"],
    ])("#%i %s is %s", async (number, step, kind, answer) => {
      expect(await of(number, step)).toEqual({ kind, answer });
    });

    test.each([
      [32, "merge: closed"],
      [9999, "merge: unknown pull request"],
    ])("#%i %s is refused", async (number, step) => {
      expect(await of(number, step)).toMatchObject({ kind: "refused", answer: expect.stringContaining("closed") });
    });

    test("already merged: by its head", async () => {
      const steps = ["merge: already merged", "pulls: get after the branch is gone"];
      const server = await replay(version, ...steps);
      const head = (await forgeOn(server.url).pull(25))?.headSha ?? "";
      expect(await forgeOn(server.url).merge(25, { ...order, head })).toEqual({ kind: "merged" });
      expect(await of(25, ...steps)).toMatchObject({ kind: "refused" });
    });

    test("no scope and a failing server are errors; the latter may have merged", async () => {
      expect((await failureOf(of(25, "merge: scope read:repository"))).mayBeApplied).toBe(false);
      const failure = await failureOf(of(33, "merge: open dependency"));
      expect(failure.mayBeApplied).toBe(true);
      expect(failure.message).toContain("waits for an open dependency");
    });

    test("an issue that waits for another stays open", async () => {
      const server = await replay(version, "dependencies: close with an open one");
      const failure = await failureOf(forgeOn(server.url).closeIssue(23));
      expect(server.seen[0]?.body).toEqual({ state: "closed" });
      expect(failure.message).toContain("It still waits for an open issue.");
      await forgeOn((await replay(version, "dependencies: close with a closed one")).url).closeIssue(23);
    });
  });

  test("comments of the whole repository", async () => {
    const server = await replay(version, "comments: whole repository since");
    expect(await forgeOn(server.url).commentsSince(time, 10)).toMatchObject([
      { id: 61, issue: 21, author: "reviewer", body: "later", createdAt: time },
    ]);
    expect(server.seen[0]?.path).toBe(
      "/repos/acme/app/issues/comments?since=2026-01-02T03%3A04%3A05.000Z&page=1&limit=50",
    );
    const none = await replay(version, "comments: whole repository since the future");
    expect(await forgeOn(none.url).commentsSince(time, 10)).toEqual([]);
  });

  describe("jobs", () => {
    const at = (run: number, job: number) => `/acme/flows/actions/runs/${run}/jobs/${job}`;

    test("a log by the status's address: ids from 1.26 on", async () => {
      if (version === "1.24.7") return;
      const server = await replay(version, "version", "actions: logs");
      const forge = flows(server);
      expect(await forge.jobLog(at(1, 1), 100_000)).toContain("item is 1\n");
      expect(await forge.jobLog(at(1, 1), 60)).toMatch(/^\S+ Job succeeded\n$/);
      expect(server.seen.at(-1)?.headers.range).toBe("bytes=-61");
    });

    test("a log by the status's address: number and place on 1.24, where only tasks are listed", async () => {
      if (version !== "1.24.7") return;
      const steps = ["actions: runs, done", "actions: tasks, one running", "actions: logs of a running job"];
      const server = await replay(version, "version", ...steps);
      expect(await flows(server).jobLog(at(7, 0), 100_000)).toContain("Run Main sleep 20\n");
      expect(await flows(server).jobLog(at(8, 0), 100_000)).toBeNull();
    });

    test("none of a job that never started, or is not there", async () => {
      if (version === "1.24.7") return;
      const server = await replay(version, "version", "actions: logs of a job not started", "actions: logs of unknown");
      expect(await flows(server).jobLog(at(1, 1), 1000)).toBeNull();
      expect(await flows(server).jobLog(at(9, 9999), 1000)).toBeNull();
    });

    test("again: the failed jobs, where the server knows the call", async () => {
      if (version === "1.24.7") return;
      const server = await replay(version, "actions: rerun failed jobs");
      expect(await flows(server).rerun(at(3, 3))).toBe(true);
      expect(server.seen).toHaveLength(1);
    });
  });
});
