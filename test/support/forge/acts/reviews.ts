import { emit } from "../events.ts";
import type { Pull, Review } from "../model.ts";
import type { World } from "../world.ts";
import { subject } from "./subject.ts";

/** A new judgement by the same person ends the former one, and the request for it. */
export function supersede(pull: Pull, review: Review): void {
  if (review.state === "PENDING") return;
  const judges = review.state === "APPROVED" || review.state === "REQUEST_CHANGES";
  pull.reviews = pull.reviews.filter(
    (other) => !(other.user === review.user && other.state === "REQUEST_REVIEW" && judges),
  );
  if (!judges) return;
  for (const other of pull.reviews) {
    if (other === review || other.user !== review.user) continue;
    if (other.state !== "APPROVED" && other.state !== "REQUEST_CHANGES") continue;
    other.dismissed = true;
    other.official = false;
  }
}

export function tellReview(world: World, review: Review): void {
  if (review.state === "PENDING" || !review.user) return;
  const event = review.state === "COMMENT" ? "pull_request_review_comment" : "pull_request_review";
  const type = { COMMENT: "comment", APPROVED: "approved", REQUEST_CHANGES: "rejected", REQUEST_REVIEW: "" };
  emit(world, review.pull.issue.repo, event, review.user, {
    ...subject(world, review.pull.issue),
    action: "reviewed",
    review: { type: `pull_request_review_${type[review.state]}`, content: review.body },
  });
}
