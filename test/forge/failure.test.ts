import { expect, test } from "vitest";
import { ForgeError } from "../../src/errors.ts";
import { forgeOn, json, serve } from "./loopback.ts";

/** What people read when the forge answers a comment with this. */
async function told(status: number, body: unknown, type = "application/json"): Promise<string> {
  const server = await serve((_, response) => {
    if (type === "application/json") return json(response, status, body);
    response.writeHead(status, { "content-type": type });
    response.end(body);
  });
  const thrown = await forgeOn(server.url, { limits: { triesMax: 1 } })
    .createIssueComment(7, "x")
    .catch((error: unknown) => error);
  if (!(thrown instanceof ForgeError)) throw new Error("expected a ForgeError", { cause: thrown });
  const facts = [
    thrown.mender,
    thrown.retry ? "again" : "not again",
    thrown.mayBeApplied ? "may be applied" : "not applied",
  ];
  return `${thrown.message}\n${thrown.remedy}\n(${facts.join(", ")})`.replaceAll(server.url, "<url>");
}

test("401", async () => {
  expect(await told(401, { message: "invalid username, password or token" })).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 401 (invalid username, password or token). The token is wrong, expired or revoked, or it belongs to another server.
    Put a token of the bot account on <url> into the workflow's secret. (A job's own token ends with its job.)
    (workflow author, not again, not applied)"
  `);
});

test("403 for want of scopes", async () => {
  const message =
    "token does not have at least one of required scope(s), required=[write:issue], token scope=read:repository,read:user";
  expect(await told(403, { message })).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 403 (token does not have at least one of required scope(s), required=[write:issue], token scope=read:repository,read:user). The token lacks the scope write:issue; it has read:repository,read:user.
    Give the token the scopes write:repository, write:issue and read:user.
    (workflow author, not again, not applied)"
  `);
  expect(
    await told(403, { message: "token does not have at least one of required scope(s): [write:issue]" }),
  ).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 403 (token does not have at least one of required scope(s): [write:issue]). The token lacks the scope write:issue.
    Give the token the scopes write:repository, write:issue and read:user.
    (workflow author, not again, not applied)"
  `);
});

test("403 for want of rights", async () => {
  expect(await told(403, { message: "user should have a permission to write to a repo" })).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 403 (user should have a permission to write to a repo). The token's account may not do this in acme/app.
    Give the bot account write access to the repository, and its token the scopes write:repository, write:issue and read:user.
    (workflow author, not again, not applied)"
  `);
});

test("404, of Gitea and of something else", async () => {
  expect(await told(404, { message: "not found" })).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 404 (not found). It does not exist, or the token's account may not see it, in acme/app.
    Check the repository's name, that the bot account has access to it, and that issues and pull requests are switched on.
    (workflow author, not again, not applied)"
  `);
  expect(await told(404, "<html>nginx</html>", "text/html")).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 404. It answered text/html, not JSON: is \`server-url\` the address of a Gitea server?
    Set \`server-url\` to the address under which the runner reaches Gitea; it is <url> now.
    (workflow author, not again, not applied)"
  `);
});

test("405", async () => {
  expect(await told(405, "", "text/plain")).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 405. This server does not know the call.
    Update the server to Gitea 1.22 or newer.
    (server operator, not again, not applied)"
  `);
});

test("412, 422: refusals", async () => {
  expect(
    await told(412, { message: "cannot close this issue because it still has open dependencies" }),
  ).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 412 (cannot close this issue because it still has open dependencies). The forge understood and refused.
    If its words do not say what to change, report this with the server's version.
    (agent-dispatch, not again, not applied)"
  `);
});

test("413, 423, 429", async () => {
  expect(await told(413, "<html>too large</html>", "text/html")).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 413. A proxy before the server refuses requests of this length.
    Raise the proxy's limit of request bodies.
    (server operator, not again, not applied)"
  `);
  expect(await told(423, { message: "repo is archived" })).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 423 (repo is archived). acme/app is archived: nothing can be written in it.
    Un-archive the repository, or take the workflow out of it.
    (workflow author, not again, not applied)"
  `);
  expect(await told(429, { message: "slow down" })).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 429 (slow down). The server asks for fewer requests.
    Run the workflow less often, or raise the limit of the server or its proxy.
    (server operator, again, not applied)"
  `);
});

test("5xx: with words, without, as a page", async () => {
  expect(await told(500, { message: "database is locked" })).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 500 (database is locked). The server failed.
    The server's log has the reason.
    (server operator, again, may be applied)"
  `);
  expect(await told(501, "")).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 501. The server failed.
    The server's log has the reason.
    (server operator, again, may be applied)"
  `);
  expect(await told(502, "<html>bad gateway</html>", "text/html")).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 502. The server, or a proxy before it, is down or overloaded.
    Wait for it, or look after the server.
    (server operator, again, may be applied)"
  `);
});

test("success of something else", async () => {
  expect(await told(200, "hello", "text/plain")).toMatchInlineSnapshot(`
    "Could not comment on #7: POST repos/acme/app/issues/7/comments answered 200 (hello). It answered text/plain, not JSON: is \`server-url\` the address of a Gitea server?
    Set \`server-url\` to the address under which the runner reaches Gitea.
    (workflow author, not again, may be applied)"
  `);
});

test("words of the forge are bounded and carry no token", async () => {
  const server = await serve((seen, response) =>
    json(response, 422, { message: `${seen.headers.authorization} ${"x".repeat(1000)}` }),
  );
  const thrown = await forgeOn(server.url)
    .createIssueComment(7, "x")
    .catch((error: unknown) => error);
  expect(String(thrown)).not.toContain("0123456789abcdef");
  expect(String(thrown).length).toBeLessThan(600);
});
