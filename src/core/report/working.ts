// The status comment while an agent is at work.

import type { ReworkCauses } from "../decision.ts";
import { clockTime, code } from "../text.ts";
import { counted, footer, names, page, type RunLink, roundText, runText, short } from "./page.ts";

interface AgentAtWork {
  attempt: number;
  attemptsMax: number;
  profile: string;
  run: RunLink;
  branch: string;
  askedBy: string;
  startedAt: string;
  sandboxed: boolean;
}

/** An agent at work. `kind` absent = implement. */
export type Working = AgentAtWork &
  (
    | { kind?: "implement" }
    | { kind: "review"; pull: number; head: string; round: number; roundsMax: number }
    /** `round`: null for a rework that a person ordered. `causes`: from `causesOf`. */
    | { kind: "rework"; pull: number; round: number | null; roundsMax: number; causes: readonly string[] }
  );

export function workingComment(w: Working): string {
  return page("status", {}, [
    `${workingHead(w)} · \`${w.profile}\` · ${runText(w.run)}`,
    [askedText(w), workingText(w), `Started ${clockTime(w.startedAt)}.`].filter((part) => part !== "").join(" "),
    w.sandboxed ? "" : "The agent runs without a sandbox.",
    footer,
  ]);
}

/** The status of an agent at work with how far it is, before the line of who wrote it. `body` is as it was first written. */
export function withProgress(body: string, text: string): string {
  const line = `At work for ${text}.`;
  const at = body.indexOf(footer);
  return at === -1 ? `${body}\n\n${line}` : `${body.slice(0, at)}${line}\n\n${body.slice(at)}`;
}

/** A rework names its causes instead: the giver of the order is not always one. */
function askedText(w: Working): string {
  return w.askedBy === "" || w.kind === "rework" ? "" : `Asked for by ${w.askedBy}.`;
}

function workingHead(w: Working): string {
  const attempt = `attempt ${w.attempt} of ${w.attemptsMax}`;
  // The first attempt at a round is the normal case: only a further one is worth a word.
  const again = w.attempt > 1 ? ` · ${attempt}` : "";
  switch (w.kind) {
    case undefined:
    case "implement":
      return `**Working on this** · ${attempt}`;
    case "review":
      return `**Reviewing #${w.pull}** · ${roundText(w.round, w.roundsMax)}${again}`;
    case "rework":
      return `**Reworking #${w.pull}**${w.round === null ? "" : ` · ${roundText(w.round, w.roundsMax)}`}${again}`;
    default:
      return w satisfies never;
  }
}

function workingText(w: Working): string {
  switch (w.kind) {
    case undefined:
    case "implement":
      return `The work will come as a pull request from \`${w.branch}\`.`;
    case "review":
      return `A fresh agent judges commit ${short(w.head)}.`;
    case "rework":
      return w.causes.length === 0 ? "" : `Why: ${w.causes.join("; ")}.`;
    default:
      return w satisfies never;
  }
}

/** Why a pull request goes back to its author, in words: "a person asked", "conflict with main", "2 findings", "checks red: ci". */
export function causesOf(causes: ReworkCauses, base: string, findings: number): string[] {
  return [
    causes.ordered || causes.reviews.length > 0 ? "a person asked" : "",
    causes.conflict ? `conflict with ${code(base)}` : "",
    causes.findings ? (findings === 0 ? "findings" : counted(findings, "finding")) : "",
    causes.red.length === 0
      ? ""
      : `checks red: ${names(
          causes.red.map((status) => status.context),
          5,
        )}`,
  ].filter((cause) => cause !== "");
}
