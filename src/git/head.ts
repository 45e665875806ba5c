// Reads what the agent's clone says about itself, as files: git is never run with the clone's git directory, since its configuration can
// start programs. No link is followed, sizes are bounded, and nothing but commit ids comes out.

import { constants } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";

export type Head =
  /** `branch`: full ref name that HEAD points to; null when detached. */
  | { kind: "commit"; sha: string; branch: string | null }
  /** The clone or its `.git` is not there. */
  | { kind: "gone"; why: string }
  /** Something that no git would have left there, or a branch without a commit. */
  | { kind: "unreadable"; why: string };

const SHA = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
const HEAD_BYTES_MAX = 1024;
const PACKED_REFS_BYTES_MAX = 4 * 1024 * 1024;

/** The commit that HEAD of a clone points to. Only what plain git writes is understood: no worktrees, no `.git` files, no reftables. */
export async function readHead(cloneDir: string): Promise<Head> {
  const gitDir = join(cloneDir, ".git");
  const root = await kindOf(cloneDir);
  if (root !== "folder") return { kind: "gone", why: `the clone is ${root}` };
  const dotGit = await kindOf(gitDir);
  if (dotGit === "missing") return { kind: "gone", why: "the clone's .git is missing" };
  if (dotGit !== "folder") return { kind: "unreadable", why: `the clone's .git is ${dotGit}` };
  const head = await readSmall(join(gitDir, "HEAD"), HEAD_BYTES_MAX);
  if (head.kind !== "text") return { kind: "unreadable", why: `HEAD is ${head.kind}` };
  const line = head.text.trimEnd();
  if (SHA.test(line)) return { kind: "commit", sha: line, branch: null };
  const branch = /^ref: (refs\/heads\/[^\s\\:?*[~^]+)$/.exec(line)?.[1];
  if (branch === undefined || !isPlainName(branch)) return { kind: "unreadable", why: "HEAD names no branch" };
  return (await looseRef(gitDir, branch)) ?? (await packedRef(gitDir, branch));
}

/** No empty part, no `.` or `..`: the name becomes a path. */
function isPlainName(ref: string): boolean {
  return ref.split("/").every((part) => part !== "" && !part.startsWith("."));
}

async function looseRef(gitDir: string, branch: string): Promise<Head | null> {
  const parts = branch.split("/");
  for (let depth = 1; depth < parts.length; depth++) {
    const kind = await kindOf(join(gitDir, ...parts.slice(0, depth)));
    if (kind === "missing") return null;
    if (kind !== "folder") return { kind: "unreadable", why: `${parts.slice(0, depth).join("/")} is ${kind}` };
  }
  const ref = await readSmall(join(gitDir, branch), HEAD_BYTES_MAX);
  if (ref.kind === "missing" || ref.kind === "a folder") return null;
  if (ref.kind !== "text") return { kind: "unreadable", why: `${branch} is ${ref.kind}` };
  const sha = ref.text.trimEnd();
  // A branch that is a symbolic ref is nothing git's own commands leave.
  return SHA.test(sha) ? { kind: "commit", sha, branch } : { kind: "unreadable", why: `${branch} holds no commit id` };
}

async function packedRef(gitDir: string, branch: string): Promise<Head> {
  const packed = await readSmall(join(gitDir, "packed-refs"), PACKED_REFS_BYTES_MAX);
  if (packed.kind === "missing") return { kind: "unreadable", why: `${branch} has no commit` };
  if (packed.kind !== "text") return { kind: "unreadable", why: `packed-refs is ${packed.kind}` };
  for (const line of packed.text.split("\n")) {
    const [sha = "", name] = line.split(" ");
    if (name === branch && SHA.test(sha)) return { kind: "commit", sha, branch };
  }
  return { kind: "unreadable", why: `${branch} has no commit` };
}

/** Folders of objects with more entries than this are not looked through. */
const ENTRIES_MAX = 200_000;

/**
 * Why a clone's object store may not be read, or null. Anything that leads out of it is refused: a link or an alternate would let an agent
 * have the host, whose rights are wider, read objects of other repositories and publish them.
 */
export async function whyNotReadable(cloneDir: string): Promise<string | null> {
  const objects = join(cloneDir, ".git", "objects");
  const kind = await kindOf(objects);
  if (kind !== "folder") return `.git/objects is ${kind}`;
  const folders = [""];
  let entries = 0;
  for (let at = 0; at < folders.length; at++) {
    const folder = folders[at] ?? "";
    const listed = await readdir(join(objects, folder), { withFileTypes: true });
    entries += listed.length;
    if (entries > ENTRIES_MAX) return `.git/objects has more than ${ENTRIES_MAX} files`;
    for (const entry of listed) {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (name === "info/alternates" || name === "info/http-alternates") return `.git/objects/${name} leads elsewhere`;
      if (entry.isDirectory()) folders.push(name);
      else if (!entry.isFile()) return `.git/objects/${name} is no plain file`;
    }
  }
  return null;
}

type Kind = "missing" | "folder" | "a file" | "a symbolic link" | "a special file";

async function kindOf(path: string): Promise<Kind> {
  try {
    const stat = await lstat(path);
    if (stat.isSymbolicLink()) return "a symbolic link";
    if (stat.isDirectory()) return "folder";
    return stat.isFile() ? "a file" : "a special file";
  } catch {
    return "missing";
  }
}

type Small =
  | { kind: "text"; text: string }
  | { kind: "missing" | "a folder" | "a symbolic link" | "a special file" | "too large" | "unreadable" };

async function readSmall(path: string, bytesMax: number): Promise<Small> {
  const kind = await kindOf(path);
  if (kind === "folder") return { kind: "a folder" };
  if (kind !== "a file") return { kind };
  try {
    // O_NOFOLLOW and O_NONBLOCK hold even if the file was exchanged since the look above: no link, no waiting for a pipe's other end.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const buffer = Buffer.alloc(bytesMax + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) break;
      }
      return length > bytesMax
        ? { kind: "too large" }
        : { kind: "text", text: buffer.subarray(0, length).toString("utf8") };
    } finally {
      await file.close();
    }
  } catch {
    return { kind: "unreadable" };
  }
}
