import { templateValues } from "./config.ts";
import { environment, type HostEnvironment, type Task } from "./environment.ts";
import { type AgentPreset, fillArgs, type TemplateValues } from "./preset.ts";
import type { Profile } from "./profile.ts";

/** A process to start, without a shell. A sandbox turns one invocation into another that runs it inside. */
export interface Invocation {
  /** Looked up in the `PATH` of `env` unless it has a slash. */
  file: string;
  args: readonly string[];
  cwd: string;
  /** The whole environment of the process. */
  env: Readonly<Record<string, string>>;
  /** Written to standard input, which is then closed. */
  stdin: string;
  /** Value of `AGENT_DISPATCH_RESULT`: no process outside of this run has it in its environment. */
  resultFile: string;
  /** Folder that nobody outside of this run works in, for finding what it left; null = none. */
  folder: string | null;
}

export interface Start extends Task {
  /** As in the invocation. */
  folder: string | null;
}

/** How to start a profile's agent for a task. Nothing is read or written; the prompt's file is there already. */
export function invocation(profile: Profile, start: Start, host: HostEnvironment): Invocation {
  const { preset } = profile;
  const values = templateValues(profile, start);
  return {
    file: profile.program?.bin ?? preset.bin,
    args: [
      ...firstWords(preset, values),
      ...fillArgs(start.role === "reviewer" ? preset.approve.readOnly : preset.approve.auto, values),
      ...(values.baseUrl === undefined ? [] : fillArgs(preset.baseUrl?.args ?? [], values)),
      ...fillArgs(preset.prompt.args, values),
    ],
    cwd: start.cwd,
    env: environment(profile, start, host),
    // A CLI that takes its prompt elsewhere gets an empty and closed input: with an open one several of them wait for ever.
    stdin: preset.prompt.via === "stdin" ? start.prompt : "",
    resultFile: start.resultFile,
    folder: start.folder,
  };
}

function firstWords({ argv, resume }: AgentPreset, values: TemplateValues): string[] {
  const words = fillArgs(argv, values);
  if (values.session === undefined || resume === null) return words;
  const more = fillArgs(resume.args, values);
  switch (resume.at) {
    case "append":
      return [...words, ...more];
    case "after-first":
      return [...words.slice(0, 1), ...more, ...words.slice(1)];
    case "replace":
      return more;
    default:
      return resume.at satisfies never;
  }
}
