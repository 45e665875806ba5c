// The pull request: its title and body.

import { inline, titleOf } from "../text.ts";
import { type Checked, checkTable, counted, folded, page, quoted, type RunLink, runText } from "./page.ts";

export interface Change {
  files: number;
  insertions: number;
  deletions: number;
  /** `path | +3 -1`, at most a screen. */
  lines: string[];
}

export interface PullText {
  issue: number;
  generation: number;
  title: string;
  /** The agent's own text for the body; empty = its summary. */
  body: string;
  summary: string;
  finished: boolean;
  profile: string;
  run: RunLink;
  checks: Checked;
  head: string;
  change: Change;
  followUps: readonly { title: string; body: string }[];
  droppedWorkflows: number;
}

export function pullTitle(title: string, issueTitle: string): string {
  const own = titleOf(title);
  return own === "" ? titleOf(issueTitle) || "Work on the issue" : own;
}

export function pullBody(p: PullText): string {
  const done = quoted(p.body.trim() === "" ? p.summary : p.body, 30_000);
  const closing = p.finished ? "Closes" : "Refs";
  return page("pull", { issue: p.issue, generation: p.generation }, [
    done === "" ? "The agent left no description." : done,
    `### How it was checked\n\n${checkTable(p.checks, p.head)}`,
    `### What changed\n\n${changeText(p.change)}`,
    p.droppedWorkflows === 0 ? "" : "Changes to workflow files were taken out; they are in a comment as a patch.",
    followUpsText(p.followUps.map((f) => f.title)),
    `<sub>Written by the agent \`${p.profile}\` in ${runText(p.run)}. The text above is the agent's; the tables are measured.</sub>`,
    `${closing} #${p.issue}`,
  ]);
}

/** Most follow-ups on a page. */
const followUpsMax = 10;

/** What the author left out, by its own words; nothing when that is nothing. */
export function followUpsText(titles: readonly string[]): string {
  if (titles.length === 0) return "";
  return `### What is left\n\n${titles
    .slice(0, followUpsMax)
    .map((title) => `- ${inline(title)}`)
    .join("\n")}`;
}

function changeText(change: Change): string {
  const head = `${counted(change.files, "file")}, +${change.insertions} −${change.deletions}`;
  return change.lines.length === 0 ? head : `${head}\n\n${folded("Files", change.lines.join("\n"))}`;
}
