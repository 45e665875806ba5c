import { execFile, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";

/** Bare repositories over HTTP by `git http-backend`, for everybody, pushing included: enough for a runner to clone an action from. */
export interface GitServer {
  url: string;
  create(fullName: string): Promise<void>;
  close(): Promise<void>;
}

export async function startGitServer(root: string): Promise<GitServer> {
  await mkdir(root, { recursive: true });
  const server = http.createServer((request, response) => serve(root, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the git server has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    create: async (fullName) => {
      const folder = path.join(root, `${fullName}.git`);
      await promisify(execFile)("git", ["init", "--quiet", "--bare", "--initial-branch=main", folder]);
      await promisify(execFile)("git", ["config", "http.receivepack", "true"], { cwd: folder });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function serve(root: string, request: http.IncomingMessage, response: http.ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const [, owner = "", name = "", ...rest] = url.pathname.split("/");
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: `/${owner}/${name.replace(/\.git$/, "")}.git/${rest.join("/")}`,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  backend.stdout.once("end", () => answer(Buffer.concat(chunks), response));
}

/** CGI: headers, an empty line, the body. */
function answer(output: Buffer, response: http.ServerResponse): void {
  const end = output.indexOf("\r\n\r\n");
  const headers = output.subarray(0, Math.max(0, end)).toString().split("\r\n");
  let status = end === -1 ? 500 : 200;
  for (const header of headers) {
    const [, name, value] = /^([^:]+): (.*)$/.exec(header) ?? [];
    if (name === undefined || value === undefined) continue;
    if (name === "Status") status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status).end(output.subarray(end + 4));
}
