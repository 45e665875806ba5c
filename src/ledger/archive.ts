// The ledger's `archive` ref: one commit for each item that was swept, its subject one line of JSON, its parent the item swept before. So
// `git log --format=%s` over the ref is the list of all that was ever done, newest first, and one fetch of the tip is enough to add to it.

import * as z from "zod";
import type { ArchiveFact } from "../core/model.ts";
import type { LedgerRecord } from "./record.ts";
import { whyUnreadable } from "./version.ts";

const Count = z.int().min(0);

export const ArchiveLine = z.looseObject({
  v: z.literal(1),
  key: z.string(),
  generation: Count,
  /** Of the last record. */
  state: z.string(),
  /** What was published last, and its pull request; null where nothing was. */
  head: z.string().nullable(),
  pull: z.int().nullable(),
  /** How often it was claimed, for whatever work. */
  claims: Count,
  /** Agent starts without progress at the end. */
  attempts: Count,
  /** Failure verdicts and unordered reworks since the last order. */
  rounds: Count,
  /** Of all generations. */
  spend: z.looseObject({ usd: z.number(), tokens: z.number() }),
  /** When the issue was opened; null where it is gone. */
  opened: z.iso.datetime().nullable(),
  /** When its record was closed. */
  closed: z.iso.datetime(),
});
export type ArchiveLine = z.infer<typeof ArchiveLine>;

/** `openedAt`: ms since 1970; null where the issue is gone. */
export function archiveLine(record: LedgerRecord, openedAt: number | null): ArchiveLine {
  const { key, generation, state, head, pull, epoch, attempt, round, spend, at } = record;
  return {
    ...{ v: 1, key, generation, state, head, pull, claims: epoch, attempts: attempt, rounds: round },
    spend: { usd: spend.usd + (spend.reserved ?? 0), tokens: spend.tokens },
    ...{ opened: openedAt === null ? null : new Date(openedAt).toISOString(), closed: at },
  };
}

/** The whole message of a commit of the archive: one line. */
export function formatArchive(line: ArchiveLine): string {
  return `${JSON.stringify(line)}\n`;
}

/** Null where it cannot be read. Never throws. */
export function parseArchive(message: string): ArchiveLine | null {
  if (message.length > 10_000) return null;
  try {
    const parsed = ArchiveLine.safeParse(JSON.parse(message));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** The tip of the archive as found. One that cannot be read is never added to: a newer version may keep it in another way. */
export function archiveFact(sha: string, message: string): ArchiveFact {
  if (parseArchive(message) !== null) return { kind: "tip", sha };
  return { kind: "unreadable", why: whyUnreadable(`agent-dispatch\n\n${message}`) };
}
