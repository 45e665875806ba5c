// What the forge's own checks say about a commit: statuses that others than this program set.

import { Minimatch } from "minimatch";
import type { StatusEntry } from "../forge/model.ts";

export interface ForeignChecks {
  /** Failed, of those that count. */
  red: StatusEntry[];
  /** Not ended yet, of those that count. */
  pending: StatusEntry[];
  /** Required patterns for which nothing has been reported. */
  missing: string[];
  /** All that count. */
  all: StatusEntry[];
}

/**
 * Statuses that count: where the base branch requires some, those; else every foreign one. Own ones and those of the workflow that this program
 * runs in never do, since its run would wait for itself. `warning` and `skipped` are green, as on the forge; a state we do not know is pending.
 */
export function foreignChecks(
  statuses: readonly StatusEntry[],
  required: readonly string[],
  workflow: string,
): ForeignChecks {
  const foreign = statuses.filter((status) => !isOwn(status.context, workflow));
  const patterns = required.filter((pattern) => !isOwn(pattern, workflow));
  const matchers = patterns.map((pattern) => ({ pattern, matches: matcher(pattern) }));
  const all = patterns.length === 0 ? foreign : foreign.filter((s) => matchers.some((m) => m.matches(s.context)));
  return {
    red: all.filter((s) => s.state === "failure" || s.state === "error"),
    pending: all.filter((s) => s.state === "pending" || s.state === "unknown"),
    missing: matchers.filter((m) => !foreign.some((s) => m.matches(s.context))).map((m) => m.pattern),
    all,
  };
}

function isOwn(context: string, workflow: string): boolean {
  return context.startsWith("agent-dispatch/") || (workflow !== "" && context.startsWith(`${workflow} / `));
}

// The forge's patterns know no separators: `*` reaches over slashes, which are hidden from the matcher for that. A context such as
// `ci / test (push)` is no extended glob.
function matcher(pattern: string): (context: string) => boolean {
  if (pattern.length > 200) return (context) => context === pattern;
  const hidden = (text: string) => text.replaceAll("/", "\u0001");
  const options = { dot: true, noext: true, nonegate: true, nocomment: true, noglobstar: true };
  const glob = new Minimatch(hidden(pattern), options);
  return (context) => context === pattern || glob.match(hidden(context));
}
