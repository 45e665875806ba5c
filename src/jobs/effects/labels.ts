import type { Effect } from "../../core/effects.ts";
import { isProgram } from "../../core/model.ts";
import { stageOf } from "../../core/policy.ts";
import type { Label } from "../../forge/model.ts";
import { ensure, mayBeApplied, type Run, target } from "./run.ts";

type LabelsEffect = Extract<Effect, { do: "labels" }>;

/** Adds first, so that the item is never without a label that says where it stands; then takes off. */
export async function ensureLabels(run: Run, given: LabelsEffect): Promise<void> {
  const { forge } = run.ports;
  const number = target(run, given.on);
  if (number === null) return;
  const present = async () => (await forge.issue(number))?.labels ?? [];
  const now = await present();
  const effect = await withoutSwap(run, number, given, now);
  const missing = effect.add.filter((name) => !now.some((label) => label.name === name));
  if (missing.length > 0) await addLabels(run, number, missing, present);
  const left = missing.length > 0 ? await present() : now;
  for (const label of await unwanted(run, number, effect, left)) await removeLabel(run, number, label, present);
}

/** A stage label that a person put on after `since` is an order of theirs: it is not swapped for ours, and the next run obeys it. */
async function withoutSwap(
  run: Run,
  number: number,
  effect: LabelsEffect,
  present: readonly Label[],
): Promise<LabelsEffect> {
  const isStage = (name: string) => stageOf(name) !== null;
  const others = present.filter((label) => isStage(label.name) && !effect.add.includes(label.name));
  if (effect.since === undefined || others.length === 0 || !effect.add.some(isStage)) return effect;
  const kept = await putOnSince(run, number, effect.since, effect.seen);
  if (!others.some((label) => kept.has(label.name))) return effect;
  const rest = (names: readonly string[]) => names.filter((name) => !isStage(name));
  return { ...effect, add: rest(effect.add), remove: rest(effect.remove) };
}

async function addLabels(run: Run, number: number, missing: readonly string[], present: () => Promise<Label[]>) {
  const ids: number[] = [];
  for (const name of missing) ids.push((await ensureLabel(run, name)).id);
  const isDone = async () => (await present()).filter((label) => missing.includes(label.name)).length >= missing.length;
  await run.ports.fence();
  await ensure(run, isDone, () => run.ports.forge.addLabels(number, ids));
}

async function removeLabel(run: Run, number: number, label: Label, present: () => Promise<Label[]>): Promise<void> {
  await run.ports.fence();
  try {
    await run.ports.forge.removeLabel(number, label.id);
  } catch (error) {
    if (!mayBeApplied(error) || (await present()).some((l) => l.id === label.id)) throw error;
  }
}

/** What is to be taken off of the labels that are there. */
async function unwanted(run: Run, number: number, effect: LabelsEffect, present: readonly Label[]): Promise<Label[]> {
  // The forge swaps stage labels itself only where they are exclusive, which those that people made before may not be.
  const isStage = (name: string) => stageOf(name) !== null;
  const isSwapped = (name: string) => effect.add.some(isStage) && isStage(name) && !effect.add.includes(name);
  const swapped = present.filter((label) => isSwapped(label.name));
  const named = present.filter((label) => effect.remove.includes(label.name) && !isSwapped(label.name));
  if (named.length === 0 || effect.since === undefined) return [...swapped, ...named];
  const kept = await putOnSince(run, number, effect.since, effect.seen);
  return [...swapped, ...named.filter((label) => !kept.has(label.name))];
}

/** Labels that a person put on last, after `since`; in its very second, which is all that the timeline tells, those that were not `seen`. */
async function putOnSince(run: Run, number: number, since: string, seen?: readonly string[]): Promise<Set<string>> {
  const kept = new Set<string>();
  const decided = Date.parse(since);
  const second = decided - (decided % 1000);
  for (const entry of await run.ports.forge.timeline(number)) {
    if (entry.kind !== "label" || !entry.added) continue;
    const isLater = entry.at > decided || (entry.at >= second && seen !== undefined && !seen.includes(entry.label));
    if (isLater && !isProgram(run.ports, entry.by)) kept.add(entry.label);
    else kept.delete(entry.label);
  }
  return kept;
}

const labelLooks: Readonly<Record<string, { color: string; description: string }>> = {
  "needs-review": { color: "#1d76db", description: "agent-dispatch: waits for review" },
  "needs-rework": { color: "#d97706", description: "agent-dispatch: changes are wanted" },
  "merge-ready": { color: "#0e8a16", description: "agent-dispatch: good; a person merges" },
  "needs-info": { color: "#8b5cf6", description: "agent-dispatch: a question for a person" },
  blocked: { color: "#b91c1c", description: "agent-dispatch: gave up; a person decides" },
};

/** Labels are not unique on the forge: listed first, made only when missing, the lowest id counts. */
async function ensureLabel(run: Run, name: string): Promise<Label> {
  const { forge } = run.ports;
  run.labels ??= await forge.labels();
  const known = lowest(run.labels, name);
  if (known !== undefined) return known;
  const stage = stageOf(name);
  const look = labelLooks[stage ?? ""] ?? { color: "#0891b2", description: "agent-dispatch: the program's turn" };
  await run.ports.fence();
  try {
    const made = await forge.createLabel({ name, ...look, exclusive: stage !== null });
    run.labels.push(made);
    return made;
  } catch (error) {
    const found = mayBeApplied(error) ? lowest(await forge.labels(), name) : undefined;
    if (found === undefined) throw error;
    run.labels.push(found);
    return found;
  }
}

function lowest(labels: readonly Label[], name: string): Label | undefined {
  return labels.filter((label) => label.name === name).sort((a, b) => a.id - b.id)[0];
}
