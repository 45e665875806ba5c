import type { CommitStatus, Repo } from "../model.ts";
import { fullName, type World } from "../world.ts";
import { time } from "./time.ts";
import { userView } from "./user.ts";

export function statusView(world: World, repo: Repo, status: CommitStatus): Record<string, unknown> {
  return {
    id: status.index,
    status: status.state,
    target_url: status.targetUrl,
    description: status.description,
    url: `${world.url}/api/v1/repos/${fullName(repo)}/statuses/${status.sha}`,
    context: status.context,
    // The user of Actions is no row of the table of users.
    creator: status.creator.kind === "actions" ? null : userView(world, status.creator, undefined),
    created_at: time(status.createdAt),
    updated_at: time(status.createdAt),
  };
}
