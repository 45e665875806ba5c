// The author's answers on the forge: one review by the bot, under the findings' lines where those are still in the diff, else in its text.

import { repliesTo } from "../core/answers.ts";
import { type Effect, reviewEffect } from "../core/effects.ts";
import { replyBody, replyComment } from "../core/report.ts";
import type { LinesInDiff } from "../git/review.ts";
import type { FindingNote, ReplyNote } from "../ledger/record.ts";
import type { Authored } from "./author.ts";
import type { ReworkJob } from "./rework-job.ts";
import { openFindings } from "./rework-prompt.ts";

export interface Answer {
  /** Commit that holds the work. */
  head: string;
  /** Where the branch leaves its base then. */
  mergeBase: string;
  summary: string;
  replies: readonly ReplyNote[];
}

export async function replyEffect(job: ReworkJob, authored: Authored, answer: Answer): Promise<Effect> {
  const { plan, settings, run, claim } = job;
  const { head, summary, replies } = answer;
  const findings = openFindings(job);
  const lines = replies.length === 0 ? null : await job.ports.workshop.linesOf(job.ports, answer.mergeBase, head);
  const comments = lines === null ? [] : atLines(findings, replies, lines);
  // One for each claim; the head tells apart those whose ledger was lost between them.
  const key = `${head.slice(0, 12)}-${claim.record.epoch}`;
  const inText = replies.filter((reply) => !comments.some((comment) => comment.finding === reply.finding));
  const body = replyBody({
    ...{ round: plan.causes.ordered ? null : plan.round, roundsMax: settings.policy.maxRounds },
    ...{ profile: authored.profile.name, run, head, summary, findings, replies, inText, key },
  });
  return reviewEffect({
    ...{ id: "replies", as: "bot", key, event: "comment", commit: head, body },
    comments: comments.map(({ path, line, body: words }) => ({ path, line, body: words })),
  });
}

interface AtLine {
  finding: string;
  path: string;
  line: number;
  body: string;
}

function atLines(findings: readonly FindingNote[], replies: readonly ReplyNote[], lines: LinesInDiff): AtLine[] {
  return replies.flatMap((reply): AtLine[] => {
    const { path = null, line = null } = findings.find((finding) => finding.id === reply.finding) ?? {};
    if (path === null || line === null || line < 1 || !lines.has(path, line)) return [];
    return [{ finding: reply.finding, path, line, body: replyComment(reply) }];
  });
}

/** The answers of a result to the open findings, without secrets: the record keeps them. */
export function redactedReplies(job: ReworkJob, result: Parameters<typeof repliesTo>[1]): ReplyNote[] {
  return repliesTo(openFindings(job), result).map((reply) => ({ ...reply, body: job.ports.redact(reply.body) }));
}
