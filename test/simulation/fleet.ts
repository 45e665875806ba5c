// Runners and the runs on them: what starts one, when it begins, how it can end before its time, and what the forge then says of it.

import type { Executor } from "../../src/trigger.ts";
import { queueRun } from "./forge/calls.ts";
import type { RunRow } from "./forge/state.ts";
import { Machine } from "./machine.ts";
import { minute } from "./plan.ts";
import { Random } from "./random.ts";
import type { World } from "./world.ts";

/** Why a run starts. */
export interface Cause {
  /** As `GITHUB_EVENT_NAME` has it. */
  event: string;
  actor: string;
  /** Issue or pull request that the event is about, or that a dispatch names. */
  item: number | null;
}

/** A process to be: of a run of the server, or on a person's own machine. */
export interface Order extends Cause {
  row: RunRow | null;
  /** Ms from a free runner to the start; absent or null = at random. */
  afterMs?: number | null;
}

export const workflow = "agent.yml";
/** How a process ends before its time. */
type Death = "cancelled" | "killed" | "runner-lost" | "asked";

export class Fleet {
  /** Processes that are not over. */
  readonly machines = new Set<Machine>();
  readonly #world: World;
  readonly #random: Random;
  readonly #waiting: Order[] = [];
  /** Processes of the server's runs by the id of the run. */
  readonly #ofRow = new Map<number, Machine>();
  #busy = 0;
  #made = 0;

  constructor(world: World) {
    this.#world = world;
    this.#random = new Random(world.plan.seed, "fleet");
  }

  /** Runs that are waiting or going on. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.machines.size === 0;
  }

  /** An event on the forge, which most of the time starts a run a little later. */
  event(cause: Cause): void {
    const { plan, schedule } = this.#world;
    if (this.#world.isCalm || this.#random.chance(plan.deaf)) return;
    const isLocal = this.#random.chance(plan.local);
    schedule.after(this.#random.longTailed(500, minute), () => {
      // Who starts it by hand and names an item gives an order.
      const isNamed = cause.event === "workflow_dispatch" || (isLocal && this.#random.chance(0.3));
      if (isNamed && cause.item !== null) this.#world.watch.ordered(cause.item);
      // Labels that are put on together are several events, and so are several workflows for one.
      const count = this.#random.chance(plan.crowds) ? this.#random.whole(2, 3) : 1;
      const afterMs = count === 1 ? null : this.#random.longTailed(500, 20_000);
      for (let run = 0; run < count; run++) {
        if (isLocal)
          this.#begin({ ...cause, item: isNamed ? cause.item : null, event: "workflow_dispatch", row: null });
        else this.#queue({ ...cause, row: this.#row(cause), afterMs });
      }
    });
  }

  /** The next tick. Up to 1.25 it cancels the tick before, if that one still runs. */
  tick(): void {
    const { forge } = this.#world;
    const before = forge.runs.findLast((run) => run.event === "schedule");
    const isOld = /^1\.2[0-5]\./.test(forge.release.version);
    if (before !== undefined && before.state === "running" && isOld) this.cancel(before);
    if (before?.state === "waiting") return;
    const cause = { event: "schedule", actor: "", item: null };
    this.#queue({ ...cause, row: this.#row(cause) });
  }

  /** The program, or a person, started the workflow by REST. Up to 1.25 that cancels a former one that still runs. */
  dispatched(row: RunRow): void {
    const { forge } = this.#world;
    if (/^1\.2[0-5]\./.test(forge.release.version)) {
      const former = forge.runs.filter((run) => run !== row && run.state === "running" && run.event === row.event);
      for (const run of former) this.cancel(run);
    }
    const item = row.inputs["item"];
    this.#queue({ event: row.event, actor: row.actor, item: item === undefined ? null : Number(item), row });
  }

  #row({ event, actor }: Cause): RunRow {
    return queueRun(this.#world.forge, { workflow, event, actor, inputs: {} });
  }

  #queue(order: Order): void {
    this.#waiting.push(order);
    this.#pick();
  }

  #pick(): void {
    while (this.#busy < this.#world.plan.runners) {
      const order = this.#waiting.shift();
      if (order === undefined) return;
      if (order.row === null || order.row.state === "ended") continue;
      this.#busy++;
      const { row } = order;
      row.state = "running";
      this.#world.schedule.after(order.afterMs ?? this.#random.longTailed(500, 20_000), () => this.#begin(order));
    }
  }

  #begin(order: Order): void {
    const world = this.#world;
    if (order.row?.state === "ended") {
      this.#freed();
      return;
    }
    this.#made++;
    const name = order.row === null ? `local ${this.#made}` : `run ${order.row.number}`;
    const off = this.#random.chance(world.plan.wrongClocks) ? this.#random.between(-12, 12) * 60 * minute : 0;
    const machine = new Machine(this.#made, name, world.schedule, new Random(world.plan.seed, name), off);
    this.machines.add(machine);
    if (order.row !== null) this.#ofRow.set(order.row.id, machine);
    world.note(
      name,
      `starts: ${order.event}${order.item === null ? "" : ` #${order.item}`} by ${order.actor || "cron"}`,
    );
    this.#afflict(machine, order);
    const done = (text: string) => {
      if (machine.isOver) return;
      machine.end();
      world.note(name, text);
      this.#over(machine, order, "success", 500);
    };
    machine.enter();
    world.process(machine, order, executorOf(order)).then(
      (outcome) => done(`ends: ${outcome}`),
      (error: unknown) => {
        done(`fails: ${error instanceof Error ? error.message : String(error)}`);
        world.failed(machine, error);
      },
    );
  }

  /** What this process will suffer. */
  #afflict(machine: Machine, order: Order): void {
    const { plan, schedule } = this.#world;
    const random = this.#random;
    if (this.#world.isCalm) return;
    if (random.chance(plan.dying)) {
      const how = random.weighted({ cancelled: 4, killed: 2, "runner-lost": 2, asked: 1 });
      schedule.after(random.longTailed(0, 25 * minute), () => this.die(machine, how));
    }
    if (random.chance(plan.pausing)) {
      const ms = random.longTailed(5_000, 40 * minute);
      const isAsleep = random.chance(0.5);
      schedule.after(random.longTailed(0, 15 * minute), () => {
        if (machine.state !== "alive" || this.#world.isCalm) return;
        const how = isAsleep ? "falls asleep" : "stands still";
        this.#world.note(machine.name, `${how} for ${Math.round(ms / 1000)} s`);
        machine.pause(ms, isAsleep);
      });
    }
    if (random.chance(plan.wrongClocks / 2)) {
      schedule.after(random.longTailed(0, 10 * minute), () => machine.setWall(random.between(-60, 60) * minute));
    }
    void order;
  }

  /** A person, or a newer run, cancels it. */
  cancel(row: RunRow): void {
    if (row.state === "ended") return;
    const machine = this.#ofRow.get(row.id);
    if (machine === undefined) this.#close(row, "cancelled");
    else this.die(machine, "cancelled");
  }

  die(machine: Machine, how: Death): void {
    if (machine.isOver) return;
    const row = [...this.#ofRow].find(([, other]) => other === machine)?.[0];
    const order = {
      event: "",
      actor: "",
      item: null,
      row: this.#world.forge.runs.find((run) => run.id === row) ?? null,
    };
    this.#world.note(machine.name, `dies: ${how}`);
    if (how === "asked") {
      this.#world.ask(machine);
      this.#world.schedule.after(10_000, () => this.die(machine, "killed"));
      return;
    }
    const hasPost = how !== "runner-lost" && this.#random.chance(0.85);
    machine.wasCancelled = how === "cancelled" || hasPost;
    machine.kill();
    this.#world.died(machine);
    // Seconds later as a rule; a runner that was asleep starts it whenever it wakes.
    const postMs = this.#random.chance(0.25) ? this.#random.between(1, 20) * minute : this.#random.between(300, 8_000);
    if (hasPost) this.#world.schedule.after(postMs, () => this.#post(machine));
    // What the forge says of it: a cancelled run has ended at once, a lost runner's is called running for long.
    const after = { cancelled: 0, killed: 3_000, "runner-lost": this.#random.between(10, 25) * minute }[how];
    this.#over(machine, order, how === "cancelled" ? "cancelled" : "failure", after);
  }

  /** The runner starts the last step of an ended run, whatever became of the main one. */
  #post(dead: Machine): void {
    const world = this.#world;
    const name = `post of ${dead.name}`;
    const machine = new Machine(++this.#made, name, world.schedule, new Random(world.plan.seed, name), 0);
    machine.main = dead;
    this.machines.add(machine);
    const done = (text: string) => {
      if (!machine.isOver) world.note(name, text);
      machine.end();
      this.machines.delete(machine);
    };
    world.schedule.after(60_000, () => this.machines.delete(machine));
    machine.enter();
    world.post(dead, machine).then(
      (text) => done(`ends: ${text}`),
      (error: unknown) => {
        done(`fails: ${error instanceof Error ? error.message : String(error)}`);
        world.failed(machine, error);
      },
    );
  }

  #over(machine: Machine, { row }: Order, conclusion: "success" | "failure" | "cancelled", afterMs: number): void {
    this.machines.delete(machine);
    if (row === null) return;
    const close = () => {
      this.#close(row, conclusion);
      this.#freed();
    };
    if (afterMs === 0) close();
    else this.#world.schedule.after(afterMs, close);
  }

  #close(row: RunRow, conclusion: "success" | "failure" | "cancelled"): void {
    if (row.state === "ended") return;
    row.state = "ended";
    row.conclusion = conclusion;
    row.endedAt = this.#world.forge.now();
  }

  #freed(): void {
    this.#busy--;
    this.#pick();
  }
}

function executorOf({ event, actor, item, row }: Order): Executor {
  const isPull = event.startsWith("pull_request");
  const about = item === null ? {} : isPull ? { pull_request: { number: item } } : { issue: { number: item } };
  const payload = event === "workflow_dispatch" ? {} : { sender: { login: actor }, ...about };
  if (row === null) return { event, payload, actor: null, runId: `local-${item}`, claimed: null };
  const { id, number } = row;
  return {
    event,
    payload,
    actor: actor === "" ? null : actor,
    runId: `${id}-1`,
    claimed: { id, number, attempt: 1, event },
  };
}
