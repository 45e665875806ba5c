import type { Commit } from "../git/parse.ts";
import type { Repo, User } from "../model.ts";
import type { World } from "../world.ts";
import { afterPush } from "./pushes.ts";

export interface FileChange {
  operation: "create" | "update" | "delete";
  path: string;
  content: Buffer;
}

export type Written = { kind: "written"; commit: Commit } | { kind: "refused"; status: number; message: string };

export interface FileWish {
  changes: readonly FileChange[];
  /** Branch to build on; in an empty repository the first commit has no parent. */
  from: string;
  to: string;
  message: string;
  author: User;
}

/** Commits changes of files on a branch as the server does for its editor. */
export async function writeFiles(world: World, repo: Repo, wish: FileWish): Promise<Written> {
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
  const ref = `refs/heads/${wish.to}`;
  const before = git.ref(ref) ?? "0".repeat(40);
  const done = await git.run(["fast-import", "--quiet"], { input: importStream(world, wish, ref, parent) });
  const after = git.ref(ref);
  const commit = after === undefined ? undefined : await git.commit(after);
  if (done.exit !== 0 || !commit) return { kind: "refused", status: 409, message: done.stderr };
  await afterPush(world, repo, [{ ref, before, after: commit.sha }], wish.author);
  return { kind: "written", commit };
}

/** One process instead of the six that blobs, index, tree, commit and ref would need. */
function importStream(world: World, wish: FileWish, ref: string, parent: string | undefined): Buffer {
  const who = `${wish.author.login} <${wish.author.email}> ${Math.floor(world.now() / 1000)} +0000`;
  const message = wish.message.endsWith("\n") ? wish.message : `${wish.message}\n`;
  const parts: (string | Buffer)[] = [
    `commit ${ref}\nauthor ${who}\ncommitter ${who}\ndata ${Buffer.byteLength(message)}\n${message}\n`,
  ];
  if (parent !== undefined) parts.push(`from ${parent}\n`);
  for (const change of wish.changes) {
    const path = JSON.stringify(change.path);
    if (change.operation === "delete") parts.push(`D ${path}\n`);
    else parts.push(`M 100644 inline ${path}\ndata ${change.content.length}\n`, change.content, "\n");
  }
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}
