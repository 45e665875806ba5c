// Invariants 2 and 5: one open pull request for an issue; at rest no comment and no review of the program stands twice.

import type { IssueRow } from "../forge/state.ts";
import { bot } from "../local/bench.ts";
import type { World } from "../world.ts";
import type { Rule } from "./watch.ts";

const marker = /<!-- agent-dispatch:([a-z]+) v1((?: [a-z]+=[^\s>]+)*) -->/;

/** What makes two texts of the program the same one: its purpose and what it is about. */
function nameOf(body: string): string | null {
  const found = marker.exec(body);
  if (found === null) return null;
  const values = (found[2] ?? "").trim().split(" ");
  const key = values.find((value) => value.startsWith("key=") || value.startsWith("for="));
  return `${found[1]} ${key ?? ""}`.trim();
}

export function doublesRule(world: World): Rule {
  const { forge, watch } = world;
  const issueOf = (pull: IssueRow) => /agent-dispatch:pull v1 issue=(\d+)/.exec(pull.body)?.[1];

  function twice(names: readonly (string | null)[]): string | null {
    const known = names.filter((name) => name !== null);
    return known.find((name, at) => known.indexOf(name) !== at) ?? null;
  }

  /** When the program last read all comments of an issue or pull request, and last wrote one there, in ms since 1970. */
  const looked = new Map<number, number>();
  const wrote = new Map<number, number>();
  // Two runs that write at once can leave a double until the next look at the item; a look takes its time to bear fruit.
  const isSeen = (issue: IssueRow) =>
    (looked.get(issue.number) ?? 0) > (wrote.get(issue.number) ?? 0) + 60_000 && !forge.hasLabel(issue, "hold");

  return {
    looked({ name, args, at }) {
      if (name === "comments") looked.set(Number(args[0]), at);
    },
    changed(change) {
      const isWord = change.kind === "comment" || change.kind === "review";
      if (isWord && change.by.login === bot && change.act === "created") wrote.set(change.issue, world.schedule.now);
      if (change.kind !== "pull" || change.by.login !== bot) return;
      const made = forge.issue(change.issue);
      const issue = made === undefined ? undefined : issueOf(made);
      const open = forge
        .pulls()
        .filter((pull) => pull.author === bot && pull.state === "open" && issueOf(pull) === issue);
      if (open.length > 1) watch.fail("one pull request", `#${issue} has ${open.length} open pull requests`);
    },
    rest() {
      for (const issue of forge.issues.values()) {
        const comments = issue.entries.filter((entry) => entry.type === "comment" && entry.by === bot);
        const doubled = twice(comments.map((entry) => nameOf(entry.body)));
        if (doubled !== null && isSeen(issue))
          watch.fail("doubles", `#${issue.number} has the comment \`${doubled}\` twice`);
        const reviews = (issue.pull?.reviews ?? []).filter((row) => row.by === bot);
        const again = twice(reviews.map((row) => nameOf(row.body)));
        if (again !== null && isSeen(issue))
          watch.fail("doubles", `#${issue.number} has the review \`${again}\` twice`);
      }
    },
  };
}
