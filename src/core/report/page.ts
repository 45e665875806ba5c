// What every text has in common: the page with its marker on the first line, links to runs, tables of checks, folded parts.

import type { Purpose } from "../marker.ts";
import { formatMarker } from "../marker.ts";
import {
  code,
  duration,
  fenced,
  harmlessPart,
  oneLine,
  pageCharactersMax,
  shorten,
  tail,
  withoutControls,
} from "../text.ts";

export interface RunLink {
  number: number | null;
  /** Page of the run; null outside a server. */
  url: string | null;
}

/** A check as a table shows it. */
export interface CheckRow {
  command: string;
  exitCode: number | null;
  durationMs: number;
}

export interface CheckResult extends CheckRow {
  /** End of its output. */
  tail: string;
}

/** Checks that the host ran, or "statuses": left to the checks of the repository. */
export type Checked = readonly CheckRow[] | "statuses";

/** A check of the repository itself; a `StatusEntry` of the port is one. */
export interface ForeignState {
  context: string;
  state: string;
}

export const footer =
  "<sub>by agent-dispatch; `hold` or `/agent stop` stops it, `/agent run` asks for another go</sub>";

export function runText(run: RunLink): string {
  if (run.number === null) return "a run outside the server";
  return run.url === null ? `run ${run.number}` : `[run ${run.number}](${run.url})`;
}

/** The marker, then the parts that are not empty; cut at the longest page that the forge takes. */
export function page(
  purpose: Purpose,
  values: Readonly<Record<string, string | number>>,
  parts: readonly string[],
): string {
  return shorten(
    [formatMarker(purpose, { ...values }), ...parts.filter((part) => part !== "")].join("\n\n"),
    pageCharactersMax,
  );
}

/** A sentence that pings the person who must act, where one is known. */
export function to(login: string, text: string): string {
  return login === "" ? capital(text) : `@${login} ${text}`;
}

export function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

/** `1 file`, `2 files`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A commit id as people know it. */
export function short(sha: string): string {
  return code(sha.slice(0, 10));
}

/** `round 2 of 3`. */
export function roundText(round: number, roundsMax: number): string {
  return `round ${round} of ${roundsMax}`;
}

export function tookText(durationMs: number, costUsd: number | null): string {
  return `<sub>Took ${duration(durationMs)}${costText(costUsd)}.</sub>`;
}

export function costText(costUsd: number | null): string {
  return costUsd === null ? "" : `, ${costUsd.toFixed(2)} USD`;
}

/**
 * Foreign Markdown that stands above other parts of a page. Beside fences and folds also what would swallow the rest of the page is made inert:
 * these tags and declarations run to their end, blank lines or not, and the forge takes some of them out with all that is in them.
 */
export function quoted(text: string, charactersMax: number): string {
  return harmlessPart(
    withoutControls(text).replace(/<(?=\/?(?:script|style|pre|textarea)\b|[!?](?!--))/gi, "&lt;"),
    charactersMax,
  );
}

/** Foreign output behind a title of ours; nothing when it is empty. */
export function folded(title: string, text: string): string {
  return text.trim() === "" ? "" : foldedPart(title, fenced(tail(text, 6_000)));
}

/** Markdown that is harmless already, behind a title of ours; nothing when it is empty. */
export function foldedPart(title: string, markdown: string): string {
  return markdown.trim() === "" ? "" : `<details><summary>${title}</summary>\n\n${markdown}\n\n</details>`;
}

/** Most rows of a table of checks. */
const checksMax = 30;

export function checkTable(checks: Checked, head: string): string {
  const on = `on ${short(head)}`;
  if (checks === "statuses") return `Left to the checks of this repository, ${on}.`;
  if (checks.length === 0) return `No checks are configured (\`checks\`); nothing was run ${on}.`;
  const rows = checks
    .slice(0, checksMax)
    .map((c) => `| ${cell(code(c.command))} | ${c.exitCode ?? "none"} | ${duration(c.durationMs)} |`);
  if (checks.length > checksMax) rows.push(`| and ${checks.length - checksMax} more | | |`);
  return [`| check ${on} | exit code | time |`, "|---|---|---|", ...rows].join("\n");
}

/** A text as a cell of a table: nothing in it ends the cell. */
export function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** Most names in a sentence. */
const namesMax = 10;

/** Names of paths or checks in a sentence, the rest counted. */
export function names(list: readonly string[], most = namesMax): string {
  const named = list.slice(0, most).map((name) => code(name, 100));
  return `${named.join(", ")}${list.length > most ? `, and ${list.length - most} more` : ""}`;
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
