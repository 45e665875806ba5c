// `mode: explain` and `dry-run`: the same look and the same decision as always, told instead of done. Nothing is written anywhere.

import { candidate } from "../core/candidate.ts";
import { table } from "../core/decide.ts";
import { isAgentWork, type Work } from "../core/decision.ts";
import { explainedText } from "../core/explain.ts";
import type { Snapshot, Trigger } from "../core/model.ts";
import { lateRepairs, type Repair, repairs } from "../core/repairs.ts";
import { plain } from "../core/report.ts";
import { toSweep } from "../core/sweep.ts";
import { unknownText } from "../core/unknown-refs.ts";
import { type Decided, decided } from "../deciding.ts";
import { describe } from "../errors.ts";
import { look } from "../look.ts";
import { observe, type Who } from "../observe.ts";
import { kindOf, type Outcome, outcome } from "../outcome.ts";
import type { Ports } from "../ports.ts";
import type { Settings } from "../settings/settings.ts";
import { promptOf } from "./prompt-of.ts";

/** Items explained in one run where none is named. */
const itemsMax = 20;
/** Looks at one item: facts, rights, merge, dispatch; more would be a fault. */
const looksMax = 10;

/** Every gate of the named item, or of all that would be looked at, with the fact behind each. */
export async function explain(ports: Ports, settings: Settings, who: Who, trigger: Trigger): Promise<Outcome> {
  const { policy } = settings;
  // Who asks why orders nothing by it.
  const observed = await observe(ports, who, { ...trigger, byHand: false }, policy);
  const { decision, snapshot } = await decided(ports, policy, observed.snapshot);
  warnOfUnknown(ports, snapshot);
  const told: string[] = [];
  for (const { key } of snapshot.items.slice(0, itemsMax)) {
    const known = await wholeItem(ports, snapshot, key);
    const item = known.items.find((other) => other.key === key);
    if (item !== undefined) told.push(explainedText(candidate(item, known, policy), table));
  }
  for (const text of told) ports.log.line(text);
  if (told.length === 0) ports.log.line(decision.kind === "idle" ? decision.reason : "no item is looked at");
  const about = trigger.item === null ? `${told.length} items explained` : `#${trigger.item} is explained above`;
  return outcome({
    ...{ kind: "explain", outcome: "done", item: trigger.item, reason: `${about}; ${nextOf(decision)}` },
    next: "Nothing was written.",
    passed: decision.kind === "idle" ? decision.passed : [],
  });
}

/** The item with all facts that any row asks for, so that every gate can be told. */
async function wholeItem(ports: Ports, snapshot: Snapshot, key: string): Promise<Snapshot> {
  let known = snapshot;
  for (let looks = 0; looks < looksMax; looks++) {
    const item = known.items.find((other) => other.key === key);
    if (item === undefined || item.details !== null || item.unreadable !== null) return known;
    const branch = item.pull?.headIsHere === false ? "" : (item.pull?.headRef ?? `agent/${key}`);
    known = await look(ports, known, { kind: "look", item, wanted: { facts: "details", branch } });
  }
  return known;
}

/** What this run would do, with every repair and the whole prompt. */
export async function plan(ports: Ports, settings: Settings, who: Who, trigger: Trigger): Promise<Outcome> {
  const { policy } = settings;
  const observed = await observe(ports, who, trigger, policy);
  warnOfUnknown(ports, observed.snapshot);
  for (const one of repairs(observed.snapshot, policy)) tellRepair(ports, one);
  const { decision, snapshot } = await decided(ports, policy, observed.snapshot);
  for (const one of lateRepairs(snapshot, policy, null)) tellRepair(ports, one);
  const { due, orphans } = toSweep(snapshot, snapshot.now);
  for (const { key } of due) ports.log.line(`would sweep ${key}, if its issue is still closed`);
  for (const { key } of orphans) ports.log.line(`would remove the upload of ${key}, which has no record`);
  const said = decision.kind === "dispatch" || decision.kind === "control" ? [] : (decision.replies ?? []);
  for (const { on, body } of said) ports.log.line(`would say on #${on}:\n${body}`);
  const base = { outcome: "dry-run", next: "Nothing was written." } as const;
  if (decision.kind === "idle") {
    for (const p of decision.passed) ports.log.line(`#${p.item} ${plain(p.title)}: ${p.reason}`);
    return outcome({ ...base, kind: "idle", reason: decision.reason, item: trigger.item, passed: decision.passed });
  }
  if (decision.kind === "control") return outcome({ ...base, kind: "idle", reason: nextOf(decision) });
  const item = decision.item.issue.number;
  if (decision.kind === "dispatch")
    return outcome({ ...base, kind: kindOf(decision.work), item, reason: nextOf(decision) });
  ports.log.line(`would do: ${decision.kind} of #${item} (row ${decision.row})`);
  if (isAgentWork(decision)) await tellAgentWork(ports, settings, who, snapshot, decision);
  return outcome({ ...base, kind: kindOf(decision.kind), item, reason: nextOf(decision) });
}

function tellRepair(ports: Ports, { why, effects, doubles }: Repair): void {
  ports.log.line(`would repair: ${why}`);
  for (const write of [...effects, ...doubles]) ports.log.line(`  ${JSON.stringify(write)}`);
}

/** Once a run, whatever it goes on to do: only people can end two versions at work in one repository. */
export function warnOfUnknown(ports: Ports, { unknownRefs }: Snapshot): void {
  const unknown = unknownText(unknownRefs);
  if (unknown !== null) ports.log.warning(unknown);
}

async function tellAgentWork(
  ports: Ports,
  settings: Settings,
  who: Who,
  snapshot: Snapshot,
  work: Extract<Work, { kind: "implement" | "review" | "rework" }>,
): Promise<void> {
  const { plan: p } = work;
  ports.log.line(
    `branch ${p.branch || "none"} at ${p.expect ?? "nothing"}, attempt ${p.attempt}, asked for by ${p.askedBy}`,
  );
  try {
    const prompt = await promptOf(ports, settings, who, snapshot, work);
    await ports.log.group("Prompt", async () => {
      for (const line of prompt.split("\n")) ports.log.line(`| ${line}`);
    });
  } catch (error) {
    ports.log.warning(`the prompt cannot be told: ${describe(error)}`);
  }
}

function nextOf(decision: Decided): string {
  switch (decision.kind) {
    case "idle":
      return decision.reason;
    case "control":
      return `@${decision.order.by} ordered ${decision.order.verb}`;
    case "dispatch":
      return `a run of its own would be started for #${decision.item.issue.number} (${decision.work})`;
    default:
      return `the next step is ${decision.kind} of #${decision.item.issue.number}`;
  }
}
