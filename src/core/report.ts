// Every text that people read on the forge, in one file: status comment, pull request, question, blocked, refusal, patch.
// Short, the most important first, long parts folded. Foreign words pass `harmless`; the redaction happens where texts leave the program.

import type { FailureClass } from "./failure.ts";
import { failureRules } from "./failure.ts";
import { formatMarker } from "./marker.ts";
import {
  clockTime,
  code,
  duration,
  fenced,
  harmlessPart,
  inline,
  oneLine,
  pageCharactersMax,
  shorten,
  tail,
  titleOf,
} from "./text.ts";

export interface RunLink {
  number: number | null;
  /** Page of the run; null outside a server. */
  url: string | null;
}

export interface CheckResult {
  command: string;
  exitCode: number | null;
  durationMs: number;
  /** End of its output. */
  tail: string;
}

export interface Change {
  files: number;
  insertions: number;
  deletions: number;
  /** `path | +3 -1`, at most a screen. */
  lines: string[];
}

const footer = "<sub>by agent-dispatch; put `hold` on to stop it, `/agent run` to ask for another go</sub>";

function runText(run: RunLink): string {
  if (run.number === null) return "a run outside the server";
  return run.url === null ? `run ${run.number}` : `[run ${run.number}](${run.url})`;
}

export interface Working {
  attempt: number;
  attemptsMax: number;
  profile: string;
  run: RunLink;
  branch: string;
  askedBy: string;
  startedAt: string;
  sandboxed: boolean;
}

export function workingComment(w: Working): string {
  return page(formatMarker("status"), [
    `**Working on this** · attempt ${w.attempt} of ${w.attemptsMax} · \`${w.profile}\` · ${runText(w.run)}`,
    `${w.askedBy === "" ? "" : `Asked for by ${w.askedBy}. `}The work will come as a pull request from \`${w.branch}\`. Started ${clockTime(w.startedAt)}.`,
    w.sandboxed ? "" : "The agent runs without a sandbox.",
    footer,
  ]);
}

export interface Published {
  profile: string;
  run: RunLink;
  attempt: number;
  durationMs: number;
  costUsd: number | null;
  checks: readonly CheckResult[] | "statuses";
  head: string;
  summary: string;
}

export function publishedComment(p: Published): string {
  return page(formatMarker("status"), [
    `**Pull request #{{pull}} is open** and waits for review · attempt ${p.attempt} · \`${p.profile}\` · ${runText(p.run)}`,
    inline(p.summary, 400),
    checkTable(p.checks, p.head),
    `<sub>Took ${duration(p.durationMs)}${p.costUsd === null ? "" : `, ${p.costUsd.toFixed(2)} USD`}.</sub>`,
  ]);
}

export interface Failed {
  failure: FailureClass;
  text: string;
  attempt: number;
  attemptsMax: number;
  costsAttempt: boolean;
  /** Null: no further try by itself. */
  nextAt: string | null;
  run: RunLink;
  profile: string;
  /** End of what the agent or a check printed. */
  output: string;
}

export function failedComment(f: Failed): string {
  const counted = f.costsAttempt ? `attempt ${f.attempt} of ${f.attemptsMax}` : "not counted as an attempt";
  return page(formatMarker("status"), [
    `**Not done yet: ${f.failure}** · ${counted} · \`${f.profile}\` · ${runText(f.run)}`,
    inline(f.text, 600),
    f.nextAt === null ? "" : `It is tried again after ${clockTime(f.nextAt)}. ${failureRules[f.failure].remedy}`,
    folded("End of the output", f.output),
    footer,
  ]);
}

export interface GaveUp {
  askedBy: string;
  failure: FailureClass | null;
  text: string;
  attempts: number;
  run: RunLink;
  output: string;
  key: string;
}

/** A new comment, because a person must act. */
export function blockedComment(g: GaveUp): string {
  const tries =
    g.attempts === 0 ? "without starting an agent" : `after ${g.attempts} attempt${g.attempts === 1 ? "" : "s"}`;
  return page(formatMarker("blocked", { key: g.key }), [
    to(g.askedBy, `this needs you: the program gave up ${tries}${g.failure === null ? "" : ` (**${g.failure}**)`}.`),
    inline(g.text, 600),
    g.failure === null ? "" : failureRules[g.failure].remedy,
    folded("End of the output", g.output),
    `To go on: change what is needed, then put the trigger label on again or write \`/agent run\` with a hint.`,
    `<sub>Last: ${runText(g.run)}</sub>`,
  ]);
}

export function statusLine(text: string, run: RunLink): string {
  return page(formatMarker("status"), [`${text} · ${runText(run)}`]);
}

export function questionComment(askedBy: string, question: string, run: RunLink, key: string): string {
  return page(formatMarker("question", { key }), [
    to(askedBy, "the agent asks before it can go on:"),
    harmlessPart(question, 20_000) || "(The agent asks, but left no question; see the log of the run.)",
    `Answer here, then put the trigger label on again or write \`/agent run\`.`,
    `<sub>From ${runText(run)}</sub>`,
  ]);
}

export function noChangeComment(askedBy: string, evidence: string, run: RunLink, key: string): string {
  return page(formatMarker("question", { key }), [
    to(askedBy, "the agent says that nothing needs to be changed here:"),
    harmlessPart(evidence, 20_000) || "(The agent left no evidence; see the log of the run.)",
    `If that is right, close the issue. If not, say what is missing and put the trigger label on again.`,
    `<sub>From ${runText(run)}</sub>`,
  ]);
}

export function refusalComment(id: string, text: string): string {
  return page(formatMarker("refusal", { for: id }), [text]);
}

const pathsMax = 5;
const patchCharactersMax = 40_000;

/** Workflow files are never pushed: a push runs them with the repository's secrets. A person applies the patch. */
export function patchComment(paths: readonly string[], patch: string, key: string): string {
  const named = paths.slice(0, pathsMax).map((path) => code(path, 100));
  const more = paths.length > pathsMax ? `, and ${paths.length - pathsMax} more` : "";
  const whole = patch.length <= patchCharactersMax;
  return page(formatMarker("patch", { key }), [
    `The agent also changed ${paths.length === 1 ? "a workflow file" : `${paths.length} workflow files`}: ${named.join(", ")}${more}.`,
    "Such changes are never pushed, because they would run with this repository's secrets. " +
      (whole
        ? "To take them over, read the patch and apply it with `git apply`:"
        : "The patch is too long for a comment; this is its beginning, to be taken over by hand:"),
    fenced(whole ? patch : shorten(patch, patchCharactersMax), "diff"),
  ]);
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
  checks: readonly CheckResult[] | "statuses";
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
  const done = harmlessPart(p.body.trim() === "" ? p.summary : p.body, 30_000);
  const closing = p.finished ? "Closes" : "Refs";
  return page(formatMarker("pull", { issue: p.issue, generation: p.generation }), [
    done === "" ? "The agent left no description." : done,
    `### How it was checked\n\n${checkTable(p.checks, p.head)}`,
    `### What changed\n\n${changeText(p.change)}`,
    p.droppedWorkflows === 0 ? "" : "Changes to workflow files were taken out; they are in a comment as a patch.",
    p.followUps.length === 0
      ? ""
      : `### What is left\n\n${p.followUps
          .slice(0, 10)
          .map((f) => `- ${inline(f.title)}`)
          .join("\n")}`,
    `<sub>Written by the agent \`${p.profile}\` in ${runText(p.run)}. The text above is the agent's; the tables are measured.</sub>`,
    `${closing} #${p.issue}`,
  ]);
}

/** Most rows of a table of checks. */
const checksMax = 30;

function checkTable(checks: readonly CheckResult[] | "statuses", head: string): string {
  const on = `on \`${head.slice(0, 10)}\``;
  if (checks === "statuses") return `Left to the checks of this repository, ${on}.`;
  if (checks.length === 0) return `No checks are configured (\`checks\`); nothing was run ${on}.`;
  const rows = checks
    .slice(0, checksMax)
    .map((c) => `| ${code(c.command).replaceAll("|", "\\|")} | ${c.exitCode ?? "none"} | ${duration(c.durationMs)} |`);
  if (checks.length > checksMax) rows.push(`| and ${checks.length - checksMax} more | | |`);
  return [`| check ${on} | exit code | time |`, "|---|---|---|", ...rows].join("\n");
}

function changeText(change: Change): string {
  const head = `${change.files} file${change.files === 1 ? "" : "s"}, +${change.insertions} −${change.deletions}`;
  return change.lines.length === 0 ? head : `${head}\n\n${folded("Files", change.lines.join("\n"))}`;
}

/** A sentence that pings the person who must act, where one is known. */
function to(login: string, text: string): string {
  return login === "" ? `${text.slice(0, 1).toUpperCase()}${text.slice(1)}` : `@${login} ${text}`;
}

function folded(title: string, text: string): string {
  if (text.trim() === "") return "";
  return `<details><summary>${title}</summary>\n\n${fenced(tail(text, 6_000))}\n\n</details>`;
}

function page(marker: string, parts: readonly string[]): string {
  return shorten([marker, ...parts.filter((part) => part !== "")].join("\n\n"), pageCharactersMax);
}

/** A text for the log and the outputs: one short line. */
export function plain(text: string): string {
  return oneLine(text, 300).replaceAll("\u200b", "");
}

/** As `plain`, ending like a sentence. */
export function sentence(text: string): string {
  const words = plain(text).replace(/[.:\s]+$/, "");
  return /[?!…]$/.test(words) ? words : `${words}.`;
}
