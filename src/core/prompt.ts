// Prompts: a template with placeholders, filled with the facts of one item. Foreign text stands in fences that it cannot end (else it could
// forge a comment by somebody with more rights), labelled with its author's right, never executed and never a path or an argument.

import type { Comment } from "../forge/port.ts";
import type { LastFailure } from "../ledger/record.ts";
import { safetyBlock } from "../prompts/safety.ts";
import { fenced, shorten, tail, withoutControls } from "./text.ts";

export type PromptOutcome =
  | { kind: "prompt"; text: string }
  | { kind: "unknown-placeholders"; names: string[]; known: string[] };

/** Longest prompt, in characters. */
export const promptCharactersMax = 400_000;

/** Fills `{{name}}`. A placeholder that is not known is an error of whoever wrote the template. Values are never filled again. */
export function fill(template: string, values: Readonly<Record<string, string>>): PromptOutcome {
  const unknown = new Set<string>();
  const filled = template.replace(/\{\{\s*([\w-]+)\s*\}\}/g, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) unknown.add(name);
    return value ?? "";
  });
  if (unknown.size > 0) return { kind: "unknown-placeholders", names: [...unknown], known: Object.keys(values) };
  return {
    kind: "prompt",
    text: shorten(`${safetyBlock}${filled.replace(/\n{3,}/g, "\n\n").trim()}\n`, promptCharactersMax),
  };
}

/** Files that tell an agent about a repository, in the order in which they are named to it. */
export const contextFileNames = ["AGENTS.md", "CLAUDE.md", "CONTRIBUTING.md", "README.md", ".cursorrules"];

export interface PromptFacts {
  item: number;
  title: string;
  body: string;
  author: string;
  comments: readonly QuotedComment[];
  /** Words of the order. */
  instruction: string;
  attempt: number;
  attemptsMax: number;
  lastFailure: LastFailure | null;
  contextFiles: readonly string[];
  checks: readonly string[] | "statuses";
  minutes: number;
  base: string;
  resultFile: string;
}

export interface QuotedComment {
  author: string;
  at: string;
  /** "may write code here", "may not write code here", … */
  right: string;
  body: string;
}

/** Values for the placeholders of the built-in templates and of a repository's own. */
export function promptValues(f: PromptFacts): Record<string, string> {
  return {
    item: String(f.item),
    title: withoutControls(f.title).replace(/\s+/g, " ").trim(),
    body: f.body.trim() === "" ? "(The issue has no text but its title.)" : fenced(f.body.trim(), "markdown"),
    author: f.author,
    comments: commentsText(f.comments),
    instruction:
      f.instruction === "" ? "" : `\n# What the person who asked adds\n\n${withoutControls(f.instruction)}\n`,
    earlier: earlierText(f),
    attempt: String(f.attempt),
    contextFiles:
      f.contextFiles.length === 0
        ? "the repository's own documentation"
        : f.contextFiles.map((file) => `\`${file}\``).join(", "),
    checks: checksText(f.checks),
    minutes: String(Math.max(1, Math.floor(f.minutes))),
    base: f.base,
    resultFile: f.resultFile,
  };
}

function checksText(checks: PromptFacts["checks"]): string {
  if (checks === "statuses") return "the project's own tests (its CI checks the pull request).";
  if (checks.length === 0) return "the project's own tests, as its documentation says.";
  return checks.map((check) => `\`${check}\``).join(", then ");
}

function commentsText(comments: readonly QuotedComment[]): string {
  if (comments.length === 0) return "";
  const quoted = comments.map(
    (c) => `## @${c.author} (${c.right}), ${c.at}\n\n${fenced(shorten(c.body.trim(), 20_000), "markdown")}`,
  );
  return `\n# Comments\n\n${quoted.join("\n\n")}`;
}

function earlierText(f: PromptFacts): string {
  if (f.attempt <= 1 || f.lastFailure === null) return "";
  const advice =
    f.attempt >= 3
      ? "This is a late try: do the smallest part that stands on its own, or answer `needs-info` with a proposal how to split the issue."
      : "Do not repeat what failed; if the issue is too large for one go, do a part that stands on its own.";
  return `\n# Earlier attempts\n\nThis is attempt ${f.attempt} of ${f.attemptsMax}. The last one ended as **${f.lastFailure.class}**:\n\n${fenced(tail(f.lastFailure.text, 4_000))}\n\n${advice}\n`;
}

/** Comments that go into the prompt: none of the program's own, and none that untrusted people wrote or edited after the order. */
export function quotable(
  comments: readonly Comment[],
  options: {
    isProgram(login: string): boolean;
    right(login: string): { trusted: boolean; words: string };
    orderAt: number;
  },
): QuotedComment[] {
  return comments.flatMap((comment) => {
    if (options.isProgram(comment.author)) return [];
    const { trusted, words } = options.right(comment.author);
    if (!trusted && comment.updatedAt > options.orderAt) return [];
    return [
      { author: comment.author, at: new Date(comment.createdAt).toISOString(), right: words, body: comment.body },
    ];
  });
}
