// Every input of the action and every key of the policy file, in one table: kind, default, where it may be given, and whether this version
// serves it already. action.yml, the documentation and the checks are tested against this table.

import { choice, flag, type Kind, lines, names, number, pattern, text } from "./kinds.ts";

export interface Entry<T> {
  kind: Kind<T>;
  default: T | null;
  /** May also stand in the policy file, in camel case. */
  policy: boolean;
  /** Null: every value is served. Else the values that are; others are refused as "not supported yet". */
  served: readonly T[] | null;
}

// NoInfer: else a default of a choice would make it a mere text.
function entry<T>(
  kind: Kind<T>,
  options: { default?: NoInfer<T>; policy?: boolean; served?: readonly NoInfer<T>[] } = {},
): Entry<T> {
  return { kind, default: options.default ?? null, policy: options.policy ?? false, served: options.served ?? null };
}

const p = { policy: true } as const;
const later: readonly never[] = [];

/** Values of `mode` that this version serves. */
export const modes = ["auto", "implement", "review", "rework", "land", "explain"] as const;
/** `auto` decides by itself; `explain` says what it would do and why; the others force one kind of work. */
export type Mode = (typeof modes)[number];

/** A git branch name as far as it is safe in a ref and in a page address. */
const branch = pattern(
  "the name of a branch",
  /^(?![-/.])(?!.*(?:\.\.|\/\/|\/\.|@\{|\.lock(?:\/|$)|\/$|\.$))[\w./+#-]{1,200}$/,
);
const labelName = pattern("a label's name without a comma, at most 50 characters", /^[^,\n]{1,50}$/);
const path = pattern("a path below the repository's root", /^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[^\0\n]{1,200}$/);
const url = pattern("an address that begins with http:// or https://", /^https?:\/\/[^\s/@]+(?:\/[^\s@]*)?$/);

export const catalogue = {
  token: entry(text),
  "reviewer-token": entry(text),
  mode: entry(
    choice("auto", "implement", "review", "rework", "land", "setup", "doctor", "explain", "stats", "remove"),
    { default: "auto", served: modes },
  ),
  item: entry(number(1, 2_147_483_647, true)),
  message: entry(text),
  agent: entry(text),
  agents: entry(names, { ...p, default: ["claude"] }),
  reviewers: entry(names, p),
  "agent-command": entry(text, p),
  model: entry(text, p),
  "agent-install": entry(choice("never", "if-missing"), { ...p, default: "never" }),
  trusted: entry(names, { ...p, default: ["writers"] }),
  label: entry(labelName, { ...p, default: "bot" }),
  prepare: entry(lines, { ...p, default: [] }),
  checks: entry(lines, { ...p, default: [] }),
  base: entry(branch, p),
  policy: entry(path, { default: ".agent-dispatch.yml" }),
  "timeout-minutes": entry(number(0.01, 1440, false), { ...p, default: 45 }),
  "silence-minutes": entry(number(0, 1440, false), { ...p, default: 10 }),
  "max-concurrent": entry(number(1, 100, true), { ...p, default: 3 }),
  "max-open-pulls": entry(number(1, 1000, true), { ...p, default: 6 }),
  "max-attempts": entry(number(1, 20, true), { ...p, default: 3 }),
  "max-rounds": entry(number(1, 20, true), { ...p, default: 3 }),
  merge: entry(choice("human", "when-approved"), { ...p, default: "human" }),
  sandbox: entry(choice("auto", "required", "none"), { ...p, default: "auto", served: ["auto", "none"] }),
  chain: entry(flag, { ...p, default: true }),
  "notify-url": entry(url, { ...p, served: later }),
  network: entry(choice("open", "none"), { ...p, default: "open", served: ["open"] }),
  repositories: entry(lines, { served: later }),
  confirm: entry(text, { served: later }),
  "dry-run": entry(flag, { default: false }),
  "server-url": entry(url),
  repository: entry(pattern("OWNER/NAME", /^[\w.-]+\/[\w.-]+$/)),
  workspace: entry(text),
} as const;

export type InputName = keyof typeof catalogue;
export const inputNames = Object.keys(catalogue).filter((name): name is InputName => name in catalogue);

const seconds = number(0, 86_400, false);

/** Keys below `limits` of the policy file, with their defaults. What each means: `Limits` in core/policy.ts. */
export const limitEntries = {
  renewSeconds: entry(number(0.05, 3600, false), { default: 60 }),
  fenceSeconds: entry(seconds, { default: 210 }),
  ttlSeconds: entry(seconds, { default: 420 }),
  slackSeconds: entry(seconds, { default: 30 }),
  endedSeconds: entry(seconds, { default: 60 }),
  killSeconds: entry(seconds, { default: 15 }),
  apiSeconds: entry(number(0.1, 600, false), { default: 30 }),
  checkMinutes: entry(number(0.001, 1440, false), { default: 30 }),
  waitForChecksMinutes: entry(number(0, 1440, false), { default: 30 }),
  startUpSeconds: entry(seconds, { default: 0 }),
  outputBytesMax: entry(number(1_000, 1_000_000_000, true), { default: 20 * 1024 * 1024 }),
  toolRepeatsMax: entry(number(0, 1_000, true), { default: 20 }),
  fileBytesMax: entry(number(1, 10_000_000_000, true), { default: 10 * 1024 * 1024 }),
  changeBytesMax: entry(number(1, 10_000_000_000, true), { default: 50 * 1024 * 1024 }),
  changedFilesMax: entry(number(1, 100_000, true), { default: 500 }),
  costUsdPerItem: entry(number(0, 1_000_000, false), { default: 25 }),
  costUsdPerDay: entry(number(0, 1_000_000, false), { default: 0 }),
  costUsdPerRun: entry(number(0, 1_000_000, false), { default: 5 }),
} as const;

/** All keys of `limits`; `cooldownSeconds` is a list and is read by itself. */
export const limitNames: readonly string[] = [...Object.keys(limitEntries), "cooldownSeconds"];

/** Keys that only the policy file has. */
export const policyOnly = [
  "profiles",
  "limits",
  "priorityLabels",
  "excludeLabels",
  "excludeTitles",
  "protectedPaths",
  "labels",
] as const;
export const policyOnlyLater: readonly string[] = ["labels"];

/** `max-attempts` → `maxAttempts`. */
export function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
