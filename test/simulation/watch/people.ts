// Invariant 6: who holds an item, takes it, closes it or takes the label off is obeyed: nothing of it is published once the program could have seen
// that, and the program never undoes it.

import type { Change } from "../forge/state.ts";
import { bot } from "../local/bench.ts";
import type { Machine } from "../machine.ts";
import type { World } from "../world.ts";
import { keyOf, numberOf, recordOf, viewOf } from "./view.ts";
import type { Rule } from "./watch.ts";

/** So long before it is sent, a publish must have looked whether the item is still the program's. */
const looksBackMs = 5 * 60_000;
/** So long it may take to put somebody back who was taken off by a write that did not know of them. */
const putBackMs = 20 * 60_000;

/** So long after its start a run may look for the first time. */
const firstLookMs = 30_000;

/** What people have done to an issue or pull request, and when; 0 = it is not so. */
interface Restraints {
  hold: number;
  closed: number;
  locked: number;
  labelOff: number;
  taken: Map<string, number>;
  /** The last thing that could be an order. */
  wish: number;
}

interface Publish {
  /** When the request was sent, and when its claim was made. */
  sent: number;
  begun: number;
  /** The record said before that it is published. */
  isAgain: boolean;
}

export function peopleRule(world: World): Rule {
  const { forge, watch, schedule } = world;
  const known = new Map<number, Restraints>();
  const looks = new Map<string, number>();
  const claimedAt = new Map<string, { epoch: number; at: number }>();
  const takenOff = new Map<string, number>();
  /** When a process last sent labels for an issue. */
  const labelSent = new Map<number, number>();

  function of(number: number): Restraints {
    const found = known.get(number) ?? { hold: 0, closed: 0, locked: 0, labelOff: 0, taken: new Map(), wish: 0 };
    known.set(number, found);
    return found;
  }

  function byPerson(change: Change): void {
    const { now } = schedule;
    switch (change.kind) {
      case "label":
        if (change.label === "hold") of(change.issue).hold = change.added ? now : 0;
        if (change.label === "bot") of(change.issue).labelOff = change.added ? 0 : now;
        if (change.added && change.label !== "hold") of(change.issue).wish = now;
        return;
      case "assignee":
        if (change.login === bot) of(change.issue).wish = now;
        else if (change.added) of(change.issue).taken.set(change.login, now);
        else of(change.issue).taken.delete(change.login);
        return;
      case "state":
        of(change.issue).closed = change.state === "closed" ? now : 0;
        return;
      case "locked":
        of(change.issue).locked = change.locked ? now : 0;
        return;
      case "comment":
      case "review":
        of(change.issue).wish = now;
        return;
      default:
        return;
    }
  }

  function byProgram(change: Change): void {
    if (change.kind === "label") {
      const here = of(change.issue);
      if (change.label === "hold") watch.fail("people", `the program touched \`hold\` on #${change.issue}`);
      if (change.label !== "bot" || !change.added) return;
      const wishes = [...known.values()].map(({ wish }) => wish);
      // What was on its way already, or arrives twice, can land once. A run by hand gives its order with its look, not when it is started.
      if (here.labelOff > Math.max(...wishes, 0) + firstLookMs && (labelSent.get(change.issue) ?? 0) > here.labelOff)
        watch.fail("people", `the label that a person took off #${change.issue} was put on again`);
      here.labelOff = 0;
    }
    if (change.kind === "assignee" && change.login !== bot) {
      const name = `${change.issue} ${change.login}`;
      if (change.added) takenOff.delete(name);
      else if (of(change.issue).taken.has(change.login)) takenOff.set(name, schedule.now);
    }
    if (change.kind === "refs") moved(change);
  }

  function moved(change: Extract<Change, { kind: "refs" }>): void {
    const isPublished = change.moves.some(({ ref, new: sha }) => ref.startsWith("refs/heads/agent/") && sha !== null);
    for (const move of change.moves) {
      const key = keyOf(move.ref);
      const record = key === null ? null : viewOf(forge, move.new);
      if (key === null || record === null || change.by.machine === null) continue;
      const sent = world.sentAt.get(move) ?? schedule.now;
      if (isPublished && record.state === "published") {
        const begun = claimedAt.get(key)?.at ?? 0;
        // What the ledger calls published already is rolled forward: the label off says that nothing new shall be begun.
        const isAgain = viewOf(forge, move.old)?.state === "published";
        for (const number of [numberOf(key), ...(record.pull === null ? [] : [record.pull])])
          judge(change.by.machine, number, { sent, begun, isAgain });
      }
      if (claimedAt.get(key)?.epoch !== record.epoch) claimedAt.set(key, { epoch: record.epoch, at: schedule.now });
    }
  }

  function judge(machine: Machine, number: number, { sent, begun, isAgain }: Publish): void {
    const { hold, closed, locked, taken } = of(number);
    const labelOff = isAgain ? 0 : of(number).labelOff;
    const looked = looks.get(`${machine.id} ${number}`) ?? 0;
    // Who was assigned before the claim was there when the order was given.
    const holders = [...taken].filter(([, at]) => at > begun).map(([login, at]) => [`@${login} took it`, at] as const);
    const all = [["hold", hold], ["closed", closed], ["locked", locked], ["label off", labelOff], ...holders] as const;
    for (const [what, at] of all) {
      if (at === 0 || at >= sent) continue;
      const seconds = Math.round((sent - at) / 1000);
      if (at < looked) watch.fail("people", `#${number}: ${what}, seen, and its work was published ${seconds} s later`);
      else if (sent - at > looksBackMs + machine.pausedMs)
        watch.fail("people", `#${number}: ${what}, and its work was published ${seconds} s later without a look`);
    }
  }

  return {
    looked({ machine, name, args, at }) {
      if (name === "issue" || name === "pull") looks.set(`${machine.id} ${args[0]}`, at);
    },
    agentStarted({ key, epoch }) {
      const claim = claimedAt.get(key);
      if (claim?.epoch !== epoch) return;
      const pull = recordOf(forge, key)?.pull ?? null;
      for (const number of [numberOf(key), ...(pull === null ? [] : [pull])]) {
        const { hold, closed, locked, labelOff } = of(number);
        for (const [what, at] of [
          ["hold", hold],
          ["closed", closed],
          ["locked", locked],
          ["label off", labelOff],
        ] as const)
          if (at > 0 && at < claim.at)
            watch.fail("people", `#${number}: ${what} before it was claimed, and an agent starts`);
      }
    },
    writing(_machine, name, args) {
      if (name === "addLabels") labelSent.set(Number(args[0]), schedule.now);
    },
    ordered(item) {
      of(item).wish = schedule.now;
    },
    changed(change) {
      if (change.by.login === bot) byProgram(change);
      else if (change.by.machine === null) byPerson(change);
    },
    patrol() {
      for (const [name, at] of takenOff) {
        const [number = "", login = ""] = name.split(" ");
        const isOver =
          !of(Number(number)).taken.has(login) || forge.issue(Number(number))?.assignees.includes(login) === true;
        if (isOver) takenOff.delete(name);
        else if (schedule.now - at > putBackMs)
          watch.fail("people", `@${login}, who took #${number}, was taken off it`);
      }
    },
  };
}
