// Which answers mean that the forge is away, so that a run with something to lose waits for it, and which are the forge's own.

import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { ForgeError } from "../../src/errors.ts";
import { forgeOn, json, serve } from "./loopback.ts";

const page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>";

type Answers = (response: ServerResponse, path: string) => void;

async function failureOf(answer: Answers, timeoutMs = 30_000): Promise<ForgeError> {
  const server = await serve((seen, response) => answer(response, seen.path));
  const thrown = await forgeOn(server.url, { limits: { triesMax: 1, timeoutMs } })
    .comments(1)
    .then(
      () => null,
      (error: unknown) => error,
    );
  if (thrown instanceof ForgeError) return thrown;
  throw new Error("expected a ForgeError", { cause: thrown });
}

const send = (status: number, type: string, body: string) => (response: ServerResponse) => {
  response.writeHead(status, type === "" ? {} : { "content-type": type }).end(body);
};

test.each<[string, Answers]>([
  ["a proxy's page for signing in, with 200", send(200, "text/html; charset=utf-8", page)],
  ["an empty 200", send(200, "", "")],
  ["an empty 200 that says JSON", send(200, "application/json", "")],
  ["another type than JSON", send(200, "text/plain", "OK")],
  ["JSON that is cut", send(200, "application/json", '[{"id": 1, "na')],
  ["a page with 404", send(404, "text/html", page)],
  ["a page with 403", send(403, "text/html", page)],
  ["429", (response) => json(response, 429, { message: "" })],
  ["502", send(502, "text/html", page)],
  ["503", (response) => json(response, 503, { message: "" })],
  ["504", send(504, "", "")],
  [
    "a redirect to a page of the same server",
    (response, path) =>
      path.startsWith("/maintenance")
        ? send(200, "text/html", page)(response)
        : response.writeHead(302, { location: "/api/v1/maintenance" }).end(),
  ],
  ["a redirect to another server", (response) => response.writeHead(302, { location: "http://x.invalid/" }).end()],
  ["a closed connection", (response) => response.socket?.resetAndDestroy()],
])("away: %s", async (_, answer) => {
  expect((await failureOf(answer)).away).toBe(true);
});

test.each<[string, (response: ServerResponse) => void]>([
  ["401", (response) => json(response, 401, { message: "invalid token" })],
  ["403", (response) => json(response, 403, { message: "no" })],
  ["404 by the router", send(404, "text/plain; charset=utf-8", "404 page not found\n")],
  ["422", (response) => json(response, 422, { message: "no" })],
  ["500 with words", (response) => json(response, 500, { message: "database is broken" })],
  ["500 without words", (response) => json(response, 500, { message: "" })],
  ["a crash of Gitea", send(500, "text/html", page)],
  ["another shape", (response) => json(response, 200, { items: [] })],
])("the forge's own: %s", async (_, answer) => {
  expect((await failureOf(answer)).away).toBe(false);
});

test("away: nothing", async () => {
  expect((await failureOf(() => {}, 100)).away).toBe(true);
});

test("how long it asks to be left alone is told", async () => {
  const busy = (response: ServerResponse) => json(response, 503, { message: "" }, { "retry-after": "90" });
  expect((await failureOf(busy)).retryAfterMs).toBe(90_000);
  expect((await failureOf(send(502, "text/html", page))).retryAfterMs).toBeNull();
});
