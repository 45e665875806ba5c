// The log of a run. The runner obeys every line that begins with `::`, so none of ours does, whatever it quotes.

import * as core from "@actions/core";
import type { Redact } from "./core/redact.ts";
import { withoutControls } from "./core/text.ts";
import type { Log } from "./ports.ts";

export function actionLog(redact: Redact): Log {
  const safe = (text: string) =>
    redact(withoutControls(redact(text)))
      .split("\n")
      .map(inert)
      .join("\n");
  return {
    line: (text) => core.info(safe(text)),
    warning: (text) => core.warning(safe(text)),
    group: (title, task) => core.group(safe(title), task),
  };
}

/** A line that no runner takes for a command: `::set-output …`, `##[group]…`. */
export function inert(line: string): string {
  return /^\s*(::|##\[)/.test(line) ? `\u200b${line}` : line;
}
