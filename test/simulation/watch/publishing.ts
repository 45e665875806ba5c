// Invariants 3 and 5: code reaches a branch only from the holder of its item's claim, together with the record, from the commit that was checked and
// to the place it was expected at; and no commit of a person is lost by what the program does.

import type { Move } from "../forge/commits.ts";
import type { Change } from "../forge/state.ts";
import { bot } from "../local/bench.ts";
import type { World } from "../world.ts";
import { keyOf, type RecordView, viewOf } from "./view.ts";
import type { Rule } from "./watch.ts";

const heads = "refs/heads/";

export function publishingRule(world: World): Rule {
  const { forge, agents, watch } = world;

  /** What is wrong with a move of a branch by the program. */
  function wrong(move: Move, moves: readonly Move[]): [rule: string, text: string] | null {
    const branch = move.ref.slice(heads.length);
    if (branch === "main") return wronglyMerged(move);
    if (move.new === null) return wronglyDeleted(branch, move.old);
    const found = moves.find(({ ref, new: sha }) => keyOf(ref) !== null && viewOf(forge, sha)?.branch === branch);
    const [before, after] = [viewOf(forge, found?.old ?? null), viewOf(forge, found?.new ?? null)];
    if (after === null || before === null) return ["publish", `${branch} was moved without the record of its item`];
    const why = whyNotHeld(move, before, after);
    if (why !== null) return ["publish", `${branch} was moved ${why}`];
    if (!agents.checked.has(move.new)) return ["publish", `${branch} was moved to a commit that no check ran on`];
    return losesWork(branch, move.old, move.new);
  }

  function whyNotHeld(move: Move, before: RecordView, after: RecordView): string | null {
    const wasHeld = before.state === "held" || before.state === "published";
    if (!wasHeld) return `under a record that is ${before.state}, then ${after.state}`;
    if (after.head !== move.new) return "elsewhere than its record says";
    return before.expect === move.old ? null : "from another commit than the claim had found it at";
  }

  /** The program's own merges go through the forge; a push to the base is never its work. */
  function wronglyMerged({ old, new: sha }: Move): [string, string] | null {
    const commit = sha === null ? undefined : forge.commits.get(sha);
    const isMerge = commit !== undefined && commit.parents[0] === old && commit.parents.length === 2;
    return isMerge ? null : ["publish", "the base branch was moved by other than a merge"];
  }

  function wronglyDeleted(branch: string, tip: string | null): [string, string] | null {
    const main = forge.branch("main");
    const isMerged = tip !== null && main !== null && forge.commits.isAncestor(tip, main);
    return isMerged ? null : ["lost work", `${branch} was deleted though its tip is not merged`];
  }

  function losesWork(branch: string, old: string | null, sha: string): [string, string] | null {
    const gone = old === null ? [] : forge.commits.range(sha, old).filter((commit) => commit.author !== bot);
    const [first] = gone;
    return first === undefined ? null : ["lost work", `${branch}: a commit of ${first.author} is gone`];
  }

  /** Branches that a person has moved. */
  const touched = new Set<string>();

  /** A publish is done when its branch holds what was published: a server that died in it may have moved the record alone. */
  function wronglyDone(move: Move): [string, string] | null {
    const [before, after] = [viewOf(forge, move.old), viewOf(forge, move.new)];
    if (before?.state !== "published" || before.moves !== true || before.head === null) return null;
    if (after?.state !== "done" || touched.has(before.branch)) return null;
    const tip = forge.branch(before.branch);
    const isThere = tip !== null && forge.commits.isAncestor(before.head, tip);
    return isThere
      ? null
      : ["lost work", `${before.key} is done, and ${before.branch} does not hold what was published`];
  }

  return {
    changed(change: Change) {
      if (change.kind !== "refs") return;
      if (change.by.machine === null)
        for (const { ref } of change.moves) if (ref.startsWith(heads)) touched.add(ref.slice(heads.length));
      if (change.by.login !== bot || change.by.machine === null) return;
      for (const move of change.moves) {
        const unheld = keyOf(move.ref) === null ? null : wronglyDone(move);
        if (unheld !== null) watch.fail(...unheld);
        const found = move.ref.startsWith(heads) ? wrong(move, change.moves) : null;
        if (found !== null) watch.fail(...found);
      }
    },
  };
}
