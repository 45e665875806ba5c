import type { Issue } from "../model.ts";
import { issueView } from "../views/issue.ts";
import { pullListView } from "../views/pull.ts";
import type { World } from "../world.ts";

/** `{issue}` or `{pull_request}` with its number, as payloads carry it. */
export function subject(world: World, issue: Issue): Record<string, unknown> {
  const number = issue.number;
  if (!issue.pull) return { number, issue: issueView(world, issue, undefined) };
  return { number, pull_request: pullListView(world, issue.pull, { user: undefined, token: undefined }) };
}
