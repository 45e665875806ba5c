import type { ForgeEvent } from "./events.ts";
import type { Run } from "./model.ts";

/** What a harness can wait for. */
export interface Happenings {
  /** A run waits for a runner. */
  dispatch: Run;
  /** An ended run waits again. */
  rerun: Run;
  "run-ended": Run;
  /** Something that real Gitea would hand to Actions. */
  event: ForgeEvent;
}

type Listener<Name extends keyof Happenings> = (value: Happenings[Name]) => void;

/** Tells listeners at once, in order of their coming. */
export class Bus {
  readonly #listeners: { [Name in keyof Happenings]: Set<Listener<Name>> } = {
    dispatch: new Set(),
    rerun: new Set(),
    "run-ended": new Set(),
    event: new Set(),
  };

  /** Answers a function that takes the listener off again. */
  on<Name extends keyof Happenings>(name: Name, listener: Listener<Name>): () => void {
    this.#listeners[name].add(listener);
    return () => this.#listeners[name].delete(listener);
  }

  emit<Name extends keyof Happenings>(name: Name, value: Happenings[Name]): void {
    for (const listener of [...this.#listeners[name]]) listener(value);
  }
}
