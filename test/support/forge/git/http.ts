import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Reply } from "../reply.ts";
import { gitEnvironment } from "./process.ts";

/** One request to git's own CGI program. */
export interface BackendRequest {
  dir: string;
  /** `/info/refs`, `/git-upload-pack` or `/git-receive-pack`. */
  path: string;
  query: string;
  method: string;
  headers: Record<string, string>;
  body: Buffer;
  login: string;
  env: Record<string, string>;
}

export interface Pushed {
  ref: string;
  before: string;
  after: string;
}

/** Lets `git http-backend` answer; also says which refs a push moved. */
export async function serveGit(request: BackendRequest): Promise<{ reply: Reply; pushed: Pushed[] }> {
  if (!request.path.endsWith("git-receive-pack")) return { reply: await runBackend(request), pushed: [] };
  const folder = mkdtempSync(join(tmpdir(), "forge-push-"));
  try {
    const note = join(folder, "pushed");
    const reply = await runBackend({ ...request, env: { ...request.env, FORGE_PUSHED: note } });
    return { reply, pushed: readPushed(note) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readPushed(path: string): Pushed[] {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  const pushed: Pushed[] = [];
  for (const line of content.split("\n")) {
    const [before, after, ref] = line.split(" ");
    if (before !== undefined && after !== undefined && ref !== undefined) pushed.push({ ref, before, after });
  }
  return pushed;
}

function runBackend(request: BackendRequest): Promise<Reply> {
  const env = gitEnvironment({
    ...request.env,
    GIT_PROJECT_ROOT: dirname(request.dir),
    GIT_HTTP_EXPORT_ALL: "1",
    PATH_INFO: `/${request.dir.slice(dirname(request.dir).length + 1)}${request.path}`,
    QUERY_STRING: request.query,
    REQUEST_METHOD: request.method,
    REMOTE_USER: request.login,
    REMOTE_ADDR: "127.0.0.1",
    CONTENT_TYPE: request.headers["content-type"] ?? "",
    CONTENT_LENGTH: String(request.body.length),
    HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
    GIT_PROTOCOL: request.headers["git-protocol"] ?? "",
  });
  return new Promise((resolve, reject) => {
    const child = spawn("git", ["http-backend"], { env, stdio: ["pipe", "pipe", "ignore"] });
    const out: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.on("error", reject);
    child.on("close", () => resolve(parseCgi(Buffer.concat(out))));
    child.stdin.on("error", () => {});
    child.stdin.end(request.body);
  });
}

function parseCgi(output: Buffer): Reply {
  const gap = output.indexOf("\r\n\r\n");
  const head = gap < 0 ? "" : output.subarray(0, gap).toString();
  const reply: Reply = { status: gap < 0 ? 500 : 200, headers: {}, body: gap < 0 ? "" : output.subarray(gap + 4) };
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "status") reply.status = Number(value.slice(0, 3));
    else reply.headers[name] = value;
  }
  return reply;
}
