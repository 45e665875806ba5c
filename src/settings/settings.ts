// Inputs of the action and policy file together: everything a run is told, checked at once, defaults filled in.

import type { Profile } from "../agent/profile.ts";
import type { Policy } from "../core/policy.ts";
import { ConfigurationError, type Problem } from "../errors.ts";
import { catalogue, inputNames, type Mode, modes } from "./catalogue.ts";
import { limitsOf } from "./limits.ts";
import { excludedTitles, protectedPaths, textsOf } from "./lists.ts";
import { parsePolicyFile } from "./policy-file.ts";
import { profilesOf } from "./profiles.ts";
import { nearest, Reader, show } from "./reader.ts";
import type { Environment, Source } from "./source.ts";

/** Where the forge is and which repository is meant: known before the policy file is. */
export interface Connection {
  token: string;
  /** Access token of a second account, by which verdicts become formal reviews; as secret as `token`. Null = none: verdicts are comments. */
  reviewerToken: string | null;
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
  /** Who reviews, in order of preference; by default the same list as `profiles`. Never empty. */
  reviewers: Profile[];
  /** Default `auto`. The kind of work that it forces is `policy.force`. */
  mode: Mode;
  /** Print the plan and write nothing. Default false. */
  dryRun: boolean;
  item: number | null;
  message: string;
  prepare: string[];
  /** Shell commands, or `statuses`: left to the forge's own checks. */
  checks: string[] | "statuses";
  timeoutMs: number;
  /** 0 = no limit. */
  silenceMs: number;
  /** Whether a missing program of an agent is installed. */
  agentInstall: "never" | "if-missing";
  sandbox: "auto" | "none";
  chain: boolean;
  workspace: string | null;
}

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
  const reviewerToken = reader.given("reviewer-token", catalogue["reviewer-token"]);
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
  if (token !== null && token === reviewerToken)
    reader.problem("input reviewer-token", "a token of a second account", "the same as `token`");
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
    reviewerToken,
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
  const reader = new Reader(inputs, parsed.values, `${path}, `);
  reader.problems.push(...parsed.problems);
  const source: Source = { reader, yaml: parsed.values, path, environment };
  for (const name of notServed) reader.given<unknown>(name, catalogue[name]);
  const given = reader.given("mode", catalogue.mode);
  const mode = modes.find((known) => known === given) ?? "auto";
  const settings: Settings = {
    policy: policyOf(source, mode, defaultBranch),
    ...profilesOf(source),
    mode,
    dryRun: reader.value("dry-run", { ...catalogue["dry-run"], default: false }),
    item: reader.given("item", catalogue.item),
    message: reader.given("message", catalogue.message) ?? "",
    prepare: reader.value("prepare", { ...catalogue.prepare, default: [] }),
    checks: checksOf(reader),
    timeoutMs: reader.value("timeout-minutes", { ...catalogue["timeout-minutes"], default: 45 }) * 60_000,
    silenceMs: reader.value("silence-minutes", { ...catalogue["silence-minutes"], default: 10 }) * 60_000,
    agentInstall: reader.given("agent-install", catalogue["agent-install"]) === "if-missing" ? "if-missing" : "never",
    sandbox: reader.given("sandbox", catalogue.sandbox) === "none" ? "none" : "auto",
    chain: reader.value("chain", { ...catalogue.chain, default: true }),
    workspace: reader.given("workspace", catalogue.workspace),
  };
  if (reader.problems.length > 0) throw new ConfigurationError(dedupe(reader.problems));
  return settings;
}

/** Read only so that what is not served is refused. */
const notServed = ["notify-url", "repositories", "confirm", "network"] as const;

function policyOf(source: Source, mode: Mode, defaultBranch: string): Policy {
  const { reader } = source;
  return {
    label: reader.value("label", { ...catalogue.label, default: "bot" }),
    base: reader.given("base", catalogue.base) ?? defaultBranch,
    trusted: trustedOf(reader),
    maxConcurrent: reader.value("max-concurrent", { ...catalogue["max-concurrent"], default: 3 }),
    maxOpenPulls: reader.value("max-open-pulls", { ...catalogue["max-open-pulls"], default: 6 }),
    maxAttempts: reader.value("max-attempts", { ...catalogue["max-attempts"], default: 3 }),
    maxRounds: reader.value("max-rounds", { ...catalogue["max-rounds"], default: 3 }),
    merge: reader.given("merge", catalogue.merge) ?? "human",
    excludeLabels: textsOf(source, "excludeLabels") ?? ["hold", "wontfix", "question", "epic"],
    excludeTitles: excludedTitles(source),
    priorityLabels: textsOf(source, "priorityLabels") ?? [],
    protectedPaths: protectedPaths(source),
    force: mode === "auto" || mode === "explain" ? null : mode,
    looksMax: 10,
    limits: limitsOf(source),
  };
}

function trustedOf(reader: Reader): Policy["trusted"] {
  const trusted = reader.value("trusted", { ...catalogue.trusted, default: ["writers"] });
  if (trusted.length > 1 && trusted.includes("writers"))
    reader.problem("trusted", "either `writers` or login names", "both");
  return trusted.length === 1 && trusted[0] === "writers" ? "writers" : trusted;
}

function checksOf(reader: Reader): Settings["checks"] {
  const checks = reader.value("checks", { ...catalogue.checks, default: [] });
  if (checks.length > 1 && checks.includes("statuses"))
    reader.problem("checks", "either shell commands or the one word `statuses`", "both");
  return checks.length === 1 && checks[0] === "statuses" ? "statuses" : checks;
}

function dedupe(problems: readonly Problem[]): Problem[] {
  const seen = new Map(problems.map((p) => [`${p.where}\0${p.expected}\0${p.got}`, p]));
  return [...seen.values()];
}
