// What git shows of the story, read as anybody may read it: without credentials, into a folder that is removed.

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";

export interface Line {
  sha: string;
  subject: string;
  author: string;
}

export interface GitStory {
  /** Commits of the branch that `main` has not, oldest first. */
  commits: Line[];
  ledgerRef: string;
  /** Newest first, without mere renewals of the claim. */
  ledger: Line[];
}

/** Longest time for one git command, in ms. */
const gitMs = 30_000;

export async function readGit(url: string, branch: string, issue: number): Promise<GitStory> {
  const folder = await mkdtemp(path.join(tmpdir(), "agent-dispatch-demo-git-"));
  const ledgerRef = `refs/agent-dispatch/v1/item/issue-${issue}`;
  const env = { PATH: process.env["PATH"], HOME: folder, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0" };
  const git = async (...args: string[]) =>
    (await promisify(execFile)("git", args, { cwd: folder, env, timeout: gitMs })).stdout;
  const log = async (...args: string[]) =>
    (await git("log", "--format=%H%x09%an%x09%s", ...args))
      .split("\n")
      .filter((line) => line !== "")
      .map((line): Line => {
        const [sha = "", author = "", ...subject] = line.split("\t");
        return { sha, author, subject: subject.join("\t") };
      });
  try {
    await git("init", "--quiet", "--bare");
    const refs = ["main", branch].map((name) => `+refs/heads/${name}:refs/heads/${name}`);
    await git("fetch", "--quiet", url, ...refs, `+${ledgerRef}:${ledgerRef}`);
    return { commits: await log("--reverse", `main..${branch}`), ledgerRef, ledger: await log(ledgerRef) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
