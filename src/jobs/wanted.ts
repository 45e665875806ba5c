// The effects that endings are made of, each under its name: what the forge shall show after it.

import type { Plan } from "../core/decision.ts";
import type { Effect } from "../core/effects.ts";
import { hasLabel } from "../core/model.ts";
import { type Stage, stageLabel, stages } from "../core/policy.ts";
import * as report from "../core/report.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { AgentJob } from "./endings.ts";
import { forgeNow, type Job } from "./job.ts";
import { keptFacts } from "./kept.ts";

/** Where stage labels, questions and the like stand: on the pull request once there is one. A person's pull request is its own issue. */
export function place(job: Pick<AgentJob, "pull" | "item">): "issue" | "pull" {
  return job.pull === null || job.item.issue.isPull ? "issue" : "pull";
}

/** The next stage label, in the place of any other. */
export function stageEffect(job: Look, on: "issue" | "pull", stage: Stage): Effect {
  const others = stages.filter((other) => other !== stage).map(stageLabel);
  return { id: "stage", do: "labels", on, add: [stageLabel(stage)], remove: others, ...ofLook(job, on) };
}

type Look = Pick<Job, "snapshot" | "item">;

/** What a person does to a label after the look that the work was chosen on is an order of its own, and stays. */
function ofLook({ snapshot, item }: Look, on: "issue" | "pull"): { since: string; seen: string[] } {
  const page = on === "issue" ? item.issue : item.pull;
  return { since: new Date(snapshot.now).toISOString(), seen: (page?.labels ?? []).map(({ name }) => name) };
}

/**
 * What people see when work begins: label and stage on, bot assigned, whom the program had asked off, status comment, the orders seen. `stage`:
 * null before there is a pull request. A person's pull request stays that person's: the bot is not assigned to it.
 */
export function workBegins(
  job: AgentJob & { plan: { foreign?: boolean } },
  stage: Stage | null,
  since: string,
  status: string,
): Effect[] {
  const { plan, ports, settings, who, item } = job;
  const { label } = settings.policy;
  const on = place(job);
  const staged = stage === null ? [] : [stageEffect(job, on, stage)];
  return [
    {
      ...({ id: "label", do: "labels", on: "issue" } as const),
      // Only an order by command or by hand lacks it; a label that a person takes off meanwhile is never put back.
      add: hasLabel(item.issue.labels, label) ? [] : [label],
      remove: staged.length > 0 && on === "issue" ? [] : [stageLabel("needs-info"), stageLabel("blocked")],
      ...ofLook(job, "issue"),
    },
    ...staged,
    {
      ...({ id: "assign", do: "assign", on: "issue", remove: [...plan.unassign], since } as const),
      add: plan.foreign === true ? [] : [who.me.login],
    },
    statusComment(ports.redact(status)),
    ...plan.orderComments.map(
      (comment): Effect => ({ id: `react-${comment}`, do: "react", comment, reaction: "eyes" }),
    ),
  ];
}

/** The trigger label off: the program's turn is over. It may also stand on the pull request, where somebody put it by mistake. */
export function triggerOff(job: Pick<AgentJob, "settings" | "item" | "pull" | "snapshot">): Effect[] {
  const remove = [job.settings.policy.label];
  const off: Effect = { id: "trigger", do: "labels", on: "issue", add: [], remove, ...ofLook(job, "issue") };
  const onPull = job.item.pull?.labels.some((label) => remove.includes(label.name)) === true && place(job) === "pull";
  if (!onPull) return [off];
  return [off, { id: "trigger-pull", do: "labels", on: "pull", add: [], remove, ...ofLook(job, "pull") }];
}

/** The writes that hand an item to a person: also used when attempts are used up by runs that died. `body` in the place of the usual text. */
export function giveUpEffects(
  job: Pick<AgentJob, "ports" | "who" | "claim" | "item" | "settings" | "run" | "pull" | "snapshot">,
  why: Pick<report.GaveUp, "failure" | "text" | "output" | "askedBy" | "attempts"> & Pick<LedgerRecord, "kept">,
  body?: string,
): Effect[] {
  const { record } = job.claim;
  const key = String(record.epoch);
  const on = place(job);
  const kept = keptFacts(record, why.kept === undefined ? record : why);
  return [
    stageEffect(job, on, "blocked"),
    ...triggerOff(job),
    ...handTo(job, why.askedBy),
    statusComment(report.waitingLine("person", on === "pull" ? job.pull : null, job.run)),
    {
      ...({ id: "blocked", do: "comment", on, purpose: "blocked", key, mode: "new" } as const),
      body: body ?? report.blockedComment({ ...why, kept, run: job.run, key, pull: on === "pull" ? job.pull : null }),
    },
  ];
}

/** `/agent stop`: the trigger label off, the bot unassigned, the pull request left as it is. */
export function stopEffects(
  job: Pick<AgentJob, "ports" | "who" | "settings" | "item" | "pull" | "snapshot">,
  comment: number | null,
): Effect[] {
  const seen: Effect[] =
    comment === null ? [] : [{ id: `answered-${comment}`, do: "react", comment, reaction: "rocket" }];
  // Whoever stops it takes back what anybody asked before.
  return [...triggerOff(job), botOff(job, forgeNow(job.ports)), ...seen];
}

/** The bot off the issue, unless a person put it there after the look that the work was chosen on. */
export function unassignBot(job: Pick<Job, "who" | "snapshot">): Effect {
  return botOff(job, job.snapshot.now);
}

function botOff(job: Pick<Job, "who">, sinceMs: number): Effect {
  const since = new Date(sinceMs).toISOString();
  return { id: "unassign", do: "assign", on: "issue", add: [], remove: [job.who.me.login], since };
}

/** The person who asked gets it, on the issue and on the pull request; the bot is taken off. */
export function handTo(job: Pick<AgentJob, "ports" | "who" | "pull" | "item">, login: string): Effect[] {
  const since = new Date(forgeNow(job.ports)).toISOString();
  const add = login === "" ? [] : [login];
  const remove = [job.who.me.login];
  const issue: Effect = { id: "assign", do: "assign", on: "issue", add, remove, since };
  return place(job) === "issue"
    ? [issue]
    : [issue, { id: "assign-pull", do: "assign", on: "pull", add, remove, since }];
}

export function statusComment(body: string): Effect {
  return { id: "status", do: "comment", on: "issue", purpose: "status", key: "", mode: "edit", body };
}

export function answered(plan: Pick<Plan, "orderComments">, reaction: "rocket"): Effect[] {
  return plan.orderComments.map((comment) => ({ id: `answered-${comment}`, do: "react", comment, reaction }));
}

export function patchEffect(job: Job, on: "issue" | "pull", patch: string, paths: readonly string[]): Effect {
  const key = String(job.claim.record.epoch);
  return {
    id: "patch",
    do: "comment",
    on,
    purpose: "patch",
    key,
    mode: "new",
    body: report.patchComment(paths, patch, key),
  };
}

export function droppedPaths(patch: string | null): string[] {
  return [...(patch ?? "").matchAll(/^diff --git a\/(.+?) b\//gm)].flatMap((match) => match[1] ?? []);
}
