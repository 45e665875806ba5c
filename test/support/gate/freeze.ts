// A run that stands still at one of its calls for as long as a test wants, as when its machine sleeps or is too busy for it.

import type { Clock } from "../../../src/clock.ts";
import { type Call, type Guard, Passage } from "./gate.ts";
import { calm } from "./life.ts";

/** Where other runs may come in between: calls to the forge, and the ends of its agents. */
export interface Moment {
  label: string;
  nth: number;
}

export interface Frozen {
  passage: Passage;
  clock: Clock;
  /** Resolves when it stands still. */
  reached: Promise<void>;
  /** It goes on; `elapsedMs` is how much later it is for it. */
  release(elapsedMs: number): void;
}

/** A passage in which nothing of the run reaches the forge from this moment on until it is released. Its processes go on. */
export function freezing(at: Moment): Frozen {
  const moments = countMoments();
  let reach: () => void = () => undefined;
  let go: () => void = () => undefined;
  let standing: Promise<void> | null = null;
  let isOver = false;
  let later = 0;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });

  async function pass(moment: Moment): Promise<void> {
    if (isOver) return;
    if (standing === null && moment.label === at.label && moment.nth === at.nth) {
      standing = new Promise((resolve) => {
        go = resolve;
      });
      reach();
    }
    await standing;
  }

  const guard: Guard = {
    before(call) {
      if (!isMoment(call)) return "pass";
      return pass(call).then(() => "pass" as const);
    },
    ended: (call) => pass(moments.end(call)),
  };
  const clock = calm();
  return {
    ...{ passage: new Passage(guard), reached },
    clock: { ...clock, elapsed: () => clock.elapsed() + later },
    release(elapsedMs) {
      isOver = true;
      later += elapsedMs;
      go();
    },
  };
}

export function isMoment(call: Call): boolean {
  return call.kind === "request" || call.kind === "network";
}

/** Ends of processes, numbered as calls are. */
export function countMoments(): { end(call: Call): Moment } {
  const counts = new Map<string, number>();
  return {
    end(call) {
      const label = `${call.label} ends`;
      const nth = (counts.get(label) ?? 0) + 1;
      counts.set(label, nth);
      return { label, nth };
    },
  };
}
