// What each step has left on the forge: told, and demanded.

import { z } from "zod";
import {
  assigneeLogins,
  Comment,
  Issue,
  labelNames,
  type Pull,
  readComments,
  readFileOn,
  readIssue,
  readPull,
  readStatuses,
} from "../test/e2e/harness.ts";
import { demand } from "./demand.ts";
import { readGit } from "./git.ts";
import type { Stage } from "./stage.ts";
import type { Teller } from "./terminal.ts";

export async function tellWork(stage: Stage, teller: Teller, pull: Pull, mainBefore: string | null): Promise<void> {
  const { server, repo, bot, issue } = stage;
  const git = await readGit(`${server.url}/${repo.fullName}.git`, pull.head.ref, issue.number);
  teller.fact(`the agent's commits on ${teller.strong(pull.head.ref)}, one by one:`);
  teller.quote(git.commits.map(({ sha, subject, author }) => `${sha.slice(0, 10)} ${subject}  (${author})`).join("\n"));
  demand(git.commits.length === 2, "both commits of the agent are kept", git.commits.length);
  const authors = git.commits.map(({ author }) => author);
  demand(
    authors.every((author) => author === bot.login),
    "their author is the bot",
    authors,
  );
  demand((await readFileOn(server, repo, "main", "pages.js")) === mainBefore, "main is as it was", "a change");
  teller.fact(`pull request ${teller.strong(`#${pull.number}`)} “${pull.title}” by ${pull.user.login}:`);
  teller.quote(plain(pull.body).split("\n### What changed")[0] ?? "");
  demand(pull.user.login === bot.login, "the bot opened the pull request", pull.user.login);
  demand(labelNames(pull).join() === "agent/needs-review", "it waits for review", labelNames(pull));
  demand(pull.body.trimEnd().endsWith(`Closes #${issue.number}`), "it closes the issue", pull.body);
  await demandStatus(stage, pull.head.sha, "agent-dispatch/checks", "success");
  const asked = await readIssue(server, repo, issue.number);
  demand(labelNames(asked).join() === "bot", "the issue keeps its label", labelNames(asked));
  demand(assigneeLogins(asked).join() === bot.login, "the bot is assigned", assigneeLogins(asked));
  const comments = await readComments(server, repo, issue.number);
  demand(comments.length === 1, "one comment, edited in place", comments.length);
}

const Review = z.object({ id: z.number(), state: z.string(), body: z.string(), user: z.object({ login: z.string() }) });
const LineComment = z.object({ path: z.string(), body: z.string(), position: z.number() });

export async function tellReview(stage: Stage, teller: Teller, pull: Pull): Promise<void> {
  const { server, repo, critic } = stage;
  const api = server.as(server.admin);
  const place = `/repos/${repo.fullName}/pulls/${pull.number}/reviews`;
  const [review] = (await api.list(place, Review)).filter(({ user }) => user.login === critic.login);
  demand(review?.state === "REQUEST_CHANGES", "a formal review that asks for changes", review);
  const [line] = await api.get(`${place}/${review?.id}/comments`, z.array(LineComment));
  demand(line?.path === "pages.js" && line.position === 3, "the finding stands on its line", line);
  teller.fact(`review by ${critic.login}, with a comment on line ${line?.position} of ${line?.path}:`);
  teller.quote(`${plain(review?.body ?? "")}\n\n${line?.path}:${line?.position}  ${plain(line?.body ?? "")}`);
  await demandStatus(stage, pull.head.sha, "agent-dispatch/review", "failure");
  const now = labelNames(await readPull(server, repo, pull.number));
  demand(now.join() === "agent/needs-rework", "the author is to go on", now);
}

export async function tellHandOver(stage: Stage, teller: Teller, pull: Pull): Promise<void> {
  const { server, repo, alice, bot, issue } = stage;
  await demandStatus(stage, pull.head.sha, "agent-dispatch/review", "success");
  demand(labelNames(pull).join() === "agent/merge-ready", "it is ready to merge", labelNames(pull));
  demand(assigneeLogins(pull).join() === alice.login, "alice has it", assigneeLogins(pull));
  const asked = await readIssue(server, repo, issue.number);
  demand(labelNames(asked).length === 0, "the trigger label is off", labelNames(asked));
  demand(assigneeLogins(asked).join() === alice.login, "alice has the issue, the bot is off", assigneeLogins(asked));
  const comments = await server
    .as(server.admin)
    .list(`/repos/${repo.fullName}/issues/${pull.number}/comments`, Comment);
  const handover = comments.find(({ body }) => body.startsWith("<!-- agent-dispatch:handover"));
  demand(handover?.user.login === bot.login, "the hand-over comment", comments);
  teller.fact(`the hand-over, a new comment on #${pull.number} that names alice:`);
  teller.quote(plain(handover?.body ?? ""));
  const git = await readGit(`${server.url}/${repo.fullName}.git`, pull.head.ref, issue.number);
  demand(git.commits.length === 4, "four commits, none rewritten", git.commits);
  teller.fact(`the ledger, git log of ${git.ledgerRef}, newest first:`);
  teller.look("five claims: implement, review, rework, review, hand-over; each goes held → published → done");
  teller.quote(git.ledger.map(({ sha, subject }) => `${sha.slice(0, 10)} ${subject}`).join("\n"));
  demand(git.ledger[0]?.subject.includes(" done ") === true, "the record is done", git.ledger);
  demand(git.ledger.at(-1)?.subject.includes(" held ") === true, "it began with a claim", git.ledger);
}

export async function tellOver({ server, repo, issue }: Stage, teller: Teller, pull: Pull): Promise<void> {
  const branches = await server
    .as(server.admin)
    .list(`/repos/${repo.fullName}/branches`, z.object({ name: z.string() }));
  demand(!branches.some(({ name }) => name === pull.head.ref), "the merged branch is deleted", branches);
  const over = await readPull(server, repo, pull.number);
  demand(labelNames(over).length === 0, "its stage label is off", labelNames(over));
  const asked = await readIssue(server, repo, issue.number);
  demand(asked.state === "closed", "the issue is closed", asked.state);
  teller.fact(`the branch ${pull.head.ref} is deleted, the label is off, #${issue.number} is closed`);
}

async function demandStatus({ server, repo }: Stage, sha: string, context: string, state: string): Promise<void> {
  const statuses = await readStatuses(server, repo, sha);
  const found = statuses.find((status) => status.context === context);
  demand(found?.status === state, `${context} is ${state} on ${sha.slice(0, 10)}`, statuses);
}

/** Everything on the forge that a run could have changed. */
export async function stateOf({ server, repo, issue }: Stage): Promise<string> {
  const api = server.as(server.admin);
  const issues = await api.list(`/repos/${repo.fullName}/issues?state=all&type=all`, Issue.loose());
  const timeline = await api.get(`/repos/${repo.fullName}/issues/${issue.number}/timeline`, z.unknown());
  const refs = await api.get(`/repos/${repo.fullName}/git/refs`, z.unknown());
  return JSON.stringify([issues, timeline, refs]);
}

/** Markdown as a terminal can show it. */
function plain(text: string): string {
  return text
    .replaceAll(/<!--.*?-->|<\/?(sub|details|summary)>/gs, "")
    .replaceAll(/\]\(http[^)]*\)/g, "]")
    .replaceAll(/\n{2,}/g, "\n")
    .trim();
}
