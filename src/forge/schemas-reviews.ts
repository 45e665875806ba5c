import * as z from "zod";
import type { LineComment, Review } from "./model.ts";
import { list, login, text, time } from "./schemas.ts";

/** A review as listed, with those that only their author sees. */
export interface ReviewEntry {
  review: Review;
  pending: boolean;
}

const states = new Map<string, Review["state"]>([
  ["APPROVED", "approved"],
  ["REQUEST_CHANGES", "changes-requested"],
  ["COMMENT", "comment"],
  ["REQUEST_REVIEW", "review-requested"],
]);

export const reviewEntry: z.ZodType<ReviewEntry> = z
  .object({
    id: z.number(),
    // Null for the request to a team, and where the account is gone.
    user: login,
    state: z.string(),
    body: text,
    commit_id: text,
    official: z.boolean().nullish(),
    dismissed: z.boolean().nullish(),
    comments_count: z.number().nullish(),
    submitted_at: time,
    html_url: text,
  })
  .transform((r) => ({
    pending: r.state === "PENDING",
    review: {
      id: r.id,
      author: r.user,
      state: states.get(r.state) ?? "other",
      body: r.body,
      commit: r.commit_id,
      official: r.official ?? false,
      dismissed: r.dismissed ?? false,
      comments: r.comments_count ?? 0,
      at: r.submitted_at,
      htmlUrl: r.html_url,
    },
  }));

export const reviewEntries = list(reviewEntry);

const lineComment: z.ZodType<LineComment> = z
  .object({
    id: z.number(),
    pull_request_review_id: z.number(),
    user: login,
    body: text,
    path: z.string(),
    // 0 for a comment on a line of the old file.
    position: z.number().nullish(),
    created_at: time,
  })
  .transform((c) => ({
    id: c.id,
    review: c.pull_request_review_id,
    author: c.user,
    body: c.body,
    path: c.path,
    line: c.position ? c.position : null,
    at: c.created_at,
  }));

export const lineComments = list(lineComment);
