import type { AgentPreset } from "../preset.ts";

/**
 * Any program. The user's command line runs in `sh`, the one shell that every runner has, so that a line means the same on all of them;
 * who wants another writes `bash -c '…'`. It reads the prompt from standard input or from the file in `AGENT_DISPATCH_PROMPT`; exit 0 is
 * success and the end of its standard output the final text. It gets no credential unless its profile names one.
 */
export const command: AgentPreset = {
  id: "command",
  bin: "sh",
  version: null,
  install: null,
  argv: ["-c", "{{command}}"],
  prompt: { via: "stdin", args: [] },
  approve: { auto: [], readOnly: [], rootEnv: {} },
  env: { set: {}, credentials: [] },
  config: [],
  baseUrl: null,
  resume: null,
  output: { format: "text", rules: [] },
  success: { terminal: null, finalRequired: false },
  exits: {},
  // The shell's own words, which begin with its name: "sh: 1: my-agent: not found" (dash), "sh: line 1: … command not found" (bash),
  // "sh: my-agent: not found" (busybox). The same exit codes from a program that did start are a crash.
  errors: [
    { in: "stderr", exit: 127, match: "^sh: .*(not found|no such file)", class: "start-up" },
    { in: "stderr", exit: 126, match: "^sh: .*(permission denied|cannot execute|is a directory)", class: "start-up" },
    { in: "stderr", exit: 2, match: "^sh: .*syntax error", class: "start-up" },
  ],
  // A program that says nothing until it is done is usual here, so only the silence limit applies.
  limits: { startUpMs: 0, drainMs: 10_000, graceMs: 5_000 },
};
