import { spawnSync } from "node:child_process";

/** Git as a person or an agent would run it in `dir`, with an identity and fixed dates; throws when it fails. */
export function plainGit(dir: string, args: readonly string[], input = ""): string {
  const result = spawnSync("git", args, {
    cwd: dir,
    input,
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      HOME: dir,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_AUTHOR_NAME: "Agent",
      GIT_AUTHOR_EMAIL: "agent@example.org",
      GIT_AUTHOR_DATE: "@1700000000 +0000",
      GIT_COMMITTER_NAME: "Agent",
      GIT_COMMITTER_EMAIL: "agent@example.org",
      GIT_COMMITTER_DATE: "@1700000000 +0000",
    },
  });
  if (result.status !== 0) throw new Error(`git ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.trim();
}
