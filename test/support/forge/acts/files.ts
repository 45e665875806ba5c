import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Commit } from "../git/parse.ts";
import type { GitRepository } from "../git/repository.ts";
import type { Repo, User } from "../model.ts";
import type { World } from "../world.ts";
import { moveByServer } from "./refs.ts";

export interface FileChange {
  operation: "create" | "update" | "delete";
  path: string;
  content: Buffer;
}

export type Written = { kind: "written"; commit: Commit } | { kind: "refused"; status: number; message: string };

/** Commits changes of files on a branch as the server does for its editor; works in an empty repository too. */
export async function writeFiles(
  world: World,
  repo: Repo,
  wish: { changes: readonly FileChange[]; from: string; to: string; message: string; author: User; at?: number },
): Promise<Written> {
  const git = world.git(repo);
  const parent = git.branch(wish.from);
  for (const change of wish.changes) {
    const present = parent === undefined ? undefined : await git.object(`${parent}:${change.path}`);
    if (change.operation === "create" && present) {
      return { kind: "refused", status: 422, message: `repository file already exists [path: ${change.path}]` };
    }
    if (change.operation !== "create" && !present) {
      return { kind: "refused", status: 404, message: `repository file does not exist [path: ${change.path}]` };
    }
  }
  const tree = await writeTree(git, parent, wish.changes);
  const sha = await git.writeCommit({
    tree,
    parents: parent === undefined ? [] : [parent],
    message: wish.message.endsWith("\n") ? wish.message : `${wish.message}\n`,
    author: { name: wish.author.login, email: wish.author.email },
    at: wish.at ?? world.now(),
  });
  await moveByServer(world, repo, wish.to, sha, wish.author);
  const commit = await git.commit(sha);
  if (!commit) throw new Error(`commit ${sha} was not written`);
  return { kind: "written", commit };
}

async function writeTree(
  git: GitRepository,
  parent: string | undefined,
  changes: readonly FileChange[],
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "forge-index-"));
  const env = { GIT_INDEX_FILE: join(folder, "index") };
  try {
    if (parent !== undefined) await git.run(["read-tree", parent], { env });
    const lines: string[] = [];
    for (const change of changes) {
      if (change.operation === "delete") {
        lines.push(`0 ${"0".repeat(40)}\t${change.path}`);
        continue;
      }
      const blob = await git.run(["hash-object", "-w", "--stdin"], { input: change.content });
      lines.push(`100644 ${blob.stdout.toString().trim()}\t${change.path}`);
    }
    await git.run(["update-index", "--add", "--index-info"], { env, input: `${lines.join("\n")}\n` });
    return (await git.run(["write-tree"], { env })).stdout.toString().trim();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
