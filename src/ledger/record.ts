// A record is one entry of the ledger: a commit whose message is one readable first line and one JSON document. This module is the only
// place that knows the form. `parseRecord(formatRecord(x))` is x; `parseRecord` of any text answers a value and never throws.

import * as z from "zod";
import { failureClasses, failureRules } from "../core/failure.ts";

const Sha = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);
const Count = z.int().min(0);
const Time = z.iso.datetime();

/** How an attempt failed, kept until one succeeds. `same` counts failures in a row with the same class and fingerprint. */
export const LastFailure = z.looseObject({
  class: z.enum(failureClasses),
  fingerprint: z.string(),
  text: z.string(),
  at: Time,
  same: Count,
  /** Failures in a row that cost no attempt, whatever their class; absent = none. */
  free: Count.optional(),
});
export type LastFailure = z.infer<typeof LastFailure>;

/** The run that holds a claim, as the forge's Actions interface showed it; null outside a server (`act` always says id 1). */
const RunOfRecord = z.looseObject({ id: Count, number: Count, attempt: Count, url: z.string() });
export type RunOfRecord = z.infer<typeof RunOfRecord>;

/** Kept with its unknown fields: a record written by a later program of the same version keeps what we do not know. */
export const LedgerRecord = z.looseObject({
  v: z.literal(1),
  /** held: claimed. published: the effects are not finished yet. done: they are. released: failed, to be tried again. blocked: a person must act. closed: this generation is over. */
  state: z.enum(["held", "published", "done", "released", "blocked", "closed"]),
  key: z.string(),
  kind: z.enum(["implement", "review", "rework", "resume", "land"]),
  generation: Count,
  /** Counts claims, never reset. */
  epoch: Count,
  /** Counts renewals of one claim. */
  seq: Count,
  /** Agent starts without progress, this claim included. */
  attempt: Count,
  round: Count,
  /** Stage label the program wrote last, without scope; null before the first. */
  stage: z.string().nullable(),
  /** Identity of the claiming process. */
  owner: z.string(),
  /** Fresh in every record: two pushers of one commit id would both "succeed". */
  nonce: z.string(),
  run: RunOfRecord.nullable(),
  /** The forge's clock when the record was made. */
  at: Time,
  ttlSeconds: z.number().min(0),
  /** Place among `max-concurrent` that this claim holds, from 1; null for work without an agent. */
  slot: z.int().min(1).nullable(),
  branch: z.string(),
  /** The branch's commit at the claim; null when it did not exist. A publish moves it from here and from nowhere else. */
  expect: Sha.nullable(),
  baseBranch: z.string(),
  base: Sha.nullable(),
  /** Who gave the order that this work runs on. */
  askedBy: z.string(),
  /** When that order was given, by the forge's clock; absent before the first. A run by hand leaves no other trace of its time. */
  orderAt: Time.optional(),
  /** Published head. */
  head: Sha.nullable(),
  pull: z.int().nullable(),
  profile: z.string().nullable(),
  /** Ids of effects that are finished, so that a later run need not read them again. */
  done: z.array(z.string()),
  /** Ids of orders that were obeyed or refused. */
  handled: z.array(z.string()),
  cooldownUntil: Time.nullable(),
  lastFailure: LastFailure.nullable(),
  spend: z.looseObject({ usd: z.number().min(0), tokens: Count }),
  /** State that follows when the effects of a published record are finished. */
  after: z.enum(["done", "released", "blocked", "closed"]),
  /** How often effects could not be finished, in a row; absent = never. */
  unfinished: Count.optional(),
  /** When they may be tried again; absent or past = at once. */
  resumeAt: Time.optional(),
  /** SHA-256 of the issue's title and body as first seen by this generation; a later change by somebody untrusted stops the item. */
  bodyHash: z.string().nullable(),
});
export type LedgerRecord = z.infer<typeof LedgerRecord>;

export type ParsedRecord = { kind: "record"; record: LedgerRecord } | { kind: "unreadable"; why: string };

/** Longest record that is read, in characters; 1,000 handled orders fit ten times. */
export const recordCharactersMax = 200_000;

export function formatRecord(record: LedgerRecord): string {
  return `agent-dispatch v1 ${record.state} ${record.key} e${record.epoch}.${record.seq}\n\n${JSON.stringify(record)}\n`;
}

export function parseRecord(message: string): ParsedRecord {
  if (message.length > recordCharactersMax)
    return { kind: "unreadable", why: `longer than ${recordCharactersMax} characters` };
  const start = message.indexOf("\n\n");
  if (!message.startsWith("agent-dispatch ") || start < 0)
    return { kind: "unreadable", why: "not a record of agent-dispatch" };
  let json: unknown;
  try {
    json = JSON.parse(message.slice(start));
  } catch {
    return { kind: "unreadable", why: "its JSON cannot be read" };
  }
  const version = z.looseObject({ v: z.unknown() }).safeParse(json);
  if (version.success && version.data.v !== 1) {
    return {
      kind: "unreadable",
      why: `version ${JSON.stringify(version.data.v) ?? "unknown"}, this program knows version 1`,
    };
  }
  const parsed = LedgerRecord.safeParse(json);
  if (parsed.success) return { kind: "record", record: parsed.data };
  const issue = parsed.error.issues[0];
  return { kind: "unreadable", why: `field ${issue?.path.join(".") || "?"}: ${issue?.message ?? "wrong form"}` };
}

/** Whether somebody may still be working under this record: held or with unfinished effects, and younger than its lease plus slack. */
export function isLive(record: LedgerRecord, now: number, slackSeconds: number): boolean {
  if (record.state !== "held" && record.state !== "published") return false;
  if (record.ttlSeconds === 0) return false;
  return now - Date.parse(record.at) <= (record.ttlSeconds + slackSeconds) * 1000;
}

/** A failure as the record keeps it, counted on when it is the same as the last one. */
export function failureAfter(
  last: LastFailure | null,
  failure: Pick<LastFailure, "class" | "fingerprint" | "text">,
  now: number,
): LastFailure {
  const again = last !== null && last.class === failure.class && last.fingerprint === failure.fingerprint;
  return {
    ...failure,
    text: failure.text.slice(0, 2000),
    at: new Date(now).toISOString(),
    same: again ? last.same + 1 : 1,
    free: failureRules[failure.class].costsAttempt ? 0 : (last?.free ?? 0) + 1,
  };
}
