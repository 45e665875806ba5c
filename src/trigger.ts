// What started the run, from the executor's variables and the event's payload. Only a reason to look: nothing of it is believed about the forge.

import * as z from "zod";
import type { Trigger } from "./core/model.ts";
import type { ClaimedRun } from "./own-run.ts";

const Payload = z.looseObject({
  action: z.string().optional(),
  sender: z.looseObject({ login: z.string() }).optional(),
  issue: z.looseObject({ number: z.int() }).optional(),
  pull_request: z.looseObject({ number: z.int() }).optional(),
  number: z.int().optional(),
  /** Of a comment: whether it stands on a pull request. */
  is_pull: z.boolean().optional(),
});

export interface Executor {
  /** Name of the event, as `GITHUB_EVENT_NAME` has it. */
  event: string;
  payload: unknown;
  /** Login of who started the run, where the executor says it truly: on a server. */
  actor: string | null;
  /** Identity of the run, for the order that a run by hand is. */
  runId: string;
  /** The run on the server that the executor names; null where it names none. To be proved by the forge before it is believed. */
  claimed: ClaimedRun | null;
}

/** `item` and `message` are the inputs; an item named by the input wins over the event's. */
export function triggerOf(executor: Executor, item: number | null, message: string): Trigger {
  const parsed = Payload.safeParse(executor.payload);
  const payload = parsed.success ? parsed.data : {};
  const event = kindOf(executor.event);
  const actor = payload.sender?.login ?? executor.actor;
  const named =
    event === "label" || event === "comment" ? (payload.issue?.number ?? payload.pull_request?.number ?? null) : null;
  // By hand with a name: an order. A dispatch that the program made itself is recognised by its actor, later.
  const byHand = event === "dispatch" && item !== null;
  return { event, item: item ?? named, message, actor, byHand, orderId: `dispatch:${executor.runId}` };
}

/** Gitea gives a run for a comment on a fork's pull request no secrets; whether it is a fork's, the payload does not say. */
export function mayLackSecrets({ event, payload }: Executor): boolean {
  const parsed = Payload.safeParse(payload);
  return kindOf(event) === "comment" && parsed.success && parsed.data.is_pull === true;
}

function kindOf(event: string): Trigger["event"] {
  switch (event) {
    case "schedule":
      return "schedule";
    case "workflow_dispatch":
      return "dispatch";
    case "issues":
    case "pull_request":
    case "pull_request_target":
      return "label";
    case "issue_comment":
    case "pull_request_comment":
    case "pull_request_review":
    case "pull_request_review_comment":
    case "pull_request_review_approved":
    case "pull_request_review_rejected":
      return "comment";
    default:
      return "other";
  }
}
