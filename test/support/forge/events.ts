import type { Entry, Issue, Repo, Review, User } from "./model.ts";
import { repositoryView } from "./views/repository.ts";
import { userView } from "./views/user.ts";
import type { World } from "./world.ts";

/** One event as Gitea hands it to Actions: `event` is `github.event_name`, `payload` is `event.json`. */
export interface ForgeEvent {
  event: string;
  repository: string;
  payload: Record<string, unknown>;
  at: number;
  /** Set by the automatic token: Gitea starts no workflow for it. */
  silent: boolean;
}

/** Makes views lazily: they are needed only when somebody looks at the event. */
export type PayloadParts = Record<string, unknown>;

export function emit(world: World, repo: Repo, event: string, sender: User, parts: PayloadParts): void {
  const payload = {
    ...parts,
    repository: repositoryView(world, repo, { user: undefined, token: undefined }),
    sender: userView(world, sender, undefined),
  };
  const made: ForgeEvent = {
    event,
    repository: `${repo.owner.login}/${repo.name}`,
    payload,
    at: world.nowMs(),
    silent: sender === world.actionsUser && event !== "workflow_dispatch",
  };
  world.events.push(made);
  world.bus.emit("event", made);
}

export type IssueParts = (issue: Issue) => Promise<Record<string, unknown>>;
export type { Entry, Issue, Review };
