// Virtual time: what happens next is what was planned for the earliest moment. Nothing waits for a real clock.

interface Planned {
  at: number;
  order: number;
  act: () => void;
}

export class Schedule {
  /** Ms since 1970: the true time, which nobody in the world sees unaltered. */
  now: number;
  #order = 0;
  /** A binary heap, the earliest on top. */
  readonly #heap: Planned[] = [];

  constructor(start: number) {
    this.now = start;
  }

  after(ms: number, act: () => void): void {
    this.#push({ at: this.now + Math.max(0, ms), order: this.#order++, act });
  }

  /** When the next thing happens; null when nothing is planned. */
  get next(): number | null {
    return this.#heap[0]?.at ?? null;
  }

  /** Lets the next thing happen. False when nothing is planned. */
  step(): boolean {
    const first = this.#pop();
    if (first === undefined) return false;
    this.now = first.at;
    first.act();
    return true;
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let at = heap.push(planned) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isEarlier(above, planned)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = planned;
  }

  #pop(): Planned | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isEarlier(right, left)) child++;
      const below = right !== undefined && isEarlier(right, left) ? right : left;
      if (isEarlier(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isEarlier(a: Planned, b: Planned): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
