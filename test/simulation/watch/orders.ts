// Invariant 6, its other half: what a person orders by a label or an assignment stands until some run has taken the item up. Nobody puts it back in
// order as if the program had left it there.

import type { Change } from "../forge/state.ts";
import { bot } from "../local/bench.ts";
import { writers } from "../people.ts";
import type { World } from "../world.ts";
import { keyOf, numberOf, viewOf } from "./view.ts";
import type { Rule } from "./watch.ts";

export function ordersRule(world: World): Rule {
  const { forge, watch, schedule } = world;
  /** By number: what stands there by a person's wish (a stage label, or the bot's login), and since when. */
  const wishes = new Map<number, Map<string, number>>();
  const epochs = new Map<string, number>();

  function issueOf(body: string): number | null {
    const found = /agent-dispatch:pull v1 issue=(\d+)/.exec(body)?.[1];
    return found === undefined ? null : Number(found);
  }

  function of(number: number): Map<string, number> {
    const found = wishes.get(number) ?? new Map<string, number>();
    wishes.set(number, found);
    return found;
  }

  /** What is over is tidied up: the issue, that of a pull request of the program, or its last pull request. */
  function isOver(number: number): boolean {
    const here = forge.issue(number);
    const issue = issueOf(here?.body ?? "");
    if (here?.state === "closed" || (issue !== null && forge.issue(issue)?.state === "closed")) return true;
    return forge.pulls().findLast((pull) => pull.author === bot && issueOf(pull.body) === number)?.state === "closed";
  }

  function put(change: Change): { number: number; what: string; added: boolean } | null {
    if (change.kind === "label" && change.label.startsWith("agent/"))
      return { number: change.issue, what: change.label, added: change.added };
    if (change.kind === "assignee" && change.login === bot)
      return { number: change.issue, what: bot, added: change.added };
    return null;
  }

  function changedByProgram(change: Change): void {
    const found = put(change);
    if (found === null) return;
    const since = of(found.number).get(found.what);
    if (since === undefined || found.added || isOver(found.number)) return;
    const seconds = Math.round((schedule.now - since) / 1000);
    watch.fail(
      "orders",
      `\`${found.what}\` on #${found.number}, a person's, was undone after ${seconds} s and never taken up`,
    );
  }

  /** A new claim has seen what stands there. */
  function claimed(change: Extract<Change, { kind: "refs" }>): void {
    for (const move of change.moves) {
      const key = keyOf(move.ref);
      const record = key === null ? null : viewOf(forge, move.new);
      if (key === null || record === null || epochs.get(key) === record.epoch) continue;
      epochs.set(key, record.epoch);
      wishes.delete(numberOf(key));
      if (record.pull !== null) wishes.delete(record.pull);
    }
  }

  return {
    changed(change) {
      if (change.kind === "refs") claimed(change);
      if (change.kind === "merged" || (change.kind === "state" && change.state === "closed")) wishes.clear();
      if (change.by.login === bot) return changedByProgram(change);
      const found = change.by.machine === null ? put(change) : null;
      if (found === null) return;
      if (found.added && writers.includes(change.by.login)) of(found.number).set(found.what, schedule.now);
      else of(found.number).delete(found.what);
    },
  };
}
