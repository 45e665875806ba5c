// What each row of the table looks at, in a few words: for `/agent why` and `mode: explain`. Describes, never decides.

import { type Candidate, generation, isFixUnderway, known, type OpenPull, openPull, ownBranch } from "../candidate.ts";
import { isProgram } from "../model.ts";
import { freeSlot } from "../slots.ts";
import type { Standing } from "../standing.ts";
import { clockTime, code } from "../text.ts";
import { attemptsBefore, roundsBefore } from "./plans.ts";

type Fact = (c: Candidate) => string;

const list = (words: readonly string[]) => (words.length === 0 ? "none" : words.join(", "));
const names = (labels: readonly { name: string }[]) => list(labels.map((l) => code(l.name, 50)));

export const labels: Fact = ({ item, record }) => {
  const { issue, pull } = item;
  const onPull = pull === null || issue.isPull ? "" : `; on #${pull.number}: ${names(pull.labels)}`;
  const state = record === null ? "no record" : `record ${record.state}, claim ${record.epoch}`;
  return `labels: ${names(issue.labels)}${onPull}; ${issue.locked ? "locked" : "not locked"}; ${state}`;
};

export const claim: Fact = ({ record, item, snapshot }) => {
  if (record?.state !== "held" && record?.state !== "published") return "nobody has claimed it";
  const run = record.run === null ? "a run outside the server" : `run ${record.run.number}`;
  const end = snapshot.ends[item.key] ?? null;
  const at = end === null || end.at === null ? "" : ` at ${clockTime(new Date(end.at).toISOString())}`;
  const ended = end === null ? "" : `; the forge says it ended${at} (${end.how})`;
  return `${run}, last sign of life ${clockTime(record.at)}, for ${record.ttlSeconds} s${ended}`;
};

export const state: Fact = ({ item }) => item.issue.state;

export const trigger: Fact = ({ item, labelled, policy }) =>
  `${code(policy.label, 50)} is ${labelled ? "on" : "off"}; assigned: ${list(item.issue.assignees)}`;

export const stage: Fact = ({ item, record }) => {
  const pull = item.pull === null ? "no open pull request" : `pull request #${item.pull.number} is open`;
  return `${pull}; the record's stage is ${record?.stage ?? "none"}`;
};

export const cooldown: Fact = ({ record }) => {
  const { lastFailure, cooldownUntil, waitsForBase } = record ?? {};
  const last = lastFailure ? `last failure ${lastFailure.class} at ${clockTime(lastFailure.at)}` : "no failure";
  const base = waitsForBase === undefined ? "" : `; the base was red at ${waitsForBase.slice(0, 10)}`;
  return `${last}; cooldown ${cooldownUntil ? `until ${clockTime(cooldownUntil)}` : "none"}${base}`;
};

export const exclusion: Fact = ({ policy }) =>
  `excluded labels: ${list(policy.excludeLabels)}; titles: ${list(policy.excludeTitles.map((t) => code(t.source, 60)))}`;

export const orders: Fact = (c) => {
  const { s } = known(c);
  const told = s.all.slice(0, 10).map((order) => `${order.id} ${order.verb} by ${order.by} (${worth(c, s, order)})`);
  return told.length === 0 ? "nobody ordered anything" : told.join("; ");
};

function worth({ record }: Candidate, s: Standing, order: Standing["all"][number]): string {
  if (record?.handled.includes(order.id) === true) return "obeyed";
  const refused = s.refused.find((r) => r.order.id === order.id);
  if (refused !== undefined) return `refused: ${refused.why}`;
  return s.trusted.includes(order) || s.questions.includes(order) ? "new" : "not counted";
}

export const newestOrder: Fact = (c) => {
  const { pending } = known(c).s;
  return pending === null
    ? "no new order"
    : `${pending.verb} by ${pending.by} at ${clockTime(new Date(pending.at).toISOString())}`;
};

export const standingOrder: Fact = (c) =>
  c.record === null || c.record.askedBy === "" ? "none before" : `the last was given by ${c.record.askedBy}`;

export const underway: Fact = (c) =>
  isFixUnderway(c) ? "a fix was ordered and is not done" : "no ordered fix is under way";

export const assignees: Fact = ({ item, snapshot }) =>
  `assigned: ${list(item.issue.assignees.map((login) => `${login}${isProgram(snapshot, login) ? " (the program)" : ""}`))}`;

export const effects: Fact = ({ record }) =>
  record?.state === "published"
    ? `some are unfinished, tried ${record.unfinished ?? 0} times`
    : "nothing is unfinished";

export const author: Fact = ({ item }) => (item.issue.isPull ? `a pull request by ${item.issue.author}` : "an issue");

export const head: Fact = withPull(({ pull }) => `head ${pull.headSha.slice(0, 10)}${pull.draft ? ", a draft" : ""}`);

export const merge: Fact = withPull(
  ({ facts }) => ({ clean: "merges cleanly", conflict: "conflicts", hint: "the forge says it conflicts" })[facts.merge],
);

export const checks: Fact = withPull(({ checks: found, red, redOnBase, facts }) => {
  const words = found.all.slice(0, 20).map((status) => `${code(status.context, 80)} ${status.state}`);
  const required = facts.base.required.length === 0 ? "none required" : `required: ${list(facts.base.required)}`;
  return `${list(words)}; ${required}; red here ${red.length}, on the base too ${redOnBase.length}`;
});

export const verdict: Fact = (c) => {
  const open = openPull(c);
  if (open === null) return "no open pull request";
  const rounds = `${roundsBefore(c)} of ${c.policy.maxRounds} rounds used`;
  return `${open.verdict === null ? "no verdict for this head" : open.verdict.note.verdict}; ${rounds}`;
};

export const bounds: Fact = (c) => {
  const { details } = known(c);
  const open = c.snapshot.openPulls.filter((pull) => isProgram(c.snapshot, pull.author)).length;
  const waits = list(details.openDependencies.map((d) => `${d.repository}#${d.number}`));
  const branch = details.branch === null ? "not there" : `at ${details.branch.slice(0, 10)}`;
  return `waits for: ${waits}; branch ${ownBranch(c)} ${branch}; ${open} of ${c.policy.maxOpenPulls} pull requests`;
};

export const attempts: Fact = (c) => {
  const place = freeSlot(c.snapshot, c.policy) === null ? "no place for an agent is free" : "a place is free";
  return `${attemptsBefore(c)} of ${c.policy.maxAttempts} attempts used; generation ${generation(c)}; ${place}`;
};

function withPull(tell: (open: OpenPull) => string): Fact {
  return (c) => {
    const open = openPull(c);
    return open === null ? "no open pull request" : tell(open);
  };
}
