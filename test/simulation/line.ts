// Between a process and the forge. A request is carried out on the server at one moment, or never, or twice; its answer comes, or does not. Whoever
// asked hears nothing that the real adapter could not say.

import type { Machine } from "./machine.ts";
import type { Schedule } from "./schedule.ts";
import type { Fate, Weather } from "./weather.ts";

/** What the server has to do for a request. `torn` = it goes down meanwhile. */
export type Carry<T> = (how: "whole" | "torn") => T;

export interface Request<T> {
  /** For traces. */
  what: string;
  carry: Carry<T>;
  isPublish?: boolean;
  /** What the caller hears where there is no answer. `applied`: whether it may have been carried out. */
  silence(applied: boolean, why: string): { value: T } | { error: Error };
  /** Longest wait for an answer, in ms. */
  patienceMs: number;
}

type Heard<T> = { value: T } | { error: Error };

export class Line {
  readonly #schedule: Schedule;
  readonly #weather: Weather;
  readonly #note: (machine: Machine, text: string) => void;

  constructor(schedule: Schedule, weather: Weather, note: (machine: Machine, text: string) => void) {
    this.#schedule = schedule;
    this.#weather = weather;
    this.#note = note;
  }

  send<T>(machine: Machine, request: Request<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let answered = false;
      const hear = (heard: Heard<T>, after: number) => {
        this.#schedule.after(after, () =>
          machine.deliver(() => {
            if (answered) return;
            answered = true;
            if ("error" in heard) reject(heard.error);
            else resolve(heard.value);
          }),
        );
      };
      this.#go(machine, request, this.#weather.fate(this.#schedule.now, request.isPublish === true), hear);
    });
  }

  #go<T>(machine: Machine, request: Request<T>, fate: Fate, hear: (heard: Heard<T>, after: number) => void): void {
    const [there, back] = [this.#weather.travel(), this.#weather.travel()];
    this.#note(machine, fate.kind === "fine" ? request.what : `${request.what} [${fate.kind}]`);
    const course = courseOf(fate, there, back, request.patienceMs);
    for (const { after, how, isHeard } of course.carried) {
      this.#schedule.after(after, () => {
        const heard = this.#carry(machine, request, how);
        if (isHeard) hear(heard, back);
        if (fate.kind === "torn") this.#weather.crash(this.#schedule.now, fate.downMs);
      });
    }
    if (course.silence === null) return;
    const { after, applied, why } = course.silence;
    hear(request.silence(applied, why), after);
  }

  #carry<T>(machine: Machine, request: Request<T>, how: "whole" | "torn"): Heard<T> {
    if (this.#weather.isDown(this.#schedule.now)) return request.silence(false, "connection refused");
    try {
      return { value: request.carry(how) };
    } catch (error) {
      if (error instanceof Error) return { error };
      throw error;
    } finally {
      this.#note(machine, `  carried out: ${request.what}`);
    }
  }
}

/** What becomes of a request, in ms from its sending. */
interface Course {
  carried: { after: number; how: "whole" | "torn"; isHeard: boolean }[];
  /** What the caller hears in the place of an answer; null = the answer. */
  silence: { after: number; applied: boolean; why: string } | null;
}

function courseOf(fate: Fate, there: number, back: number, patienceMs: number): Course {
  const whole = { after: there, how: "whole", isHeard: false } as const;
  const silence = (after: number, applied: boolean, why: string) => ({ after, applied, why });
  switch (fate.kind) {
    case "fine":
      return { carried: [{ ...whole, isHeard: true }], silence: null };
    case "twice":
      return {
        carried: [
          { ...whole, isHeard: true },
          { ...whole, after: there + fate.ms },
        ],
        silence: null,
      };
    case "lost":
      return {
        carried: [],
        silence: silence(fate.silent ? patienceMs : there, true, "the connection was reset"),
      };
    case "refused":
      return { carried: [], silence: silence(there + back, true, "502 Bad Gateway") };
    case "unheard":
      return { carried: [whole], silence: silence(fate.silent ? patienceMs : there + back, true, "no answer") };
    case "late":
      return fate.ms + back < patienceMs
        ? { carried: [{ ...whole, after: fate.ms, isHeard: true }], silence: null }
        : { carried: [{ ...whole, after: fate.ms }], silence: silence(patienceMs, true, "no answer") };
    case "torn":
      return { carried: [{ ...whole, how: "torn" }], silence: silence(there + back, true, "the connection was cut") };
    default:
      return fate satisfies never;
  }
}
