// Why an item moves or does not: every row of the decision table with what it looks at. Answers `/agent why` and `mode: explain`.

import type { Candidate } from "./candidate.ts";
import { keptWork } from "./kept.ts";
import { type Gate, type KeptFacts, whyComment, whyText } from "./report.ts";
import type { Answer, Row } from "./rows/row.ts";

/** Every row is asked, also those behind the one that decides: a person wants to know what comes next. */
export function gates(c: Candidate, table: readonly Row[]): Gate[] {
  const isRead = c.item.details !== null;
  let isBehindLook = false;
  return table.map(({ row, about, judge, fact }): Gate => {
    // Rows behind the facts that were not read cannot be asked.
    const answer = isBehindLook ? undefined : attempt(() => judge(c));
    if (answer === undefined) return { row, about, result: "unknown", fact: "not read" };
    isBehindLook = answer?.kind === "look" && !isRead;
    const words = attempt(() => fact(c)) ?? (isRead ? "" : "not read");
    return {
      row,
      about,
      result: resultOf(answer),
      fact: answer?.kind === "skip" ? `${answer.reason} (${words})` : words,
    };
  });
}

function resultOf(answer: Answer | null): Gate["result"] {
  switch (answer?.kind) {
    case undefined:
      return "passes";
    case "skip":
      return "stops";
    case "work":
      return "work";
    case "look":
      return "unknown";
    default:
      return answer satisfies never;
  }
}

function attempt<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch {
    return undefined;
  }
}

/** One sentence: what the first row that answers says. */
export function verdictOf(c: Candidate, table: readonly Row[]): string {
  for (const row of table) {
    const answer = row.judge(c);
    if (answer?.kind === "skip") return `Nothing now (row ${row.row}): ${answer.reason}.`;
    if (answer?.kind === "work") return `Next (row ${row.row}): ${answer.work.kind}.`;
    if (answer?.kind === "look") return "More facts have to be read.";
  }
  return "No row of the table is about it.";
}

/** The comment that answers `/agent why`. */
export function explained(c: Candidate, table: readonly Row[], id: string): string {
  const { number } = c.item.issue;
  return whyComment({ item: number, gates: gates(c, table), decision: verdictOf(c, table), kept: keptOf(c), key: id });
}

/** The same as plain text, for the log. */
export function explainedText(c: Candidate, table: readonly Row[]): string {
  const { number } = c.item.issue;
  return whyText({ item: number, gates: gates(c, table), decision: verdictOf(c, table), kept: keptOf(c) });
}

function keptOf({ item }: Candidate): KeptFacts | null {
  const kept = keptWork(item);
  return kept === null ? null : { ...kept, key: item.key };
}
