// What the program knows about one agent CLI, as data. A preset file holds no code, so that a new CLI is a table to fill in, and all that is
// ever done with the table stands in invocation.ts (start it), output.ts (read it) and classify.ts (judge it).

import type { FailureClass } from "../core/failure.ts";

export interface AgentPreset {
  /** The name used in `agents` and as a profile's `cli`. */
  id: string;
  /** The program, looked up in the agent's own `PATH`; an installed copy replaces it (`Task.bin`). */
  bin: string;
  /** How to ask for the version; null where there is no program of its own to ask. `match` is a regular expression, its group 1 the version. */
  version: { args: readonly string[]; match: string; tested: string } | null;
  /** The pinned package for `agent-install: if-missing`; null where the program cannot install it. */
  install: {
    npm: string;
    pin: string;
    /** Version of Node that is put beside it where the machine's may be too old; null = any that runs us. */
    node: string | null;
    /** Whether the package's own scripts have to run. */
    needsScripts: boolean;
  } | null;
  argv: readonly Arg[];
  prompt: PromptWay;
  approve: {
    /** What makes the CLI act without asking: the sandbox around it is what confines it, never its own questions. */
    auto: readonly Arg[];
    /** The same for a reviewer: without tools that edit files where the CLI can leave them out. Its clone is thrown away in any case. */
    readOnly: readonly Arg[];
    /** Set only where the agent runs as user id 0. */
    rootEnv: Readonly<Record<string, string>>;
  };
  env: {
    /** Values are templates. */
    set: Readonly<Record<string, EnvValue>>;
    /** Names of the host's variables that a profile without `env` passes on, where they have a value. */
    credentials: readonly string[];
  };
  /** Settings that no argument gives. */
  config: readonly ConfigPart[];
  /** How a profile's `baseUrl` reaches the CLI besides `config`; null where it cannot. */
  baseUrl: {
    /** Variables, values are templates. */
    set: Readonly<Record<string, string>>;
    args: readonly Arg[];
    /** Added unless the address already ends in it. */
    suffix: "" | "/v1";
    /** Variables for a server that wants no key, set where the profile gives no variable at all. */
    keyless: Readonly<Record<string, string>>;
  } | null;
  /** How a session is gone on with; null where it cannot be. */
  resume: Resume | null;
  output: {
    /** jsonl: one event a line; json: one object at the end; text: no structure, the final text is the end of it. */
    format: "jsonl" | "json" | "text";
    rules: readonly Rule[];
    /** Its count of input tokens includes those that were read from a cache. */
    cachedWithin?: true;
  };
  /**
   * `terminal`: the event without which no run is good; null means that exit 0 alone says so. `goesOn`: the event after which it was not the end yet,
   * for a CLI whose terminal event may also close a part of the work. `finalRequired`: an empty final text is no success.
   */
  success: { terminal: Match | null; goesOn?: Match; finalRequired: boolean };
  /** Exit codes that name a cause by themselves. */
  exits: Readonly<Record<number, FailureClass>>;
  /** Read in order, the first that matches decides. */
  errors: readonly ErrorRule[];
  limits: {
    /** Longest time without a first byte, in ms; 0 means no limit. */
    startUpMs: number;
    /** How long the process may live on after its terminal event, in ms, before it is ended and its result kept. */
    drainMs: number;
    /** From SIGTERM to SIGKILL, in ms. */
    graceMs: number;
  };
}

export type PromptWay =
  | { via: "stdin"; args: readonly Arg[] }
  | { via: "file"; args: readonly Arg[] }
  /** Linux takes at most 131,071 bytes in one argument; above `bytesMax` the argument only names the prompt's file. */
  | { via: "argument"; args: readonly Arg[]; bytesMax: number };

/** A value of JSON whose texts are templates. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Settings as JSON: in a file below the private home, or in a variable. The later of its parts is laid over the earlier, object by object. */
export interface ConfigPart {
  /** `file`: path below the home, with `/`. */
  place: { file: string } | { env: string };
  json: Json;
  withModel?: Json;
  withBaseUrl?: Json;
  forReviewer?: Json;
}

export interface Resume {
  /** `{{session}}` is the CLI's own name of it. */
  args: readonly Arg[];
  /** append: behind the other words; after-first: behind the first one; replace: in the place of all words of `argv`. */
  at: "append" | "after-first" | "replace";
}

/** Names that `{{…}}` in a preset may use. A credential is never one of them: argument lists and files are readable to others. */
export type TemplateName =
  | "model"
  | "effort"
  | "baseUrl"
  | "prompt"
  | "promptFile"
  | "home"
  | "clone"
  | "session"
  | "command";
export type TemplateValues = Partial<Record<TemplateName, string>>;

/** A plain word, or words that are left out together where `when` has no value. */
export type Arg = string | { when: TemplateName; args: readonly string[] };

/** A plain value, or one whose variable is left out where `when` has no value. */
export type EnvValue = string | { when: TemplateName; value: string };

/** Path → what must stand there; all hold. Paths look like `a.0.b`, `*` is any element. */
export type Match = Readonly<
  Record<string, string | number | boolean | null | { regex: string } | { exists: boolean }>
>;

/**
 * What an event says. Several rules may read one event. `take` names paths:
 * session: `id` · final: `text` · usage: `input`, `output`, `cacheRead`, `cacheWrite` (tokens) · cost: `usd` ·
 * retry, error, failure: `status` (HTTP), `code`, `text` · limit: `resetsAt` (seconds since 1970) · tool-start: `id`, `name`, `input` (any value) ·
 * tool-end: `id` · denied: nothing. Where `id` stands in a list, each element with one is a tool.
 */
export interface Rule {
  when: Match;
  emit:
    | "session"
    | "final"
    | "usage"
    | "cost"
    | "retry"
    | "error"
    | "failure"
    | "limit"
    | "denied"
    | "tool-start"
    | "tool-end";
  take?: Readonly<Record<string, string>>;
  /** How several such events add up; default `last`. */
  mode?: "last" | "concat" | "sum";
}

export interface ErrorRule {
  /**
   * event: code and text of retries, errors and failures; stderr: its last 64 kB. Never the model's words, which may quote any error. A rule for stderr
   * also says what a CLI waited for that was ended over its silence, and what was meant by a failure event that matches no rule.
   */
  in: "event" | "stderr";
  /**
   * A regular expression, compared without case and line by line; write `'` for any apostrophe. On stderr its group `words`, where it has one, is what
   * people are told; else they are told the line.
   */
  match: string;
  class: FailureClass;
  /** Only with this exit code. */
  exit?: number;
}

/** Words of a command line with `{{name}}` filled in. Throws where a plain word names a value that is not given: a mistake in the preset. */
export function fillArgs(args: readonly Arg[], values: TemplateValues): string[] {
  return args.flatMap((arg) => {
    if (typeof arg === "string") return [fill(arg, values)];
    return values[arg.when] === undefined ? [] : arg.args.map((word) => fill(word, values));
  });
}

/** Variables with `{{name}}` filled in. Throws like `fillArgs`. */
export function fillEnv(set: Readonly<Record<string, EnvValue>>, values: TemplateValues): Record<string, string> {
  return Object.fromEntries(
    Object.entries(set).flatMap(([name, entry]) => {
      if (typeof entry === "string") return [[name, fill(entry, values)]];
      return values[entry.when] === undefined ? [] : [[name, fill(entry.value, values)]];
    }),
  );
}

/** One template filled in; values are taken as they are, a `{{…}}` inside a value stays text. */
export function fill(template: string, values: TemplateValues): string {
  const known = new Map<string, string>(Object.entries(values));
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = known.get(name);
    if (value === undefined) throw new Error(`a preset uses {{${name}}}, which has no value here`);
    return value;
  });
}

/** A JSON template filled in. */
export function fillJson(json: Json, values: TemplateValues): Json {
  if (typeof json === "string") return fill(json, values);
  if (typeof json !== "object" || json === null) return json;
  if (isList(json)) return json.map((one) => fillJson(one, values));
  return Object.fromEntries(Object.entries(json).map(([name, one]) => [fill(name, values), fillJson(one, values)]));
}

/** `over` laid over `under`: objects member by member, anything else replaced. */
export function laidOver(under: Json, over: Json): Json {
  if (!isMap(under) || !isMap(over)) return over;
  const changed = Object.entries(over).map(([name, value]): [string, Json] => {
    const below = under[name];
    return [name, below === undefined ? value : laidOver(below, value)];
  });
  return { ...under, ...Object.fromEntries(changed) };
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

function isMap(json: Json): json is { readonly [name: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** Whether all conditions hold for an event, which may be anything. */
export function matches(event: unknown, match: Match): boolean {
  return Object.entries(match).every(([path, wanted]) => {
    const found = valuesAt(event, path.split("."));
    if (typeof wanted !== "object" || wanted === null) return found.includes(wanted);
    if ("exists" in wanted) return found.length > 0 === wanted.exists;
    return found.some((value) => typeof value === "string" && new RegExp(wanted.regex, "i").test(value));
  });
}

/** The first text or number at a path, else null. */
export function take(event: unknown, path: string | undefined): string | number | null {
  if (path === undefined) return null;
  const usable = (value: unknown): value is string | number =>
    typeof value === "string" || (typeof value === "number" && Number.isFinite(value));
  return valuesAt(event, path.split(".")).find(usable) ?? null;
}

/** All that stands at a path. */
export function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  const [key, ...rest] = path;
  if (key === undefined) return [value];
  if (typeof value !== "object" || value === null) return [];
  const next =
    key === "*"
      ? Object.values(value)
      : Object.entries(value).flatMap(([name, child]) => (name === key ? [child] : []));
  return next.flatMap((child) => valuesAt(child, rest));
}
