// Orders: a person's wishes as found on the forge, by whatever means they gave them. A label alone proves nothing (the web form for new issues
// lets any reader set existing labels), so every order has a giver, and the giver's right to write code is asked of the forge.

import type { Comment, Review, TimelineEntry } from "../forge/model.ts";
import { parseCommand, type Verb } from "./command.ts";
import { type Details, hasLabel, type Item, isProgram, type PullDetails, type Snapshot, sameLogin } from "./model.ts";
import { type Policy, type Stage, stageOf } from "./policy.ts";

export interface Order {
  /** `label:<timeline id>`, `assign:…`, `stage:…`, `comment:<id>`, `review:<id>` or `dispatch:<run>`. */
  id: string;
  by: string;
  /** ms since 1970. */
  at: number;
  /** `unknown` = a command that does not exist; its word is the text. */
  verb: Verb | "hand-over" | "unknown";
  text: string;
  source: "label" | "stage" | "comment" | "reply" | "review" | "dispatch";
  /** The stage label that is the order; absent for every other order. */
  stage?: Stage;
  /** Id of the comment that holds it, for the reaction. */
  comment: number | null;
  /** Issue or pull request where it was given. */
  on: number;
}

export type Trust = { kind: "yes" } | { kind: "no"; why: string } | { kind: "ask" };

/** All orders on an item, newest first, by whomever. Those of the program itself are none. */
export function ordersOf(item: Item, details: Details, snapshot: Snapshot, policy: Policy): Order[] {
  const { issue, pull } = item;
  const orders: Order[] = [
    ...byHand(item, snapshot),
    ...inComments(details.comments, issue.number, issue.isPull ? "pull" : "issue", item, snapshot),
    ...byLabels(details.timeline, issue, snapshot, policy),
  ];
  // A person's pull request is its own issue: its comments and labels have been read above.
  if (pull !== null && details.pull !== null) {
    orders.push(...inReviews(details.pull, pull.number, snapshot, issue.isPull));
    if (!issue.isPull) {
      orders.push(
        ...inComments(details.pull.comments, pull.number, "pull", item, snapshot),
        ...byLabels(details.pull.timeline, { ...pull, assignees: [] }, snapshot, policy),
      );
    }
  }
  return orders.sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
}

function byHand(item: Item, { trigger, now }: Snapshot): Order[] {
  const { number, author } = item.issue;
  if (!trigger.byHand || trigger.item !== number) return [];
  // Outside a server nobody is named: then the author of the issue stands in as the one who asked.
  const by = trigger.actor ?? author;
  const { orderId: id, message: text } = trigger;
  return [{ id, by, at: now, verb: "run", text, source: "dispatch", comment: null, on: number }];
}

function inComments(
  comments: readonly Comment[],
  on: number,
  kind: "issue" | "pull",
  item: Item,
  snapshot: Snapshot,
): Order[] {
  const asked = questionAt(item);
  return comments.flatMap((comment): Order[] => {
    if (isProgram(snapshot, comment.author)) return [];
    const { id, author: by, createdAt: at } = comment;
    const common = { id: `comment:${id}`, by, at, comment: id, on };
    const command = parseCommand(comment.body, snapshot.me.login, kind);
    // A command is read as first posted: edited later, it could have been anything when it was looked at.
    const isEdited = comment.updatedAt !== comment.createdAt;
    if (command.kind === "none") {
      const answers = asked !== null && at > asked;
      return answers ? [{ ...common, verb: "run", text: comment.body.trim(), source: "reply" }] : [];
    }
    if (isEdited) return [];
    return command.kind === "unknown"
      ? [{ ...common, verb: "unknown", text: command.verb, source: "comment" }]
      : [{ ...common, verb: command.verb, text: command.text, source: "comment" }];
  });
}

/** Since when a question waits for an answer; null when none does. */
function questionAt({ record }: Item): number | null {
  if (record.kind !== "record") return null;
  const { state, stage, question } = record.record;
  return state === "blocked" && stage === "needs-info" && question !== undefined ? Date.parse(question.at) : null;
}

interface Labelled {
  number: number;
  labels: readonly { name: string }[];
  assignees: readonly string[];
}

// Only what still stands is an order: who takes a label off again has changed their mind.
function byLabels(timeline: readonly TimelineEntry[], on: Labelled, snapshot: Snapshot, policy: Policy): Order[] {
  const isPersons = (entry: TimelineEntry) => !isProgram(snapshot, entry.by);
  const common = { text: "", comment: null, on: on.number } as const;
  const orders: Order[] = [];
  const trigger = timeline.findLast((e) => e.kind === "label" && e.added && e.label === policy.label && isPersons(e));
  if (trigger !== undefined && hasLabel(on.labels, policy.label)) {
    orders.push({ ...common, id: `label:${trigger.id}`, by: trigger.by, at: trigger.at, verb: "run", source: "label" });
  }
  const { login } = snapshot.me;
  const assigned = timeline.findLast((e) => e.kind === "assignee" && e.added && sameLogin(e.login, login));
  if (assigned !== undefined && isPersons(assigned) && on.assignees.some((name) => sameLogin(name, login))) {
    const { id, by, at } = assigned;
    orders.push({ ...common, id: `assign:${id}`, by, at, verb: "run", source: "label" });
  }
  const stage = timeline.findLast((e) => e.kind === "label" && e.added && stageOf(e.label) !== null);
  if (stage?.kind === "label" && isPersons(stage) && hasLabel(on.labels, stage.label)) {
    const { id, by, at } = stage;
    const ordered = stageOf(stage.label) ?? "blocked";
    const verb = verbOfStage[ordered];
    orders.push({ ...common, id: `stage:${id}`, by, at, verb, source: "stage", stage: ordered });
  }
  return orders;
}

const verbOfStage: Readonly<Record<Stage, Order["verb"]>> = {
  "needs-review": "review",
  "needs-rework": "fix",
  "merge-ready": "hand-over",
  "needs-info": "stop",
  blocked: "stop",
};

/** `foreign`: people review each other's pull requests without meaning this program; only a command does. */
function inReviews(pull: PullDetails, on: number, snapshot: Snapshot, foreign: boolean): Order[] {
  return pull.reviews.flatMap((review): Order[] => {
    if (isProgram(snapshot, review.author) || review.dismissed) return [];
    const common = { id: `review:${review.id}`, by: review.author, at: review.at, comment: null, on } as const;
    if (!foreign && review.state === "changes-requested" && !isSuperseded(review, pull.reviews)) {
      return [{ ...common, verb: "fix", text: wordsOf(review, pull), source: "review" }];
    }
    const mayCommand = review.state === "comment" || (foreign && review.state === "changes-requested");
    const command = mayCommand ? parseCommand(review.body, snapshot.me.login, "pull") : null;
    return command?.kind === "command" ? [{ ...common, verb: command.verb, text: command.text, source: "review" }] : [];
  });
}

/** Who asked for changes and approved later asks for none. */
function isSuperseded(review: Review, reviews: readonly Review[]): boolean {
  return reviews.some((r) => sameLogin(r.author, review.author) && r.state === "approved" && r.at > review.at);
}

/** Longest words of one review, in characters. */
const reviewTextMax = 20_000;

function wordsOf(review: Review, { lineComments }: PullDetails): string {
  // A reply by anybody joins the review that it answers: only the reviewer's own words are theirs.
  const lines = lineComments.filter((c) => c.review === review.id && sameLogin(c.author, review.author));
  const parts = lines.map((c) => `On \`${c.path}\`${c.line === null ? "" : ` line ${c.line}`}: ${c.body.trim()}`);
  return [review.body.trim(), ...parts]
    .filter((part) => part !== "")
    .join("\n\n")
    .slice(0, reviewTextMax);
}

/** Whether a person may give orders. `ask` = the forge has not been asked yet. Anything unclear is a no with its reason. */
export function trustIn(order: Order, details: Details, policy: Policy): Trust {
  // The forge lets only people with the right to start workflows dispatch; at the command line it is the owner of the token.
  if (order.source === "dispatch") return { kind: "yes" };
  return trustInLogin(order.by, details.access, policy);
}

/** `access` is what the forge answered, by login in small letters. */
export function trustInLogin(login: string, access: Details["access"], policy: Policy): Trust {
  if (policy.trusted !== "writers") {
    if (policy.trusted.some((name) => sameLogin(name, login))) return { kind: "yes" };
    return { kind: "no", why: `@${login} is not named in \`trusted\`` };
  }
  const known = access[login.toLowerCase()];
  if (known === undefined) return { kind: "ask" };
  switch (known.kind) {
    case "yes":
      return { kind: "yes" };
    case "no":
      return { kind: "no", why: `@${login} may not write code here` };
    case "unknown":
      return { kind: "no", why: `whether @${login} may write code here cannot be proved: ${known.why}` };
    default:
      return known satisfies never;
  }
}
