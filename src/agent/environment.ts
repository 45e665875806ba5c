import { delimiter } from "node:path";
import { settingVariables, templateValues } from "./config.ts";
import { fillEnv } from "./preset.ts";
import type { Profile } from "./profile.ts";

/** A variable as text by name, for example `process.env`. */
export type HostEnvironment = Readonly<Record<string, string | undefined>>;

/** What an agent is told about its work besides the prompt. Paths are as the agent sees them. */
export interface Task {
  role: "author" | "reviewer";
  /** The decision's kind: `implement`, `review`, `rework`, … */
  kind: string;
  item: number;
  /** Null before there is one; the agent then sees an empty variable. */
  pullRequest: number | null;
  /** The commit id that the work starts from. */
  base: string;
  /** From 1. */
  attempt: number;
  /** From 1; 0 before the first review. */
  round: number;
  /** Where the agent may write its result. The path is new in every run: it is also the mark that its processes are found by. */
  resultFile: string;
  promptFile: string;
  /** Its text is also in `promptFile`. */
  prompt: string;
  /** The clone, as the agent sees it. */
  cwd: string;
  /** The CLI's own name of the session that is gone on with; null = a new one. */
  session: string | null;
  /** The private home; empty at the start and nobody else's. */
  home: string;
  /** Its own folder for temporary files. */
  tmp: string;
  /** Whether the agent's processes have user id 0. */
  root: boolean;
  /** Variables that mark the processes of this run: see mark.ts. */
  marks: Readonly<Record<string, string>>;
}

const pathOfLastResort = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The whole environment of an agent: these names and no others, so that a token which a runner, a person or a later version puts into the
 * host's environment stays there. In order of strength: what docs/agents.md promises, the profile's own variables, the preset's.
 * Variables that the host lacks are left out (see `missingVariables`).
 */
export function environment(profile: Profile, task: Task, host: HostEnvironment): Record<string, string> {
  const { preset } = profile;
  const values = templateValues(profile, task);
  const defaults = {
    ...preset.env.set,
    ...(task.root ? preset.approve.rootEnv : {}),
    ...(values.baseUrl === undefined ? {} : preset.baseUrl?.set),
    ...(values.baseUrl !== undefined && Object.keys(profile.env).length === 0 ? preset.baseUrl?.keyless : {}),
  };
  const own = Object.entries(profile.env).flatMap(([name, source]) => {
    const value = host[source] ?? "";
    return value === "" ? [] : [[name, value] as const];
  });
  return {
    ...fillEnv(defaults, values),
    ...settingVariables(profile, task),
    ...Object.fromEntries(own),
    HOME: task.home,
    TMPDIR: task.tmp,
    PATH: [...(profile.program?.path ?? []), host["PATH"] || pathOfLastResort].join(delimiter),
    LANG: host["LANG"] || "C.UTF-8",
    TERM: "dumb",
    CI: "true",
    AGENT_DISPATCH_ROLE: task.role,
    AGENT_DISPATCH_KIND: task.kind,
    AGENT_DISPATCH_ITEM: String(task.item),
    AGENT_DISPATCH_PULL_REQUEST: task.pullRequest === null ? "" : String(task.pullRequest),
    AGENT_DISPATCH_BASE: task.base,
    AGENT_DISPATCH_RESULT: task.resultFile,
    AGENT_DISPATCH_PROMPT: task.promptFile,
    AGENT_DISPATCH_ATTEMPT: String(task.attempt),
    AGENT_DISPATCH_ROUND: String(task.round),
    ...task.marks,
  };
}

/** The profile's model server in the form its CLI wants: with or without `/v1` at the end. Null where the profile names none. */
export function baseUrlOf(profile: Profile): string | null {
  const way = profile.preset.baseUrl;
  if (profile.baseUrl === null || way === null) return null;
  const bare = profile.baseUrl.replace(/\/+$/, "");
  return bare.endsWith(way.suffix) ? bare : bare + way.suffix;
}
