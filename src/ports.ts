// What the shell works with, made once in main.ts. Tests make their own: no module of ours is ever mocked.

import type { Clock } from "./clock.ts";
import type { Redact } from "./core/redact.ts";
import type { Forge } from "./forge/port.ts";
import type { Host } from "./git/host.ts";

/** The log of a run. Every line is redacted and cannot be a workflow command. */
export interface Log {
  line(text: string): void;
  warning(text: string): void;
  /** Lines of `task` folded under a title. */
  group<T>(title: string, task: () => Promise<T>): Promise<T>;
}

/** This run as its executor shows it. */
export interface RunFacts {
  /** Id, number and attempt on a server; null outside of one. */
  onServer: { id: number; number: number; attempt: number } | null;
  /** Address of its page; null outside a server. */
  url: string | null;
  /** Folder for temporary files, emptied by the runner after the job. */
  temp: string;
  /** The job's folder. */
  workspace: string;
}

export interface Ports {
  forge: Forge;
  /** The host's own repository, made at the first use: an idle run starts no git. */
  host(): Promise<Host>;
  clock: Clock;
  log: Log;
  redact: Redact;
  run: RunFacts;
  /** Environment of the step, from which agents get what their profiles name. */
  environment: Readonly<Record<string, string | undefined>>;
  /** File name of the workflow that this run belongs to; null outside a server or where it cannot be found. Asked once. */
  ownWorkflow(): Promise<string | null>;
  /** Kept for the post step, which also runs when this process was killed. */
  saveState(name: string, value: string): void;
}
