// A person did something to the branch between a publish and its effects: what was published, and where the branch is now.

import type { Roll } from "../roll-forward.ts";
import { type KeptFacts, keptText } from "./kept.ts";
import { page, type RunLink, runText, short, to } from "./page.ts";

export interface Moved {
  askedBy: string;
  why: Extract<Roll, { kind: "person" }>["why"];
  branch: string;
  /** What was published. */
  head: string;
  /** Where the branch is now; null = gone. */
  at: string | null;
  kept: KeptFacts | null;
  run: RunLink;
  key: string;
  /** The item's open pull request; null when there is none. */
  pull: number | null;
}

/** A new comment, because only a person can say which of the two is meant. */
export function movedComment(m: Moved): string {
  const branch = `\`${m.branch}\``;
  const now = {
    "moved-back": `${branch} has been moved back to ${m.at === null ? "" : short(m.at)}, where it was before`,
    rewritten: `${branch} stands at ${m.at === null ? "" : short(m.at)}, which does not hold that commit`,
    deleted: `${branch} has been deleted`,
  }[m.why];
  return page("blocked", { key: m.key }, [
    to(m.askedBy, `this needs you: the program published ${short(m.head)}, and ${now}.`),
    "The run that published it ended before it could say so. Nothing was overwritten, and the program does not choose between the two.",
    keptText(m.kept),
    m.pull === null && m.why === "rewritten"
      ? `To go on: rename or delete ${branch}, or move it to ${short(m.head)}; then put the trigger label on again, or write \`/agent run\`.`
      : "To go on from what stands there now: put the trigger label on again, or write `/agent run`, with a hint if you have one.",
    m.pull === null ? "" : `Pull request #${m.pull} stays open as it is.`,
    `<sub>Last: ${runText(m.run)}</sub>`,
  ]);
}
