import type { Effect } from "../../core/effects.ts";
import { findMarker } from "../../core/marker.ts";
import { isProgram } from "../../core/model.ts";
import type { Comment } from "../../forge/model.ts";
import { mayBeApplied, type Run, target } from "./run.ts";

type CommentEffect = Extract<Effect, { do: "comment" }>;

/** One comment of a purpose and key. Of several, which two runs at once can make, the lowest id stays. */
export async function ensureComment(run: Run, effect: CommentEffect): Promise<void> {
  const { forge } = run.ports;
  const number = target(run, effect.on);
  if (number === null) return;
  const body = effect.body.replaceAll("{{pull}}", run.pull === null ? "?" : String(run.pull));
  const find = async () => ours(run, await forge.comments(number), effect);
  const [found, ...doubles] = await find();
  if (found === undefined || (effect.mode === "edit" && found.body !== body)) {
    await run.ports.fence();
    try {
      if (found === undefined) await forge.createIssueComment(number, body);
      else await forge.editComment(found.id, body);
    } catch (error) {
      const [now] = mayBeApplied(error) ? await find() : [];
      if (now === undefined || (effect.mode === "edit" && now.body !== body)) throw error;
    }
  }
  // Without a key, comments that are written anew each time cannot be told from doubled ones.
  if (effect.mode === "new" && effect.key === "") return;
  for (const { id } of doubles) {
    await run.ports.fence();
    await forge.deleteComment(id);
  }
}

/** The program's comments of a purpose and key, lowest id first. Somebody else's text with our marker is not ours. */
function ours(run: Run, comments: readonly Comment[], { purpose, key }: CommentEffect): Comment[] {
  return comments
    .filter((comment) => isProgram(run.ports, comment.author))
    .filter((comment) => {
      const marker = findMarker(comment.body, purpose);
      return marker !== null && (key === "" || marker.values["key"] === key || marker.values["for"] === key);
    })
    .sort((a, b) => a.id - b.id);
}
