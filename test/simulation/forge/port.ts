// The program's forge port over the simulated line, in the name of one account from one machine.

import { ForgeError } from "../../../src/errors.ts";
import { forgeClock } from "../../../src/forge/clock.ts";
import type { WriteAccess } from "../../../src/forge/model.ts";
import type { Forge, Permit } from "../../../src/forge/port.ts";
import type { Line } from "../line.ts";
import type { Machine } from "../machine.ts";
import { type Answered, type Asked, forgeCalls, type Name, Refused } from "./calls.ts";
import type { ForgeState } from "./state.ts";
import { serverUrl } from "./views.ts";

/** Calls that change something: their loss leaves a doubt. */
const writes: ReadonlySet<string> = new Set([
  ...[
    "createIssueComment",
    "editComment",
    "deleteComment",
    "react",
    "createLabel",
    "addLabels",
    "removeLabel",
    "assign",
  ],
  ...["createPull", "editPull", "setStatus", "deleteBranch", "createReview", "deleteReview", "merge", "closeIssue"],
  ...["rerun", "dispatch"],
]);

/** Writes that may be sent again, as the adapter does (`repeat` there): the second one changes nothing. */
const repeated: ReadonlySet<string> = new Set([
  ...["editComment", "deleteComment", "react", "removeLabel", "closeIssue", "createPull", "editPull", "setStatus"],
  ...["deleteBranch", "deleteReview"],
]);
/** As in http.ts. */
const retries = { triesMax: 4, backoffMs: 500, backoffMsMax: 10_000 };

export interface Look {
  machine: Machine;
  /** Name of the call and its arguments. */
  name: string;
  args: readonly unknown[];
  /** When the server carried it out, in whole seconds. */
  at: number;
}

/** Told of what a process asks of the forge. */
export interface Listener {
  /** A write leaves. */
  writing(machine: Machine, name: string, args: readonly unknown[]): void;
  /** An answer has come. */
  looked(look: Look): void;
}

export function simulatedForge(
  forge: ForgeState,
  line: Line,
  machine: Machine,
  login: string,
  listener: Listener,
): Forge {
  const calls = forgeCalls(forge, { login, machine });
  const clock = forgeClock(() => machine.monotonic());
  clock.observe(new Date(forge.now()).toUTCString());
  let requests = 0;

  async function send<K extends Name>(name: K, args: Asked[K], permit: Permit | null): Promise<Answered[K]> {
    for (let tries = 1; ; tries++) {
      try {
        return await sendOnce(name, args, permit);
      } catch (error) {
        if (tries >= retries.triesMax || !isRepeated(name, error)) throw error;
        const ceiling = Math.min(retries.backoffMsMax, retries.backoffMs * 2 ** (tries - 1));
        await machine.clock.sleep(machine.clock.random() * ceiling);
      }
    }
  }

  async function sendOnce<K extends Name>(name: K, args: Asked[K], permit: Permit | null): Promise<Answered[K]> {
    const isWrite = writes.has(name);
    // As in http.ts: what belongs to a claim is not sent without a life sign of it.
    if (isWrite && permit?.mayWrite() === false) throw failure(name, 0, notSent, false);
    requests++;
    if (isWrite) listener.writing(machine, name, args);
    const patienceMs = Math.min(30_000, (isWrite ? permit?.writeMsMax : undefined) ?? 30_000);
    const carry = () => {
      try {
        return { answer: calls[name](...args), at: forge.now() };
      } catch (error) {
        if (error instanceof Refused) throw failure(name, error.status, error.message, false);
        throw error;
      }
    };
    const silence = (applied: boolean, why: string) => ({ error: failure(name, 0, why, isWrite && applied) });
    const what = `${name}(${args.map((arg: unknown) => JSON.stringify(arg)?.slice(0, 60)).join(", ")})`;
    const { answer, at } = await line.send(machine, { what, carry, silence, patienceMs });
    clock.observe(new Date(at).toUTCString());
    listener.looked({ machine, name, args, at });
    return answer;
  }

  // The access of an account is asked once in a run, as the adapter does.
  const known = new Map<string, Promise<WriteAccess>>();
  const writeAccess = (login: string) => {
    const asked = known.get(login) ?? send("writeAccess", [login], null);
    known.set(login, asked);
    asked.catch(() => known.delete(login));
    return asked;
  };
  const under = (permit: Permit | null): Forge => {
    const ask =
      <K extends Name>(name: K) =>
      (...args: Asked[K]): Promise<Answered[K]> =>
        send(name, args, permit);
    return {
      ...{ url: serverUrl, now: clock.now, requests: () => requests, under, writeAccess },
      me: ask("me"),
      version: ask("version"),
      repository: ask("repository"),
      branch: ask("branch"),
      file: ask("file"),
      labelled: ask("labelled"),
      assigned: ask("assigned"),
      issue: ask("issue"),
      openPulls: ask("openPulls"),
      pull: ask("pull"),
      pullsOf: ask("pullsOf"),
      comments: ask("comments"),
      timeline: ask("timeline"),
      openDependencies: ask("openDependencies"),
      statuses: ask("statuses"),
      reviews: ask("reviews"),
      lineComments: ask("lineComments"),
      commentsSince: ask("commentsSince"),
      jobLog: ask("jobLog"),
      refs: ask("refs"),
      commitMessage: ask("commitMessage"),
      createIssueComment: ask("createIssueComment"),
      editComment: ask("editComment"),
      deleteComment: ask("deleteComment"),
      react: ask("react"),
      labels: ask("labels"),
      createLabel: ask("createLabel"),
      addLabels: ask("addLabels"),
      removeLabel: ask("removeLabel"),
      assign: ask("assign"),
      createPull: ask("createPull"),
      editPull: ask("editPull"),
      setStatus: ask("setStatus"),
      deleteBranch: ask("deleteBranch"),
      createReview: ask("createReview"),
      deleteReview: ask("deleteReview"),
      merge: ask("merge"),
      closeIssue: ask("closeIssue"),
      rerun: ask("rerun"),
      recentRuns: ask("recentRuns"),
      runById: ask("runById"),
      canDispatch: ask("canDispatch"),
      dispatchCancels: ask("dispatchCancels"),
      dispatch: ask("dispatch"),
    };
  };
  return under(null);
}

/** Not what the server refused, nor what was never sent; of the other writes only what certainly did not arrive. */
function isRepeated(name: string, error: unknown): boolean {
  if (!(error instanceof ForgeError) || error.failure.status !== 0 || error.message.includes(notSent)) return false;
  return !writes.has(name) || repeated.has(name) || !error.mayBeApplied;
}

const notSent = "no life sign of its claim in time";

/** As the adapter words it: a status of 0 is no answer. */
function failure(name: string, status: number, answer: string, mayBeApplied: boolean): ForgeError {
  const isPassing = status === 0 || status >= 500;
  return new ForgeError(
    `Could not ${name}: ${status === 0 ? answer : `status ${status} ${answer}`}`,
    { method: writes.has(name) ? "POST" : "GET", path: name, status, answer: status === 0 ? "" : answer },
    {
      remedy: "",
      mender: "server operator",
      retry: isPassing,
      mayBeApplied: mayBeApplied || (status >= 500 && writes.has(name)),
      away: status === 0 || status > 500,
    },
  );
}
