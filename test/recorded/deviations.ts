import type { ForgeVersion } from "../support/forge/forge.ts";
import type { Replayed } from "./replay.ts";

/**
 * Steps where the embedded forge is known to answer otherwise than the recorded server, each with its reason.
 * The replay fails on a step that deviates and is not here, and on one that is here and conforms.
 */
export const deviations: Record<ForgeVersion, Record<string, string>> = {
  "1.24.7": {},
  "1.26.4": {},
  "1.27.0": {},
};

/** Readable lines: the step, where it differs, what was recorded, what came. */
export function unlisted(results: readonly Replayed[], version: ForgeVersion): string[] {
  const known = deviations[version];
  return results
    .filter((result) => !(result.step in known))
    .flatMap(({ step, differences }) =>
      differences.map(({ at, recorded, actual }) => `${step}: ${at || "body"} was ${recorded}, is ${actual}`),
    );
}

/** Steps that could be taken off the list. */
export function listedButConforming(results: readonly Replayed[], version: ForgeVersion): string[] {
  const conforming = new Set(results.filter((result) => result.differences.length === 0).map((result) => result.step));
  return Object.keys(deviations[version]).filter((step) => conforming.has(step));
}
