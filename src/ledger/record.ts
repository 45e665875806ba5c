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
const RunOfRecord = z.looseObject({
  ...{ id: Count, number: Count, attempt: Count, url: z.string() },
  /** File name of its workflow; absent in records of older programs. */
  workflow: z.string().optional(),
});
export type RunOfRecord = z.infer<typeof RunOfRecord>;

const findingText = z.string().max(4_000);

/** A point of a review as the record keeps it; the review on the forge has its whole text. */
export const FindingNote = z.looseObject({
  /** `<round>.<number>`, unique in the item: how an author answers it. */
  id: z.string(),
  severity: z.enum(["blocker", "major", "minor", "nit"]),
  path: z.string().nullable(),
  line: z.int().nullable(),
  title: findingText,
  body: findingText,
});
export type FindingNote = z.infer<typeof FindingNote>;

export const ReplyNote = z.looseObject({
  finding: z.string(),
  action: z.enum(["fixed", "rejected", "clarified"]),
  body: findingText,
});
export type ReplyNote = z.infer<typeof ReplyNote>;

/** The newest verdict: it counts for this head alone. */
export const VerdictNote = z.looseObject({
  head: Sha,
  verdict: z.enum(["approved", "changes-requested"]),
  round: Count,
  summary: findingText,
  findings: z.array(FindingNote),
  /** Profiles that approved this head, each in a session of its own. */
  approvedBy: z.array(z.string()),
  /** Approvals that this head needs; more than one where it touches protected paths and two profiles can review. */
  approvalsNeeded: z.int().min(1),
  /** Fingerprint of the judged diff: after a clean rebase the same diff keeps its verdict. */
  patch: z.string(),
});
export type VerdictNote = z.infer<typeof VerdictNote>;

/** A round that is over: what was found and what the author answered. For the next reviewer, and for the person who decides at the end. */
export const RoundNote = z.looseObject({
  round: Count,
  head: Sha,
  verdict: z.enum(["approved", "changes-requested"]),
  summary: findingText,
  findings: z.array(FindingNote),
  replies: z.array(ReplyNote),
});
export type RoundNote = z.infer<typeof RoundNote>;

/** What hand-over says about the work: how it was checked and in whose words. */
export const WorkNote = z.looseObject({
  head: Sha,
  /** Profile that wrote it: another one reviews it where there are two. */
  profile: z.string(),
  summary: findingText,
  followUps: z.array(z.string()),
  /** Null: left to the forge's own checks. */
  checks: z
    .array(z.looseObject({ command: z.string(), exitCode: z.int().nullable(), durationMs: z.number() }))
    .nullable(),
});
export type WorkNote = z.infer<typeof WorkNote>;

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
  /** What ended claims cost; `reserved` by this one; `last`: the claim whose cost came in last. */
  spend: z.looseObject({
    usd: z.number().min(0),
    tokens: Count,
    reserved: z.number().min(0).optional(),
    last: z.looseObject({ epoch: Count, usd: z.number().min(0) }).optional(),
  }),
  /** Its publish moves the branch from `expect` to `head`; absent = it moves none. Gone when its effects are done. */
  moves: z.boolean().optional(),
  /** State that follows when the effects of a published record are finished. */
  after: z.enum(["done", "released", "blocked", "closed"]),
  /** How often effects could not be finished, in a row; absent = never. */
  unfinished: Count.optional(),
  /** When they may be tried again; absent or past = at once. */
  resumeAt: Time.optional(),
  /** SHA-256 of the issue's title and body as first seen by this generation; a later change by somebody untrusted stops the item. */
  bodyHash: z.string().nullable(),
  /** Words of the order that the present work runs on; absent when there are none, or the work is done. */
  instruction: z.string().optional(),
  /** The rework that is begun was ordered by a person, with words or without. */
  ordered: z.boolean().optional(),
  verdict: VerdictNote.optional(),
  /** Rounds before the present one, oldest first; the last few. */
  rounds: z.array(RoundNote).optional(),
  work: WorkNote.optional(),
  /** The question that waits for an answer, and since when. */
  question: z.looseObject({ text: z.string(), at: Time }).optional(),
  /** Foreign checks of this head were started again once, or that was tried. */
  rerun: z.looseObject({ head: Sha, at: Time, started: z.boolean() }).optional(),
  /** The forge called this pair a conflict, the merge in the host's repository did not. */
  mergeClean: z.looseObject({ head: Sha, base: Sha }).optional(),
  /** A head that brings nothing: there is nothing to judge before another one is pushed. */
  empty: Sha.optional(),
  /** Up to here a look found nothing to do on the waiting pull request: what happened on it before is known. */
  seenAt: Time.optional(),
  /** `baseBranch` is red at this commit: nothing is tried before it moves. */
  waitsForBase: Sha.optional(),
  /** How often in a row a run of it was cancelled on the forge; absent = never. Twice goes to a person. */
  cancelled: Count.optional(),
  /** Commit below `wip/<key>` that a failed attempt left; offered to the next one. */
  kept: z.looseObject({ head: Sha, at: Time, attempt: Count, why: z.string() }).optional(),
  /** Head on which the claim's reviewer has the status `agent-dispatch/review` say pending; absent once it says how the review ended. */
  judging: Sha.optional(),
  /** Closed for long, but its issue was open: it is not looked at again for the sweep before then. */
  sweepAfter: Time.optional(),
  /** A merge of this head that the forge put off, and how often. */
  landing: z.looseObject({ head: Sha, times: Count, answer: findingText }).optional(),
  /** The head that the last claim was to merge, and on whose approval: what is told of it, should its run die then. Gone with the next claim. */
  merging: z.looseObject({ head: Sha, approvedBy: z.string() }).optional(),
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
