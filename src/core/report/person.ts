// New comments by which an item goes to a person because its work cannot go on: question, nothing to do, given up, refused; and the patch
// that only a person may apply.

import type { FailureClass } from "../failure.ts";
import { failureRules } from "../failure.ts";
import { fenced, inline, shorten } from "../text.ts";
import { type KeptFacts, keptText } from "./kept.ts";
import { counted, folded, names, page, quoted, type RunLink, runText, to } from "./page.ts";

export interface GaveUp {
  askedBy: string;
  failure: FailureClass | null;
  text: string;
  attempts: number;
  run: RunLink;
  output: string;
  key: string;
  /** The item's open pull request; absent or null when there is none. */
  pull?: number | null;
  /** Work that can be gone on with. */
  kept?: KeptFacts | null;
}

/** A new comment, because a person must act. */
export function blockedComment(g: GaveUp): string {
  const tries = g.attempts === 0 ? "without starting an agent" : `after ${counted(g.attempts, "attempt")}`;
  return page("blocked", { key: g.key }, [
    to(g.askedBy, `this needs you: the program gave up ${tries}${g.failure === null ? "" : ` (**${g.failure}**)`}.`),
    inline(g.text, 600),
    g.failure === null ? "" : failureRules[g.failure].remedy,
    keptText(g.kept),
    folded("End of the output", g.output),
    "To go on: change what is needed, then put the trigger label on again, or write `/agent run` or `/agent retry`, with a hint if you have one.",
    stillOpen(g.pull),
    `<sub>Last: ${runText(g.run)}</sub>`,
  ]);
}

export interface CancelledAgain {
  askedBy: string;
  /** What became of the last run, in a few words. */
  how: string;
  /** Cancels in a row. */
  times: number;
  run: RunLink;
  key: string;
  /** As in `GaveUp`. */
  pull: number | null;
  kept?: KeptFacts | null;
}

/** Who cancels run after run may mean the item: the program does not begin it again by itself. */
export function cancelledComment(c: CancelledAgain): string {
  return page("blocked", { key: c.key }, [
    to(
      c.askedBy,
      `this needs you: its run was cancelled ${c.times} times in a row, so the program does not begin again by itself.`,
    ),
    `The last one: ${inline(c.how, 300)}. Nothing of its work was published.`,
    keptText(c.kept),
    "To stop it for good, close the issue, or leave the trigger label off. Where nobody cancelled it, the runner may be ending its jobs: look at the time they may take (`timeout-minutes` of the job and the runner's own limit) against the input `timeout-minutes`.",
    "To go on: put the trigger label on again, or write `/agent run` or `/agent retry`, with a hint if you have one.",
    stillOpen(c.pull),
    `<sub>Last: ${runText(c.run)}</sub>`,
  ]);
}

/** The question of an agent. A plain answer is an order: no label, no command. `pull`: the item's open pull request. */
export function questionComment(
  askedBy: string,
  question: string,
  run: RunLink,
  key: string,
  pull: number | null = null,
): string {
  return page("question", { key }, [
    to(askedBy, "the agent asks before it can go on:"),
    quoted(question, 20_000) || "(The agent asks, but left no question; see the log of the run.)",
    "**Answer here** in your own words. The answer of anybody who may write code here sets the work going again, without a label or a command.",
    pull === null ? "" : `Pull request #${pull} stays open; the work goes on there.`,
    `<sub>From ${runText(run)}</sub>`,
  ]);
}

/** The agent says that there is nothing to do. Whoever agrees closes the issue, so a plain answer starts nothing. */
export function noChangeComment(
  askedBy: string,
  evidence: string,
  run: RunLink,
  key: string,
  pull: number | null = null,
): string {
  return page("question", { key }, [
    to(askedBy, "the agent says that nothing needs to be changed here:"),
    quoted(evidence, 20_000) || "(The agent left no evidence; see the log of the run.)",
    "If that is right, close the issue. If not, put the trigger label on again, or write `/agent run` and what is missing.",
    stillOpen(pull),
    `<sub>From ${runText(run)}</sub>`,
  ]);
}

function stillOpen(pull: number | null | undefined): string {
  if (pull === null || pull === undefined) return "";
  return `Pull request #${pull} stays open as it is. \`/agent fix <what to do>\` on it has the author go on with it; or merge, mend or close it yourself.`;
}

export function refusalComment(id: string, text: string): string {
  return page("refusal", { for: id }, [text]);
}

const pathsMax = 5;
const patchCharactersMax = 40_000;

/** Workflow files are never pushed: a push runs them with the repository's secrets. A person applies the patch. */
export function patchComment(paths: readonly string[], patch: string, key: string): string {
  const whole = patch.length <= patchCharactersMax;
  return page("patch", { key }, [
    `The agent also changed ${paths.length === 1 ? "a workflow file" : `${paths.length} workflow files`}: ${names(paths, pathsMax)}.`,
    "Such changes are never pushed, because they would run with this repository's secrets. " +
      (whole
        ? "To take them over, read the patch and apply it with `git apply`:"
        : "The patch is too long for a comment; this is its beginning, to be taken over by hand:"),
    fenced(whole ? patch : shorten(patch, patchCharactersMax), "diff"),
  ]);
}
