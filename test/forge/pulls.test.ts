import { describe, expect, test } from "vitest";
import { forgeOn, json, serve } from "./loopback.ts";

const at = "2026-01-02T03:04:05Z";

describe("merging", () => {
  const order = { style: "merge", head: "a".repeat(40) } as const;
  const answered = async (status: number, body: object) => {
    const server = await serve((_, response) => json(response, status, body));
    return { server, answer: forgeOn(server.url).merge(7, order) };
  };

  test.each([
    [409, { Style: "merge", StdOut: "CONFLICT (add/add)", StdErr: "", Err: {} }, "conflict"],
    [409, { message: "merge push out of date" }, "not-yet"],
    [409, { message: "PushRejected with remote message: no" }, "refused"],
    [405, { message: "There are requested changes" }, "not-yet"],
    [405, { message: "There are official review requests" }, "not-yet"],
    [405, { message: "The head branch is behind the base branch" }, "not-yet"],
    [405, { message: "Changed protected files" }, "refused"],
    [405, { message: "squash is not allowed an allowed merge style for this repository" }, "refused"],
    [405, { message: "something new" }, "refused"],
  ])("%i %j is %s", async (status, body, kind) => {
    const { server, answer } = await answered(status, body);
    expect((await answer).kind).toBe(kind);
    expect(server.seen).toHaveLength(1);
  });

  test("a lost answer may have merged, and is not sent again", async () => {
    const server = await serve((_, response) => response.destroy());
    await expect(forgeOn(server.url).merge(7, order)).rejects.toMatchObject({ mayBeApplied: true });
    expect(server.seen).toHaveLength(1);
    const { server: broken, answer } = await answered(502, { message: "" });
    await expect(answer).rejects.toMatchObject({ mayBeApplied: true });
    expect(broken.seen).toHaveLength(1);
  });
});

describe("ways to merge", () => {
  const plain = {
    id: 1,
    name: "app",
    owner: { login: "acme" },
    archived: false,
    empty: false,
    mirror: false,
    private: false,
    has_issues: true,
    has_pull_requests: true,
    html_url: "x",
  };
  test.each([
    [{}, []],
    [{ allow_merge_commits: true, allow_squash_merge: true, default_merge_style: "squash" }, ["squash", "merge"]],
    [{ allow_rebase: true, allow_rebase_explicit: true, default_merge_style: "squash" }, ["rebase", "rebase-merge"]],
    [{ allow_fast_forward_only_merge: true, default_merge_style: "manually-merged" }, ["fast-forward-only"]],
  ])("%j", async (flags, styles) => {
    const server = await serve((_, response) => json(response, 200, { ...plain, ...flags }));
    expect((await forgeOn(server.url).repository())?.mergeStyles).toEqual(styles);
  });
});

describe("reviews", () => {
  const review = (over: object) => ({ id: 1, user: { login: "bot" }, state: "COMMENT", submitted_at: at, ...over });

  test("what a refused one left is deleted before the next is sent, once", async () => {
    const server = await serve((seen, response) => {
      if (seen.path === "/user") return json(response, 200, { id: 2, login: "bot" });
      if (seen.method === "DELETE") return json(response, 204, null);
      if (seen.method === "POST") return json(response, 500, { message: "fatal: file a has only 3 lines" });
      const pending = [
        review({ id: 3, state: "PENDING" }),
        review({ id: 4, state: "PENDING", user: { login: "you" } }),
      ];
      return json(response, 200, seen.path.includes("page=1") ? pending : []);
    });
    const wanted = { event: "comment", body: "x", commit: "1", comments: [{ path: "a", line: 9, body: "b" }] } as const;
    const creating = forgeOn(server.url).createReview(7, wanted);
    await expect(creating).rejects.toMatchObject({ mayBeApplied: true });
    await expect(creating).rejects.toThrow("on a file or line that the commit does not have");
    const writes = server.seen.filter((seen) => seen.method !== "GET").map((seen) => `${seen.method} ${seen.path}`);
    expect(writes).toEqual(["DELETE /repos/acme/app/pulls/7/reviews/3", "POST /repos/acme/app/pulls/7/reviews"]);
  });

  test("users that are gone, states we do not know, null lists, no order", async () => {
    const listed = [review({ id: 9, user: null, state: "GREAT", commit_id: null }), review({ id: 2 })];
    const server = await serve((seen, response) => json(response, 200, seen.path.includes("comments") ? null : listed));
    expect(await forgeOn(server.url).reviews(7)).toMatchObject([
      { id: 2, author: "bot", state: "comment" },
      { id: 9, author: "", state: "other", commit: "" },
    ]);
    expect(await forgeOn(server.url).lineComments(7, 2)).toEqual([]);
  });

  test("comments on lines by id, without a line where the old file is meant", async () => {
    const line = (id: number, position: number) => ({
      id,
      pull_request_review_id: 2,
      user: null,
      body: "b",
      path: "a",
      position,
      created_at: at,
    });
    const server = await serve((_, response) => json(response, 200, [line(8, 0), line(5, 3)]));
    expect((await forgeOn(server.url).lineComments(7, 2)).map((c) => [c.id, c.line, c.author])).toEqual([
      [5, 3, ""],
      [8, null, ""],
    ]);
  });
});

describe("comments of the repository", () => {
  /** A list of `total` comments, ascending, in pages of at most `sizeMax`. */
  const listOf = (total: number, sizeMax = 50) =>
    serve((seen, response) => {
      const query = new URLSearchParams(seen.path.split("?")[1]);
      const size = Math.min(Number(query.get("limit")), sizeMax);
      const start = (Number(query.get("page")) - 1) * size;
      const ids = Array.from({ length: total }, (_, index) => index + 1).slice(start, start + size);
      const comments = ids.map((id) => ({
        id,
        user: { login: "bot" },
        original_author: "",
        body: `${id}`,
        created_at: at,
        updated_at: at,
        html_url: "",
        issue_url: id % 2 ? "https://shown.example/acme/app/issues/3" : "",
        pull_request_url: id % 2 ? "" : "https://shown.example/acme/app/pulls/4",
      }));
      json(response, 200, comments, { "x-total-count": `${total}` });
    });

  test.each([
    [0, 20, 50],
    [3, 20, 50],
    [50, 20, 50],
    [51, 20, 50],
    [76, 25, 50],
    [99, 25, 50],
    [1234, 25, 50],
    [61, 10, 20],
  ])("of %i the newest %i, with at most two requests (pages of %i)", async (total, limit, sizeMax) => {
    const server = await listOf(total, sizeMax);
    const found = await forgeOn(server.url).commentsSince(0, limit);
    const count = Math.min(total, limit);
    expect(found.map((c) => c.id)).toEqual(Array.from({ length: count }, (_, index) => total - count + 1 + index));
    expect(found.every((c) => c.issue === (c.id % 2 ? 3 : 4))).toBe(true);
    expect(server.seen.length).toBeLessThanOrEqual(2);
  });

  test("an imported one is not its importer's", async () => {
    const imported = { id: 1, user: { login: "owner" }, original_author: "them", created_at: at, updated_at: at };
    const placed = { ...imported, html_url: "", issue_url: "https://x/acme/app/issues/1", pull_request_url: "" };
    const server = await serve((_, response) => json(response, 200, [placed]));
    expect((await forgeOn(server.url).commentsSince(0, 5))[0]?.author).toBe("them (imported)");
  });

  test("comments too long to read together are an error that says so", async () => {
    const server = await serve((_, response) => json(response, 200, ["x".repeat(2000)]));
    const reading = forgeOn(server.url, { limits: { bodyBytesMax: 1000 } }).commentsSince(0, 5);
    await expect(reading).rejects.toThrow("longer than 1000 bytes, the most that is read");
  });
});
