// What is still to be written on the forge after a publish, kept in the record until done. Each effect says how the forge should look, so it
// can be carried out again at any time: read, compare, write, and after an unclear answer read again. Texts are final (redacted, bounded).

import * as z from "zod";
import { purposes } from "./marker.ts";

const On = z.enum(["issue", "pull"]);

export const Effect = z.discriminatedUnion("do", [
  /** One pull request for this head and generation, found in any state or made. */
  z.object({
    id: z.string(),
    do: z.literal("pull"),
    head: z.string(),
    base: z.string(),
    issue: z.int(),
    generation: z.int(),
    title: z.string(),
    body: z.string(),
  }),
  z.object({
    id: z.string(),
    do: z.literal("status"),
    sha: z.string(),
    context: z.string(),
    state: z.enum(["pending", "success", "error", "failure"]),
    description: z.string(),
    target: z.string(),
  }),
  /** Labels by name; those that the repository lacks are created. */
  z.object({ id: z.string(), do: z.literal("labels"), on: On, add: z.array(z.string()), remove: z.array(z.string()) }),
  /** `since`: the forge's clock when the assignees were decided; whoever assigned themselves after that is kept. */
  z.object({
    id: z.string(),
    do: z.literal("assign"),
    on: On,
    add: z.array(z.string()),
    remove: z.array(z.string()),
    since: z.string(),
  }),
  /** One comment of a purpose: `edit` keeps a single one up to date, `new` writes one per `key`. `{{pull}}` in the body becomes the number. */
  z.object({
    id: z.string(),
    do: z.literal("comment"),
    on: On,
    purpose: z.enum(purposes),
    key: z.string(),
    mode: z.enum(["edit", "new"]),
    body: z.string(),
  }),
  z.object({
    id: z.string(),
    do: z.literal("react"),
    comment: z.int(),
    reaction: z.enum(["eyes", "rocket", "confused"]),
  }),
  z.object({ id: z.string(), do: z.literal("delete-branch"), branch: z.string(), sha: z.string() }),
]);
export type Effect = z.infer<typeof Effect>;

/** `effects.json` of a record. `issue` is where things without a pull request go. */
export const Effects = z.object({ v: z.literal(1), issue: z.int(), effects: z.array(Effect).max(50) });
export type Effects = z.infer<typeof Effects>;

/** Longest `effects.json`, in bytes: a pull request text, a comment and a patch fit many times. */
export const effectsBytesMax = 1_000_000;

/** Reads `effects.json`; null when it is broken or of a newer version. Never throws. */
export function parseEffects(text: string): Effects | null {
  try {
    const parsed = Effects.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
