// What is said of a git command in the host's repository that failed, or that could not be believed.

import { RunError } from "../errors.ts";
import { explain, type GitResult } from "./git.ts";
import { deniedText } from "./push.ts";

export function localError(args: readonly string[], result: GitResult): RunError {
  const full = /No space left on device|Permission denied|Read-only file system/.test(explain(result));
  return new RunError(`git ${args[0] ?? ""} in the host's own repository failed: ${explain(result)}`, {
    remedy: full
      ? "Look at disk space and rights of the runner's temporary folder."
      : "The next run starts with a fresh repository; if it happens again, report it with this text.",
    mender: full ? "server operator" : "agent-dispatch",
    retry: true,
  });
}

export function noRefs(): RunError {
  return new RunError("Could not list the refs: what answered lists none at all, as no repository in use does.", {
    remedy: "See whether it is the forge itself that answers, not a proxy before it. The next run tries again.",
    mender: "server operator",
    retry: true,
  });
}

export function tooLate(deadlineMs: number): RunError {
  return new RunError(`Could not look at the history of a ref within ${deadlineMs / 1000} s.`, {
    remedy: "The next try may come at a better time; nothing has to be done.",
    mender: "server operator",
    retry: true,
  });
}

/** A failed read: denied is for a person to mend, anything else may pass. */
export function remoteError(what: string, result: GitResult): RunError {
  const denied = result.kind === "ended" ? deniedText(result.stderr) : null;
  if (denied !== null) {
    return new RunError(`Could not ${what}: ${denied}`, {
      remedy:
        "Give the token the scope `read:repository` (better `write:repository`) and its account access to the repository.",
      mender: "workflow author",
      retry: false,
    });
  }
  return new RunError(`Could not ${what}: ${explain(result)}`, {
    remedy: "The next run tries again; if it stays, look at the forge and at the network between it and the runner.",
    mender: "server operator",
    retry: true,
  });
}

/** The forge says that it has no such ref. */
export function noSuchRef(result: GitResult): boolean {
  return result.kind === "ended" && /^fatal: couldn't find remote ref /m.test(result.stderr);
}

/** The forge says that it has a commit no more, in the words of git's server side. */
export function isGone(result: GitResult): boolean {
  return (
    result.kind === "ended" && /not our ref|Server does not allow request for unadvertised object/.test(result.stderr)
  );
}

/** Ended by git with an error that is no answer of the forge: what came was cut, or came from something before it. */
export function isBroken(result: GitResult): boolean {
  if (result.kind !== "ended" || result.code !== 128) return false;
  return deniedText(result.stderr) === null && !isGone(result) && !noSuchRef(result);
}
