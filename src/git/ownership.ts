// Whose commits a branch holds, where no record of the ledger says it.

import { ensureMergeBase } from "./history.ts";
import type { Host } from "./port.ts";

/** Trailer of every commit that the program publishes. */
export const itemTrailer = "Agent-Dispatch-Item";

/** A branch with more commits than this is taken for somebody's. */
const commitsMax = 300;

/**
 * Whether all that `head` has and `base` has not was made by the program for this item: author, committer and trailer of each commit. Both are
 * here. A branch without commits of its own, and one whose history cannot be read, is not.
 */
export async function isWhollyOurs(
  host: Host,
  { head, base, key }: { head: string; base: string; key: string },
): Promise<boolean> {
  if ((await ensureMergeBase(host, { head, base })).kind !== "found") return false;
  const format = `--format=%ae%x1f%ce%x1f%(trailers:key=${itemTrailer},valueonly,separator=%x2C)%x1e`;
  const listed = await host.must(["log", `--max-count=${commitsMax + 1}`, format, head, `^${base}`]);
  const commits = listed.toString("utf8").split("\x1e").slice(0, -1);
  const isOurs = (commit: string) => {
    const [author = "", committer = "", item = ""] = commit.trim().split("\x1f");
    return [author, committer].every((email) => email.toLowerCase() === host.bot.email.toLowerCase()) && item === key;
  };
  return commits.length > 0 && commits.length <= commitsMax && commits.every(isOurs);
}
