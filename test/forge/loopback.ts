import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { afterEach } from "vitest";
import { type GiteaOptions, giteaForge } from "../../src/forge/gitea.ts";
import type { Forge } from "../../src/forge/port.ts";

/** A request as a server in a test saw it. */
export interface Seen {
  method: string;
  /** Path below `/api/v1`, with query. */
  path: string;
  body: unknown;
  headers: IncomingMessage["headers"];
}

export interface Loopback {
  url: string;
  seen: Seen[];
  /** Connections accepted so far. */
  connections(): number;
  close(): Promise<void>;
}

export type Handler = (seen: Seen, response: ServerResponse, request: IncomingMessage) => void;

const open: Loopback[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

/** An HTTP server on loopback that lives until the test ends. */
export async function serve(handler: Handler): Promise<Loopback> {
  const seen: Seen[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const path = (request.url ?? "").replace("/api/v1", "");
      const body: unknown = text === "" ? null : JSON.parse(text);
      const one: Seen = { method: request.method ?? "", path, body, headers: request.headers };
      seen.push(one);
      handler(one, response, request);
    });
  });
  server.on("connection", () => connections++);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const loopback: Loopback = {
    url: `http://127.0.0.1:${portOf(server)}`,
    seen,
    connections: () => connections,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  open.push(loopback);
  return loopback;
}

export function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("a server without port");
  return address.port;
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json;charset=utf-8", ...headers });
  response.end(JSON.stringify(body));
}

/** Virtual time: sleeping moves it, nothing waits. */
export interface VirtualTime {
  sleeps: number[];
  sleep: (ms: number) => Promise<void>;
  wall: () => number;
  monotonic: () => number;
}

export function virtualTime(): VirtualTime {
  let now = Date.UTC(2026, 0, 1);
  const sleeps: number[] = [];
  return {
    sleeps,
    sleep: (ms) => {
      sleeps.push(ms);
      now += ms;
      return Promise.resolve();
    },
    wall: () => now,
    monotonic: () => now,
  };
}

export const token = "0123456789abcdef0123456789abcdef01234567";

/** The adapter for `acme/app` on a server of the test; waits take no time unless the test says so. */
export function forgeOn(url: string, options: Partial<GiteaOptions> = {}): Forge {
  const { sleep, wall, monotonic } = virtualTime();
  return giteaForge({
    serverUrl: url,
    token,
    owner: "acme",
    name: "app",
    sleep,
    wall,
    monotonic,
    random: () => 0.5,
    ...options,
  });
}
