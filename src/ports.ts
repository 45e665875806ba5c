// What the shell works with, made once in main.ts. Tests make their own: no module of ours is ever mocked.

import type { Clock } from "./clock.ts";
import type { Redact } from "./core/redact.ts";
import type { Forge } from "./forge/port.ts";
import type { Host } from "./git/port.ts";
import type { Workshop } from "./jobs/workshop.ts";

/** The log of a run. Every line is redacted and cannot be a workflow command. */
export interface Log {
  line(text: string): void;
  warning(text: string): void;
  /** Lines of `task` folded under a title. */
  group<T>(title: string, task: () => Promise<T>): Promise<T>;
}

/** This run on the forge, proved by the forge's own word. */
export interface OwnRun {
  id: number;
  number: number;
  attempt: number;
  /** File name of its workflow. */
  workflow: string;
  /** Address of its page. */
  url: string;
}

/** Where this run works. */
export interface RunFacts {
  /** Moves from run to run: the run's number, or a number made of the time. */
  seed: number;
  /** Folder for temporary files, emptied by the runner after the job. */
  temp: string;
  /** The job's folder. */
  workspace: string;
  /** Display name of the workflow; empty outside of one. */
  workflow: string;
}

export interface Ports {
  forge: Forge;
  /** The second account, whose verdicts are formal reviews; null where there is none. */
  reviewer: Forge | null;
  /** The host's own repository, made at the first use: an idle run starts no git. */
  host(): Promise<Host>;
  /** What jobs do on this machine: folders, clones, agents, checks. */
  workshop: Workshop;
  clock: Clock;
  log: Log;
  redact: Redact;
  /** Whether a text holds the token or a credential of a profile, in any of the forms that the redaction takes out. */
  holdsSecret(text: string): boolean;
  /** Proof that a text is this program's: only who knows the second account's token can make it. Null without that account. */
  seal(text: string): string | null;
  run: RunFacts;
  /** The repository on its server as 16 hex digits: marks the processes that runs for it start (agent/mark.ts). */
  place: string;
  /** Aborted when somebody asks this process to end; its reason is told to people. What is claimed is given back then. */
  stop: AbortSignal;
  /** Environment of the step, from which agents get what their profiles name. */
  environment: Readonly<Record<string, string | undefined>>;
  /** This run as the forge shows it; null outside a server (`act` says run 1 of everything) or where it cannot be found. Asked once. */
  ownRun(): Promise<OwnRun | null>;
  /** Kept for the post step, which also runs when this process was killed. */
  saveState(name: string, value: string): void;
}
