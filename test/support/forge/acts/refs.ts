import type { Repo, User } from "../model.ts";
import type { World } from "../world.ts";
import { afterPush } from "./pushes.ts";

const zero = "0".repeat(40);

/** Moves, makes or (null) deletes a branch on the server's side, with all that follows a push. False if git refused. */
export async function moveByServer(
  world: World,
  repo: Repo,
  branch: string,
  sha: string | null,
  doer: User,
): Promise<boolean> {
  const git = world.git(repo);
  const ref = `refs/heads/${branch}`;
  const before = git.branch(branch) ?? zero;
  const done = sha === null ? await git.deleteRef(ref) : await git.moveRef(ref, sha, before);
  if (done) await afterPush(world, repo, [{ ref, before, after: sha ?? zero }], doer);
  return done;
}
