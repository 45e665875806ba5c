// The agent's clone, and fresh trees for the checks. Both are whole repositories of their own: no object, link, remote or setting leads back
// to the host's repository, so that nothing done in them can reach it.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { RunError } from "../errors.ts";
import { explain, type GitOptions } from "./git.ts";
import type { Host, Identity } from "./port.ts";

export interface CloneOrder {
  /** Folder to make; must not exist or be empty. */
  dir: string;
  commit: string;
  /** Name of the local branch, without `refs/heads/`. */
  branchName: string;
  /** Default author and committer in the clone; default the bot. */
  identity?: Identity;
  /** Further local branches, for example the tip that was merged; the names are ours, without `refs/heads/`. */
  extra?: readonly ExtraBranch[];
}

export interface ExtraBranch {
  name: string;
  commit: string;
}

/** Makes the agent's clone: history as deep as the host has it, on a local branch, without a remote. */
export async function makeClone(host: Host, order: CloneOrder): Promise<void> {
  const options = await fill(host, order.dir, order.commit, order.branchName, order.extra);
  const { name, email } = order.identity ?? host.bot;
  await must(host, ["config", "user.name", name], options);
  await must(host, ["config", "user.email", email], options);
  // Git's background tidying would outlive the agent's commands and count as a surviving process.
  await must(host, ["config", "gc.auto", "0"], options);
  await must(host, ["config", "maintenance.auto", "false"], options);
}

/** Makes a fresh tree of exactly this commit, HEAD detached. */
export async function makeCheckout(host: Host, order: { dir: string; commit: string }): Promise<void> {
  await fill(host, order.dir, order.commit, null);
}

async function fill(
  host: Host,
  dir: string,
  commit: string,
  branchName: string | null,
  extra: readonly ExtraBranch[] = [],
): Promise<GitOptions> {
  await mkdir(dir, { recursive: true });
  const options: GitOptions = { gitDir: join(dir, ".git"), workTree: dir };
  await must(host, ["init", "--quiet", "--template=", `--initial-branch=${branchName ?? "main"}`], options);
  // Through git's own transport: a copy of the objects, without hard links and alternates, of this commit's history alone. A shallow host
  // gives a clone that is shallow in the same places. FETCH_HEAD would tell the agent where the host's repository lies.
  const fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--update-shallow", `file://${host.gitDir}`];
  const branches = extra.map((branch) => `${branch.commit}:refs/heads/${branch.name}`);
  await must(host, [...fetch, commit, ...branches], { ...options, fromFolder: true });
  const checkout =
    branchName === null ? ["checkout", "--quiet", "--detach"] : ["checkout", "--quiet", "-B", branchName];
  await must(host, [...checkout, commit, "--"], { ...options, config: [["checkout.workers", "2"]] });
  return options;
}

async function must(host: Host, args: readonly string[], options: GitOptions): Promise<void> {
  const result = await host.git.run(args, options);
  if (result.kind === "ended" && result.code === 0) return;
  throw new RunError(`Could not make the clone (git ${args[0] ?? ""}): ${explain(result)}`, {
    remedy: "Look at disk space and rights of the folder for clones, and that nothing else lies in it.",
    mender: "server operator",
    retry: true,
  });
}
