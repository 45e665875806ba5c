// Commands in comments: `/agent run make it faster`, or a line that begins with `@<bot account>`.

import { fenceAfter } from "./text.ts";

/** Commands on an issue or pull request, and on the dashboard issue. */
export const verbs = ["run", "review", "fix", "retry", "stop", "why", "pause", "resume"] as const;
export type Verb = (typeof verbs)[number];

export type Command =
  | { kind: "command"; verb: Verb; text: string }
  | { kind: "unknown"; verb: string }
  | { kind: "none" };

/** Longest text taken from a command, in characters; what is longer is cut. */
export const commandTextMax = 8_000;

/**
 * The first command of a comment. Quotes (`> …`) and code (fenced or indented) are not read. The text reaches from behind the verb to the end
 * of the comment, so that an order can have several lines.
 */
export function parseCommand(body: string, bot: string, on: "issue" | "pull"): Command {
  const lines = body.split(/\r?\n/);
  let fence: string | null = null;
  for (const [index, line] of lines.entries()) {
    const inside = fence !== null;
    fence = fenceAfter(fence, line);
    if (inside || fence !== null) continue;
    if (/^( {4}|\t| {0,3}>)/.test(line)) continue;
    const command = commandOf(line.trim(), bot, on);
    if (command === null) continue;
    if (command.kind !== "command") return command;
    const text = [command.text, ...lines.slice(index + 1)].join("\n").trim().slice(0, commandTextMax);
    return { ...command, text };
  }
  return { kind: "none" };
}

function commandOf(line: string, bot: string, on: "issue" | "pull"): Exclude<Command, { kind: "none" }> | null {
  const slash = /^\/agent(?:\s+(\S+)\s*(.*))?$/i.exec(line);
  if (slash !== null) {
    const word = (slash[1] ?? "").toLowerCase();
    const verb = verbs.find((known) => known === word);
    return verb === undefined
      ? { kind: "unknown", verb: word.slice(0, 40) }
      : { kind: "command", verb, text: slash[2] ?? "" };
  }
  const mention = new RegExp(`^@${bot.replace(/[^\w]/g, "\\$&")}(?![\\w-])[:,]?\\s*(.*)$`, "i").exec(line);
  if (mention === null) return null;
  return { kind: "command", verb: on === "pull" ? "fix" : "run", text: mention[1] ?? "" };
}
