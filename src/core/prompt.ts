// Prompts: a template with placeholders, filled with the facts of one item. Foreign text stands in fences that it cannot end (else it could
// forge a comment by somebody with more rights), labelled with its author's right, never executed and never a path or an argument.

import type { Comment } from "../forge/model.ts";
import { safetyBlock } from "../prompts/safety.ts";
import { earlierText, type ItemFacts, itemValues, type QuotedComment, questionText } from "./prompt/item.ts";
import { shorten, withoutControls } from "./text.ts";

export type { ItemFacts, QuotedComment } from "./prompt/item.ts";
export * from "./prompt/review.ts";
export * from "./prompt/rework.ts";

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

export interface PromptFacts extends ItemFacts {
  base: string;
}

/** Values for the placeholders of the author's template, built-in or a repository's own. */
export function promptValues(f: PromptFacts): Record<string, string> {
  return {
    ...itemValues(f),
    instruction: `${questionText(f.question)}${addedText(f.instruction)}`,
    earlier: earlierText(f, authorAdvice(f.attempt)),
    base: f.base,
  };
}

function addedText(instruction: string): string {
  return instruction === "" ? "" : `\n# What the person who asked adds\n\n${withoutControls(instruction)}\n`;
}

function authorAdvice(attempt: number): string {
  return attempt >= 3
    ? "This is a late try: do the smallest part that stands on its own, or answer `needs-info` with a proposal how to split the issue."
    : "Do not repeat what failed; if the issue is too large for one go, do a part that stands on its own.";
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
