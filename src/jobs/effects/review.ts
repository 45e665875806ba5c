// Exactly one review for each key and account, whichever answer is lost. It cannot be edited afterwards, so it is compared by its marker alone.

import { isReviewOf, type ReviewEffect, withLineComments, withReviewMarker } from "../../core/effects.ts";
import { isProgram, sameLogin } from "../../core/model.ts";
import { ForgeError } from "../../errors.ts";
import type { NewReview, Review } from "../../forge/model.ts";
import type { Forge } from "../../forge/port.ts";
import { ignoreRefusal, type Run } from "./run.ts";

/** An account that writes reviews, and which ones are its own. */
interface Writer {
  forge: Forge;
  wrote(login: string): boolean;
}

/** The second account, or why there is none. */
type Second = (Writer & { kind: "second" }) | { kind: "none"; why: string };

/** What all tries of one review have in common. */
interface One {
  run: Run;
  pull: number;
  key: string;
}

type Stood = { kind: "found" } | { kind: "written" } | { kind: "refused"; by: ForgeError };

/** As the second account where it is asked for and the forge lets it; else by the bot, as a comment. */
export async function ensureReview(run: Run, effect: ReviewEffect): Promise<void> {
  if (run.pull === null) return;
  const one: One = { run, pull: run.pull, key: effect.key };
  const body = effect.body.replaceAll("{{pull}}", String(run.pull));
  const { event, commit, comments } = effect;
  const review: NewReview = { event, commit, comments, body: withReviewMarker(body, effect.key) };
  const second = await secondAccount(run);
  const bot: Writer = {
    forge: run.ports.forge,
    wrote: (login) => isProgram(run.ports, login) && !(second.kind === "second" && second.wrote(login)),
  };
  if (effect.as === "reviewer" && second.kind === "none") return await comment(one, bot, review, second.why);
  const stood = await stand(one, effect.as === "reviewer" && second.kind === "second" ? second : bot, review);
  if (stood.kind !== "refused") return;
  // Nobody may judge their own pull request: then the words stand without the judgement.
  const mayComment = effect.as === "reviewer" || (event !== "comment" && stood.by.failure.status === 422);
  if (!mayComment) throw stood.by;
  await comment(one, bot, review, stood.by.message);
}

async function comment(one: One, bot: Writer, review: NewReview, why: string): Promise<void> {
  const stood = await stand(one, bot, { ...review, event: "comment" });
  if (stood.kind === "refused") throw stood.by;
  if (stood.kind === "written") one.run.ports.log(`the review of #${one.pull} is a comment by the bot: ${why}`);
}

/** The review by this account, once; or what the forge refused it with for good. */
async function stand(one: One, writer: Writer, review: NewReview): Promise<Stood> {
  const before = await found(one, writer);
  if (before.length > 0) {
    await keepLowest(one, writer, before);
    return { kind: "found" };
  }
  let refusal = await send(one, writer, review);
  if (refusal !== null && isForLines(refusal, review)) {
    const why = refusal.message;
    const body = withLineComments(review.body, review.comments);
    refusal = await send(one, writer, { ...review, body, comments: [] });
    if (refusal === null) one.run.ports.log(`comments on lines of #${one.pull} went into the review's text: ${why}`);
  }
  if (refusal !== null) return { kind: "refused", by: refusal };
  // Another run may have written it in the same moment: whichever looks last takes the later one back.
  await keepLowest(one, writer, await found(one, writer));
  return { kind: "written" };
}

/** Whether the forge may have refused the whole review for a line that it does not know: 422, or from Gitea 1.26 on 500. */
function isForLines({ failure }: ForgeError, review: NewReview): boolean {
  return review.comments.length > 0 && failure.method === "POST" && [422, 500].includes(failure.status);
}

/** The account may not: its token, its rights, its own pull request. */
const refused: readonly number[] = [401, 403, 404, 422];

/** Sent once. Null when it was applied, whatever was answered; throws what may end better another time. */
async function send(one: One, writer: Writer, review: NewReview): Promise<ForgeError | null> {
  await one.run.ports.fence();
  try {
    await writer.forge.createReview(one.pull, review);
    return null;
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    if (error.mayBeApplied && (await found(one, writer)).length > 0) return null;
    if (isForLines(error, review) || refused.includes(error.failure.status)) return error;
    throw error;
  }
}

/** The writer's reviews of this key, lowest id first. */
async function found({ run, pull, key }: One, writer: Writer): Promise<Review[]> {
  const all = await run.ports.forge.reviews(pull);
  return all.filter((r) => writer.wrote(r.author) && isReviewOf(r.body, key)).sort((a, b) => a.id - b.id);
}

async function keepLowest({ run, pull }: One, writer: Writer, all: readonly Review[]): Promise<void> {
  for (const { id } of all.slice(1)) {
    await run.ports.fence();
    await ignoreRefusal(run, () => writer.forge.deleteReview(pull, id), [403, 404, 405]);
  }
}

/** A token that is no longer good, or is the bot's own, is no second account. */
async function secondAccount(run: Run): Promise<Second> {
  const { reviewer, forge } = run.ports;
  if (reviewer === undefined || reviewer === null) return { kind: "none", why: "there is no second account" };
  try {
    const { login } = await reviewer.me();
    if (sameLogin(login, (await forge.me()).login)) {
      return { kind: "none", why: "the second account is the bot itself" };
    }
    return { kind: "second", forge: reviewer, wrote: (author) => sameLogin(author, login) };
  } catch (error) {
    if (!(error instanceof ForgeError) || !refused.includes(error.failure.status)) throw error;
    return { kind: "none", why: error.message };
  }
}
