// What is still to be written on the forge after a publish, kept in the record until done. Each effect says how the forge should look, so it
// can be carried out again at any time: read, compare, write, and after an unclear answer read again. Texts are final (redacted, bounded).
//
// Unlike in records, a field that is not known makes all of it unreadable: a condition of a later program must not be carried out without it.

import * as z from "zod";
import { findMarker, formatMarker, purposes } from "./marker.ts";
import { code, pageCharactersMax, shorten } from "./text.ts";

/** Longest body of a review, in characters: 60,000, as every page. */
export const reviewCharactersMax = pageCharactersMax;
/** Most comments on lines that one review carries. Default and bound 50. */
export const lineCommentsMax = 50;
/** Longest comment on a line, in characters: fifty of them fit into `effects.json` beside everything else. */
export const lineCommentCharactersMax = 4_000;

/** Context of the commit status that shows the verdict. */
export const reviewContext = "agent-dispatch/review";

const On = z.enum(["issue", "pull"]);

export const Effect = z.discriminatedUnion("do", [
  /** One pull request for this head and generation, found in any state or made. */
  z.strictObject({
    id: z.string(),
    do: z.literal("pull"),
    head: z.string(),
    base: z.string(),
    issue: z.int(),
    generation: z.int(),
    title: z.string(),
    body: z.string(),
  }),
  z.strictObject({
    id: z.string(),
    do: z.literal("status"),
    sha: z.string(),
    context: z.string(),
    state: z.enum(["pending", "success", "error", "failure"]),
    description: z.string(),
    target: z.string(),
  }),
  /**
   * Labels by name; those that the repository lacks are created. A stage label that is added takes the place of every other one. `since`: the
   * forge's clock (ISO) when the labels were decided; what a person put on after that stays. The forge tells whole seconds: in that very second
   * `seen`, the labels that the decision found there, tells what came after it. Without it all of that second counts as found.
   */
  z.strictObject({
    id: z.string(),
    do: z.literal("labels"),
    on: On,
    add: z.array(z.string()),
    remove: z.array(z.string()),
    since: z.string().optional(),
    seen: z.array(z.string()).optional(),
  }),
  /** `since`: the forge's clock when the assignees were decided; whoever assigned themselves after that is kept. */
  z.strictObject({
    id: z.string(),
    do: z.literal("assign"),
    on: On,
    add: z.array(z.string()),
    remove: z.array(z.string()),
    since: z.string(),
  }),
  /** One comment of a purpose: `edit` keeps a single one up to date, `new` writes one per `key`. `{{pull}}` in the body becomes the number. */
  z.strictObject({
    id: z.string(),
    do: z.literal("comment"),
    on: On,
    purpose: z.enum(purposes),
    key: z.string(),
    mode: z.enum(["edit", "new"]),
    body: z.string(),
  }),
  z.strictObject({
    id: z.string(),
    do: z.literal("react"),
    comment: z.int(),
    reaction: z.enum(["eyes", "rocket", "confused"]),
  }),
  z.strictObject({ id: z.string(), do: z.literal("delete-branch"), branch: z.string(), sha: z.string() }),
  /**
   * One review of the pull request for each `key` and account, known by the marker `review` with that key in its body. `commit`: the head
   * it judges. `comments`: on lines of the new file. `as: "reviewer"` becomes a comment review by the bot where there is no second account or the forge
   * does not let it.
   */
  z.strictObject({
    id: z.string(),
    do: z.literal("review"),
    as: z.enum(["bot", "reviewer"]),
    key: z.string().min(1),
    event: z.enum(["approve", "request-changes", "comment"]),
    commit: z.string(),
    body: z.string().max(reviewCharactersMax),
    comments: z
      .array(z.strictObject({ path: z.string(), line: z.int().positive(), body: z.string() }))
      .max(lineCommentsMax),
  }),
  /** The issue is closed. */
  z.strictObject({ id: z.string(), do: z.literal("close-issue") }),
]);
export type Effect = z.infer<typeof Effect>;
export type ReviewEffect = Extract<Effect, { do: "review" }>;
export type LineText = ReviewEffect["comments"][number];

/** `effects.json` of a record. `issue` is where things without a pull request go. */
export const Effects = z.strictObject({
  v: z.literal(1),
  issue: z.int(),
  effects: z.array(Effect).max(50),
  /** Proof that this program decided on a formal review by the second account: that right is not every code writer's, the ledger is. */
  seal: z.string().optional(),
});
export type Effects = z.infer<typeof Effects>;

/** The commit status that says what the program makes of a head. `url`: of the run that says so. */
export function verdictStatus(
  sha: string,
  state: "pending" | "success" | "error" | "failure",
  description: string,
  url: string | null,
): Effect {
  return { id: `verdict-${state}`, do: "status", sha, context: reviewContext, state, description, target: url ?? "" };
}

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

/** A review within its bounds: what is too long is cut, comments beyond the bound go into the body. Make reviews with it: others could not be read back. */
export function reviewEffect(fields: Omit<ReviewEffect, "do">): ReviewEffect {
  const short = fields.comments.map((comment) => ({
    ...comment,
    body: shorten(comment.body, lineCommentCharactersMax),
  }));
  const [comments, rest] = [short.slice(0, lineCommentsMax), short.slice(lineCommentsMax)];
  return { ...fields, do: "review", comments, body: withLineComments(withReviewMarker(fields.body, fields.key), rest) };
}

/** The body with the marker by which the review is found again; as it is when it has it. */
export function withReviewMarker(body: string, key: string): string {
  return isReviewOf(body, key) ? body : `${formatMarker("review", { key })}\n\n${body}`;
}

/** Whether a body has the marker of this key. Keys are compared as markers hold them. */
export function isReviewOf(body: string, key: string): boolean {
  const wanted = findMarker(formatMarker("review", { key }), "review")?.values["key"];
  return wanted !== undefined && findMarker(body, "review")?.values["key"] === wanted;
}

/** The body with the texts of comments that cannot stand on their lines, within the bound of a review. */
export function withLineComments(body: string, comments: readonly LineText[]): string {
  const texts = comments.map((comment) => `${code(comment.path)}, line ${comment.line}:\n\n${comment.body}`);
  return shorten([body, ...texts].join("\n\n"), reviewCharactersMax);
}

/** What a seal is made of: everything that is written, and the pull request it is about. */
export function sealedText(effects: Effects, key: string, pull: number | null): string {
  const { v, issue, effects: list } = effects;
  return JSON.stringify({ v, issue, key, pull, effects: list });
}

/** Without a proof the second account says the same as a comment: no approval that this program did not decide on. */
export function withoutFormalReviews(effects: Effects): Effects {
  const list = effects.effects.map((effect) =>
    effect.do === "review" && effect.as === "reviewer" ? { ...effect, event: "comment" as const } : effect,
  );
  return { ...effects, effects: list };
}
