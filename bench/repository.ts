import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import process from "node:process";
import { withRunFolder } from "../test/support/executors/runFolder.ts";
import { run } from "./measure.ts";
import type { Place } from "./place.ts";

/** Commits after the first, each on one file, so that a depth of 50 is less than all. */
const laterCommits = 100;
const filesPerFolder = 100;

/** Pushes a history with so many files, the same for every run, into an empty repository. */
export async function fillRepository({ forge }: Place, full: string, files: number): Promise<void> {
  await withRunFolder("bench-fill", async (folder) => {
    const gitDir = path.join(folder.root, "fill.git");
    const header = `Authorization: Basic ${Buffer.from(`owner:${forge.as("owner").token}`).toString("base64")}`;
    const env = { PATH: process.env["PATH"] ?? "", HOME: folder.home, GIT_DIR: gitDir };
    const git = async (...args: string[]) => {
      const ended = await run("git", args, env, folder.root);
      if (ended.code !== 0) throw new Error(`git ${args[0] ?? ""}: ${ended.output}`);
    };
    await git("init", "--quiet", "--bare", "--initial-branch=main");
    const fastImport = spawn("git", ["fast-import", "--quiet"], { env, stdio: ["pipe", "ignore", "inherit"] });
    for (let n = 0; n <= laterCommits; n++) fastImport.stdin.write(commit(n, n === 0 ? files : 1));
    fastImport.stdin.end("done\n");
    const [code]: unknown[] = await once(fastImport, "close");
    if (code !== 0) throw new Error(`git fast-import ended with ${String(code)}`);
    await git("-c", `http.extraHeader=${header}`, "push", "--quiet", `${forge.url}/${full}.git`, "main:main");
  });
}

function commit(n: number, files: number): string {
  const message = n === 0 ? `${files} files` : `change ${n}`;
  const head = `commit refs/heads/main\ncommitter owner <owner@example.invalid> ${1_700_000_000 + n} +0000\ndata ${message.length}\n${message}\n`;
  const changes = Array.from({ length: files }, (_, at) => {
    const text = `// file ${at}, version ${n}\n${`export const value${at} = ${at * 7919};\n`.repeat(5 + (at % 60))}`;
    return `M 100644 inline src/part${Math.floor(at / filesPerFolder)}/file${at}.js\ndata ${text.length}\n${text}\n`;
  });
  return head + changes.join("");
}
