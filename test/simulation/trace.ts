// What happened, line by line: the last lines for a failed seed, all of them on demand, and a fingerprint of the whole.

import { createHash, type Hash } from "node:crypto";

/** Lines that are kept for a failure. */
const keptMax = 400;

export class Trace {
  readonly #print: ((line: string) => void) | null;
  readonly #hash: Hash | null;
  readonly #kept: string[] = [];
  lines = 0;

  /** `print`: gets every line. `hashed`: a fingerprint is wanted. */
  constructor(options: { print?: (line: string) => void; hashed?: boolean } = {}) {
    this.#print = options.print ?? null;
    this.#hash = options.hashed === true ? createHash("sha256") : null;
  }

  /** `ms` since the beginning. */
  add(ms: number, who: string, text: string): void {
    this.lines++;
    const line = `${clockText(ms)} ${who}: ${text}`;
    this.#print?.(line);
    this.#hash?.update(`${line}\n`);
    this.#kept.push(line);
    if (this.#kept.length > 2 * keptMax) this.#kept.splice(0, keptMax);
  }

  last(count: number): string[] {
    return this.#kept.slice(-count);
  }

  fingerprint(): string {
    return this.#hash?.copy().digest("hex") ?? "";
  }
}

function clockText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const part = (value: number) => String(value).padStart(2, "0");
  return `${part(Math.floor(seconds / 3600))}:${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}`;
}
