// Which agents can be started on this machine, found out after the decision and before the claim: their programs are on the PATH, or in the tool
// cache, or are put there where `agent-install: if-missing` asks for it.

import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { installAgent } from "./agent/install.ts";
import type { Profile } from "./agent/profile.ts";
import type { AgentWork } from "./core/decision.ts";
import { RunError } from "./errors.ts";
import { usable } from "./jobs/parking.ts";
import type { Ports } from "./ports.ts";
import type { Settings } from "./settings/settings.ts";

/**
 * The settings with the profiles that can work here, each with its program. One that lacks its program is left out with a word. Throws RunError with
 * the remedy where none is left.
 */
export async function withPrograms(ports: Ports, settings: Settings, work: AgentWork): Promise<Settings> {
  const list = work.kind === "review" ? "reviewers" : "profiles";
  const wanted = usable(settings[list], work.plan);
  const found: Profile[] = [];
  const missing: { profile: Profile; why: string }[] = [];
  for (const profile of wanted) {
    const ready = await withProgram(ports, settings, profile);
    if (typeof ready === "string") missing.push({ profile, why: ready });
    else found.push(ready);
  }
  if (wanted.length > 0 && found.length === 0) throw noProgram(missing, settings);
  for (const { profile, why } of missing) ports.log.warning(`profile ${profile.name} is left out: ${why}`);
  // Those that are parked count as they did: whether a second opinion is needed does not depend on them.
  const parked = settings[list].filter((profile) => !wanted.includes(profile));
  const ready = new Map([...found, ...parked].map((profile) => [profile.name, profile]));
  return { ...settings, [list]: settings[list].flatMap(({ name }) => ready.get(name) ?? []) };
}

/** The profile with its program, or why there is none. */
async function withProgram(ports: Ports, settings: Settings, profile: Profile): Promise<Profile | string> {
  const { preset } = profile;
  const { environment, log, stop } = ports;
  if (isOnPath(preset.bin, environment["PATH"] ?? "")) return profile;
  const why = `\`${preset.bin}\` is not on this runner's PATH`;
  if (settings.agentInstall === "never") return why;
  if (preset.install === null) return `${why}, and it cannot be installed by \`agent-install\``;
  const order = { cache: join(toolCache(environment), "agent-dispatch"), env: environment, stop };
  try {
    return { ...profile, program: await installAgent(preset, { ...order, log: (line) => log.line(line) }) };
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    return error.message;
  }
}

function toolCache(environment: Ports["environment"]): string {
  return environment["RUNNER_TOOL_CACHE"] || join(environment["HOME"] || homedir(), ".cache");
}

function noProgram(missing: readonly { profile: Profile; why: string }[], settings: Settings): RunError {
  const names = [...new Set(missing.map(({ profile }) => `\`${profile.preset.bin}\``))].join(", ");
  const first = missing.find(({ profile }) => profile.preset.install !== null)?.profile.preset.install ?? null;
  const line =
    first === null ? "" : ` for example by the step \`run: npm install -g ${first.npm}@${first.pin}\` before it,`;
  if (settings.agentInstall !== "never")
    return new RunError(`No agent's program is on this runner: ${missing.map(({ why }) => why).join("; ")}.`, {
      remedy: `Install it on the runner,${line} or choose another agent with \`agents\` or \`agent-command\`.`,
      mender: "workflow author",
      retry: true,
    });
  const install = first === null ? "" : " let the program do it with `agent-install: if-missing`,";
  return new RunError(
    `The agent's program ${names} is not installed on this runner (nothing of that name is on PATH).`,
    {
      remedy: `Install it on the runner,${line}${install} or choose another agent with \`agents\` or \`agent-command\`.`,
      mender: "workflow author",
      retry: false,
    },
  );
}

function isOnPath(bin: string, path: string): boolean {
  const places = bin.includes("/") ? [bin] : path.split(delimiter).map((folder) => join(folder, bin));
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK);
      return statSync(place).isFile();
    } catch {
      return false;
    }
  });
}
