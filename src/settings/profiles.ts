// Which agents write and which review: `agents`, `reviewers`, `agent`, and the profiles of the policy file that they name.

import { presets } from "../agent/presets/index.ts";
import { defaultProfile, type Profile, ProfileEntry, profileFrom } from "../agent/profile.ts";
import { catalogue } from "./catalogue.ts";
import { isMapping } from "./policy-file.ts";
import { nearest, type Reader, show, showYaml } from "./reader.ts";
import type { Source } from "./source.ts";

export interface Chosen {
  /** Who writes, in order of preference. Default: the profile `command` where there is an `agent-command`, else `claude`. */
  profiles: Profile[];
  /** Who reviews, in order of preference. Default: the same list. A name that also writes is the same profile, with its model. */
  reviewers: Profile[];
}

/** The profiles of this run. `agent` alone stands for both lists. Both are empty only beside a problem, which is noted in the source's reader. */
export function profilesOf(source: Source): Chosen {
  const { reader } = source;
  const wishes = {
    command: reader.given("agent-command", catalogue["agent-command"]),
    model: reader.given("model", catalogue.model),
  };
  const defined = definedProfiles(source);
  const agents = reader.given("agents", catalogue.agents);
  const reviewing = reader.given("reviewers", catalogue.reviewers);
  const only = reader.given("agent", catalogue.agent);
  if (only === null && wishes.command !== null) checkCommandIsUsed(reader, agents, reviewing);
  const names = only !== null ? [only] : (agents ?? (wishes.command !== null ? ["command"] : ["claude"]));
  const where = only !== null ? "input agent" : "agents";
  const profiles = names.flatMap((name, index) => {
    const model = index === 0 ? wishes.model : null;
    const profile = profileNamed(source, defined, { name, where, command: wishes.command });
    return profile === null ? [] : [model === null ? profile : { ...profile, model }];
  });
  if (only !== null || reviewing === null) return { profiles, reviewers: profiles };
  const reviewers = reviewing.flatMap((name) => {
    const writes = profiles.find((profile) => profile.name === name);
    return writes ?? profileNamed(source, defined, { name, where: "reviewers", command: wishes.command }) ?? [];
  });
  return { profiles, reviewers };
}

function checkCommandIsUsed(reader: Reader, agents: string[] | null, reviewers: string[] | null): void {
  if (agents === null || agents.includes("command") || reviewers?.includes("command") === true) return;
  const expected = "`command` among `agents`, or no `agents` at all";
  reader.problem("input agent-command", expected, `agents ${show(agents.join(", "))}`);
}

/** A profile meant by one of the lists; null where there is none, which is noted under `where`. */
function profileNamed(
  source: Source,
  defined: ReadonlyMap<string, Profile>,
  wish: { name: string; where: string; command: string | null },
): Profile | null {
  const { reader, yaml, environment } = source;
  const { name, where, command } = wish;
  const profile = defined.get(name) ?? defaultProfile(name, environment, command !== null ? { command } : {});
  if (profile !== null) return profile;
  // It is there, and what is wrong with it has been said.
  if (isMapping(yaml["profiles"]) && Object.hasOwn(yaml["profiles"], name)) return null;
  if (name === "command") reader.problem(where, "`agent-command` for the profile `command`", "nothing");
  else {
    const known = [...defined.keys(), ...presets.keys()];
    const near = nearest(name, known);
    const expected = near === null ? `one of ${known.join(", ")}` : `\`${near}\`, perhaps`;
    reader.problem(where, expected, `the unknown profile ${show(name)}`);
  }
  return null;
}

function definedProfiles({ reader, yaml, path, environment }: Source): Map<string, Profile> {
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
    else for (const issue of parsed.error.issues) noteIssue(reader, path, { name, entry, issue });
  }
  return result;
}

type Issue = NonNullable<ReturnType<typeof ProfileEntry.safeParse>["error"]>["issues"][number];

function noteIssue(reader: Reader, path: string, wrong: { name: string; entry: unknown; issue: Issue }): void {
  const { name, entry, issue } = wrong;
  const where = `${path}, ${["profiles", name, ...issue.path.map(String)].join(".")}`;
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(ProfileEntry.shape).join(", ");
    reader.problem(where, `none but ${known}`, `the unknown key ${issue.keys.map(show).join(", ")}`);
    return;
  }
  const { message } = issue;
  const expected = /^expected /i.test(message) ? message.slice("expected ".length) : `something else (${message})`;
  reader.problem(where, expected, showYaml(valueAt(entry, issue.path)));
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((at: unknown, key) => (isMapping(at) ? at[String(key)] : at), value);
}
