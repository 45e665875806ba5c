import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { readArguments, usage, type Wish } from "./arguments.ts";
import { longLists, onlyNamed, withoutRunner } from "./settings.ts";

/** Runs the contract on the servers that the arguments name; ends with vitest's exit code, or 2 when it could not begin. */

async function carryOut(wish: Wish): Promise<number> {
  switch (wish.kind) {
    case "help":
      console.log(usage);
      return 0;
    case "wrong":
      return refuse([...wish.problems, "", usage]);
    case "default":
      return await runTests("test/contract/", wish.long ? { [longLists]: "1" } : {});
    case "url": {
      const problem = await problemOf(wish.url, wish.token);
      if (problem !== null) return refuse([problem]);
      return await runTests("test/contract/real.test.ts", {
        GITEA_URL: wish.url,
        GITEA_ADMIN_TOKEN: wish.token,
        [onlyNamed]: "url",
        ...(wish.hasRunner ? {} : { [withoutRunner]: "1" }),
        ...(wish.long ? { [longLists]: "1" } : {}),
      });
    }
    case "programs": {
      const files = wish.files.map((file) => path.resolve(file));
      const wrong = files.filter((file) => !isExecutable(file));
      if (wrong.length > 0) return refuse(wrong.map((file) => `--bin: ${file} is no program that can be started`));
      return await runTests("test/contract/real.test.ts", {
        GITEA_BIN: files.join(","),
        [onlyNamed]: "programs",
        ...(wish.long ? { [longLists]: "1" } : {}),
      });
    }
    default:
      return wish satisfies never;
  }
}

function refuse(lines: readonly string[]): number {
  console.error(lines.join("\n"));
  return 2;
}

/** Longest wait for the server's first answer, in ms. */
const answerMs = 15_000;

/** Why the contract cannot begin on this server; a wrong address must not look like 100 broken promises. */
async function problemOf(url: string, token: string): Promise<string | null> {
  const ask = async (what: string) => {
    const headers = { authorization: `token ${token}`, accept: "application/json" };
    const answer = await fetch(`${url}/api/v1/${what}`, { headers, signal: AbortSignal.timeout(answerMs) });
    const isJson = (answer.headers.get("content-type") ?? "").startsWith("application/json");
    const body: unknown = isJson ? await answer.json() : null;
    return { status: answer.status, body };
  };
  try {
    const user = await ask("user");
    if (user.status === 401) return `${url} does not know this token (401).`;
    if (user.status === 403) return `The token of --admin-token lacks scopes: it needs all (403 at GET /user).`;
    if (user.status !== 200) return `${url} is no Gitea server: GET /api/v1/user answered ${user.status}.`;
    const { body } = user;
    const isAdmin = typeof body === "object" && body !== null && "is_admin" in body && body.is_admin === true;
    if (!isAdmin) return `The token of --admin-token is not a site administrator's on ${url}.`;
    const admin = await ask("admin/users?limit=1");
    return admin.status === 200 ? null : `The token of --admin-token lacks the scope for /admin (${admin.status}).`;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
    return `${url} does not answer: ${cause || String(error)}`;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function runTests(filter: string, environment: Record<string, string>): Promise<number> {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--project", "contract", filter], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...environment },
  });
  // Ctrl-C reaches vitest by itself; this process waits for it.
  process.on("SIGINT", () => {});
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

process.exitCode = await carryOut(readArguments(process.argv.slice(2), process.env));
