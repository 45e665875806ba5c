// What to do with work that was published by a run that is gone: the record says that the branch moves to `head`. Pure.
//
// A publish moves record and branch in one transaction of the server, in the order of their names: the record sorts before the branch. So a
// server that died inside can have moved the record alone, never the branch alone.

/** Facts about the branch of a published record, all of the same moment. */
export interface Standing {
  /** Where the branch is; null = not there. */
  branch: string | null;
  /** Where the publish expected it; null = not there. */
  expect: string | null;
  /** What was published. */
  head: string;
  /** The branch holds `head`: it is there, or people's commits are on top of it. */
  contains: boolean;
  /** Traces on the forge of a branch that stood at `head`: a push in the pull request's timeline, a pull request with that head, a status of it. */
  shown: boolean;
  /** Its pull request was merged or closed. */
  over: boolean;
}

export type Roll =
  /** The effects are finished. */
  | { kind: "go-on" }
  /** The publish was torn: the branch is moved, if the commit is still to be had, else the work begins anew. */
  | { kind: "mend" }
  /** A person did something else with the branch: nothing of theirs is overwritten. */
  | { kind: "person"; why: "moved-back" | "rewritten" | "deleted" };

export function rollForward({ branch, expect, head, contains, shown, over }: Standing): Roll {
  // The effects find that out themselves, and drop what is left.
  if (over) return { kind: "go-on" };
  if (branch === head || contains) return { kind: "go-on" };
  if (branch === expect && !shown) return { kind: "mend" };
  if (branch === null) return { kind: "person", why: "deleted" };
  return { kind: "person", why: branch === expect ? "moved-back" : "rewritten" };
}
