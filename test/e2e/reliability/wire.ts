// The line between the runs of a story and its server. It hands everything on, and lets the story act at one exact place: before a request goes on,
// while the server works on it, or before the answer goes back. So the same points are met on every server, whatever its speed.

import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** One request of a run. */
export interface Passing {
  method: string;
  /** With query. */
  path: string;
  body: Buffer;
  /** The refs that a push moves; empty for every other request. */
  moves: readonly Move[];
}

/** `null` = the ref is not there before, or not after. */
export interface Move {
  ref: string;
  old: string | null;
  new: string | null;
}

export interface Watch {
  /** Asked once per request; the first that says yes is met, and no other. */
  when(passing: Passing): boolean;
  /**
   * `before`: it goes on when `deed` is done, if somebody still waits for its answer; `late`: in any case, when `deed` is done. `during`: `deed` begins `delayMs` after all of it was sent.
   * `after`: the answer goes back when `deed` is done.
   */
  at: "before" | "late" | "during" | "after";
  delayMs?: number;
  deed(): Promise<unknown>;
}

export interface Wire {
  /** The address that runs are given. */
  readonly url: string;
  /** What went over it so far: requests that came, bytes of their bodies, bytes of the answers. */
  readonly passed: { requests: number; sent: number; received: number };
  /** What came that changes something by REST, in order: `POST /api/v1/…`. */
  readonly changes: readonly string[];
  /** Resolves when the deed is done; never where no such request comes. */
  watch(watch: Watch): Promise<void>;
  close(): Promise<void>;
}

/** Longest time until the end of a killed process shows on its connections, in ms. */
const hangUpMs = 100;

interface Waiting extends Watch {
  done(): void;
  fail(error: unknown): void;
}

export async function openWire(serverUrl: string): Promise<Wire> {
  const watches: Waiting[] = [];
  const passed = { requests: 0, sent: 0, received: 0 };
  const changes: string[] = [];
  const take = (passing: Passing): Waiting | undefined => {
    if (passing.method !== "GET" && passing.path.startsWith("/api/")) changes.push(`${passing.method} ${passing.path}`);
    passed.requests++;
    passed.sent += passing.body.length;
    const at = watches.findIndex((watch) => watch.when(passing));
    return at < 0 ? undefined : watches.splice(at, 1)[0];
  };
  const server = http.createServer((request, response) => {
    const back = (answer: Answer) => {
      passed.received += answer.body.length;
      response.writeHead(answer.status, answer.headers).end(answer.body);
    };
    pass(serverUrl, request, take, back).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the wire has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    ...{ passed, changes },
    watch: (watch) =>
      new Promise((resolve, reject) => {
        watches.push({ ...watch, done: resolve, fail: reject });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function pass(
  serverUrl: string,
  request: http.IncomingMessage,
  take: (passing: Passing) => Waiting | undefined,
  back: (answer: Answer) => void,
): Promise<void> {
  const body = await readAll(request);
  const path = request.url ?? "/";
  const passing: Passing = { method: request.method ?? "GET", path, body, moves: movesIn(path, body) };
  const watch = take(passing);
  if (watch?.at === "before" || watch?.at === "late") {
    await carryOut(watch);
    await sleep(hangUpMs);
    // A dead run sends nothing more; what it had sent may still be under way.
    if (watch.at === "before" && request.socket.destroyed) return;
  }
  const sent = () => {
    if (watch?.at === "during") void sleep(watch.delayMs ?? 0).then(() => carryOut(watch));
  };
  const answer = await handOn(serverUrl, request, body, sent);
  if (watch?.at === "after") await carryOut(watch);
  back(answer);
}

async function carryOut(watch: Waiting): Promise<void> {
  try {
    await watch.deed();
    watch.done();
  } catch (error) {
    watch.fail(error);
  }
}

interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

/** Throws where the server does not answer, or not to the end. */
async function handOn(
  serverUrl: string,
  request: http.IncomingMessage,
  body: Buffer,
  sent: () => void,
): Promise<Answer> {
  const { host: _host, connection: _connection, "transfer-encoding": _encoding, ...headers } = request.headers;
  const { hostname, port } = new URL(serverUrl);
  return await new Promise((resolve, reject) => {
    const onward = http.request(
      {
        ...{ host: hostname, port, method: request.method, path: request.url },
        headers: { ...headers, "content-length": body.length },
      },
      (answer) => {
        readAll(answer).then((text) => {
          const { connection: _, "transfer-encoding": __, "keep-alive": ___, ...kept } = answer.headers;
          const length = answer.statusCode === 204 ? {} : { "content-length": String(text.length) };
          resolve({ status: answer.statusCode ?? 502, headers: { ...kept, ...length }, body: text });
        }, reject);
      },
    );
    onward.once("error", reject);
    onward.end(body, sent);
  });
}

async function readAll(stream: http.IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The commands before the pack: `<length><old> <new> <ref>\0<capabilities>`, until a flush. */
export function movesIn(path: string, body: Buffer): Move[] {
  if (!path.endsWith("/git-receive-pack")) return [];
  const moves: Move[] = [];
  for (let at = 0; at + 4 <= body.length; ) {
    const length = Number.parseInt(body.toString("latin1", at, at + 4), 16);
    if (!(length > 4)) break;
    const line = body.toString("utf8", at + 4, at + length);
    const [, before = "", after = "", ref = ""] = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) ([^\0\n]+)/.exec(line) ?? [];
    if (ref !== "") moves.push({ ref, old: idOf(before), new: idOf(after) });
    at += length;
  }
  return moves;
}

function idOf(id: string): string | null {
  return /^0+$/.test(id) ? null : id;
}
