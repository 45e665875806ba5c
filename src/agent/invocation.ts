import { baseUrlOf, environment, type HostEnvironment, type Task } from "./environment.ts";
import { fillArgs, type PromptWay, type TemplateValues } from "./preset.ts";
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
  /** The clone, as the agent sees it. */
  cwd: string;
  /** Its text is also in `promptFile`. */
  prompt: string;
  /** The program that `agent-install` put into the tool cache; default: the preset's, by `PATH`. */
  bin?: string;
}

/** How to start a profile's agent for a task. Nothing is read or written; the prompt's file is there already. */
export function invocation(profile: Profile, start: Start, host: HostEnvironment): Invocation {
  const { preset } = profile;
  const values = templateValues(profile, start);
  return {
    file: start.bin ?? preset.bin,
    args: [
      ...fillArgs(preset.argv, values),
      ...fillArgs(preset.approve.auto, values),
      ...fillArgs(preset.baseUrl?.args ?? [], values),
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

function templateValues(profile: Profile, start: Start): TemplateValues {
  const baseUrl = baseUrlOf(profile);
  return {
    home: start.home,
    promptFile: start.promptFile,
    prompt: promptArgument(profile.preset.prompt, start),
    ...(profile.model === null ? {} : { model: profile.model }),
    ...(baseUrl === null ? {} : { baseUrl }),
    ...(profile.command === null ? {} : { command: profile.command }),
  };
}

function promptArgument(way: PromptWay, start: Start): string {
  if (way.via !== "argument" || Buffer.byteLength(start.prompt) <= way.bytesMax) return start.prompt;
  return `Read the file ${start.promptFile} and do what it says.`;
}
