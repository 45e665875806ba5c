// Runs that take turns: at any moment only one of them speaks with the forge, and at each such call it is chosen who goes on. So the order of
// everything that matters is the chooser's, and the same choices make the same story again.

import { countMoments, isMoment, type Moment } from "./freeze.ts";
import { type Guard, Passage } from "./gate.ts";
import { isAgent } from "./life.ts";

/** Who wants to speak, and whether it is to say that an agent has ended. */
export interface Waiting {
  name: string;
  isAgentsEnd: boolean;
}

/** `at`: who is about to speak, null when somebody has ended or nobody has begun. Answers the name of one of `waiting`. */
export type Choose = (at: string | null, waiting: readonly Waiting[]) => string;

interface Seat {
  name: string;
  passage: Passage;
  waiting: { moment: Moment; isAgentsEnd: boolean; go: () => void }[];
  hasEnded: boolean;
}

export class Turns {
  /** Who spoke, in order. */
  readonly spoken: string[] = [];
  readonly #choose: Choose;
  readonly #seats: Seat[] = [];
  #holder: Seat | null = null;
  #isHandingOver = false;

  constructor(choose: Choose) {
    this.#choose = choose;
  }

  /** A passage for one run. All runs join before the first is started; nobody speaks before all want to. */
  join(name: string, guard: Guard = {}): Passage {
    const moments = countMoments();
    const arrive = (moment: Moment, isAgentsEnd = false) =>
      new Promise<void>((go) => {
        seat.waiting.push({ moment, isAgentsEnd, go });
        void this.#arrived(seat);
      });
    const passage = new Passage({
      before(call) {
        const verdict = () => guard.before?.(call) ?? "pass";
        return isMoment(call) ? arrive(call).then(verdict) : verdict();
      },
      after: (call) => guard.after?.(call),
      async ended(call) {
        await arrive(moments.end(call), isAgent(call));
        await guard.ended?.(call);
      },
    });
    const seat: Seat = { name, passage, waiting: [], hasEnded: false };
    this.#seats.push(seat);
    return passage;
  }

  /** The run has ended. */
  leave(name: string): void {
    const seat = this.#seats.find((at) => at.name === name);
    if (seat === undefined) throw new Error(`nobody is called ${name}`);
    seat.hasEnded = true;
    if (this.#holder === seat) this.#holder = null;
    void this.#arrived(null);
  }

  async #arrived(seat: Seat | null): Promise<void> {
    if (this.#isHandingOver) return;
    const isTheirTurn = this.#holder === null || this.#holder === seat;
    if (!isTheirTurn || this.#seats.some((at) => !at.hasEnded && at.waiting.length === 0 && this.#holder === null))
      return;
    const waiting = this.#seats.filter((at) => at.waiting.length > 0);
    if (waiting.length === 0) return;
    const name = this.#choose(
      this.#holder?.name ?? null,
      waiting.map(({ name, waiting: [next] }) => ({ name, isAgentsEnd: next?.isAgentsEnd === true })),
    );
    const next = waiting.find((at) => at.name === name);
    if (next === undefined) throw new Error(`${name} was chosen, who has nothing to say`);
    this.#isHandingOver = true;
    if (next !== this.#holder) await this.#holder?.passage.quiet();
    this.#isHandingOver = false;
    this.#holder = next;
    for (const { moment, go } of next.waiting.splice(0)) {
      this.spoken.push(`${next.name}: ${moment.label}`);
      go();
    }
  }
}
