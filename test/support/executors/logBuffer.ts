import { logCharactersMax } from "./executor.ts";

/** Collects the lines of one run's log up to a bound, keeping beginning and end. */
export class LogBuffer {
  #head: string[] = [];
  #tail: string[] = [];
  #headLength = 0;
  #tailLength = 0;
  #dropped = 0;
  readonly #onLine: ((line: string) => void) | undefined;

  constructor(onLine?: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(line: string): void {
    this.#onLine?.(line);
    if (this.#tail.length === 0 && this.#headLength + line.length <= logCharactersMax / 2) {
      this.#head.push(line);
      this.#headLength += line.length + 1;
      return;
    }
    this.#tail.push(line);
    this.#tailLength += line.length + 1;
    while (this.#tailLength > logCharactersMax / 2) {
      this.#tailLength -= (this.#tail.shift()?.length ?? 0) + 1;
      this.#dropped += 1;
    }
  }

  toString(): string {
    const cut = this.#dropped === 0 ? [] : [`[… ${this.#dropped} lines left out …]`];
    return [...this.#head, ...cut, ...this.#tail].join("\n");
  }
}
