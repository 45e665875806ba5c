// The self-fence: what belongs to a claim is not sent when the last sign of life that succeeded is older than `fenceSeconds`. A write of a run that
// slept through its lease can then only be one that was on its way already.

import type { Machine } from "../machine.ts";
import type { World } from "../world.ts";
import { keyOf, numberOf, viewOf } from "./view.ts";
import type { Rule } from "./watch.ts";

/** `limits.fenceSeconds` of every simulated policy, and what a process may take to do what it has just asked for, in ms. */
const fenceMs = 210_000 + 2_000;

/** The last record that a process made. */
interface Sign {
  key: string;
  sentAt: number;
  /** Not ended by itself: what the process writes about the item belongs to this claim. */
  isOpen: boolean;
  pull: number | null;
}

export function fenceRule(world: World): Rule {
  const { forge, watch, schedule } = world;
  const signs = new Map<Machine, Sign>();

  /** Whether a write, by its name and arguments, is about the item. */
  function isAbout(name: string, args: readonly unknown[], { key, pull }: Sign): boolean {
    const numbers = [numberOf(key), ...(pull === null ? [] : [pull])];
    if (name === "setStatus") return numbers.some((number) => forge.issue(number)?.pull?.headSha === args[0]);
    const isOnOne = name !== "editComment" && name !== "deleteComment" && name !== "createPull";
    return isOnOne && numbers.some((number) => number === args[0]);
  }

  return {
    changed(change) {
      const { machine } = change.by;
      if (change.kind !== "refs" || machine === null) return;
      for (const move of change.moves) {
        const key = keyOf(move.ref);
        const record = key === null ? null : viewOf(forge, move.new);
        if (key === null || record === null) continue;
        const sentAt = world.sentAt.get(move) ?? schedule.now;
        const isOpen = (record.state === "held" || record.state === "published") && record.ttlSeconds > 0;
        signs.set(machine, { key, sentAt, isOpen, pull: record.pull });
      }
    },
    writing(machine, name, args) {
      const sign = signs.get(machine);
      if (sign === undefined || !sign.isOpen || !isAbout(name, args, sign)) return;
      const age = schedule.now - sign.sentAt;
      if (age <= fenceMs) return;
      const seconds = Math.round(age / 1000);
      watch.fail(
        "fence",
        `${machine.name} sends ${name} about ${sign.key}, ${seconds} s after the last sign of its claim`,
      );
    },
  };
}
