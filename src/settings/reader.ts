// Reads one value after another from inputs and policy file and collects every problem on the way.

import { closest, distance } from "fastest-levenshtein";
import type { Problem } from "../errors.ts";
import { camel, type Entry } from "./catalogue.ts";

export class Reader {
  readonly problems: Problem[] = [];
  readonly #inputs: ReadonlyMap<string, string>;
  readonly #file: Readonly<Record<string, unknown>>;
  readonly #where: string;

  /** `where` stands before the name of a key in problems, for example ".agent-dispatch.yml, limits.". */
  constructor(inputs: ReadonlyMap<string, string>, file: Readonly<Record<string, unknown>>, where: string) {
    this.#inputs = inputs;
    this.#file = file;
    this.#where = where;
  }

  /** The value given, an input before the policy file; null when neither has it. A problem is noted and reads as null. */
  given<T>(name: string, entry: Entry<T>): T | null {
    const input = this.#inputs.get(name);
    if (input !== undefined) return this.#check(`input ${name}`, entry, entry.kind.fromText(input), show(input));
    const value = entry.policy ? this.#file[camel(name)] : undefined;
    if (value === undefined || value === null) return null;
    return this.#check(`${this.#where}${camel(name)}`, entry, entry.kind.fromYaml(value), showYaml(value));
  }

  /** As `given`, with the entry's default. */
  value<T>(name: string, entry: Entry<T> & { default: T }): T {
    return this.given(name, entry) ?? entry.default;
  }

  problem(where: string, expected: string, got: string): void {
    this.problems.push({ where, expected, got });
  }

  #check<T>(where: string, entry: Entry<T>, value: T | undefined, shown: string): T | null {
    if (value === undefined) {
      this.problem(where, entry.kind.expected, shown);
      return null;
    }
    if (entry.served !== null && !entry.served.some((served) => served === value)) {
      const served =
        entry.served.length === 0
          ? "nothing: it is not supported yet"
          : `${entry.served.map(String).join(" or ")}: the rest is not supported yet`;
      this.problem(where, served, shown);
      return null;
    }
    return value;
  }
}

/** A value for an error text: short, on one line. Tokens never get here: `token` takes any text. */
export function show(value: unknown): string {
  if (value === "") return "an empty text";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  const line = text.replace(/\s+/g, " ");
  return `\`${line.length > 80 ? `${line.slice(0, 80)}…` : line}\``;
}

/** A value of the policy file as it stands there, so that the text "3" does not look like the number. */
export function showYaml(value: unknown): string {
  return value === undefined ? "nothing" : show(typeof value === "string" ? JSON.stringify(value) : value);
}

/** The known name nearest to a wrong one, when it is near enough to be a typing error. */
export function nearest(name: string, known: readonly string[]): string | null {
  if (known.length === 0) return null;
  const best = closest(name, [...known]);
  return distance(name, best) <= Math.max(2, Math.floor(name.length / 3)) ? best : null;
}
