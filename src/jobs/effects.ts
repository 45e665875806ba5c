// Carries out effects: read, compare, write, and after an unclear answer read again. Any run may do any of them again at any time.
// One file for each kind in effects/.

import type { Effect, Effects } from "../core/effects.ts";
import { ensureAssigned } from "./effects/assign.ts";
import { deleteBranch } from "./effects/branch.ts";
import { ensureClosed } from "./effects/close.ts";
import { ensureComment } from "./effects/comment.ts";
import { ensureLabels } from "./effects/labels.ts";
import { ensurePull } from "./effects/pull.ts";
import { ensureReview } from "./effects/review.ts";
import { type EffectPorts, ignoreRefusal, type Run } from "./effects/run.ts";
import { ensureStatus } from "./effects/status.ts";

export type { EffectPorts } from "./effects/run.ts";

export type EffectsOutcome =
  | { kind: "done"; pull: number | null }
  /** A person closed or merged the pull request: what was still to be written about it is dropped. */
  | { kind: "dropped"; pull: number; why: string };

/** `pull` is the number the record knows already. Throws ForgeError when the forge does not do one of them: the record keeps them all. */
export async function applyEffects(ports: EffectPorts, effects: Effects, pull: number | null): Promise<EffectsOutcome> {
  const run: Run = { ports, issue: effects.issue, pull, labels: null };
  for (const effect of effects.effects) {
    if (effect.do === "pull") {
      const found = await ensurePull(run, effect);
      run.pull = found.number;
      if (found.state === "closed") {
        return {
          kind: "dropped",
          pull: found.number,
          why: `pull request #${found.number} was ${found.merged ? "merged" : "closed"} by a person`,
        };
      }
    } else await apply(run, effect);
  }
  return { kind: "done", pull: run.pull };
}

async function apply(run: Run, effect: Exclude<Effect, { do: "pull" }>): Promise<void> {
  switch (effect.do) {
    case "status":
      return ensureStatus(run, effect);
    case "labels":
      return ensureLabels(run, effect);
    case "assign":
      return ensureAssigned(run, effect);
    case "comment":
      return ensureComment(run, effect);
    case "review":
      return ensureReview(run, effect);
    case "react":
      return ignoreRefusal(run, () => run.ports.forge.react(effect.comment, effect.reaction));
    case "delete-branch":
      return deleteBranch(run, effect);
    case "close-issue":
      return ensureClosed(run);
    default:
      return effect satisfies never;
  }
}
