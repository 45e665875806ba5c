// Writes that belong to a claim: none is sent without its permit, however long the one before took, and none takes longer than the permit says.

import { describe, expect, test } from "vitest";
import { ForgeError } from "../../src/errors.ts";
import { forgeOn, json, serve, virtualTime } from "./loopback.ts";

const me = { id: 2, login: "bot", full_name: "", email: "" };
const comment = {
  ...{ id: 1, user: { login: "bot" }, body: "x", html_url: "" },
  ...{ created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z" },
};

async function failureOf(promise: Promise<unknown>): Promise<ForgeError> {
  const thrown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof ForgeError) return thrown;
  throw new Error("expected a ForgeError", { cause: thrown });
}

describe("without a permit", () => {
  test("nothing is written, everything is read", async () => {
    const server = await serve((seen, response) => json(response, 200, seen.path === "/user" ? me : []));
    const forge = forgeOn(server.url).under({ mayWrite: () => false, writeMsMax: 1_000 });
    await forge.me();
    await forge.comments(1);
    const calls = [
      () => forge.createIssueComment(1, "x"),
      () => forge.editComment(1, "x"),
      () => forge.deleteComment(1),
      () => forge.react(1, "eyes"),
      () => forge.createLabel({ name: "x", color: "#000000", description: "", exclusive: false }),
      () => forge.removeLabel(1, 1),
      () => forge.assign(1, []),
      () => forge.createPull({ head: "a", base: "b", title: "t", body: "" }),
      () => forge.editPull(1, { title: "t" }),
      () => forge.setStatus("0".repeat(40), { context: "c", state: "success", description: "", targetUrl: "" }),
      () => forge.deleteBranch("x"),
      () => forge.createReview(1, { event: "comment", body: "x", commit: "0".repeat(40), comments: [] }),
      () => forge.deleteReview(1, 1),
      () => forge.merge(1, { style: "merge", head: "0".repeat(40) }),
      () => forge.closeIssue(1),
      () => forge.dispatch("agent.yml", "main", {}),
    ];
    for (const call of calls) {
      const failure = await failureOf(call());
      expect(failure).toMatchObject({ away: true, retry: true, mayBeApplied: false, failure: { status: 0 } });
      expect(failure.message).toContain("It was not sent: no life sign of its claim in time");
    }
    expect(server.seen.filter((seen) => seen.method !== "GET")).toEqual([]);
  });

  test("the forge itself, outside of the claim, writes as before", async () => {
    const server = await serve((_, response) => json(response, 201, comment));
    const forge = forgeOn(server.url);
    forge.under({ mayWrite: () => false, writeMsMax: 1_000 });
    await forge.createIssueComment(1, "x");
    expect(server.seen).toHaveLength(1);
  });
});

describe("a permit that ends meanwhile", () => {
  test.each([429, 502, 503])("what was answered %i is not sent again", async (status) => {
    let open = true;
    const server = await serve((_, response) => {
      open = false;
      json(response, status, { message: "" }, { "retry-after": "3" });
    });
    const forge = forgeOn(server.url).under({ mayWrite: () => open, writeMsMax: 1_000 });
    const failure = await failureOf(forge.editComment(1, "x"));
    expect(server.seen).toHaveLength(1);
    expect(failure.mayBeApplied).toBe(status !== 429);
  });

  test("a write in several steps stops between them", async () => {
    const pending = { id: 5, user: { login: "bot" }, state: "PENDING", body: "", commit_id: "", html_url: "" };
    const left = {
      ...pending,
      official: false,
      dismissed: false,
      comments_count: 0,
      submitted_at: "2026-01-01T00:00:00Z",
    };
    let open = true;
    const server = await serve((seen, response) => {
      if (seen.path === "/user") return json(response, 200, me);
      if (seen.method !== "DELETE") return json(response, 200, seen.path.includes("page=1") ? [left] : []);
      open = false;
      response.writeHead(204).end();
    });
    const forge = forgeOn(server.url).under({ mayWrite: () => open, writeMsMax: 1_000 });
    const review = { event: "comment", body: "x", commit: "0".repeat(40), comments: [] } as const;
    await failureOf(forge.createReview(1, review));
    expect(server.seen.filter((seen) => seen.method !== "GET").map((seen) => seen.method)).toEqual(["DELETE"]);
  });
});

describe("a write that takes long", () => {
  const permit = { mayWrite: () => true, writeMsMax: 150 };

  test("is cut at its limit, and may have been applied; a read is not", async () => {
    const server = await serve((seen, response) => {
      if (seen.method === "GET") setTimeout(() => json(response, 200, me), 300);
    });
    const forge = forgeOn(server.url).under(permit);
    const begun = performance.now();
    expect(await failureOf(forge.createIssueComment(1, "x"))).toMatchObject({ mayBeApplied: true, away: true });
    expect(performance.now() - begun).toBeGreaterThan(140);
    expect(await forge.me()).toMatchObject({ login: "bot" });
  });

  test("redirects are part of it", async () => {
    const server = await serve((seen, response) => {
      const next = `/api/v1${seen.path}x`;
      setTimeout(() => response.writeHead(307, { location: next }).end(), 100);
    });
    const real = { wall: Date.now, monotonic: () => performance.now() };
    const begun = performance.now();
    const forge = forgeOn(server.url, { ...virtualTime(), ...real }).under(permit);
    expect((await failureOf(forge.createIssueComment(1, "x"))).message).toContain("did not answer in time");
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(server.seen.length).toBeLessThanOrEqual(2);
  });
});
