/** Who can mend an error: the person who wrote workflow, policy or secrets; whoever runs the server or the runner; the people of this program. */
export type Mender = "workflow author" | "server operator" | "agent-dispatch";

export interface RunErrorOptions {
  /** What to do, as one sentence or two. */
  remedy: string;
  mender: Mender;
  /** Whether the next run, unchanged, may succeed. */
  retry: boolean;
  cause?: unknown;
}

/** The run cannot go on. Endings that we expect (nothing to do, a lost race, a failed attempt) are values, never this. */
export class RunError extends Error {
  override readonly name: string = "RunError";
  readonly remedy: string;
  readonly mender: Mender;
  readonly retry: boolean;

  constructor(message: string, options: RunErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.remedy = options.remedy;
    this.mender = options.mender;
    this.retry = options.retry;
  }
}

/** One problem of an input, of the policy file or of the environment. */
export interface Problem {
  /** Where it stands, for example "input max-attempts" or ".agent-dispatch.yml, profiles.opus". */
  where: string;
  expected: string;
  got: string;
}

/** All problems of inputs and policy at once, so that one round of mending is enough. */
export class ConfigurationError extends RunError {
  override readonly name = "ConfigurationError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const lines = problems.map((p) => `- ${p.where}: expected ${p.expected}, got ${p.got}`);
    super(`${problems.length} problem${problems.length === 1 ? "" : "s"} in the configuration:\n${lines.join("\n")}`, {
      remedy:
        "Mend them in the workflow file or in the policy file; nothing was read from or written to the forge with them.",
      mender: "workflow author",
      retry: false,
    });
    this.problems = problems;
  }
}

/** What the forge answered when it did not do what was asked. */
export interface ForgeFailure {
  method: string;
  /** Path below `/api/v1`, without query values that could be private. */
  path: string;
  /** HTTP status; 0 when there was no whole answer. */
  status: number;
  /** The forge's own words, shortened; empty when it had none. */
  answer: string;
}

/** A request that failed for good: after its retries, or because the answer cannot change by asking again. */
export class ForgeError extends RunError {
  override readonly name = "ForgeError";
  readonly failure: ForgeFailure;
  /** Whether a write may have been applied although it failed: no answer, a cut one, or a 5xx. */
  readonly mayBeApplied: boolean;
  /** Whether the forge itself did not answer: nothing came, or it was a proxy's answer, or "too many". It may be back in minutes. */
  readonly away: boolean;
  /** How long the forge asked to be left alone, in ms; null where it did not. */
  readonly retryAfterMs: number | null;

  constructor(message: string, failure: ForgeFailure, options: ForgeErrorOptions) {
    super(message, options);
    this.failure = failure;
    this.mayBeApplied = options.mayBeApplied;
    this.away = options.away ?? false;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

export interface ForgeErrorOptions extends RunErrorOptions {
  mayBeApplied: boolean;
  /** Default false. */
  away?: boolean;
  /** Default null. */
  retryAfterMs?: number | null;
}

/** Whether the same may end well another time: the next run tries again, or the forge is back by then. */
export function mayPass(error: unknown): error is RunError {
  return error instanceof RunError && (error.retry || (error instanceof ForgeError && error.away));
}

/** Any thrown value as one line for people; `cause` chains are followed at most four deep. */
export function describe(thrown: unknown): string {
  const parts: string[] = [];
  let at: unknown = thrown;
  for (let depth = 0; depth < 4 && at !== undefined && at !== null; depth++) {
    if (!(at instanceof Error)) {
      parts.push(typeof at === "string" ? at : `a thrown ${typeof at}`);
      break;
    }
    if (at.message !== "" && !parts.includes(at.message)) parts.push(at.message);
    at = at.cause;
  }
  return parts.join(": ") || "an error without a message";
}
