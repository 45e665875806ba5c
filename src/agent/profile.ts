// A profile is an agent CLI with its model and credential: the same CLI with two credentials is two profiles.

import { createHash } from "node:crypto";
import * as z from "zod";
import type { Installed } from "./install.ts";
import type { AgentPreset } from "./preset.ts";
import { presets } from "./presets/index.ts";
import type { Prices } from "./price.ts";

export interface Profile {
  name: string;
  preset: AgentPreset;
  /** Null: the CLI's own default. For `command` it is only shown in reports; the command line itself chooses. */
  model: string | null;
  /** How hard the model shall think, in the CLI's own word; null: its default. */
  effort: string | null;
  baseUrl: string | null;
  /** The shell command line of `cli: command`, else null. */
  command: string | null;
  /** The agent's variable → the host's variable that its value comes from. Names only; values are read when the agent starts. */
  env: Readonly<Record<string, string>>;
  /** For CLIs that tell tokens and no cost. */
  prices: Prices | null;
  /** Where `agent-install` has put its program; null: it is looked up by `PATH`. */
  program: Installed | null;
}

/** Twelve hexadecimal digits that change with anything of a profile but the values of its credentials. */
export function setupOf({ preset, model, effort, baseUrl, command, env }: Profile): string {
  const setup = JSON.stringify([preset.id, model, effort, baseUrl, command, Object.entries(env).sort()]);
  return createHash("sha256").update(setup).digest("hex").slice(0, 12);
}

/** Whether its CLI says what a run cost; of the others no budget knows anything. */
export function tellsCost({ preset, prices }: Profile): boolean {
  return preset.output.rules.some(({ emit }) => emit === "cost" || (emit === "usage" && prices !== null));
}

/** Names that every agent gets from the program itself; a profile cannot replace them. */
export const fixedNames: ReadonlySet<string> = new Set(["HOME", "TMPDIR", "PATH", "LANG", "TERM", "CI"]);

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Why a name cannot be a variable of the agent that a profile sets; null when it can. */
function targetProblem(name: string): string | null {
  if (!variableName.test(name)) return "expected the name of an environment variable";
  const isOurs = fixedNames.has(name) || name.startsWith("AGENT_DISPATCH_");
  return isOurs ? "this variable is set by the program itself" : null;
}

// Answers a policy that would hand the forge's or the runner's tokens to the agent by mistake: none of the action's own inputs and none of the
// runner's variables can be a source. A credential for the agent has a variable of its own in the workflow file.
const source = z
  .string()
  .regex(variableName, "expected the name of an environment variable")
  .refine(
    (name) => !/^(INPUT|ACTIONS|GITHUB|GITEA|FORGEJO|RUNNER|AGENT_DISPATCH)_/.test(name),
    "variables of the runner and inputs of the action are never given to an agent",
  );

/** The agent's name → the host's name; a list of names means the same name on both sides. */
const variables = z
  .preprocess(
    (value) => (Array.isArray(value) ? Object.fromEntries(value.map((name) => [String(name), name])) : value),
    z.record(z.string(), source),
  )
  .superRefine((record, context) => {
    for (const name of Object.keys(record)) {
      const message = targetProblem(name);
      if (message !== null) context.addIssue({ code: "custom", path: [name], message });
    }
  });

const price = z.number().min(0).max(100_000);

/** One entry of `profiles` in the policy file. */
export const ProfileEntry = z
  .strictObject({
    cli: z.enum([...presets.keys()]),
    model: z.string().trim().min(1).optional(),
    effort: z.string().trim().min(1).optional(),
    /** Without it: those credentials of the preset that the host has. */
    env: variables.optional(),
    prices: z
      .strictObject({ input: price, output: price, cacheRead: price.optional(), cacheWrite: price.optional() })
      .optional(),
    baseUrl: z.url({ protocol: /^https?$/ }).optional(),
    command: z.string().trim().min(1).optional(),
  })
  .superRefine((entry, context) => {
    const problem = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    const isCommand = entry.cli === "command";
    if (isCommand && entry.command === undefined) problem("command", "expected a command line, because cli is command");
    if (!isCommand && entry.command !== undefined) problem("command", "only cli: command takes a command line");
    if (entry.baseUrl !== undefined && presets.get(entry.cli)?.baseUrl === null)
      problem("baseUrl", `cli: ${entry.cli} takes no address of a model server`);
    // Some give the model's server a name of ours and have to list its models.
    const parts = presets.get(entry.cli)?.config.map((part) => part.withBaseUrl ?? null) ?? [];
    const needsModel = JSON.stringify(parts).includes("{{model}}");
    if (entry.baseUrl !== undefined && entry.model === undefined && needsModel)
      problem("model", `cli: ${entry.cli} needs the name of the model that stands at baseUrl`);
    const takesEffort = JSON.stringify(presets.get(entry.cli) ?? null).includes("{{effort}}");
    const tells = presets.get(entry.cli)?.output.rules.some(({ emit }) => emit === "usage");
    if (entry.prices !== undefined && tells === false) problem("prices", `cli: ${entry.cli} tells no tokens`);
    if (entry.effort !== undefined && !takesEffort) problem("effort", `cli: ${entry.cli} takes no effort`);
  });
export type ProfileEntry = z.infer<typeof ProfileEntry>;

/** The profile of an entry of the policy file. `host` decides only which credentials a profile without `env` has. */
export function profileFrom(
  name: string,
  entry: ProfileEntry,
  host: Readonly<Record<string, string | undefined>>,
): Profile {
  const preset = presets.get(entry.cli);
  if (preset === undefined) throw new Error(`no preset ${entry.cli}`);
  return {
    name,
    preset,
    model: entry.model ?? null,
    effort: entry.effort ?? null,
    baseUrl: entry.baseUrl ?? null,
    command: entry.command ?? null,
    env: entry.env ?? presentCredentials(preset, host),
    prices: entry.prices ?? null,
    program: null,
  };
}

/** The profile meant by the bare name of a preset, as in `agents: claude`; null where there is none of that name. `command` needs its line. */
export function defaultProfile(
  name: string,
  host: Readonly<Record<string, string | undefined>>,
  given: { model?: string; command?: string } = {},
): Profile | null {
  const preset = presets.get(name);
  if (preset === undefined) return null;
  const line = preset.id === "command" ? (given.command ?? null) : null;
  if (preset.id === "command" && line === null) return null;
  return {
    name,
    preset,
    model: given.model ?? null,
    effort: null,
    baseUrl: null,
    command: line,
    env: presentCredentials(preset, host),
    prices: null,
    program: null,
  };
}

/** The host's variables that the profile names and that are not set; a secret that does not exist arrives as an empty one. */
export function missingVariables(profile: Profile, host: Readonly<Record<string, string | undefined>>): string[] {
  return Object.values(profile.env).filter((name) => (host[name] ?? "") === "");
}

function presentCredentials(preset: AgentPreset, host: Readonly<Record<string, string | undefined>>) {
  const present = preset.env.credentials.filter((name) => (host[name] ?? "") !== "");
  return Object.fromEntries(present.map((name) => [name, name]));
}
