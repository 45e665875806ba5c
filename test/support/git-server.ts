// A git server over smart HTTP (git http-backend) with Basic authentication and faults, for tests of everything that fetches and pushes.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { plainGit } from "./plain-git.ts";

/** What happens to the next requests of one kind; each is used up by one request unless it is "always". */
export type Fault =
  /** The request is carried out, its answer never arrives. */
  | "lose-answer"
  /** Closed before anything is carried out. */
  | "cut"
  /** Never answered. */
  | "hang"
  | { status: number; body?: string }
  | { redirect: string };

export interface GitServer {
  /** Clone URL of the one repository. */
  url: string;
  repository: string;
  /** One line per request: `<method> <path with query> <authorized or anonymous>`. */
  requests: string[];
  /** Raw Authorization headers seen. */
  authorizations: string[];
  /** Faults for the POST that carries a push, in order. */
  onPush: Fault[];
  /** Faults for any request, in order; before the others. */
  onAny: Fault[];
  /** Runs before a push's answer goes out and after it was applied. */
  afterPush: (() => Promise<void>) | null;
  close(): Promise<void>;
}

export async function startGitServer(dir: string, token: string): Promise<GitServer> {
  const repository = join(dir, "project.git");
  await mkdir(repository, { recursive: true });
  plainGit(repository, ["init", "--quiet", "--bare", "--initial-branch=main", "."]);
  // As Gitea has it: advertise any tip, accept pushes from whoever may in.
  plainGit(repository, ["config", "http.receivepack", "true"]);
  plainGit(repository, ["config", "uploadpack.allowAnySHA1InWant", "true"]);
  plainGit(repository, ["config", "gc.auto", "0"]);
  const expected = new Set([token]);
  const children = new Set<ChildProcess>();
  const shared = {
    requests: [] as string[],
    authorizations: [] as string[],
    onPush: [] as Fault[],
    onAny: [] as Fault[],
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://git.invalid");
    const header = request.headers.authorization;
    const password =
      Buffer.from((header ?? "").replace(/^Basic /, ""), "base64")
        .toString()
        .split(":")[1] ?? "";
    const isAuthorized = expected.has(password);
    shared.requests.push(`${request.method} ${url.pathname}${url.search} ${isAuthorized ? "authorized" : "anonymous"}`);
    if (header !== undefined) shared.authorizations.push(header);
    const isPush = request.method === "POST" && url.pathname.endsWith("/git-receive-pack");
    // The question without a password is part of one call of git: faults are for what follows.
    const writes = isPush || url.searchParams.get("service") === "git-receive-pack";
    if (header === undefined ? writes : !isAuthorized) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return;
    }
    const fault = shared.onAny.shift() ?? (isPush ? shared.onPush.shift() : undefined);
    if (fault === "hang") return;
    if (fault === "cut") {
      request.socket.destroy();
      return;
    }
    if (typeof fault === "object") {
      if ("redirect" in fault) response.writeHead(302, { location: `${fault.redirect}${request.url}` }).end();
      else response.writeHead(fault.status, { "content-type": "text/plain" }).end(fault.body ?? "");
      return;
    }
    const child = backend(dir, request, url, isAuthorized);
    children.add(child);
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => child.kill("SIGKILL"));
    if (child.stdin !== null) {
      child.stdin.on("error", () => undefined);
      request.pipe(child.stdin);
    }
    await new Promise((resolve) => child.on("close", resolve));
    children.delete(child);
    if (isPush) await server.afterPush?.();
    if (fault === "lose-answer") {
      request.socket.destroy();
      return;
    }
    const whole = Buffer.concat(chunks);
    const headEnd = whole.indexOf("\r\n\r\n");
    for (const line of whole.subarray(0, headEnd).toString().split("\r\n")) {
      const [name = "", value = ""] = line.split(": ");
      if (name.toLowerCase() === "status") response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.end(whole.subarray(headEnd + 4));
  }

  const http = createServer((request, response) => {
    answer(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const address = http.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const server: GitServer = {
    ...{ url: `http://127.0.0.1:${port}/project.git`, repository, afterPush: null },
    ...shared,
    async close() {
      for (const child of children) child.kill("SIGKILL");
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}

function backend(dir: string, request: IncomingMessage, url: URL, isAuthorized: boolean): ChildProcess {
  const env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    GIT_PROJECT_ROOT: dir,
    GIT_HTTP_EXPORT_ALL: "1",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    PATH_INFO: url.pathname,
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method ?? "GET",
    CONTENT_TYPE: request.headers["content-type"] ?? "",
    HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
    GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    REMOTE_ADDR: "127.0.0.1",
  };
  if (isAuthorized) env["REMOTE_USER"] = "bot";
  const length = request.headers["content-length"];
  if (length !== undefined) env["CONTENT_LENGTH"] = length;
  return spawn("git", ["http-backend"], { env, stdio: ["pipe", "pipe", "ignore"] });
}
