// Every call that leaves the process, in the hands of a test: counted, held, or never answered.
//
// A run is started inside a passage (`passage.enter`). Node's own ways out (fetch, child_process, fs, process.kill: builtins.ts) ask the
// passage of whoever calls, found by AsyncLocalStorage, so that several runs in one process are told apart and everybody else passes as if
// nothing were there. Nothing in the program knows of it, and a call added tomorrow is a call here by itself.
//
// A run that was stopped is dead as with SIGKILL: the call that stopped it is never answered, none of its later ones is carried out or
// answered, and what hears of a process it started hears nothing more. Its processes live on. What was on its way to the forge arrives.

import { AsyncLocalStorage } from "node:async_hooks";

/**
 * - `request`: HTTP to the forge · `network`: git that speaks with the forge · `local`: git in folders of the run
 * - `process`: an agent, a check · `file`: something written on this machine · `signal`: to a process · `state`: kept for the post step
 */
export type CallKind = "request" | "network" | "local" | "process" | "file" | "signal" | "state";

export interface Call {
  kind: CallKind;
  /** What it does, the same in every run of the same story: `POST issues/1/labels`, `git push item+slot`. */
  label: string;
  /** Which of its label in this run, from 1: with the label it finds the call again in another run. */
  nth: number;
  /** Which call of its run, from 1. */
  at: number;
}

/** `stop`: the run ends before the call · `stop-after`: it is carried out, and the run ends without its answer. */
export type Verdict = "pass" | "stop" | "stop-after";

export interface Guard {
  /** Asked before each call. Only calls to the forge (`request`, `network`) may be made to wait. */
  before?(call: Call): Verdict | Promise<Verdict>;
  /** Told when a call was carried out, before its answer goes to the run. */
  after?(call: Call): void;
  /** The end of an agent or a check, before the run hears of it. */
  ended?(call: Call): Promise<void>;
}

/** What a run left on its machine. */
export interface Machine {
  temp: string;
  workspace: string;
  state: Map<string, string>;
}

const passages = new AsyncLocalStorage<Passage>();

/** The passage of whoever calls; undefined outside of all of them. */
export function passageHere(): Passage | undefined {
  return passages.getStore();
}

/** Thrown at calls of a dead run that must answer at once. */
class Stopped extends Error {
  constructor() {
    super("this run was stopped by its test");
  }
}

export class Passage {
  readonly calls: Call[] = [];
  /** The call at which it was stopped. */
  stoppedAt: Call | null = null;
  machine: Machine | null = null;
  readonly #guard: Guard;
  readonly #counts = new Map<string, number>();
  readonly #deaths: (() => void)[] = [];
  readonly #stopped: Promise<void>;
  #onStopped: () => void = () => undefined;
  #inFlight = 0;
  #dead = false;

  constructor(guard: Guard = {}) {
    this.#guard = guard;
    this.#stopped = new Promise((resolve) => {
      this.#onStopped = resolve;
    });
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** Resolves when none of its calls is under way. */
  async quiet(): Promise<void> {
    while (this.#inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  /** Resolves when the run was stopped and nothing of it is on its way any more. */
  get stopped(): Promise<void> {
    return this.#stopped;
  }

  enter<T>(task: () => Promise<T>): Promise<T> {
    return passages.run(this, task);
  }

  /** A step whose own way out, besides those of node, is a call too. */
  gated<S extends { saveState(name: string, value: string): void }>(step: S): S {
    const saveState = (name: string, value: string) =>
      this.callNow("state", `state ${name}`, () => step.saveState(name, value));
    return { ...step, saveState };
  }

  /** Called when the run is stopped, at once if it was. */
  onDeath(task: () => void): void {
    if (this.#dead) task();
    else this.#deaths.push(task);
  }

  /** A call whose answer comes later. */
  async call<T>(kind: CallKind, label: string, carryOut: () => Promise<T>): Promise<T> {
    if (this.#dead) return never();
    const call = this.#number(kind, label);
    const verdict = (await this.#guard.before?.(call)) ?? "pass";
    if (verdict === "stop") this.stop(call);
    if (this.#dead) return never();
    this.#inFlight++;
    const answer = await carryOut().then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error;
      },
    );
    this.#inFlight--;
    if (!this.#dead) this.#guard.after?.(call);
    if (verdict === "stop-after") this.stop(call);
    this.#settle();
    return this.#dead ? never() : answer();
  }

  /** A call that answers at once; a dead run gets an error for it. */
  callNow<T>(kind: CallKind, label: string, carryOut: () => T): T {
    if (this.#dead) throw new Stopped();
    const call = this.#number(kind, label);
    const verdict = this.#verdictNow(call);
    if (verdict === "stop") {
      this.stop(call);
      throw new Stopped();
    }
    const answer = carryOut();
    this.#guard.after?.(call);
    if (verdict === "stop-after") {
      this.stop(call);
      throw new Stopped();
    }
    return answer;
  }

  /** A process whose life is longer than the call that starts it: `live` is given to the run, `mute` when it was stopped here. */
  start<T>(label: string, options: { live: (ended: () => Promise<void>) => T; orphan: () => void; mute: () => T }): T {
    if (this.#dead) return options.mute();
    const call = this.#number("process", label);
    const verdict = this.#verdictNow(call);
    if (verdict === "pass") {
      const child = options.live(() => this.#guard.ended?.(call) ?? Promise.resolve());
      this.#guard.after?.(call);
      return child;
    }
    if (verdict === "stop-after") options.orphan();
    this.stop(call);
    return options.mute();
  }

  /** From here on the run is dead. */
  stop(call: Call | null): void {
    if (this.#dead) return;
    this.#dead = true;
    this.stoppedAt = call;
    for (const task of this.#deaths.splice(0)) task();
    this.#settle();
  }

  #settle(): void {
    if (this.#dead && this.#inFlight === 0) this.#onStopped();
  }

  #verdictNow(call: Call): Verdict {
    const verdict = this.#guard.before?.(call) ?? "pass";
    if (typeof verdict !== "string") throw new Error(`${call.label} cannot be made to wait`);
    return verdict;
  }

  #number(kind: CallKind, label: string): Call {
    const nth = (this.#counts.get(label) ?? 0) + 1;
    this.#counts.set(label, nth);
    const call = { kind, label, nth, at: this.calls.length + 1 };
    this.calls.push(call);
    return call;
  }
}

export function never(): Promise<never> {
  return new Promise(() => undefined);
}
