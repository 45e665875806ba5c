// People act at random: they label, hold, assign, comment, review, push, merge, close. Alice and bob may write code, mallory may not.

import { type Acting, deeds } from "./deeds.ts";
import { addLabel } from "./forge/acts.ts";
import type { Actor } from "./forge/state.ts";
import { bot } from "./local/bench.ts";
import { minute, start } from "./plan.ts";
import { Random } from "./random.ts";
import type { World } from "./world.ts";

export const writers: readonly string[] = ["alice", "bob"];

/** Acts by how often they are chosen. */
const acts = {
  ...{ labelOn: 6, labelOff: 3, hold: 2, unhold: 3, close: 1, reopen: 1.5, take: 2, giveBack: 2, assignBot: 0.5 },
  ...{ say: 2, command: 5, stage: 1.5, push: 3, rewrite: 0.7, deleteBranch: 0.5, pushMain: 3, judge: 4, merge: 3 },
  ...{ mergeAndGoOn: 1.5, checks: 2, edit: 0.7, lock: 0.4, unlock: 0.6, dispatch: 1, ownPull: 0.7 },
};
type Act = keyof typeof acts;

export class People {
  readonly #world: World;
  readonly #random: Random;

  constructor(world: World) {
    this.#world = world;
    this.#random = new Random(world.plan.seed, "people");
  }

  /** Everything that they will do on their own. */
  begin(): void {
    const { plan, schedule } = this.#world;
    for (let issue = 1; issue <= plan.issues; issue++) {
      schedule.after(this.#random.longTailed(0, 20 * minute), () => this.#ask(issue));
    }
    for (let done = 0; done < plan.acts; done++) {
      schedule.after(this.#random.between(minute, plan.calmFrom - start), () => this.act());
    }
  }

  /** Somebody takes a moment at which an agent works on it. */
  strike(key: string, afterMs: number): void {
    if (!this.#random.chance(this.#world.plan.strikes)) return;
    const number = Number(key.replace(/^\D+/, ""));
    this.#world.schedule.after(afterMs, () => this.act(number));
  }

  /** Somebody changes their mind in the first seconds of a run, while it looks and claims. */
  hurry(number: number, random: Random): void {
    const { plan, schedule } = this.#world;
    if (!random.chance(plan.haste)) return;
    const act = random.weighted({ hold: 3, labelOff: 2, close: 1, take: 1, lock: 1 });
    schedule.after(random.longTailed(0, 15_000), () => this.act(number, act));
  }

  #actor(): Actor {
    return { login: this.#random.chance(0.12) ? "mallory" : (this.#random.pick(writers) ?? "alice"), machine: null };
  }

  #ask(number: number): void {
    const { forge, fleet } = this.#world;
    const issue = forge.issue(number);
    const label = forge.label("bot");
    if (issue === undefined || label === undefined) return;
    const by = { login: "alice", machine: null };
    this.#world.note("alice", `puts bot on #${number}`);
    addLabel(forge, issue, by, label.id);
    fleet.event({ event: "issues", actor: "alice", item: number });
  }

  /** One act on an issue, or on its pull request. */
  act(number = this.#random.whole(1, this.#world.plan.issues), wanted: Act | null = null): void {
    const { forge, schedule, plan } = this.#world;
    if (schedule.now >= plan.calmFrom) return;
    const issue = forge.issue(number);
    if (issue === undefined) return;
    const pulls = forge.pulls().filter((pull) => pull.author === bot && pull.body.includes(`issue=${number} `));
    const pull = pulls.findLast((one) => one.state === "open") ?? pulls.at(-1) ?? null;
    const by = this.#actor();
    const act = wanted ?? this.#random.weighted(acts);
    const on = pull !== null && pull.state === "open" && this.#random.chance(0.5) ? pull : issue;
    // Who may only read can talk; labels of an issue that is there are for others.
    if (by.login === "mallory" && act !== "say" && act !== "command") return;
    this.#world.note(by.login, `${act} #${on.number}${pull === null ? "" : ` (pull #${pull.number})`}`);
    this.#do(act, { by, issue, on, pull });
  }

  #do(act: Act, acting: Acting): void {
    deeds[act](acting, this.#world, this.#random);
  }
}
