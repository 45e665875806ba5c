import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { identify } from "./auth.ts";
import { type Fault, type FaultDeed, Faults, type SeenRequest, tornPush } from "./faults.ts";
import { answerGit, parseGitPath } from "./git-routes.ts";
import { json, type Reply, text } from "./reply.ts";
import { Router } from "./router.ts";
import { allRoutes } from "./routes/all.ts";
import type { World } from "./world.ts";

/** One line of the log of requests; `status` is 0 where no answer was given. */
export interface LoggedRequest {
  method: string;
  path: string;
  kind: SeenRequest["kind"];
  status: number;
  login: string | null;
  at: number;
  /** What a fault did to it. */
  fault?: FaultDeed;
}

/** The HTTP side: reads a request, lets faults meet it, answers, logs. */
export class ForgeServer {
  readonly faults = new Faults();
  readonly requests: LoggedRequest[] = [];
  /** Waited before every answer. */
  latencyMs = 0;
  /** How fast pushes are read, as over a slow line; 0 = as they come. */
  pushBytesPerSecond = 0;
  readonly #world: World;
  readonly #router: Router;
  readonly #server: Server;
  /** Being answered. */
  readonly #open = new Set<Promise<void>>();
  /** Counts crashes: what came in before one is not begun after it. */
  #life = 0;

  constructor(world: World) {
    this.#world = world;
    this.#router = new Router(allRoutes, world.features);
    this.#server = createServer((request, response) => {
      const answered = this.#serve(request, response)
        .catch((error: unknown) => {
          // A defect of the forge itself, told apart from the 500s that Gitea gives.
          const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
          if (!response.headersSent) this.#send(response, json(500, { message: `forge defect: ${message}` }));
        })
        .finally(() => this.#open.delete(answered));
      this.#open.add(answered);
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", resolve);
    });
    const address = this.#server.address();
    const bound = typeof address === "object" && address !== null ? address.port : port;
    return `http://127.0.0.1:${bound}`;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  /**
   * As a KILL: nobody hears an answer any more. What had begun is carried out, since git's processes outlive a killed Gitea; what had not is
   * dropped. Call `listen` with the same port to start again.
   */
  async crash(): Promise<void> {
    this.#life++;
    await this.close();
    await Promise.all(this.#open);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const life = this.#life;
    const url = request.url ?? "/";
    const body = await readBody(request, url.endsWith("/git-receive-pack") ? this.pushBytesPerSecond : 0);
    const headers = flatHeaders(request);
    const seen = this.#see(request.method ?? "GET", url, headers, body);
    const logged: LoggedRequest = {
      method: seen.method,
      path: url,
      kind: seen.kind,
      status: 0,
      login: seen.login,
      at: this.#world.nowMs(),
    };
    this.requests.push(logged);
    const fault = this.faults.take(seen);
    if (this.latencyMs > 0) await sleep(this.latencyMs);
    if (fault) {
      logged.fault = fault.do;
      await fault.hold?.(seen);
      if (fault.delayMs) await sleep(fault.delayMs);
    }
    if (life !== this.#life) return;
    if (fault) {
      await this.#meet(fault, seen, headers, response, logged);
      return;
    }
    const reply = await this.#answer(seen, headers);
    logged.status = reply.status;
    this.#send(response, reply);
  }

  #see(method: string, url: string, headers: Record<string, string>, body: Buffer): SeenRequest {
    const identity = identify(this.#world, headers["authorization"]);
    const login = identity.kind === "known" ? (identity.asker.user?.login ?? null) : null;
    const path = url.split("?")[0] ?? "";
    const kind = path.startsWith("/api/") ? "api" : parseGitPath(path) ? "git" : "web";
    return { method, path: url, kind, login, body };
  }

  async #meet(
    fault: Fault,
    seen: SeenRequest,
    headers: Record<string, string>,
    response: ServerResponse,
    logged: LoggedRequest,
  ): Promise<void> {
    const deed = fault.do;
    if (typeof deed === "object" && "torn" in deed) {
      await this.#answer({ ...seen, body: tornPush(seen.body, deed.torn) }, headers);
      logged.status = 502;
      this.#send(response, proxyPage(502));
      return;
    }
    if (typeof deed === "object") {
      const reply = { status: deed.status, headers: deed.headers ?? {}, body: deed.body ?? "" };
      logged.status = deed.status;
      this.#send(response, reply);
      return;
    }
    switch (deed) {
      case "hang":
        return;
      case "reset":
        response.socket?.resetAndDestroy();
        return;
      case "apply-then-reset":
        await this.#answer(seen, headers);
        response.socket?.resetAndDestroy();
        return;
      case "apply-then-502":
        await this.#answer(seen, headers);
        logged.status = 502;
        this.#send(response, proxyPage(502));
        return;
      case "pass": {
        const reply = await this.#answer(seen, headers);
        logged.status = reply.status;
        this.#send(response, reply);
        return;
      }
      case "cut":
        this.#cut(response, await this.#answer(seen, headers));
        return;
      default: {
        const reply = plainDeed(deed, this.#world.url);
        logged.status = reply.status;
        this.#send(response, reply);
      }
    }
  }

  /** Promises the whole answer and ends after half of it. */
  #cut(response: ServerResponse, reply: Reply): void {
    const body = Buffer.from(reply.body);
    response.writeHead(reply.status, { ...reply.headers, ...this.#date(), "content-length": String(body.length + 1) });
    response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.socket?.destroy());
  }

  async #answer(seen: SeenRequest, headers: Record<string, string>): Promise<Reply> {
    const [path = "", query = ""] = splitQuery(seen.path);
    const git = parseGitPath(path);
    if (git) {
      return answerGit(this.#world, { ...git, method: seen.method, query, headers, body: seen.body });
    }
    if (path === "/api/healthz") return json(200, { status: "pass" });
    if (!path.startsWith("/api/v1/")) return text(404, "Not found.\n");
    const identity = identify(this.#world, headers["authorization"]);
    if (identity.kind === "bad") return identity.refusal.reply;
    return this.#router.answer({
      world: this.#world,
      method: seen.method,
      path: path.slice("/api/v1".length),
      query: new URLSearchParams(query),
      headers,
      raw: seen.body,
      asker: identity.kind === "known" ? identity.asker : { user: undefined, token: undefined },
    });
  }

  #date(): Record<string, string> {
    return { date: new Date(this.#world.nowMs()).toUTCString() };
  }

  #send(response: ServerResponse, reply: Reply): void {
    const bare = reply.status === 204;
    response.sendDate = false;
    response.writeHead(reply.status, {
      ...reply.headers,
      ...this.#date(),
      ...(bare ? {} : { "content-length": String(Buffer.byteLength(reply.body)) }),
    });
    response.end(bare ? undefined : reply.body);
  }
}

function plainDeed(deed: "500" | "502" | "503" | "html" | "garbage", url: string): Reply {
  switch (deed) {
    case "500":
      return json(500, { message: "", url: `${url}/api/swagger` });
    case "502":
    case "503":
      return proxyPage(Number(deed));
    case "html":
      return page(200, "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>");
    case "garbage":
      return { status: 200, headers: { "content-type": "application/json;charset=utf-8" }, body: '{"id": 1, "na' };
  }
}

function proxyPage(status: number): Reply {
  const title = status === 502 ? "502 Bad Gateway" : "503 Service Temporarily Unavailable";
  return page(status, `<html><head><title>${title}</title></head><body><h1>${title}</h1><hr>nginx</body></html>`);
}

function page(status: number, body: string): Reply {
  return { status, headers: { "content-type": "text/html" }, body };
}

function splitQuery(url: string): [string, string] {
  const at = url.indexOf("?");
  return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
}

function flatHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return headers;
}

async function readBody(request: IncomingMessage, bytesPerSecond: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    if (bytesPerSecond > 0) await sleep((1000 * bytes.length) / bytesPerSecond);
  }
  return Buffer.concat(chunks);
}
