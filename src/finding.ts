// Which issues one run looks at, besides those that carry the trigger label: what people said elsewhere, and what the ledger still knows of.

import { parseCommand } from "./core/command.ts";
import type { Double } from "./core/doubles.ts";
import { findMarker } from "./core/marker.ts";
import { isProgram, issueKey, type RecordFact, sameLogin } from "./core/model.ts";
import { seenUntil } from "./core/notes.ts";
import { turn } from "./core/priority.ts";
import { answersIn } from "./core/standing.ts";
import type { Issue, PlacedComment, Pull } from "./forge/model.ts";
import type { Who } from "./observe.ts";

/** How far back comments are scanned for commands that no event brought, in ms. */
export const scanMs = 7 * 24 * 3_600_000;
/** Newest comments of the repository that one run scans. */
export const scanMax = 100;
/** Items on which something stands twice that one run looks at for that. */
const doubledMax = 3;
/** Issues with a command that one run reads. */
const commandedMax = 5;
/** Items of the ledger without label that one run looks at, for repairs. */
const forgottenMax = 3;
/** Waiting pull requests on which something happened, and others, that one run looks at. */
const touchedMax = 3;
const quietMax = 2;

type Records = Readonly<Record<string, RecordFact>>;

/** A command or an answer that nothing has answered yet, with the item that it is about. */
export interface Asked {
  issue: number;
  comment: PlacedComment;
  /** `pause` and `resume` are about the whole program. */
  isControl: boolean;
}

/** Commands, and answers to questions, among the newest comments. Those that the ledger or our own later comments answer already are left out. */
export function askedIn(
  comments: readonly PlacedComment[],
  records: Records,
  openPulls: readonly Pull[],
  who: Who,
): Asked[] {
  const isOwn = (login: string) => isProgram(who, login);
  const answered = answersIn(comments, who, ["refusal", "why"]);
  return comments.flatMap((comment): Asked[] => {
    if (isOwn(comment.author) || answered.has(`comment:${comment.id}`)) return [];
    const issue = itemOf(comment.issue, openPulls, who);
    const fact = records[issueKey(issue)] ?? records[`pr-${issue}`];
    const record = fact?.kind === "record" ? fact.record : null;
    if (record?.handled.includes(`comment:${comment.id}`) === true) return [];
    if (isAnsweredLater(comment, comments, answered)) return [];
    const command = parseCommand(comment.body, who.me.login, issue === comment.issue ? "issue" : "pull");
    const { question } = record ?? {};
    const isAnswer =
      record?.state === "blocked" && question !== undefined && comment.createdAt > Date.parse(question.at);
    if (command.kind === "none") return isAnswer ? [{ issue, comment, isControl: false }] : [];
    if (comment.updatedAt !== comment.createdAt) return [];
    const isControl = command.kind === "command" && (command.verb === "pause" || command.verb === "resume");
    return [{ issue, comment, isControl }];
  });
}

/** Each person is refused once: a later comment of theirs on the same page that was answered stands for this one. */
function isAnsweredLater(
  comment: PlacedComment,
  comments: readonly PlacedComment[],
  answered: ReadonlySet<string>,
): boolean {
  const isSame = (other: PlacedComment) => other.issue === comment.issue && sameLogin(other.author, comment.author);
  return comments.some((other) => isSame(other) && other.id > comment.id && answered.has(`comment:${other.id}`));
}

/** The issue that a number means: a pull request of the program means its issue. */
function itemOf(number: number, openPulls: readonly Pull[], who: Who): number {
  const pull = openPulls.find((p) => p.number === number);
  if (pull === undefined || !isProgram(who, pull.author)) return number;
  const marked = Number(findMarker(pull.body, "pull")?.values["issue"]);
  return Number.isSafeInteger(marked) && marked > 0 ? marked : number;
}

/** Issues on which somebody asks for something: the two newest, and others by turns, so that what is never answered keeps nobody waiting. */
export function commandedIssues(asked: readonly Asked[], seed: number): number[] {
  const issues = [...new Set(asked.toReversed().map((a) => a.issue))];
  return [...issues.slice(0, 2), ...turn(issues.slice(2), seed, commandedMax - 2)];
}

/** The same for `/agent pause` and `/agent resume`: issues that may be the dashboard. */
export function controlledIssues(asked: readonly Asked[], seed: number): number[] {
  return commandedIssues(
    asked.filter((a) => a.isControl),
    seed,
  );
}

/** Issues on which, or on whose pull request, the program said something twice. */
export function doubledIssues(doubles: readonly Double[], openPulls: readonly Pull[], who: Who): number[] {
  return [...new Set(doubles.map(({ on }) => itemOf(on, openPulls, who)))].slice(0, doubledMax);
}

/** Items of the ledger that no label shows. */
export interface Unlisted {
  /** Looked at in this run. */
  numbers: number[];
  /** Those of them that only wait, so that the statuses of their heads are read. */
  waiting: ReadonlySet<number>;
}

/** Work that a dead run left, then waiting pull requests on which something happened, then a few of the others by turns. */
export function unlisted(
  records: Records,
  listed: readonly Issue[],
  openPulls: readonly Pull[],
  seed: number,
): Unlisted {
  const known = Object.entries(records).flatMap(([key, fact]) => {
    const number = Number(/^(?:issue|pr)-(\d+)$/.exec(key)?.[1] ?? 0);
    if (number === 0 || fact.kind !== "record" || fact.record.state === "closed") return [];
    if (listed.some((issue) => issue.number === number)) return [];
    const pull = openPulls.find((p) => p.number === fact.record.pull) ?? null;
    return [{ number, record: fact.record, pull }];
  });
  const left = known.filter(({ record }) => record.state === "published" || record.state === "held");
  const rest = known.filter((item) => !left.includes(item));
  const waiting = rest.filter(({ pull }) => pull !== null);
  const touched = waiting.filter(
    ({ pull, record }) =>
      pull !== null &&
      (pull.updatedAt > seenUntil(record) || (!pull.mergeable && record.mergeClean?.head !== pull.headSha)),
  );
  const quiet = waiting.filter((item) => !touched.includes(item) && item.record.stage === "merge-ready");
  const forgotten = rest.filter(({ pull }) => pull === null);
  const chosen = [
    ...turn(left, seed, forgottenMax),
    ...turn(touched, seed, touchedMax),
    ...turn(quiet, seed, quietMax),
    ...turn(forgotten, seed, forgottenMax),
  ];
  return {
    numbers: chosen.map((item) => item.number),
    waiting: new Set(chosen.filter((item) => quiet.includes(item)).map((item) => item.number)),
  };
}
