import * as z from "zod";
import type { Comment, Issue, PlacedComment, Pull, TimelineEntry } from "./model.ts";
import { label, labels, list, login, text, time } from "./schemas.ts";

/**
 * Who wrote something. Imported texts carry the importer as user and the true author in `original_author`: the importer must not be taken
 * for the one who gave the orders in them, so the name is made one that no account can have.
 */
function author(user: string, original: string): string {
  return original === "" ? user : `${original} (imported)`;
}

const state = z.enum(["open", "closed"]);

export const issue: z.ZodType<Issue> = z
  .object({
    number: z.number(),
    title: z.string(),
    body: text,
    user: login,
    original_author: text,
    state,
    is_locked: z.boolean(),
    labels,
    assignees: list(login),
    pull_request: z.object({}).nullish(),
    html_url: z.string(),
    created_at: time,
    updated_at: time,
    comments: z.number(),
  })
  .transform((i) => ({
    number: i.number,
    title: i.title,
    body: i.body,
    author: author(i.user, i.original_author),
    state: i.state,
    locked: i.is_locked,
    labels: i.labels,
    assignees: i.assignees,
    isPull: i.pull_request !== null && i.pull_request !== undefined,
    htmlUrl: i.html_url,
    createdAt: i.created_at,
    updatedAt: i.updated_at,
    comments: i.comments,
  }));

export const issues = list(issue);

/** A pull request with the name of its head branch, which outlives the branch; `headRef` does not. */
export interface PullEntry {
  pull: Pull;
  headBranch: string;
}

export const pullEntry: z.ZodType<PullEntry> = z
  .object({
    number: z.number(),
    title: z.string(),
    body: text,
    user: login,
    state,
    merged: z.boolean(),
    draft: z.boolean().nullish(),
    is_locked: z.boolean(),
    labels,
    assignees: list(login),
    head: z.object({ label: z.string(), ref: z.string(), sha: z.string(), repo_id: z.number() }),
    base: z.object({ ref: z.string(), repo_id: z.number() }),
    merge_base: text,
    mergeable: z.boolean().nullish(),
    html_url: z.string(),
    created_at: time,
    updated_at: time,
    closed_at: time.nullish(),
  })
  .transform((p) => ({
    headBranch: p.head.label,
    pull: {
      number: p.number,
      title: p.title,
      body: p.body,
      author: p.user,
      state: p.state,
      merged: p.merged,
      draft: p.draft ?? false,
      locked: p.is_locked,
      labels: p.labels,
      assignees: p.assignees,
      headRef: p.head.ref,
      headSha: p.head.sha,
      headIsHere: p.head.repo_id === p.base.repo_id,
      baseRef: p.base.ref,
      mergeBase: p.merge_base,
      mergeable: p.mergeable ?? false,
      htmlUrl: p.html_url,
      createdAt: p.created_at,
      updatedAt: p.updated_at,
      closedAt: p.closed_at ?? null,
    },
  }));

export const pull: z.ZodType<Pull> = pullEntry.transform((entry) => entry.pull);
export const pullEntries = list(pullEntry);

const commentFields = {
  id: z.number(),
  user: login,
  original_author: text,
  body: text,
  created_at: time,
  updated_at: time,
  html_url: z.string(),
};

function commentOf(c: z.infer<z.ZodObject<typeof commentFields>>): Comment {
  return {
    id: c.id,
    author: author(c.user, c.original_author),
    body: c.body,
    createdAt: c.created_at,
    updatedAt: c.updated_at,
    htmlUrl: c.html_url,
  };
}

export const comment: z.ZodType<Comment> = z.object(commentFields).transform(commentOf);

export const comments = list(comment);

/** A comment in the list of the whole repository. One of the two addresses is empty: the forge names an issue or a pull request. */
const placedComment: z.ZodType<PlacedComment> = z
  .object({ ...commentFields, issue_url: text, pull_request_url: text })
  .transform((c, context) => {
    const number = /\/(?:issues|pulls)\/(\d+)$/.exec(c.issue_url === "" ? c.pull_request_url : c.issue_url)?.[1];
    if (number !== undefined) return { ...commentOf(c), issue: Number(number) };
    context.addIssue({ code: "custom", message: "Invalid input: expected the address of an issue or pull request" });
    return z.NEVER;
  });

export const placedComments = list(placedComment);

export const dependencies = list(
  z
    .object({ number: z.number(), state, repository: z.object({ full_name: z.string() }) })
    .transform((d) => ({ repository: d.repository.full_name, number: d.number, state: d.state })),
);

const entryBase = { id: z.number(), user: login, created_at: time };

/** Types of timeline entries that are read further. Gitea's `label` with body "1" is an addition, with an empty one a removal. */
const knownEntry = z.discriminatedUnion("type", [
  z.object({ ...entryBase, type: z.literal("label"), body: text, label: label.nullish() }),
  z.object({ ...entryBase, type: z.literal("assignees"), assignee: login, removed_assignee: z.boolean().nullish() }),
  z.object({ ...entryBase, type: z.literal("close") }),
  z.object({ ...entryBase, type: z.literal("reopen") }),
  z.object({ ...entryBase, type: z.literal("pull_push"), body: text }),
]);

const knownTypes: ReadonlySet<unknown> = new Set(["label", "assignees", "close", "reopen", "pull_push"]);

/** Null for an entry that the program does not read: of a type it has no use for, or about a label or account that is gone. */
export type TimelineLine = { id: number; entry: TimelineEntry | null };

const line: z.ZodType<TimelineLine> = z
  .object({ id: z.number(), type: z.string() })
  .loose()
  .transform((raw, context) => {
    if (!knownTypes.has(raw.type)) return { id: raw.id, entry: null };
    const known = knownEntry.safeParse(raw);
    if (known.success) return { id: raw.id, entry: entryOf(known.data) };
    for (const issue of known.error.issues) {
      context.addIssue({ code: "custom", message: issue.message, path: [...issue.path] });
    }
    return z.NEVER;
  });

export const timeline = list(line);

function entryOf(known: z.infer<typeof knownEntry>): TimelineEntry | null {
  const common = { id: known.id, by: known.user, at: known.created_at };
  switch (known.type) {
    case "label":
      return known.label ? { ...common, kind: "label", label: known.label.name, added: known.body === "1" } : null;
    case "assignees":
      return known.assignee === ""
        ? null
        : { ...common, kind: "assignee", login: known.assignee, added: known.removed_assignee !== true };
    case "close":
    case "reopen":
      return { ...common, kind: known.type };
    case "pull_push":
      return { ...common, kind: "push", body: known.body };
    default:
      return known satisfies never;
  }
}
