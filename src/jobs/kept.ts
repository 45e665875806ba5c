// Work that is not published is not thrown away: a failed attempt's commits go to `wip/<key>`, and the next author finds them in its clone.

import { hasRoom, type KeptWork, keptBranch } from "../core/kept.ts";
import type { KeptFacts } from "../core/report.ts";
import { shorten } from "../core/text.ts";
import { describe } from "../errors.ts";
import type { ExtraBranch } from "../git/clone.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { wipRef } from "../ledger/refs.ts";
import { upload } from "../ledger/wip.ts";
import type { Spent } from "./author.ts";
import { ledgerPorts } from "./claiming.ts";
import type { AgentJob } from "./endings.ts";
import { forgeNow, type Job } from "./job.ts";

/** Longest reason in a record, in characters. */
const whyMax = 300;
/** Longest upload of it, in ms: shorter than of what is published, since a person may be waiting for the item. */
const keepMsMax = 20 * 60_000;
/** The same in a run that was asked to end: it is killed soon, and has a claim to give back before that. */
const lastMs = 5_000;

/**
 * Uploads what an attempt left, for the next one and for people; `why` says how the attempt ended. Answers what the record says then: what was
 * kept before where nothing new is. Life signs go on beside it; where they fail, the forge is waited for. Best effort: it never throws.
 */
export async function keep(job: AgentJob, spend: Spent | null, why: string): Promise<Pick<LedgerRecord, "kept">> {
  const { ports, claim, plan } = job;
  const { kept } = claim.record;
  // Where an upload for a publish took its place, it is gone.
  const before = { kept: kept?.head === claim.wip ? kept : undefined };
  const head = spend?.left ?? null;
  if (head === null || claim.lost) return before;
  try {
    const problem = await whyNotUploaded(job, head);
    if (problem === null) {
      const at = new Date(forgeNow(ports)).toISOString();
      return { kept: { head, at, attempt: plan.attempt, why: shorten(ports.redact(why), whyMax) } };
    }
    ports.log.line(`the work so far could not be kept: ${problem}`);
  } catch (error) {
    ports.log.line(`the work so far could not be kept: ${describe(error)}`);
  }
  return before;
}

async function whyNotUploaded({ ports, settings, claim }: AgentJob, head: string): Promise<string | null> {
  // It was to be published, so it is there already.
  if (claim.wip === head) return null;
  const deadlineMs = ports.stop.aborted ? lastMs : keepMsMax;
  const outcome = await upload(await ledgerPorts(ports, settings), claim, head, { deadlineMs });
  switch (outcome.kind) {
    case "ok":
      return null;
    case "lost":
      return claim.loss;
    case "refused":
      return outcome.text;
    case "unknown":
      return outcome.cause;
    default:
      return outcome satisfies never;
  }
}

/** What a record keeps, for texts. */
export function keptFacts({ key }: Pick<LedgerRecord, "key">, { kept }: Pick<LedgerRecord, "kept">): KeptFacts | null {
  return kept === undefined ? null : { ...kept, key };
}

/** What the author of this claim may go on from. */
export interface Earlier extends KeptWork {
  /** Its branch in the clone. */
  branch: ExtraBranch;
}

/**
 * Fetches what an earlier attempt left; null where that is nothing, or it is gone: no reason to fail. `branches`: those that the clone has anyway.
 * To be called before the commits that the work starts from are fetched: this one would cut their history off where its own ends.
 */
export async function earlierWork(
  job: Pick<Job, "ports" | "claim">,
  branches: readonly string[],
): Promise<Earlier | null> {
  const { ports, claim } = job;
  const { kept, key } = claim.record;
  if (kept === undefined || !hasRoom(branches)) return null;
  try {
    const sha = await (await ports.host()).fetchRef(wipRef(key));
    if (sha === kept.head) return { ...kept, branch: { name: keptBranch, commit: sha } };
    ports.log.line("the work of an earlier attempt is not there any more");
  } catch (error) {
    ports.log.line(`the work of an earlier attempt could not be fetched: ${describe(error)}`);
  }
  return null;
}
