import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { Conclusion } from "./executor.ts";
import {
  bytes,
  type Field,
  map,
  message,
  readAllBytes,
  readFields,
  readNumber,
  readText,
  struct,
  text,
  varint,
} from "./protobuf.ts";

/**
 * The server's half of the protocol between Gitea and its runners, for one task, in front of any forge.
 *
 * A real runner registered with this address fetches the task, reports log and state, and is told of a cancel, exactly as with Gitea; so its
 * environment, its timing and its way to kill are the real ones. All other requests are handed on to the forge, since a runner has one
 * address for everything: `GITHUB_SERVER_URL` is this one. The forge's own `html_url` differ from it, as behind many proxies.
 *
 * Protocol: Connect unary calls with protocol buffers (`actions-proto-def`, runner/v1), read from the runner's v1.0.8 source.
 */
export interface ActionsService {
  /** The address to register the runner with. */
  url: string;
  /** The next report of the runner is answered with "cancelled". */
  cancel(): void;
  /** What the runner has reported so far. */
  report(): TaskReport;
  close(): Promise<void>;
}

export interface Task {
  id: number;
  /** A workflow file with exactly one job. */
  workflow: string;
  /** The `github` context, by Gitea's names. */
  context: Readonly<Record<string, unknown>>;
  secrets: Readonly<Record<string, string>>;
  vars: Readonly<Record<string, string>>;
  /** Jobs that this one waited for. */
  needs: Readonly<Record<string, { result: Conclusion; outputs: Readonly<Record<string, string>> }>>;
}

export interface TaskReport {
  result: Conclusion;
  steps: Conclusion[];
  outputs: Record<string, string>;
  fetched: boolean;
}

const procedures = "/api/actions/runner.v1.RunnerService/";

/** The order of `runner.v1.Result`. */
const results: readonly Conclusion[] = ["unknown", "success", "failure", "cancelled", "skipped"];

export async function startActionsService(
  forgeUrl: string,
  makeTask: (serviceUrl: string) => Task,
  onLine: (line: string) => void,
): Promise<ActionsService> {
  const report: TaskReport = { result: "unknown", steps: [], outputs: {}, fetched: false };
  let linesSeen = 0;
  let isCancelled = false;
  let task: Task | null = null;

  const answer = (procedure: string, request: readonly Field[]): Uint8Array => {
    switch (procedure) {
      case "Declare":
        return message(bytes(1, message(varint(1, 1), text(4, "runner"), text(8, readText(request, 1)))));
      case "FetchTask": {
        if (task === null || report.fetched) return message(varint(2, 1));
        report.fetched = true;
        return message(bytes(1, encodeTask(task)), varint(2, 1));
      }
      case "UpdateTask": {
        readState(request, report);
        // As Gitea does: a cancelled task stays so, though the runner's last report may say success.
        if (isCancelled) report.result = "cancelled";
        const result = isCancelled ? [varint(2, results.indexOf("cancelled"))] : [];
        const sent = Object.keys(report.outputs).map((key) => text(2, key));
        return message(bytes(1, message(varint(1, task?.id ?? 0), ...result)), ...sent);
      }
      case "UpdateLog": {
        const [first, rows] = [readNumber(request, 2), readAllBytes(request, 3)];
        rows.slice(Math.max(0, linesSeen - first)).map((row) => onLine(readText(readFields(row), 2)));
        linesSeen = Math.max(linesSeen, first + rows.length);
        return message(varint(1, linesSeen));
      }
      default:
        throw new Error(`the runner called ${procedure}, which only a real server has`);
    }
  };

  const server = http.createServer((request, response) => {
    const procedure = request.url?.startsWith(procedures) ? request.url.slice(procedures.length) : null;
    if (procedure === null) handOn(forgeUrl, request, response);
    else void respond(request, response, (body) => answer(procedure, readFields(body)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${portOf(server.address())}`;
  task = makeTask(url);
  return {
    url,
    cancel: () => {
      isCancelled = true;
    },
    report: () => report,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

function encodeTask(task: Task): Uint8Array {
  return message(
    varint(1, task.id),
    text(2, task.workflow),
    bytes(3, struct(task.context)),
    map(4, task.secrets, text),
    map(6, task.needs, (number, need) =>
      bytes(number, message(map(1, need.outputs, text), varint(2, Math.max(0, results.indexOf(need.result))))),
    ),
    map(7, task.vars, text),
  );
}

function readState(request: readonly Field[], report: TaskReport): void {
  const state = readFields(readAllBytes(request, 1).at(-1) ?? new Uint8Array());
  report.result = results[readNumber(state, 2)] ?? "unknown";
  report.steps = readAllBytes(state, 5).map((step) => results[readNumber(readFields(step), 2)] ?? "unknown");
  for (const entry of readAllBytes(request, 2)) {
    const fields = readFields(entry);
    report.outputs[readText(fields, 1)] = readText(fields, 2);
  }
}

async function respond(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  answer: (body: Uint8Array) => Uint8Array,
): Promise<void> {
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    response.writeHead(200, { "content-type": "application/proto" }).end(answer(Buffer.concat(chunks)));
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    response
      .writeHead(404, { "content-type": "application/json" })
      .end(JSON.stringify({ code: "unimplemented", message: words }));
  }
}

/** Streams both ways, so that a push of any size and a long answer pass. */
function handOn(forgeUrl: string, request: http.IncomingMessage, response: http.ServerResponse): void {
  const { host: _host, connection: _connection, ...headers } = request.headers;
  const target = new URL(forgeUrl);
  const prefix = target.pathname.replace(/\/$/, "");
  const onward = (target.protocol === "https:" ? https : http).request(
    {
      host: target.hostname,
      port: target.port || undefined,
      method: request.method,
      path: prefix + (request.url ?? "/"),
      headers,
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.once("error", () => response.destroy());
    },
  );
  onward.once("error", () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
  response.once("close", () => onward.destroy());
  request.pipe(onward);
}
