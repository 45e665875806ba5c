// An issue that the ledger knows nothing of (any more): its record was swept, or the ledger was lost. Only counters may be lost with it. What else
// the record said is read off the forge again: which generation it is, which orders were answered, how far the claims have counted.

import type { Pull } from "../forge/model.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { findMarker, type Purpose } from "./marker.ts";
import { branchName, type Details, type Item, isProgram, type Snapshot } from "./model.ts";

type Program = Pick<Snapshot, "program">;

/** No record, or one that says no more than that a first claim was given back. */
export function isLost(record: LedgerRecord | null): boolean {
  return record === null || (record.state === "released" && record.askedBy === "" && record.handled.length === 0);
}

/** Whether an issue without a record shows signs of an earlier life, and nobody has looked what is left of it. */
export function wantsPast({ issue, record, pull, details }: Item, program: Program): boolean {
  if (record.kind !== "none" || pull !== null || issue.isPull || details === null || details.past !== null)
    return false;
  return details.branch !== null || lastWordAt(details, program) > 0;
}

/** When the program last said on the issue what it does, ms since 1970; 0 = never. It says so under a claim alone, so orders before that were seen. */
export function lastWordAt({ comments }: Details, program: Program): number {
  const own = comments.filter((c) => isProgram(program, c.author) && findMarker(c.body, "status") !== null);
  return Math.max(0, ...own.map((comment) => comment.updatedAt));
}

/** Generation of a pull request of the program: by its marker, or by its branch where a person took the marker out. */
export function generationOf({ body, headRef }: Pick<Pull, "body" | "headRef">, issue: number): number {
  const marked = Number(findMarker(body, "pull")?.values["generation"] ?? 0);
  if (Number.isSafeInteger(marked) && marked > 0) return marked;
  return generationOfBranch(headRef, issue) ?? 1;
}

/** Null for a branch that is not this issue's. */
export function generationOfBranch(branch: string, issue: number): number | null {
  const found = /^agent\/issue-\d+(?:-(\d{1,6}))?$/.exec(branch);
  const generation = Number(found?.[1] ?? 1);
  return found !== null && branchName(issue, generation) === branch ? generation : null;
}

/** Purposes whose comments carry the claim's count as their key. */
const counted: readonly Purpose[] = ["question", "handover", "blocked", "patch"];

/**
 * The highest count of claims that the program's own comments and reviews name; 0 where there is none. A new record goes on from there: a comment
 * of a later claim must not be taken for one of an earlier claim with the same count.
 */
export function claimsShown({ details }: Pick<Item, "details">, program: Program): number {
  if (details === null) return 0;
  const comments = [...details.comments, ...(details.pull?.comments ?? [])].filter((c) => isProgram(program, c.author));
  const reviews = (details.pull?.reviews ?? []).filter((review) => isProgram(program, review.author));
  const keys = comments.flatMap(({ body }) => counted.map((purpose) => findMarker(body, purpose)?.values["key"]));
  const ofReviews = reviews.map(({ body }) => findMarker(body, "review")?.values["key"]?.split("-").at(-1));
  const counts = [...keys, ...ofReviews].map((key) => (/^\d{1,9}$/.test(key ?? "") ? Number(key) : 0));
  return Math.max(0, ...counts);
}
