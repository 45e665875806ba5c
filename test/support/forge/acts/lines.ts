import type { GitRepository } from "../git/repository.ts";

/** Lines of a file at a commit; undefined where there is no such file. */
export async function linesOf(git: GitRepository, sha: string, path: string): Promise<string[] | undefined> {
  const blob = await git.object(`${sha}:${path}`);
  if (blob?.type !== "blob") return undefined;
  return blob.content.toString().replace(/\n$/, "").split("\n");
}
