import type { Effect } from "../../core/effects.ts";
import { isProgram } from "../../core/model.ts";
import { ensure, type Run } from "./run.ts";

/** A commit status. One of the same context and words by somebody else is not ours: anybody who may write code can set it. */
export async function ensureStatus(run: Run, effect: Extract<Effect, { do: "status" }>): Promise<void> {
  const { forge } = run.ports;
  const isDone = async () => {
    const statuses = await forge.statuses(effect.sha);
    return statuses.some(
      (s) =>
        s.context === effect.context &&
        s.state === effect.state &&
        s.description === effect.description &&
        isProgram(run.ports, s.creator),
    );
  };
  const { sha, context, state, description, target } = effect;
  await ensure(run, isDone, () => forge.setStatus(sha, { context, state, description, targetUrl: target }));
}
