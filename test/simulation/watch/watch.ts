// Who watches the world: every invariant is told of every change, and says at once what is wrong. They look at the forge's state and history as a
// person with all rights would, never through functions of the program.

import type { Listener, Look } from "../forge/port.ts";
import type { Change } from "../forge/state.ts";
import type { Session } from "../local/agents.ts";
import type { Machine } from "../machine.ts";

export interface Violation {
  /** Short name of the invariant. */
  rule: string;
  text: string;
}

/** One rule; each is told what it wants to know. */
export interface Rule {
  changed?(change: Change): void;
  looked?(look: Look): void;
  /** A process sends a write by REST. */
  writing?(machine: Machine, name: string, args: readonly unknown[]): void;
  agentStarted?(session: Session): void;
  /** An agent was ended before its time; `why` in the program's words. */
  agentStopped?(session: Session, why: string): void;
  /** Somebody starts a run by hand and names an item. */
  ordered?(item: number): void;
  /** Every minute. */
  patrol?(): void;
  /** Once, when nothing happens any more. */
  rest?(): void;
}

export type Fail = (rule: string, text: string) => void;

export class Watch implements Listener {
  violation: Violation | null = null;
  readonly #rules: Rule[] = [];

  add(rule: Rule): void {
    this.#rules.push(rule);
  }

  /** The first violation counts; what follows from it does not. */
  fail(rule: string, text: string): void {
    this.violation ??= { rule, text };
  }

  changed(change: Change): void {
    for (const rule of this.#rules) rule.changed?.(change);
  }

  looked(look: Look): void {
    for (const rule of this.#rules) rule.looked?.(look);
  }

  writing(machine: Machine, name: string, args: readonly unknown[]): void {
    for (const rule of this.#rules) rule.writing?.(machine, name, args);
  }

  agentStopped(session: Session, why: string): void {
    for (const rule of this.#rules) rule.agentStopped?.(session, why);
  }

  agentStarted(session: Session): void {
    for (const rule of this.#rules) rule.agentStarted?.(session);
  }

  ordered(item: number): void {
    for (const rule of this.#rules) rule.ordered?.(item);
  }

  patrol(): void {
    for (const rule of this.#rules) rule.patrol?.();
  }

  rest(): void {
    for (const rule of this.#rules) rule.rest?.();
  }
}
