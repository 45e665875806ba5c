// Refs of a forge in memory, over a line that loses things, in virtual time: what claims are tested with where git itself is not the question.

import type { Clock } from "../../src/clock.ts";
import { RunError } from "../../src/errors.ts";
import type { PushOutcome, RefChange } from "../../src/git/host.ts";
import type { Host, PushLimits } from "../../src/git/port.ts";

/**
 * - `lose-answer`: applied, nobody is told · `drop`: never arrives
 * - `hang`: never arrives, and the line is held for as long as the caller waits
 * - `late`: not applied before `arrive` is called, and nobody is told
 */
export type PushFault = "lose-answer" | "drop" | "hang" | "late";

const away = (what: string) => new RunError(what, { remedy: "wait", mender: "server operator", retry: true });

/** Longest time that a command without limits waits, in ms. */
const patienceMs = 120_000;

export class RefsServer {
  readonly refs = new Map<string, string>();
  /** Faults of the next pushes, in order. */
  readonly pushFaults: PushFault[] = [];
  /** Nothing is answered before then, by `now`. */
  awayUntil = 0;
  /** Every push as it was sent, with the limit it had. */
  readonly pushes: { changes: readonly RefChange[]; atMs: number; limits: PushLimits }[] = [];
  /** How long an answer takes, in ms. */
  answerMs = 50;
  now = 0;
  /** Called whenever time passes. */
  onTime: () => void = () => {};
  readonly #parents = new Map<string, string | null>();
  #late: (readonly RefChange[])[] = [];
  #commits = 0;

  readonly clock: Clock = {
    elapsed: () => this.now,
    sleep: async (ms) => this.pass(ms),
    random: () => 0.5,
  };

  pass(ms: number): void {
    this.now += ms;
    this.onTime();
  }

  /** What was late is carried out, as far as it still fits. */
  arrive(): void {
    for (const changes of this.#late.splice(0)) this.#apply(changes);
  }

  /** Somebody else's record on top of what is there. */
  takeOver(ref: string): string {
    const sha = this.#commit(this.refs.get(ref) ?? null);
    this.refs.set(ref, sha);
    return sha;
  }

  /** What claims need of the host. */
  host(): Host {
    const partial: Pick<Host, "writeRecord" | "push" | "remoteRefs" | "holds"> = {
      writeRecord: async ({ parent }) => this.#commit(parent),
      push: (changes, limits = {}) => this.#push(changes, limits),
      remoteRefs: async (names, deadlineMs = patienceMs) => {
        this.#answer(deadlineMs);
        return new Map(names.map((name) => [name, this.refs.get(name) ?? null]));
      },
      holds: async (ref, sha, deadlineMs = patienceMs) => {
        this.#answer(deadlineMs);
        let at: string | null = this.refs.get(ref) ?? null;
        while (at !== null && at !== sha) at = this.#parents.get(at) ?? null;
        return at === sha;
      },
    };
    return partial as Host;
  }

  #answer(deadlineMs: number): void {
    const isAway = this.now < this.awayUntil;
    this.pass(isAway ? deadlineMs : Math.min(this.answerMs, deadlineMs));
    if (isAway) throw away("the forge does not answer");
  }

  async #push(changes: readonly RefChange[], limits: PushLimits): Promise<PushOutcome> {
    const waitMs = limits.deadlineMs ?? patienceMs;
    this.pushes.push({ changes, limits, atMs: this.now });
    const fault = this.now < this.awayUntil ? "hang" : this.pushFaults.shift();
    this.pass(fault === "hang" ? waitMs : Math.min(this.answerMs, waitMs));
    switch (fault) {
      case "hang":
      case "drop":
        return { kind: "unknown", cause: fault };
      case "late":
        this.#late.push(changes);
        return { kind: "unknown", cause: fault };
      case "lose-answer": {
        this.#apply(changes);
        return { kind: "unknown", cause: fault };
      }
      default:
        return this.#apply(changes)
          ? { kind: "ok", upToDate: [] }
          : { kind: "lost", sent: true, detail: "a ref is not where it was expected" };
    }
  }

  #apply(changes: readonly RefChange[]): boolean {
    if (changes.some(({ ref, old }) => (this.refs.get(ref) ?? null) !== old)) return false;
    for (const { ref, new: sha } of changes) {
      if (sha === null) this.refs.delete(ref);
      else this.refs.set(ref, sha);
    }
    return true;
  }

  #commit(parent: string | null): string {
    this.#commits += 1;
    const sha = this.#commits.toString(16).padStart(40, "0");
    this.#parents.set(sha, parent);
    return sha;
  }
}
