// One simulated world: a forge, runners, agents and people under one virtual clock, all decided by a seed. `simulate` lives it to its end.

import type { Profile } from "../../src/agent/profile.ts";
import { RunError } from "../../src/errors.ts";
import type { RefChange } from "../../src/git/host.ts";
import { release } from "../../src/jobs/release.ts";
import { findOwnRun } from "../../src/own-run.ts";
import type { Ports } from "../../src/ports.ts";
import type { Reached } from "../../src/preflight.ts";
import { run, whoAmI } from "../../src/run.ts";
import { readSaved } from "../../src/saved.ts";
import { readSettings, type Settings } from "../../src/settings/settings.ts";
import { type Executor, triggerOf } from "../../src/trigger.ts";
import { Fleet, type Order } from "./fleet.ts";
import { applyMoves, createLabel, openIssue } from "./forge/acts.ts";
import { forgeCalls } from "./forge/calls.ts";
import { Store } from "./forge/commits.ts";
import { simulatedHost } from "./forge/host.ts";
import { simulatedForge } from "./forge/port.ts";
import { type Change, ForgeState } from "./forge/state.ts";
import { serverUrl } from "./forge/views.ts";
import { Line } from "./line.ts";
import { Agents, type Session } from "./local/agents.ts";
import { bot } from "./local/bench.ts";
import { simulatedWorkshop } from "./local/workshop.ts";
import type { Machine } from "./machine.ts";
import { People } from "./people.ts";
import { minute, type Plan, start } from "./plan.ts";
import { Random } from "./random.ts";
import { Schedule } from "./schedule.ts";
import type { Trace } from "./trace.ts";
import { rules } from "./watch/rules.ts";
import { waitsUntil } from "./watch/view.ts";
import { type Violation, Watch } from "./watch/watch.ts";
import { Weather } from "./weather.ts";

/** So long nothing must have changed for the world to be at rest, and no wait that ends by itself may be left. */
const restMs = 25 * minute;
/** By then it must be. */
const lastMs = 48 * 60 * minute;

export class World {
  readonly plan: Plan;
  readonly schedule = new Schedule(start);
  readonly forge: ForgeState;
  readonly weather: Weather;
  readonly agents = new Agents();
  readonly fleet: Fleet;
  readonly people: People;
  readonly watch: Watch;
  /** When each change of a ref was first sent. */
  readonly sentAt = new WeakMap<object, number>();
  isOver = false;

  readonly #line: Line;
  readonly #trace: Trace;
  readonly #settings: Settings;
  readonly #stops = new Map<Machine, AbortController>();
  /** What main keeps for the post step. */
  readonly #saved = new Map<Machine, Map<string, string>>();
  #seen = { version: -1, refs: -1, at: start };

  constructor(plan: Plan, trace: Trace) {
    this.plan = plan;
    this.#trace = trace;
    const rights = new Map([
      ["owner", "admin"],
      [bot, "write"],
      ["alice", "write"],
      ["bob", "write"],
      ["mallory", "read"],
    ] as const);
    this.watch = new Watch();
    this.forge = new ForgeState(
      rights,
      plan.release,
      () => this.schedule.now,
      (change) => this.#changed(change),
    );
    this.weather = new Weather(plan.weather, new Random(plan.seed, "weather"));
    this.weather.calmFrom = plan.calmFrom;
    this.#line = new Line(this.schedule, this.weather, (machine, text) => this.note(machine.name, text));
    this.fleet = new Fleet(this);
    this.people = new People(this);
    this.#settings = settingsOf(plan);
    for (const rule of rules) this.watch.add(rule(this));
    this.#begin();
  }

  get isCalm(): boolean {
    return this.schedule.now >= this.plan.calmFrom;
  }

  get violation(): Violation | null {
    return this.watch.violation;
  }

  note(who: string, text: string): void {
    this.#trace.add(this.schedule.now - start, who, text);
  }

  #begin(): void {
    const { forge, plan } = this;
    const owner = { login: "owner", machine: null };
    for (const name of ["bot", "hold"]) createLabel(forge, name, false);
    for (const name of ["needs-review", "needs-rework", "merge-ready", "needs-info", "blocked"])
      createLabel(forge, `agent/${name}`, true);
    const first = forge.commits.add({
      parents: [],
      author: "alice",
      message: "First",
      touches: [0],
      seconds: start / 1000,
    });
    applyMoves(forge, owner, [{ ref: "refs/heads/main", old: null, new: first.sha }]);
    const author = { login: "alice", machine: null };
    for (let number = 1; number <= plan.issues; number++)
      openIssue(forge, author, `Mend part ${number}`, "It is broken.");
    if (plan.futureRecord) this.#futureRecord();
    this.people.begin();
    this.schedule.after(plan.tickMs, () => this.#tick());
    this.schedule.after(minute, () => this.#patrol());
  }

  /** A later program has been here: what it wrote is nobody's to touch. */
  #futureRecord(): void {
    const message = `agent-dispatch v2 held issue-1 e4.1\n\n${JSON.stringify({ v: 2, key: "issue-1", something: "new" })}\n`;
    const made = this.forge.commits.add({ parents: [], author: bot, message, seconds: start / 1000 });
    const ref = "refs/agent-dispatch/v1/item/issue-1";
    applyMoves(this.forge, { login: "owner", machine: null }, [{ ref, old: null, new: made.sha }]);
  }

  #tick(): void {
    const { schedule, forge, fleet } = this;
    if (forge.version !== this.#seen.version || forge.refs.version !== this.#seen.refs || !fleet.isIdle) {
      this.#seen = { version: forge.version, refs: forge.refs.version, at: schedule.now };
    }
    // What nobody could do while requests were lost does not count as left undone.
    const quietSince = Math.max(this.#seen.at, waitsUntil(forge), this.plan.calmFrom);
    if (schedule.now - quietSince >= restMs) {
      this.note("world", "is at rest");
      this.watch.rest();
      this.isOver = true;
      return;
    }
    if (schedule.now - this.plan.calmFrom > lastMs) this.watch.fail("rest", "the world does not come to rest");
    fleet.tick();
    schedule.after(this.isCalm ? 10 * minute : this.plan.tickMs, () => this.#tick());
  }

  #patrol(): void {
    this.watch.patrol();
    this.schedule.after(minute, () => this.#patrol());
  }

  #changed(change: Change): void {
    this.watch.changed(change);
    if (change.kind === "dispatched") this.fleet.dispatched(change.run);
  }

  /** One run of the program. */
  async process(machine: Machine, order: Order, executor: Executor): Promise<string> {
    const forge = simulatedForge(this.forge, this.#line, machine, bot, this.watch);
    const { row } = order;
    const item = order.event === "workflow_dispatch" ? order.item : null;
    const ports = this.#ports(machine, executor, forge, row?.number ?? machine.id);
    const settings = { ...this.#settings, item };
    this.people.hurry(
      order.item ?? 1 + (machine.id % this.plan.issues),
      new Random(this.plan.seed, `haste ${machine.id}`),
    );
    const outcome = await run(ports, settings, triggerOf(executor, item, ""), this.#reached(machine));
    return `${outcome.kind} ${outcome.outcome}: ${outcome.reason}`;
  }

  #ports(machine: Machine, { claimed }: Executor, forge: Ports["forge"], seed: number): Ports {
    const stop = new AbortController();
    this.#stops.set(machine, stop);
    const note = (text: string) => this.note(machine.name, `| ${text}`);
    const store = new Store(this.forge.commits);
    const host = simulatedHost({
      store,
      ...{ forge: this.forge, line: this.#line, schedule: this.schedule, machine, login: bot },
      now: () => forge.now() ?? 0,
      sent: (changes: readonly RefChange[]) => {
        for (const change of changes) this.sentAt.set(change, this.schedule.now);
      },
    });
    const saveState = (name: string, value: string) => {
      this.#saved.set(machine, new Map([...(this.#saved.get(machine) ?? []), [name, value]]));
    };
    const bench = {
      ...{ store, saveState },
      ...{ machine, plan: this.plan, world: this, random: new Random(this.plan.seed, `agents of ${machine.name}`) },
      note: (text: string) => this.note(machine.name, text),
      killedByAgent: (session: Session) => {
        if (session.endedAt === null) this.fleet.die(machine, "killed");
      },
    };
    let own: ReturnType<Ports["ownRun"]> | null = null;
    return {
      ...{ forge, reviewer: null, clock: machine.clock, workshop: simulatedWorkshop(bench) },
      host: async () => host,
      log: { line: note, warning: note, group: (_title, task) => task() },
      redact: (text) => text,
      holdsSecret: () => false,
      seal: () => null,
      run: { seed, temp: "", workspace: "", workflow: "" },
      ...{ place: "0123456789abcdef", stop: stop.signal, environment: { PATH: "/usr/bin:/bin" } },
      ownRun() {
        own ??= claimed === null ? Promise.resolve(null) : findOwnRun(forge, `${serverUrl}/acme/app`, claimed);
        return own;
      },
      saveState,
    };
  }

  /** The last step of a run that was ended: it gives back what main had claimed. It has 40 seconds, as in src/post.ts. */
  async post(dead: Machine, machine: Machine): Promise<string> {
    const state = this.#saved.get(dead);
    const saved = readSaved((name) => state?.get(name) ?? "");
    if (saved.claim === null) return "nothing to give back";
    const forge = simulatedForge(this.forge, this.#line, machine, bot, this.watch);
    const ports = this.#ports(machine, { event: "", payload: {}, actor: null, runId: "", claimed: null }, forge, 1);
    const { policy } = this.#settings;
    const settings = { ...this.#settings, policy: { ...policy, limits: { ...policy.limits, apiSeconds: 10 } } };
    const who = whoAmI(ports, settings, this.#reached(machine), saved.claim.owner);
    this.schedule.after(40_000, () => machine.kill());
    return release(ports, settings, who, saved.claim.item, saved.agent);
  }

  #reached(machine: Machine): Reached {
    const calls = forgeCalls(this.forge, { login: bot, machine });
    const repository = calls.repository();
    if (repository === null) throw new Error("no repository");
    return { me: calls.me(), reviewer: null, repository, policy: null };
  }

  /** Somebody asks the process to end. */
  ask(machine: Machine): void {
    machine.deliver(() => this.#stops.get(machine)?.abort("the runner asked it to end"));
  }

  agentStarted(session: Session): void {
    this.watch.agentStarted(session);
    this.people.strike(
      session.key,
      new Random(this.plan.seed, `strike ${session.id}`).between(0, this.plan.agentMs.max),
    );
  }

  agentStopped(session: Session, why: string): void {
    this.watch.agentStopped(session, why);
  }

  died(machine: Machine): void {
    for (const session of this.agents.atWork()) {
      if (session.machine === machine) this.agents.end(session, "lost", this.schedule.now);
    }
  }

  /** A run that could not work. Bad weather is no fault of the program; anything else is. */
  failed(machine: Machine, error: unknown): void {
    if (error instanceof RunError && (error.retry || this.#isOfPeople(error))) return;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.watch.fail("fault", `${machine.name} ended with an error of the program: ${text}`);
  }

  #isOfPeople(error: RunError): boolean {
    return error.mender !== "agent-dispatch";
  }
}

const known = new Map<string, Settings>();

function settingsOf({ policy }: Plan): Settings {
  const before = known.get(policy);
  if (before !== undefined) return before;
  // An agent that tells what it costs; that its program is there is the one thing that is asked of this machine.
  const read = readSettings({}, new Map([["agents", "claude"]]), policy, ".agent-dispatch.yml", "main");
  const isHere = (profile: Profile): Profile => ({ ...profile, preset: { ...profile.preset, bin: "sh" } });
  const settings = { ...read, profiles: read.profiles.map(isHere), reviewers: read.reviewers.map(isHere) };
  known.set(policy, settings);
  return settings;
}
