import { spawn } from "node:child_process";

/** Environment of every git the forge starts: nobody's configuration, fixed identity, no prompts. */
export function gitEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: "/nonexistent",
    LC_ALL: "C",
    TZ: "UTC",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: "forge",
    GIT_AUTHOR_EMAIL: "forge@example.invalid",
    GIT_COMMITTER_NAME: "forge",
    GIT_COMMITTER_EMAIL: "forge@example.invalid",
    ...extra,
  };
}

export interface GitAnswer {
  exit: number;
  stdout: Buffer;
  stderr: string;
}

/** Runs git to its end; the exit status is part of the answer, only a git that cannot start throws. */
export function runGit(
  dir: string,
  args: readonly string[],
  options: { input?: string | Buffer; env?: Record<string, string> } = {},
): Promise<GitAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", args, { cwd: dir, env: gitEnvironment(options.env), stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", reject);
    child.on("close", (exit) => {
      resolve({ exit: exit ?? -1, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
  });
}
