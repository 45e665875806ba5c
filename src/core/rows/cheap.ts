// Rows that need nothing but the list of issues, the open pull requests and the ledger: most items end here, without a further request.

import { type Candidate, isHandedOver } from "../candidate.ts";
import { foreignChecks } from "../checks.ts";
import { closes } from "../closing.ts";
import { branchName, hasLabel, isProgram } from "../model.ts";
import { seenUntil } from "../notes.ts";
import { holdLabel, stageOf } from "../policy.ts";
import { freeSlot } from "../slots.ts";
import { cancelsMax, isAlive } from "../takeover.ts";
import { clockTime } from "../text.ts";
import { type Answer, skip } from "./row.ts";

export function handsOff({ item }: Candidate): Answer | null {
  if (hasLabel(item.issue.labels, holdLabel)) return skip(`\`${holdLabel}\` is on the issue`);
  if (item.pull !== null && hasLabel(item.pull.labels, holdLabel))
    return skip(`\`${holdLabel}\` is on pull request #${item.pull.number}`);
  if (item.issue.locked) return skip("the issue is locked");
  if (item.pull?.locked === true) return skip(`pull request #${item.pull.number} is locked`);
  if (item.unreadable !== null) return skip(`its facts cannot be read: ${item.unreadable}`);
  if (item.record.kind === "unreadable")
    return skip(`its record in the ledger cannot be read (${item.record.why}); it is left alone`);
  return null;
}

export function claimed({ record, snapshot, policy }: Candidate): Answer | null {
  if (record === null || record.owner === snapshot.owner || !isAlive(record, snapshot, policy.limits)) return null;
  return skip(`claimed by ${record.run === null ? "a run outside the server" : `run ${record.run.number}`}`);
}

export function closed({ item, record }: Candidate): Answer | null {
  if (item.issue.state === "closed") return skip("it is closed");
  // It was closed before the claim of this run, whose open record shows the pull request again: nothing is to be waited for.
  if (item.former === null || record?.state === "closed") return null;
  // Until the repair has closed its record, work would begin in a generation that is over. A person can end it right after this run's repairs.
  const { number, merged } = item.former.pull;
  return skip(`pull request #${number} was ${merged ? "merged" : "closed"}, and its record is closed first`);
}

/** Nobody asks for anything, as far as can be seen without a further request. */
export function unlabelled(c: Candidate): Answer | null {
  const { item, labelled, named, record, policy } = c;
  if (labelled || named || record?.state === "published" || record?.state === "held") return null;
  if (isTouched(c)) return null;
  // A run that looked after it since, to merge it, may have failed: then it is released, and a person's all the same.
  const isPersons = isHandedOver(c) || (record?.state === "released" && record.stage === "merge-ready");
  if (isPersons && item.pull !== null && !item.issue.isPull) return null;
  return skip(`\`${policy.label}\` is off${item.issue.assignees.length > 0 ? "" : ", nobody asks for work"}`);
}

/** Something happened after the program's last word: a review, a label or a comment on the open pull request, or a stage label, can be an order. */
export function isTouched({ item, record }: Candidate): boolean {
  if (record === null) return false;
  if (item.pull === null) {
    const isOther = (label: string) => stageOf(label) !== null && stageOf(label) !== record.stage;
    return record.state === "blocked" && item.issue.labels.some((label) => isOther(label.name));
  }
  return Math.max(item.pull.updatedAt, item.issue.updatedAt) > seenUntil(record);
}

/** Handed over, and nothing has happened since that could bring it back: a person merges. */
export function waitsQuietly(c: Candidate): Answer | null {
  const { item, record, snapshot, policy, named, labelled } = c;
  const { pull, statuses } = item;
  if (!isHandedOver(c) || pull === null || item.issue.isPull || named || labelled || isTouched(c)) return null;
  if (!pull.mergeable && !pull.draft && record?.mergeClean?.head !== pull.headSha) return null;
  // Whether a red status counts is known only with the rules of the base branch, which are a costly fact.
  const isRed = statuses === null || foreignChecks(statuses, [], snapshot.workflow).red.length > 0;
  if (isRed && statuses !== null) return null;
  if (policy.merge === "when-approved" && statuses !== null) return null;
  return skip(`pull request #${pull.number} waits for a person to merge it`);
}

// An order younger than the record moves the issue's time of change; our own writes do too, hence the two minutes.
export function cooling(c: Candidate): Answer | null {
  const { item, record, named, snapshot } = c;
  const until = coolsUntil(record, snapshot) ?? waitsForBase(c);
  if (until === null || named || record === null) return null;
  const changed = Math.max(item.issue.updatedAt, item.pull?.updatedAt ?? 0);
  return changed > Date.parse(record.at) + 120_000 ? null : skip(until);
}

export function coolsUntil(record: Candidate["record"], snapshot: Candidate["snapshot"]): string | null {
  if (record === null || record.state !== "released" || record.cooldownUntil === null) return null;
  if (Date.parse(record.cooldownUntil) <= snapshot.now) return null;
  return `cooling down after ${record.lastFailure?.class ?? "a failure"} until ${clockTime(record.cooldownUntil)}`;
}

/** The base failed the checks itself: nothing is tried before it moves. */
export function waitsForBase({ record, snapshot }: Candidate): string | null {
  const red = record?.state === "released" ? record.waitsForBase : undefined;
  if (red === undefined || record === null || snapshot.bases[record.baseBranch] !== red) return null;
  return `the base branch fails its own checks at \`${red.slice(0, 10)}\`; it waits until that moves`;
}

// Without an explicit order these hold whatever the costly facts are, so that they are never read for such an item.
export function excludedCheaply(c: Candidate): Answer | null {
  if (c.named || c.item.pull !== null || c.item.issue.comments > 0 || c.record?.state === "published") return null;
  const reason = excluded(c) ?? pullsFull(c) ?? placesFull(c);
  return reason === null ? null : skip(reason);
}

/** Too many of the program's pull requests wait for people. */
export function pullsFull({ snapshot, policy }: Candidate): string | null {
  const pulls = snapshot.openPulls.filter((pull) => isProgram(snapshot, pull.author)).length;
  if (pulls < policy.maxOpenPulls) return null;
  return `${pulls} pull requests of the program are open (\`max-open-pulls\` is ${policy.maxOpenPulls})`;
}

/** Nothing can be begun; giving up after the last attempt, or after cancelled runs, needs no place. */
function placesFull({ snapshot, policy, record }: Candidate): string | null {
  const { attempt = 0, cancelled = 0 } = record ?? {};
  const mayGiveUp = attempt >= policy.maxAttempts || cancelled + 1 >= cancelsMax;
  if (mayGiveUp || freeSlot(snapshot, policy) !== null) return null;
  return noPlace(policy);
}

export function noPlace(policy: Candidate["policy"]): string {
  return `all places for agents are taken (\`max-concurrent\` is ${policy.maxConcurrent})`;
}

export function excluded({ item, policy, snapshot, record }: Candidate): string | null {
  const label = item.issue.labels.find((l) => policy.excludeLabels.includes(l.name));
  if (label !== undefined) return `the label \`${label.name}\` excludes it`;
  const title = policy.excludeTitles.find((pattern) => pattern.test(item.issue.title));
  if (title !== undefined) return `its title matches \`${title.source}\`, which excludes it`;
  const own = record?.branch ?? branchName(item.issue.number, 1);
  const [pull] = snapshot.openPulls
    .filter((p) => !(p.headIsHere && p.headRef === own) && closes(`${p.title}\n${p.body}`, item.issue.number))
    .sort((a, b) => a.number - b.number);
  return pull === undefined ? null : `pull request #${pull.number} by @${pull.author} closes it already`;
}
