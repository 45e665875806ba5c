import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dead, endTree } from "../../src/agent/tree.ts";
import { openHost } from "../../src/git/host.ts";
import type { Host, HostSetup } from "../../src/git/port.ts";
import { plainGit } from "../support/plain-git.ts";

export const BOT = { name: "agent-bot", email: "bot@example.org" };
/** Looks like a Gitea token; no test may find it anywhere but in an Authorization header. */
export const TOKEN = "5ec7e7c0ffee5ec7e7c0ffee5ec7e7c0ffee0000";

export function tempDir(): string {
  return mkdtempSync(join(tmpdir(), "agent-dispatch-git-"));
}

export function remove(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

export function host(dir: string, url: string, more: Partial<HostSetup> = {}): Promise<Host> {
  return openHost({
    retryWaitsMs: [1, 1],
    dir,
    url,
    token: TOKEN,
    bot: BOT,
    env: { PATH: process.env["PATH"] },
    now: () => 1_700_000_000_000,
    ...more,
  });
}

/** A real proof for an agent that never was. */
export async function nobodyAlive(): Promise<Dead> {
  const end = await endTree(
    { marks: [`AGENT_DISPATCH_RESULT=/nowhere/${randomUUID()}`], folder: null, leader: () => null, seen: new Map() },
    { graceMs: 0 },
  );
  if (end.kind !== "dead") throw new Error("something survived an agent that never was");
  return end.dead;
}

/** Puts a first commit with a few files onto `main` of a bare repository; answers its id. */
export function seed(dir: string, repository: string, files: Record<string, string>): string {
  const work = join(dir, `seed-${randomUUID()}`);
  plainGit(dir, ["init", "--quiet", "--initial-branch=main", work]);
  for (const [name, content] of Object.entries(files)) {
    plainGit(work, ["config", "core.quotePath", "false"]);
    writeFileSync(join(work, name), content);
  }
  plainGit(work, ["add", "-A"]);
  plainGit(work, ["commit", "--quiet", "-m", "first"]);
  plainGit(work, ["push", "--quiet", repository, "HEAD:refs/heads/main"]);
  return plainGit(work, ["rev-parse", "HEAD"]);
}
