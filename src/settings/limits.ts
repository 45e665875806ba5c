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
    toolRepeatsMax: read("toolRepeatsMax"),
    fileBytesMax: read("fileBytesMax"),
    changeBytesMax: read("changeBytesMax"),
    changedFilesMax: read("changedFilesMax"),
    costUsdPerItem: read("costUsdPerItem"),
    costUsdPerDay: read("costUsdPerDay"),
    costUsdPerRun: read("costUsdPerRun"),
  };
  reader.problems.push(...inner.problems);
  checkBudgets(reader, limits, path);
  checkInequalities(reader, limits, given, path);
  return limits;
}

/** What must hold between limits, in seconds: the sum of the left side is `at most`, or `below`, the right one. */
const inequalities: readonly Inequality[] = [
  // Three life signs begin before the fence closes, so two may fail and nothing that is written waits. One that hangs is cut in time for the
  // next, whatever the limits are (usualBounds in ledger/chain.ts).
  { left: [[3, "renewSeconds"]], is: "at most", right: "fenceSeconds" },
  // A write begins no later than the fence allows and takes no longer than one answer (Permit in forge/port.ts): it is over before another run
  // may take the item over. The time to end an agent is the reserve.
  {
    left: [
      [1, "fenceSeconds"],
      [1, "killSeconds"],
      [1, "apiSeconds"],
    ],
    is: "below",
    right: "ttlSeconds",
  },
];

type Name = "renewSeconds" | "fenceSeconds" | "killSeconds" | "apiSeconds" | "ttlSeconds";

interface Inequality {
  left: readonly (readonly [factor: number, name: Name])[];
  is: "at most" | "below";
  right: Name;
}

function checkInequalities(reader: Reader, limits: Limits, given: Record<string, unknown>, path: string): void {
  const shown = (name: Name) => `${name} (${limits[name]}${given[name] === undefined ? ", default" : ""})`;
  for (const { left, is, right } of inequalities) {
    // To the millisecond: three times 0.1 would else be more than 0.3.
    const sum = Number(left.reduce((total, [factor, name]) => total + factor * limits[name], 0).toFixed(3));
    if (is === "below" ? sum < limits[right] : sum <= limits[right]) continue;
    const terms = (show: (name: Name) => string) =>
      left.map(([factor, name]) => `${factor === 1 ? "" : `${factor} · `}${show(name)}`).join(" + ");
    const expected = `${terms((name) => name)} to be ${is} ${right}`;
    reader.problem(`${path}, limits`, expected, `${terms(shown)} = ${sum} and ${shown(right)}`);
  }
}

// A run that reserves more than a budget holds could never start.
function checkBudgets(reader: Reader, limits: Limits, path: string): void {
  for (const budget of ["costUsdPerItem", "costUsdPerDay"] as const) {
    if (limits[budget] === 0 || limits.costUsdPerRun <= limits[budget]) continue;
    const got = `${limits.costUsdPerRun} and ${limits[budget]}`;
    reader.problem(`${path}, limits`, `costUsdPerRun to be at most ${budget}`, got);
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
