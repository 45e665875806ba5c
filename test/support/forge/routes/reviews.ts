import { linesOf } from "../acts/lines.ts";
import { headOf } from "../acts/mergeability.ts";
import { supersede, tellReview } from "../acts/reviews.ts";
import { addEntry } from "../acts/timeline.ts";
import { bind, isRecord } from "../body.ts";
import type { Call } from "../call.ts";
import type { Pull, Review } from "../model.ts";
import { empty, json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { lineCommentView } from "../views/entry.ts";
import { reviewView } from "../views/pull.ts";
import { pullNamed } from "./find.ts";

const base = "/repos/{owner}/{repo}/pulls/{index}/reviews";

/** Reviews and their line comments. */
export const reviewRoutes: Route[] = [
  route("GET", base, "repository", listReviews),
  route("POST", base, "repository", createReview),
  route("GET", `${base}/{id}`, "repository", (call) => shown(call, reviewOf(call))),
  route("POST", `${base}/{id}`, "repository", submitReview),
  route("DELETE", `${base}/{id}`, "repository", deleteReview),
  route("GET", `${base}/{id}/comments`, "repository", listComments),
  route("POST", `${base}/{id}/dismissals`, "repository", (call) => dismiss(call, true)),
  route("POST", `${base}/{id}/undismissals`, "repository", (call) => dismiss(call, false)),
];

function shown(call: Call, review: Review): Reply {
  return json(200, reviewView(call.world, review, call.asker.user));
}

/** A pending review shows to its author and to site administrators. */
function isSeen(call: Call, review: Review): boolean {
  return review.state !== "PENDING" || review.user === call.asker.user || call.asker.user?.isAdmin === true;
}

/** A pending review is left out of another's page, but not of the total. */
function listReviews(call: Call): Reply {
  const all = pullNamed(call).reviews;
  const seen = call.slice(all).filter((review) => isSeen(call, review));
  return json(
    200,
    seen.map((review) => reviewView(call.world, review, call.asker.user)),
    call.total(all.length),
  );
}

function reviewOf(call: Call): Review {
  const pull = pullNamed(call);
  const review = pull.reviews.find((candidate) => candidate.id === call.number("id"));
  if (review && isSeen(call, review)) return review;
  throw call.errors.notFound(`review does not exist [id: ${call.param("id")}]`, "GetReviewByID");
}

/** Words that Gitea does not know, GitHub's `APPROVE` among them, leave the review pending. */
function stateOf(event: string): Review["state"] {
  return event === "APPROVED" || event === "REQUEST_CHANGES" || event === "COMMENT" ? event : "PENDING";
}

const fieldKinds = { event: "string", body: "string", commit_id: "string", comments: "any" } as const;

async function createReview(call: Call): Promise<Reply> {
  call.mustRead("pulls");
  const fields = bind(call, "CreatePullReviewOptions", fieldKinds);
  const pull = pullNamed(call);
  const event = fields.event ?? "";
  const state = stateOf(event);
  const comments = (Array.isArray(fields.comments) ? fields.comments : []).filter(isRecord);
  mustBeAllowed(call, pull, state);
  mustHaveText(call, event, state, (fields.body ?? "").trim(), comments.length);
  const at = call.world.now();
  const head = headOf(call.world, pull);
  const sha = fields.commit_id || head;
  const left = pull.reviews.find((other) => other.state === "PENDING" && other.user === call.user);
  const review: Review = left ?? {
    id: call.world.next("review"),
    pull,
    user: call.user,
    team: null,
    state: "PENDING",
    body: "",
    sha,
    official: false,
    stale: false,
    dismissed: false,
    createdAt: at,
    updatedAt: at,
    entryId: 0,
    comments: [],
  };
  // What went through before a line was refused stays as a pending review, and the next review takes it along.
  for (const comment of comments) {
    if (!left && !pull.reviews.includes(review)) pull.reviews.push(review);
    await mustHaveLine(call, pull, comment);
    review.comments.push(await addLine(call, review, comment));
  }
  Object.assign(review, {
    state,
    body: fields.body ?? "",
    sha,
    official: state !== "COMMENT" && state !== "PENDING" && call.may("code", "write"),
    stale: (await call.world.git(call.repo).isAncestor(sha, head)) && sha !== head,
    updatedAt: at,
  });
  supersede(pull, review);
  if (!pull.reviews.includes(review)) pull.reviews.push(review);
  review.entryId = addEntry(call.world, pull.issue, "review", call.user, { body: review.body, review }).id;
  tellReview(call.world, review);
  return shown(call, review);
}

function mustBeAllowed(call: Call, pull: Pull, state: Review["state"]): void {
  if (state !== "APPROVED" && state !== "REQUEST_CHANGES") return;
  if (pull.issue.state === "closed") {
    throw call.errors.error(422, "can't submit review for a closed or merged PR");
  }
  if (pull.issue.poster !== call.user) return;
  throw call.errors.error(422, `${state === "APPROVED" ? "approve" : "reject"} your own pull is not allowed`);
}

function mustHaveText(call: Call, event: string, state: Review["state"], body: string, comments: number): void {
  if (body !== "" || state === "APPROVED") return;
  if (state === "COMMENT") {
    if (comments > 0) return;
    throw call.errors.error(422, `review event ${event} requires a body or a comment`);
  }
  if (comments > 0) return;
  throw call.errors.error(422, `review event ${event} requires a body`);
}

/** From 1.26 a line that the file does not have refuses the whole review. */
async function mustHaveLine(call: Call, pull: Pull, comment: Record<string, unknown>): Promise<void> {
  if (!call.from26) return;
  const position = Number(comment["new_position"] ?? 0);
  const lines = await linesOf(call.world.git(call.repo), headOf(call.world, pull), String(comment["path"] ?? ""));
  if (lines && position > lines.length) throw call.errors.internal();
}

async function addLine(
  call: Call,
  review: Review,
  comment: Record<string, unknown>,
): Promise<Review["comments"][number]> {
  const path = String(comment["path"] ?? "");
  const position = Number(comment["new_position"] ?? 0);
  const head = headOf(call.world, review.pull);
  const lines = (await linesOf(call.world.git(call.repo), head, path)) ?? [];
  const upTo = lines.slice(0, position).map((line) => `\n+${line}`);
  const hunk = lines.length > 0 ? `@@ -0,0 +1,${lines.length} @@${upTo.join("")}` : "";
  const oldPosition = Number(comment["old_position"] ?? 0);
  return addEntry(call.world, review.pull.issue, "code", call.user, {
    body: String(comment["body"] ?? ""),
    review,
    hidden: true,
    code: { path, position, oldPosition, hunk, sha: head },
  });
}

function submitReview(call: Call): Reply {
  const fields = bind(call, "SubmitPullReviewOptions", fieldKinds);
  const review = reviewOf(call);
  if (review.state !== "PENDING") throw call.errors.error(422, "only a pending review can be submitted");
  const state = stateOf(fields.event ?? "");
  if (state === "PENDING") throw call.errors.error(422, "review stay pending");
  mustBeAllowed(call, review.pull, state);
  mustHaveText(call, fields.event ?? "", state, (fields.body ?? "").trim(), review.comments.length);
  review.state = state;
  review.body = fields.body ?? "";
  review.official = state !== "COMMENT" && call.may("code", "write");
  review.updatedAt = call.world.now();
  supersede(review.pull, review);
  addEntry(call.world, review.pull.issue, "review", call.user, { body: review.body, review });
  tellReview(call.world, review);
  return shown(call, review);
}

function deleteReview(call: Call): Reply {
  const review = reviewOf(call);
  if (review.user !== call.user && !call.asker.user?.isAdmin) {
    throw call.errors.error(403, call.from27 ? "no permission to delete comment" : "%!s(<nil>)");
  }
  review.pull.reviews = review.pull.reviews.filter((other) => other !== review);
  const issue = review.pull.issue;
  issue.entries = issue.entries.filter((entry) => entry.review !== review);
  return empty(204);
}

function listComments(call: Call): Reply {
  return json(
    200,
    reviewOf(call).comments.map((entry) => lineCommentView(call.world, entry, call.asker.user)),
  );
}

function dismiss(call: Call, dismissed: boolean): Reply {
  const fields = bind(call, "DismissPullReviewOptions", { message: "string" });
  if (!call.isRepoAdmin()) throw call.errors.error(403, "Must be repo admin");
  const review = reviewOf(call);
  if (review.state !== "APPROVED" && review.state !== "REQUEST_CHANGES") {
    throw call.errors.error(403, "not need to dismiss this review because it's type is not Approve or change request");
  }
  review.dismissed = dismissed;
  if (dismissed) {
    addEntry(call.world, review.pull.issue, "dismiss_review", call.user, { body: fields.message ?? "", review });
  }
  return shown(call, review);
}
