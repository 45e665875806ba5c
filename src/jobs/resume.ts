// Finishes what a dead run published: the record has every text, each effect is found or made.

import { type Effects, sealedText, withoutFormalReviews } from "../core/effects.ts";
import { plain } from "../core/report.ts";
import { describe } from "../errors.ts";
import { type Outcome, outcome } from "../outcome.ts";
import { applyEffects } from "./effects.ts";
import { lossOf } from "./endings.ts";
import { effectPorts, type Job } from "./job.ts";
import { keepAlive } from "./keepalive.ts";
import { setRight } from "./roll-forward.ts";
import { finishEffects } from "./settle.ts";
import { giveUpEffects } from "./wanted.ts";

export async function resume(job: Job, effects: Effects): Promise<Outcome> {
  const { item, claim } = job;
  const number = item.issue.number;
  const life = keepAlive(job, { watchPeople: false });
  try {
    const rolled = await setRight(job, effects);
    if (rolled.kind === "ended") return rolled.outcome;
    const settled = rolled.kind === "go-on" ? await finishEffects(job, proven(job, effects)) : rolled;
    const { branch, head, profile, attempt } = claim.record;
    const facts = { kind: "resume", item: number, branch, head, profile, attempt } as const;
    if (settled.kind === "settled") {
      const reason = `#${number}: finished what an earlier run had published${settled.pull === null ? "" : ` (pull request #${settled.pull})`}`;
      return outcome({
        ...facts,
        outcome: "done",
        reason,
        next: "The next run goes on with it.",
        pullRequest: settled.pull,
      });
    }
    if (settled.kind === "lost") return outcome({ ...facts, ...lossOf(job) });
    const { why } = settled;
    if ((claim.record.unfinished ?? 0) >= job.settings.policy.maxAttempts) return await handOver(job, why);
    return outcome({
      ...facts,
      outcome: "failed",
      failure: "forge-error",
      reason: `#${number}: not everything could be written: ${why}`,
      next: "The next run tries again.",
    });
  } finally {
    await life.stop();
  }
}

function proven({ claim, ports }: Job, effects: Effects): Effects {
  const seal = ports.seal(sealedText(effects, claim.record.key, claim.record.pull));
  return seal !== null && seal === effects.seal ? effects : withoutFormalReviews(effects);
}

/** What can never be written ends with a person, like every bound. */
async function handOver(job: Job, why: string): Promise<Outcome> {
  const { claim, item } = job;
  const { number } = item.issue;
  const { askedBy, attempt, pull } = claim.record;
  const text = `what was published could not be finished: ${why}`;
  const effects = giveUpEffects(
    { ...job, pull },
    { failure: "forge-error", text, output: "", askedBy, attempts: attempt },
  );
  try {
    await applyEffects(effectPorts(job), { v: 1, issue: number, effects }, pull);
    await claim.finish({ state: "blocked", stage: "blocked", unfinished: 0 });
  } catch (error) {
    // Not even that can be written now: the record stays as it is, and its wait goes on.
    job.ports.log.warning(`could not hand #${number} over: ${describe(error)}`);
  }
  const reason = `#${number}: gave up: ${plain(text)}`;
  return outcome({
    kind: "resume",
    outcome: "needs-person",
    failure: "forge-error",
    item: number,
    reason,
    next: `@${askedBy} decides; the label put on again goes on.`,
  });
}
