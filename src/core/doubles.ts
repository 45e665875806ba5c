// What the program said twice: two runs that finish the effects of one item at once can both write. Of several the lowest id stays, which is the
// one that every run goes on to edit.

import type { PlacedComment } from "../forge/model.ts";
import { findMarker, type Purpose } from "./marker.ts";
import { type Item, isProgram, type Snapshot } from "./model.ts";

/** A comment or a review to be deleted. */
export interface Double {
  what: "comment" | "review";
  id: number;
  /** Issue or pull request it stands on. */
  on: number;
  author: string;
}

/** Most that are deleted on one item in one run. */
const doublesMax = 20;

/** Purposes of which one comment stands for each key; of `status` one on each page. */
const keyed: readonly Purpose[] = ["question", "handover", "blocked", "patch", "refusal", "why"];

/** Doubles among comments of many issues and pull requests. */
export function doubledIn(comments: readonly PlacedComment[], who: Pick<Snapshot, "program">): Double[] {
  const own = comments.filter(({ author }) => isProgram(who, author));
  return laterOnes(own, (comment) => {
    const name = commentName(comment);
    return name === null ? null : `${comment.issue} ${name}`;
  }).map((comment) => at("comment", comment.issue, comment));
}

/** The doubles on an item: all, where its comments and reviews were read; else those among the repository's newest comments. */
export function doublesOf({ issue, pull, details, doubled }: Item, snapshot: Snapshot): readonly Double[] {
  if (details === null) return doubled.slice(0, doublesMax);
  const isOurs = ({ author }: { author: string }) => isProgram(snapshot, author);
  const onPull = pull === null || issue.isPull ? [] : (details.pull?.comments ?? []);
  const reviews = (details.pull?.reviews ?? []).filter(isOurs);
  return [
    ...laterOnes(details.comments.filter(isOurs), commentName).map((comment) => at("comment", issue.number, comment)),
    ...laterOnes(onPull.filter(isOurs), commentName).map((comment) => at("comment", pull?.number ?? 0, comment)),
    // Each account has its own: what the second one may not write the bot writes in its place.
    ...laterOnes(reviews, reviewName).map((review) => at("review", pull?.number ?? 0, review)),
  ].slice(0, doublesMax);
}

function at(what: Double["what"], on: number, { id, author }: { id: number; author: string }): Double {
  return { what, id, on, author };
}

/** All but the one of the lowest id, of each name; what has no name is no double. */
function laterOnes<T extends { id: number }>(all: readonly T[], nameOf: (one: T) => string | null): T[] {
  const seen = new Set<string>();
  return [...all]
    .sort((a, b) => a.id - b.id)
    .filter((one) => {
      const name = nameOf(one);
      if (name === null) return false;
      const isDouble = seen.has(name);
      seen.add(name);
      return isDouble;
    });
}

function commentName({ body }: { body: string }): string | null {
  const line = firstLine(body);
  if (findMarker(line, "status") !== null) return "status";
  for (const purpose of keyed) {
    const { key, for: asked } = findMarker(line, purpose)?.values ?? {};
    if (key !== undefined || asked !== undefined) return `${purpose} ${key ?? asked}`;
  }
  return null;
}

function reviewName({ body, author }: { body: string; author: string }): string | null {
  const key = findMarker(firstLine(body), "review")?.values["key"];
  return key === undefined ? null : `${author.toLowerCase()} ${key}`;
}

/** The program writes its marker first. One further down could be quoted, and what quotes is no double. */
function firstLine(body: string): string {
  return body.split("\n", 1)[0] ?? "";
}
