// `limits` of the policy file, and the inequalities that the ledger rests on.

import type { Limits } from "../core/policy.ts";
import { limitEntries } from "./catalogue.ts";
import { isMapping } from "./policy-file.ts";
import { Reader, showYaml } from "./reader.ts";
import type { Source } from "./source.ts";

/** All limits, each as given or by default. Problems are noted in the source's reader. */
export function limitsOf({ reader, yaml, path }: Source): Limits {
  const given = isMapping(yaml["limits"]) ? yaml["limits"] : {};
  const inner = new Reader(new Map(), given, `${path}, limits.`);
  const read = (name: keyof typeof limitEntries) =>
    inner.value(name, { ...limitEntries[name], policy: true, default: limitEntries[name].default ?? 0 });
  const limits: Limits = {
    renewSeconds: read("renewSeconds"),
    fenceSeconds: read("fenceSeconds"),
    ttlSeconds: read("ttlSeconds"),
    slackSeconds: read("slackSeconds"),
    endedSeconds: read("endedSeconds"),
    killSeconds: read("killSeconds"),
    apiSeconds: read("apiSeconds"),
    cooldownSeconds: cooldowns(reader, given, path),
    checkMinutes: read("checkMinutes"),
    waitForChecksMinutes: read("waitForChecksMinutes"),
    startUpSeconds: read("startUpSeconds"),
    outputBytesMax: read("outputBytesMax"),
    fileBytesMax: read("fileBytesMax"),
    changeBytesMax: read("changeBytesMax"),
    changedFilesMax: read("changedFilesMax"),
  };
  reader.problems.push(...inner.problems);
  checkInequalities(reader, limits, path);
  return limits;
}

// Three renewals fit before the fence; fence, one kill and one answer fit before others may take over (see docs/ledger.md).
function checkInequalities(reader: Reader, limits: Limits, path: string): void {
  const { renewSeconds, fenceSeconds, killSeconds, apiSeconds, ttlSeconds } = limits;
  if (3 * renewSeconds > fenceSeconds) {
    const got = `${renewSeconds} and ${fenceSeconds}`;
    reader.problem(`${path}, limits`, "three times renewSeconds to be at most fenceSeconds", got);
  }
  if (fenceSeconds + killSeconds + apiSeconds >= ttlSeconds) {
    const got = `${fenceSeconds} + ${killSeconds} + ${apiSeconds} and ${ttlSeconds}`;
    reader.problem(`${path}, limits`, "fenceSeconds + killSeconds + apiSeconds to be below ttlSeconds", got);
  }
}

function cooldowns(reader: Reader, given: Record<string, unknown>, path: string): number[] {
  const value = given["cooldownSeconds"];
  if (value === undefined || value === null) return [300, 1800];
  const list = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every((n): n is number => typeof n === "number" && n >= 0 && n <= 604_800)) return list;
  reader.problem(`${path}, limits.cooldownSeconds`, "a list of seconds", showYaml(value));
  return [300, 1800];
}
