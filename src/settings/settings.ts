// Inputs of the action and policy file together: everything a run is told, checked at once, defaults filled in.

import { presets } from "../agent/presets/index.ts";
import { defaultProfile, type Profile, ProfileEntry, profileFrom } from "../agent/profile.ts";
import type { Limits, Policy } from "../core/policy.ts";
import { ConfigurationError, type Problem } from "../errors.ts";
import { catalogue, inputNames, limitEntries } from "./catalogue.ts";
import { isMapping, parsePolicyFile } from "./policy-file.ts";
import { nearest, Reader, show, showYaml } from "./reader.ts";

/** Where the forge is and which repository is meant: known before the policy file is. */
export interface Connection {
  token: string;
  /** Without a slash at the end. */
  serverUrl: string;
  owner: string;
  name: string;
  /** Branch named by the input; null = the default branch. */
  base: string | null;
  policyPath: string;
  /** The path was given explicitly: the file must exist. */
  policyGiven: boolean;
  inputs: ReadonlyMap<string, string>;
  warnings: string[];
}

export interface Settings {
  policy: Policy;
  /** The first is tried first. Never empty. */
  profiles: Profile[];
  item: number | null;
  message: string;
  prepare: string[];
  /** Shell commands, or `statuses`: left to the forge's own checks. */
  checks: string[] | "statuses";
  timeoutMs: number;
  /** 0 = no limit. */
  silenceMs: number;
  sandbox: "auto" | "none";
  chain: boolean;
  workspace: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Inputs of the action from the environment of the step; empty ones are "not given". */
export function inputsOf(environment: Environment): { inputs: Map<string, string>; warnings: string[] } {
  const inputs = new Map<string, string>();
  const warnings: string[] = [];
  for (const [variable, raw] of Object.entries(environment)) {
    if (!variable.startsWith("INPUT_") || raw === undefined || raw.trim() === "") continue;
    const name = variable.slice("INPUT_".length).toLowerCase();
    if (inputNames.some((known) => known === name)) inputs.set(name, raw.trim());
    else {
      const near = nearest(name, inputNames);
      warnings.push(
        `\`${name}\` is no input of this action and is ignored${near === null ? "" : `; did you mean \`${near}\`?`}`,
      );
    }
  }
  return { inputs, warnings };
}

/** What is needed to reach the forge. Throws ConfigurationError when that is wrong already. */
export function connectionOf(environment: Environment): Connection {
  const { inputs, warnings } = inputsOf(environment);
  const reader = new Reader(inputs, {}, "");
  const token = reader.given("token", catalogue.token);
  const serverUrl = reader.given("server-url", catalogue["server-url"]) ?? environment["GITHUB_SERVER_URL"] ?? "";
  const repository = reader.given("repository", catalogue.repository) ?? environment["GITHUB_REPOSITORY"] ?? "";
  const base = reader.given("base", catalogue.base);
  const policyPath = reader.value("policy", { ...catalogue.policy, default: ".agent-dispatch.yml" });
  if (token === null)
    reader.problem(
      "input token",
      "an access token of the bot account",
      "nothing; is the secret set in this repository?",
    );
  if (catalogue["server-url"].kind.fromText(serverUrl) === undefined) {
    reader.problem(
      "input server-url",
      `${catalogue["server-url"].kind.expected} (default: the variable GITHUB_SERVER_URL)`,
      show(serverUrl),
    );
  }
  const [owner = "", name = ""] = repository.split("/");
  if (catalogue.repository.kind.fromText(repository) === undefined) {
    reader.problem("input repository", "OWNER/NAME (default: the variable GITHUB_REPOSITORY)", show(repository));
  }
  if (reader.problems.length > 0) {
    // The rest of the inputs is checked too, so that one round of mending is enough.
    throw new ConfigurationError(dedupe([...reader.problems, ...problemsOf(environment, inputs, null, policyPath)]));
  }
  const policyGiven = inputs.has("policy");
  return {
    token: token ?? "",
    serverUrl: serverUrl.replace(/\/+$/, ""),
    owner,
    name,
    base,
    policyPath,
    policyGiven,
    inputs,
    warnings,
  };
}

function problemsOf(
  environment: Environment,
  inputs: ReadonlyMap<string, string>,
  file: string | null,
  path: string,
): Problem[] {
  try {
    readSettings(environment, inputs, file, path, "main");
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return [...error.problems];
    throw error;
  }
}

/** All settings. `file` is the text of the policy file, null where there is none. Throws ConfigurationError with every problem of both. */
export function readSettings(
  environment: Environment,
  inputs: ReadonlyMap<string, string>,
  file: string | null,
  path: string,
  defaultBranch: string,
): Settings {
  const parsed = file === null ? { values: {}, problems: [] } : parsePolicyFile(file, path);
  const yaml: Record<string, unknown> = parsed.values;
  const reader = new Reader(inputs, yaml, `${path}, `);
  reader.problems.push(...parsed.problems);
  for (const name of [
    "reviewer-token",
    "reviewers",
    "max-rounds",
    "notify-url",
    "repositories",
    "confirm",
    "agent-install",
    "network",
    "merge",
    "dry-run",
  ] as const) {
    reader.given<unknown>(name, catalogue[name]);
  }
  const trusted = reader.value("trusted", { ...catalogue.trusted, default: ["writers"] });
  const mode = reader.given("mode", catalogue.mode) ?? "auto";
  const checks = reader.value("checks", { ...catalogue.checks, default: [] });
  const settings: Settings = {
    policy: {
      label: reader.value("label", { ...catalogue.label, default: "bot" }),
      base: reader.given("base", catalogue.base) ?? defaultBranch,
      trusted:
        trusted.length === 1 && trusted[0] === "writers" ? "writers" : trusted.filter((name) => name !== "writers"),
      maxConcurrent: reader.value("max-concurrent", { ...catalogue["max-concurrent"], default: 3 }),
      maxOpenPulls: reader.value("max-open-pulls", { ...catalogue["max-open-pulls"], default: 6 }),
      maxAttempts: reader.value("max-attempts", { ...catalogue["max-attempts"], default: 3 }),
      excludeLabels: texts(reader, yaml, "excludeLabels", path) ?? ["hold", "wontfix", "question", "epic"],
      excludeTitles: patterns(reader, yaml, path),
      priorityLabels: texts(reader, yaml, "priorityLabels", path) ?? [],
      force: mode === "implement" ? "implement" : null,
      looksMax: 10,
      limits: limits(reader, yaml, path),
    },
    profiles: profiles(reader, yaml, path, environment),
    item: reader.given("item", catalogue.item),
    message: reader.given("message", catalogue.message) ?? "",
    prepare: reader.value("prepare", { ...catalogue.prepare, default: [] }),
    checks: checks.length === 1 && checks[0] === "statuses" ? "statuses" : checks,
    timeoutMs: reader.value("timeout-minutes", { ...catalogue["timeout-minutes"], default: 45 }) * 60_000,
    silenceMs: reader.value("silence-minutes", { ...catalogue["silence-minutes"], default: 10 }) * 60_000,
    sandbox: reader.given("sandbox", catalogue.sandbox) === "none" ? "none" : "auto",
    chain: reader.value("chain", { ...catalogue.chain, default: true }),
    workspace: reader.given("workspace", catalogue.workspace),
  };
  if (checks.length > 1 && checks.includes("statuses")) {
    reader.problem("checks", "either shell commands or the one word `statuses`", "both");
  }
  if (trusted.length > 1 && trusted.includes("writers")) {
    reader.problem("trusted", "either `writers` or login names", "both");
  }
  if (reader.problems.length > 0) throw new ConfigurationError(dedupe(reader.problems));
  return settings;
}

function texts(reader: Reader, yaml: Record<string, unknown>, key: string, path: string): string[] | null {
  const value = yaml[key];
  if (value === undefined || value === null) return null;
  if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
  reader.problem(`${path}, ${key}`, "a list of texts", showYaml(value));
  return null;
}

function patterns(reader: Reader, yaml: Record<string, unknown>, path: string): RegExp[] {
  return (texts(reader, yaml, "excludeTitles", path) ?? []).flatMap((source) => {
    try {
      return [new RegExp(source, "iu")];
    } catch {
      reader.problem(`${path}, excludeTitles`, "a regular expression", show(source));
      return [];
    }
  });
}

function limits(reader: Reader, yaml: Record<string, unknown>, path: string): Limits {
  const given = isMapping(yaml["limits"]) ? yaml["limits"] : {};
  const inner = new Reader(new Map(), given, `${path}, limits.`);
  const read = (name: keyof typeof limitEntries) =>
    inner.value(name, { ...limitEntries[name], policy: true, default: limitEntries[name].default ?? 0 });
  const result: Limits = {
    renewSeconds: read("renewSeconds"),
    fenceSeconds: read("fenceSeconds"),
    ttlSeconds: read("ttlSeconds"),
    slackSeconds: read("slackSeconds"),
    endedSeconds: read("endedSeconds"),
    killSeconds: read("killSeconds"),
    apiSeconds: read("apiSeconds"),
    cooldownSeconds: cooldowns(reader, given, path),
    checkMinutes: read("checkMinutes"),
    startUpSeconds: read("startUpSeconds"),
    outputBytesMax: read("outputBytesMax"),
    fileBytesMax: read("fileBytesMax"),
    changeBytesMax: read("changeBytesMax"),
    changedFilesMax: read("changedFilesMax"),
  };
  reader.problems.push(...inner.problems);
  // Three renewals fit before the fence; fence, one kill and one answer fit before others may take over (see docs/ledger.md).
  if (3 * result.renewSeconds > result.fenceSeconds) {
    reader.problem(
      `${path}, limits`,
      "three times renewSeconds to be at most fenceSeconds",
      `${result.renewSeconds} and ${result.fenceSeconds}`,
    );
  }
  if (result.fenceSeconds + result.killSeconds + result.apiSeconds >= result.ttlSeconds) {
    const got = `${result.fenceSeconds} + ${result.killSeconds} + ${result.apiSeconds} and ${result.ttlSeconds}`;
    reader.problem(`${path}, limits`, "fenceSeconds + killSeconds + apiSeconds to be below ttlSeconds", got);
  }
  return result;
}

function cooldowns(reader: Reader, given: Record<string, unknown>, path: string): number[] {
  const value = given["cooldownSeconds"];
  if (value === undefined || value === null) return [300, 1800];
  const list = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every((n): n is number => typeof n === "number" && n >= 0 && n <= 604_800)) return list;
  reader.problem(`${path}, limits.cooldownSeconds`, "a list of seconds", showYaml(value));
  return [300, 1800];
}

function profiles(reader: Reader, yaml: Record<string, unknown>, path: string, environment: Environment): Profile[] {
  const defined = definedProfiles(reader, yaml, path, environment);
  const command = reader.given("agent-command", catalogue["agent-command"]);
  const model = reader.given("model", catalogue.model);
  const agents = reader.given("agents", catalogue.agents);
  const only = reader.given("agent", catalogue.agent);
  const order = only !== null ? [only] : (agents ?? (command !== null ? ["command"] : ["claude"]));
  if (command !== null && agents !== null && only === null && !agents.includes("command")) {
    reader.problem(
      "input agent-command",
      "`command` among `agents`, or no `agents` at all",
      `agents ${show(agents.join(", "))}`,
    );
  }
  return order.flatMap((name, index) => {
    const options = { ...(index === 0 && model !== null ? { model } : {}), ...(command !== null ? { command } : {}) };
    const profile = defined.get(name) ?? defaultProfile(name, environment, options);
    if (profile !== null) return [index === 0 && model !== null ? { ...profile, model } : profile];
    const where = only !== null ? "input agent" : "agents";
    // It is there, and what is wrong with it has been said.
    if (isMapping(yaml["profiles"]) && Object.hasOwn(yaml["profiles"], name)) return [];
    if (name === "command") reader.problem(where, "`agent-command` for the profile `command`", "nothing");
    else {
      const known = [...defined.keys(), ...presets.keys()];
      const near = nearest(name, known);
      reader.problem(
        where,
        near === null ? `one of ${known.join(", ")}` : `\`${near}\`, perhaps`,
        `the unknown profile ${show(name)}`,
      );
    }
    return [];
  });
}

function definedProfiles(
  reader: Reader,
  yaml: Record<string, unknown>,
  path: string,
  environment: Environment,
): Map<string, Profile> {
  const result = new Map<string, Profile>();
  const entries = yaml["profiles"];
  if (entries === undefined || entries === null) return result;
  if (!isMapping(entries)) {
    reader.problem(`${path}, profiles`, "a mapping of names to profiles", showYaml(entries));
    return result;
  }
  for (const [name, entry] of Object.entries(entries)) {
    const parsed = ProfileEntry.safeParse(entry);
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(name))
      reader.problem(`${path}, profiles`, "a name of small letters, digits and -", show(name));
    else if (parsed.success) result.set(name, profileFrom(name, parsed.data, environment));
    else {
      for (const issue of parsed.error.issues) {
        const at = ["profiles", name, ...issue.path.map(String)].join(".");
        if (issue.code === "unrecognized_keys") {
          const known = Object.keys(ProfileEntry.shape).join(", ");
          reader.problem(`${path}, ${at}`, `none but ${known}`, `the unknown key ${issue.keys.map(show).join(", ")}`);
          continue;
        }
        const { message } = issue;
        const expected = /^expected /i.test(message)
          ? message.slice("expected ".length)
          : `something else (${message})`;
        reader.problem(`${path}, ${at}`, expected, showYaml(valueAt(entry, issue.path)));
      }
    }
  }
  return result;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((at: unknown, key) => (isMapping(at) ? at[String(key)] : at), value);
}

function dedupe(problems: readonly Problem[]): Problem[] {
  const seen = new Map(problems.map((p) => [`${p.where}\0${p.expected}\0${p.got}`, p]));
  return [...seen.values()];
}
