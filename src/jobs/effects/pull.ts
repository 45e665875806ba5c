import type { Effect } from "../../core/effects.ts";
import { findMarker } from "../../core/marker.ts";
import { isProgram } from "../../core/model.ts";
import type { Pull } from "../../forge/model.ts";
import { mayBeApplied, type Run } from "./run.ts";

type PullEffect = Extract<Effect, { do: "pull" }>;

/** The pull request of this head and generation, in whatever state it is; opened when there is none. */
export async function ensurePull(run: Run, effect: PullEffect): Promise<Pull> {
  const { forge } = run.ports;
  const find = async () => {
    const known = run.pull === null ? null : await forge.pull(run.pull);
    const all = known === null ? await forge.pullsOf(effect.head) : [known];
    return all.find((pull) => isOurs(run, pull, effect)) ?? null;
  };
  let found = await find();
  if (found === null) {
    await run.ports.fence();
    try {
      const made = await forge.createPull({
        head: effect.head,
        base: effect.base,
        title: effect.title,
        body: effect.body,
      });
      if (made.kind === "created") {
        run.ports.log(`opened pull request #${made.pull.number}`);
        return made.pull;
      }
      if (made.kind === "nothing-to-merge")
        throw new Error(`the forge finds nothing to merge in ${effect.head}: ${made.answer}`);
      found = await find();
    } catch (error) {
      if (!mayBeApplied(error)) throw error;
      found = await find();
      if (found === null) throw error;
    }
  }
  if (found === null) throw new Error(`an open pull request for ${effect.head} exists that is not the program's`);
  return found;
}

/** Ours: by the program, with the marker of this item and generation. A person who edits the text may take the marker out; then the head decides. */
function isOurs(run: Run, pull: Pull, effect: PullEffect): boolean {
  if (!isProgram(run.ports, pull.author)) return false;
  const marker = findMarker(pull.body, "pull");
  if (marker === null) return pull.headRef === effect.head && pull.headIsHere;
  return marker.values["issue"] === String(effect.issue) && marker.values["generation"] === String(effect.generation);
}
