import type { ServerResponse } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { describe, expect, test } from "vitest";
import { ForgeError, RunError } from "../../src/errors.ts";
import { forgeOn, json, portOf, serve, token, virtualTime } from "./loopback.ts";

const me = { id: 2, login: "bot", full_name: "", email: "" };
const comment = {
  id: 1,
  user: { login: "bot" },
  body: "x",
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  html_url: "",
};

async function failureOf(promise: Promise<unknown>): Promise<ForgeError> {
  const thrown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof ForgeError) return thrown;
  throw new Error("expected a ForgeError", { cause: thrown });
}

/** Answers the given statuses in turn, then success. */
function failing(statuses: readonly number[], success: unknown, headers: Record<string, string> = {}) {
  const left = [...statuses];
  return serve((_, response) => {
    const status = left.shift();
    if (status === undefined) json(response, 200, success);
    else json(response, status, { message: "" }, headers);
  });
}

describe("one request", () => {
  test("carries the token in a header and nowhere else", async () => {
    const server = await serve((_, response) => json(response, 200, me));
    await forgeOn(server.url).me();
    expect(server.seen[0]?.headers.authorization).toBe(`token ${token}`);
    expect(server.seen[0]?.path).toBe("/user");
  });

  test("connections are used again", async () => {
    const server = await serve((_, response) => json(response, 200, me));
    const forge = forgeOn(server.url);
    for (let n = 0; n < 10; n++) await forge.me();
    expect(server.seen).toHaveLength(10);
    // A second one may be opened while the first still finishes its answer.
    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  test("a server below a path", async () => {
    const server = await serve((_, response) => json(response, 200, me));
    await forgeOn(`${server.url}/git/`).me();
    expect(server.seen[0]?.path).toBe("/git/user");
    expect(forgeOn(`${server.url}/git/api/v1/`).url).toBe(`${server.url}/git`);
  });

  test("a token with a line break is refused without being printed", () => {
    const bad = "0123456789abcdef\nX-Other: 1";
    expect(() => forgeOn("http://127.0.0.1:1", { token: bad })).toThrow(/^The forge token is not a token/);
    expect(() => forgeOn("http://127.0.0.1:1", { token: "  " })).toThrow("The forge token is empty.");
    expect(() => forgeOn("http://bot:secret@127.0.0.1:1")).toThrow(/^`server-url` is no address/);
    expect(() => forgeOn("gitea.example.com")).toThrow(/^`server-url` is no address/);
  });

  test("names are encoded, so that none reaches another path", async () => {
    const server = await serve((_, response) => json(response, 404, { message: "not found" }));
    const forge = forgeOn(server.url);
    await forge.branch("agent/issue-1?x=1#y");
    await forge.refs("agent-dispatch/v1/ä b");
    expect(server.seen.map((s) => s.path)).toEqual([
      "/repos/acme/app/branches/agent%2Fissue-1%3Fx%3D1%23y",
      "/repos/acme/app/git/refs/agent-dispatch/v1/%C3%A4%20b",
    ]);
    for (const path of ["../../user", "a/../b", "./a", ".."]) {
      await expect(forge.file(path, "main", 10)).rejects.toThrow("`.` and `..` are no names");
    }
    await expect(forge.branch("..")).rejects.toBeInstanceOf(RunError);
    expect(await forge.file("..a/.b/c..", "a..b", 10)).toBeNull();
  });
});

test("the forge's clock is that of its answers, not of the machine", async () => {
  const server = await serve((_, response) => json(response, 200, me, { date: "Thu, 01 Jan 2026 12:00:00 GMT" }));
  const time = virtualTime();
  const forge = forgeOn(server.url, time);
  expect(forge.now()).toBeNull();
  await forge.me();
  expect(forge.now()).toBe(Date.UTC(2026, 0, 1, 12));
  await time.sleep(5000);
  expect(forge.now()).toBe(Date.UTC(2026, 0, 1, 12, 0, 5));
});

describe("retries of reads", () => {
  test.each([429, 500, 502, 503, 504])("%i passes", async (status) => {
    const server = await failing([status, status], me);
    expect(await forgeOn(server.url).me()).toMatchObject({ login: "bot" });
    expect(server.seen).toHaveLength(3);
  });

  test("waits are random up to a ceiling that doubles", async () => {
    const server = await failing([502, 502, 502], me);
    const time = virtualTime();
    await forgeOn(server.url, { ...time, random: () => 0.5 }).me();
    expect(time.sleeps).toEqual([250, 500, 1000]);
  });

  test("a 500 with words, a 404, a 403 are answers and not repeated", async () => {
    const server = await serve((seen, response) =>
      seen.path === "/user"
        ? json(response, 500, { message: "database is broken" })
        : json(response, 403, { message: "no" }),
    );
    const forge = forgeOn(server.url);
    expect((await failureOf(forge.me())).message).toContain("answered 500 (database is broken). The server failed.");
    await failureOf(forge.version());
    expect(server.seen).toHaveLength(2);
  });

  test("5xx for ever ends after four tries", async () => {
    const server = await failing(Array(50).fill(503), me);
    const failure = await failureOf(forgeOn(server.url).me());
    expect(server.seen).toHaveLength(4);
    expect(failure).toMatchObject({ retry: true, mender: "server operator", mayBeApplied: false });
    expect(failure.message).toBe(
      "Could not read the token's account: GET user answered 503. The server, or a proxy before it, is down or overloaded.",
    );
  });

  test("Retry-After in seconds and as a date", async () => {
    const time = virtualTime();
    const inSeconds = await failing([429], me, { "retry-after": "7" });
    await forgeOn(inSeconds.url, { ...time, random: () => 0 }).me();
    expect(time.sleeps).toEqual([7000]);
    const asDate = await failing([503], me, {
      date: "Thu, 01 Jan 2026 00:00:00 GMT",
      "retry-after": "Thu, 01 Jan 2026 00:00:09 GMT",
    });
    await forgeOn(asDate.url, { ...time, random: () => 0 }).me();
    expect(time.sleeps).toEqual([7000, 9000]);
  });

  test("a Retry-After beyond the budget is not waited for", async () => {
    const time = virtualTime();
    const server = await failing([503], me, { "retry-after": "3600" });
    await failureOf(forgeOn(server.url, time).me());
    expect(time.sleeps).toEqual([]);
    expect(server.seen).toHaveLength(1);
  });

  test("all waits of a run share one budget", async () => {
    const time = virtualTime();
    const server = await failing(Array(500).fill(503), me, { "retry-after": "10" });
    const forge = forgeOn(server.url, { ...time, random: () => 0 });
    for (let n = 0; n < 10; n++) await failureOf(forge.me());
    expect(time.sleeps).toHaveLength(6);
    expect(server.seen).toHaveLength(16);
  });

  test("the time of hanging tries counts too: a hanging server does not hold the run for ever", async () => {
    const server = await serve(() => {});
    const failure = await failureOf(
      forgeOn(server.url, {
        limits: { timeoutMs: 100, retryMsMax: 150, backoffMs: 1 },
        wall: Date.now,
        monotonic: () => performance.now(),
      }).me(),
    );
    expect(server.seen).toHaveLength(2);
    expect(failure.message).toBe(
      `Could not read the token's account: GET user got no answer after 2 tries. ${new URL(server.url).host} did not answer in time (100 ms).`,
    );
  });

  test("a machine that slept in the middle of one has waited no longer than its limit for it: it is tried again", async () => {
    const time = virtualTime();
    let isFirst = true;
    const server = await serve(async (_, response) => {
      if (!isFirst) return json(response, 200, me);
      isFirst = false;
      await time.sleep(3_600_000);
    });
    const forge = forgeOn(server.url, { ...time, limits: { timeoutMs: 100, retryMsPerMinute: 0 } });
    expect((await forge.me()).login).toBe("bot");
    expect(server.seen).toHaveLength(2);
  });

  test("requests of a run are bounded", async () => {
    const server = await serve((_, response) => json(response, 200, me));
    const forge = forgeOn(server.url, { limits: { requestsMax: 3 } });
    for (let n = 0; n < 3; n++) await forge.me();
    const failure = await failureOf(forge.me());
    expect(failure.message).toBe(
      "Could not read the token's account: GET user got no answer. This run has made 3 requests, which is its bound.",
    );
    expect(failure.mayBeApplied).toBe(false);
    expect(server.seen).toHaveLength(3);
  });
});

describe("retries of writes", () => {
  test("a comment is sent once, and may be there", async () => {
    const server = await failing([502], comment);
    const failure = await failureOf(forgeOn(server.url).createIssueComment(1, "x"));
    expect(server.seen).toHaveLength(1);
    expect(failure.mayBeApplied).toBe(true);
  });

  test("429 refuses before anything is done, so it is repeated for all", async () => {
    const server = await failing([429], comment);
    await forgeOn(server.url).createIssueComment(1, "x");
    expect(server.seen).toHaveLength(2);
  });

  test("what only repeats its effect is repeated", async () => {
    const server = await failing([502, 504], comment);
    await forgeOn(server.url).editComment(1, "x");
    expect(server.seen).toHaveLength(3);
  });

  test("a 500 on a write is never repeated", async () => {
    const server = await failing([500], comment);
    await failureOf(forgeOn(server.url).editComment(1, "x"));
    expect(server.seen).toHaveLength(1);
  });

  test("an uncertain try stays uncertain when the next one is refused", async () => {
    const left = [502, 403];
    const server = await serve((_, response) => json(response, left.shift() ?? 403, { message: "no" }));
    expect((await failureOf(forgeOn(server.url).editComment(1, "x"))).mayBeApplied).toBe(true);
  });

  test("a refused write is certain", async () => {
    const server = await serve((_, response) => json(response, 422, { message: "[Body]: Required" }));
    const failure = await failureOf(forgeOn(server.url).createIssueComment(1, ""));
    expect(failure).toMatchObject({ mayBeApplied: false, retry: false, failure: { answer: "[Body]: Required" } });
  });

  test("a pull request whose creation got no answer is found to exist", async () => {
    const left = [504, 409];
    const server = await serve((_, response) => json(response, left.shift() ?? 409, { message: "already exists" }));
    const wanted = { head: "a", base: "main", title: "t", body: "" };
    expect(await forgeOn(server.url).createPull(wanted)).toEqual({ kind: "exists" });
  });
});

describe("no answer", () => {
  test("refused", async () => {
    const server = await serve(() => {});
    await server.close();
    const failure = await failureOf(forgeOn(server.url).createIssueComment(1, "x"));
    expect(failure.message).toBe(
      `Could not comment on #1: POST repos/acme/app/issues/1/comments got no answer after 4 tries. Nothing listens at ${new URL(server.url).host}.`,
    );
    expect(failure).toMatchObject({ mayBeApplied: false, retry: true, failure: { status: 0 } });
  });

  test("a name that cannot be resolved", async () => {
    const failure = await failureOf(forgeOn("http://nosuch.invalid").me());
    expect(failure.message).toMatch(
      /The name nosuch\.invalid cannot be resolved on this runner \((ENOTFOUND|EAI_AGAIN)\)\.$/,
    );
  });

  test("reset: a read passes, a write is not repeated", async () => {
    let resets = 1;
    const server = await serve((_, response, request) => {
      if (resets-- > 0) request.socket.resetAndDestroy();
      else json(response, 200, me);
    });
    await forgeOn(server.url).me();
    expect(server.seen).toHaveLength(2);
    resets = 1;
    const failure = await failureOf(forgeOn(server.url).createIssueComment(1, "x"));
    expect(failure.message).toContain("closed the connection");
    expect(failure.mayBeApplied).toBe(true);
    expect(server.seen).toHaveLength(3);
  });

  test("a hanging body counts as hanging", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"id":');
    });
    const limits = { timeoutMs: 100, triesMax: 1 };
    expect((await failureOf(forgeOn(server.url, { limits }).me())).message).toContain(
      "did not answer in time (100 ms)",
    );
  });

  test.each<[string, (response: ServerResponse) => void]>([
    [
      "with its length known",
      (response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": 100 });
        response.write("[");
        setTimeout(() => response.destroy(), 20);
      },
    ],
    [
      "in chunks",
      (response) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.write("[{}");
        setTimeout(() => response.destroy(), 20);
      },
    ],
    [
      "without length, so that only the JSON shows it",
      (response) => {
        response.socket?.end("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n[{");
      },
    ],
  ])("an answer cut %s is no answer", async (_, cut) => {
    let cuts = 1;
    const server = await serve((_seen, response) => {
      if (cuts-- > 0) cut(response);
      else json(response, 200, []);
    });
    expect(await forgeOn(server.url).comments(1)).toEqual([]);
    expect(server.seen).toHaveLength(2);
    cuts = 10;
    const failure = await failureOf(forgeOn(server.url).comments(1));
    expect(failure.message).toContain("The answer broke off");
    expect(failure).toMatchObject({ retry: true, failure: { status: 0 } });
  });

  test("garbage for JSON", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end("{'id': 1}");
    });
    expect((await failureOf(forgeOn(server.url).me())).message).toContain("9 characters of JSON that cannot be read");
  });

  test("a body beyond the bound is not read to its end", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = () => {
        while (response.write(`"${"x".repeat(10_000)}",`));
      };
      response.on("drain", more);
      more();
    });
    const failure = await failureOf(forgeOn(server.url, { limits: { bodyBytesMax: 100_000 } }).comments(1));
    expect(failure.message).toContain("The answer is longer than 100000 bytes, the most that is read.");
    expect(failure.retry).toBe(false);
    expect(server.seen).toHaveLength(1);
  });

  test("something that does not speak HTTP", async () => {
    const tcp = createTcpServer((socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n"));
    await new Promise<void>((done) => tcp.listen(0, "127.0.0.1", done));
    const port = portOf(tcp);
    const failure = await failureOf(forgeOn(`http://127.0.0.1:${port}`).me());
    tcp.close();
    expect(failure.message).toContain(`What listens at 127.0.0.1:${port} does not speak HTTP as expected`);
  });

  test("https to a server of plain http", async () => {
    const server = await serve((_, response) => json(response, 200, me));
    const failure = await failureOf(forgeOn(server.url.replace("http:", "https:")).me());
    expect(failure.message).toContain("No trusted TLS connection");
    expect(failure.retry).toBe(false);
  });
});

describe("answers of something else", () => {
  test.each([200, 404])("a page with status %i is no fact", async (status) => {
    const server = await serve((_, response) => {
      response.writeHead(status, { "content-type": "text/html; charset=utf-8" });
      response.end("<html>Sign in</html>");
    });
    const failure = await failureOf(forgeOn(server.url).issue(1));
    expect(failure.message).toBe(
      `Could not read #1: GET repos/acme/app/issues/1 answered ${status}. It answered text/html, not JSON: is \`server-url\` the address of a Gitea server?`,
    );
    expect(failure.remedy).toContain(server.url);
  });

  test("another shape names path and field", async () => {
    const server = await serve((_, response) => json(response, 200, [comment, { ...comment, user: { login: 5 } }]));
    expect((await failureOf(forgeOn(server.url).comments(1))).message).toBe(
      "Could not read the comments of #1: GET repos/acme/app/issues/1/comments answered 200, but `[1].user.login` is not as expected: Invalid input: expected string, received number.",
    );
  });

  test("an empty answer where one is needed", async () => {
    const server = await serve((_, response) => response.writeHead(200).end());
    expect((await failureOf(forgeOn(server.url).me())).message).toContain("`the answer` is not as expected");
  });
});

describe("redirects", () => {
  test("within the origin a renamed repository is followed, with method and body", async () => {
    const server = await serve((seen, response) => {
      if (seen.path.startsWith("/repos/acme/new")) json(response, 201, comment);
      else response.writeHead(307, { location: seen.path.replace("/repos/acme/app", "/api/v1/repos/acme/new") }).end();
    });
    await forgeOn(server.url).createIssueComment(1, "x");
    expect(server.seen[1]).toMatchObject({ method: "POST", body: { body: "x" } });
  });

  test("to another server it is not followed: the token stays", async () => {
    const other = await serve((_, response) => json(response, 200, me));
    const server = await serve((_, response) =>
      response.writeHead(301, { location: `${other.url}/api/v1/user` }).end(),
    );
    const failure = await failureOf(forgeOn(server.url).me());
    expect(other.seen).toEqual([]);
    expect(failure.message).toContain(
      `It redirects (${other.url}), which is not followed: the token would go to another server.`,
    );
    expect(failure.mayBeApplied).toBe(false);
  });

  test("a write is not turned into a read; a circle ends", async () => {
    const server = await serve((seen, response) => response.writeHead(302, { location: `/api/v1${seen.path}` }).end());
    const forge = forgeOn(server.url);
    expect((await failureOf(forge.createIssueComment(1, "x"))).message).toContain("status 302 for a POST");
    expect(server.seen).toHaveLength(1);
    expect((await failureOf(forge.me())).message).toContain("more than 3 redirects");
    expect(server.seen).toHaveLength(5);
  });
});
