// Prompts of one item: the repository's own template from the base branch, else the built-in one, filled with what was read from the forge.

import type { Plan } from "../core/decision.ts";
import type { KeptWork } from "../core/kept.ts";
import { type Details, isProgram } from "../core/model.ts";
import { trustInLogin } from "../core/orders.ts";
import { contextFileNames, fill, type ItemFacts, promptValues, type QuotedComment, quotable } from "../core/prompt.ts";
import { fenced, tail } from "../core/text.ts";
import { RunError } from "../errors.ts";
import type { Comment } from "../forge/model.ts";
import { checksFailedPrompt } from "../prompts/checks-failed.ts";
import { implementPrompt } from "../prompts/implement.ts";
import type { Workspace } from "../workspace.ts";
import type { Job } from "./job.ts";
import type { ShellEnd } from "./shell.ts";

/** Longest template of a repository, in bytes. */
const templateBytesMax = 100_000;

export async function implementText(
  job: Job,
  plan: Plan,
  workspace: Workspace,
  base: string,
  earlierWork: KeptWork | null,
): Promise<string> {
  const values = promptValues({ ...(await itemFacts(job, plan, workspace, base)), base, earlierWork });
  return render(job, base, "implement", implementPrompt, values);
}

/** What every prompt tells about its item. `base`: the commit whose context files are named. */
export async function itemFacts(job: Job, plan: Plan, workspace: Workspace, base: string): Promise<ItemFacts> {
  const { item, settings, claim } = job;
  const { issue, details } = item;
  // People talk on the pull request too once there is one.
  const said = [...(details?.comments ?? []), ...(details?.pull?.comments ?? [])];
  const comments = await quotedComments(job, said, plan.orderAt);
  return {
    ...{ item: issue.number, title: issue.title, body: issue.body, author: issue.author, comments },
    ...{ instruction: plan.instruction, question: claim.record.question?.text ?? null },
    ...{ attempt: plan.attempt, attemptsMax: settings.policy.maxAttempts },
    ...{ lastFailure: plan.attempt > 1 ? claim.record.lastFailure : null, checks: settings.checks },
    ...{ minutes: settings.timeoutMs / 60_000, resultFile: workspace.resultFile },
    contextFiles: await contextFiles(job, base),
  };
}

/** Most people whose right is asked for the labels on their comments. */
const commentersMax = 20;

/** Comments for a prompt, each with its author's right; `orderAt` (ms since 1970): what strangers wrote or edited after it is left out. */
async function quotedComments(job: Job, comments: readonly Comment[], orderAt: number): Promise<QuotedComment[]> {
  const { snapshot, settings } = job;
  const access = await rightsOf(job, comments);
  return quotable(comments, {
    isProgram: (login) => isProgram(snapshot, login),
    right: (login) => {
      const trusted = trustInLogin(login, access, settings.policy).kind === "yes";
      return { trusted, words: trusted ? "may write code here" : "not known to be allowed to write code here" };
    },
    orderAt,
  });
}

async function rightsOf(job: Job, comments: readonly Comment[]): Promise<Details["access"]> {
  const { item, settings, snapshot, ports } = job;
  const access = item.details?.access ?? {};
  if (settings.policy.trusted !== "writers") return access;
  const people = new Set(comments.map((comment) => comment.author.toLowerCase()));
  const unknown = [...people]
    .filter((login) => access[login] === undefined && !isProgram(snapshot, login))
    .slice(0, commentersMax);
  const asked = await Promise.all(unknown.map(async (login) => [login, await ports.forge.writeAccess(login)] as const));
  return { ...access, ...Object.fromEntries(asked) };
}

export async function checksFailedText(
  job: Job,
  workspace: Workspace,
  red: ShellEnd,
  base: string,
  leftMs: number,
): Promise<string> {
  const { issue } = job.item;
  return render(job, base, "checks-failed", checksFailedPrompt, {
    ...{ item: String(issue.number), title: issue.title, command: red.command, resultFile: workspace.resultFile },
    ...{ exitCode: red.killed ?? String(red.exitCode), output: fenced(tail(red.tail, 8_000)) },
    minutes: String(Math.max(1, Math.floor(leftMs / 60_000))),
  });
}

/** The repository's own template at the commit `base`, else the built-in one, filled. */
export async function render(
  job: Job,
  base: string,
  name: string,
  builtIn: string,
  values: Record<string, string>,
): Promise<string> {
  const path = `.agent-dispatch/${name}.md`;
  const own = await textAt(job, base, path);
  const outcome = fill(own ?? builtIn, values);
  if (outcome.kind === "prompt") return outcome.text;
  throw new RunError(
    `${path} has the unknown placeholder${outcome.names.length === 1 ? "" : "s"} ${outcome.names.map((n) => `{{${n}}}`).join(", ")}`,
    {
      remedy: `Known are ${outcome.known.map((n) => `{{${n}}}`).join(", ")}.`,
      mender: "workflow author",
      retry: false,
    },
  );
}

/** Read from the host's own repository at the base, never from what an agent could have changed. */
async function textAt(job: Job, commit: string, path: string): Promise<string | null> {
  const host = await job.ports.host();
  const shown = await host.run(["cat-file", "blob", `${commit}:${path}`], { outputBytesMax: templateBytesMax });
  return shown.kind === "ended" && shown.code === 0 ? shown.stdout.toString("utf8") : null;
}

/** Files of a commit that tell an agent about the repository. */
export async function contextFiles(job: Job, commit: string): Promise<string[]> {
  const listed = await (await job.ports.host()).run(["ls-tree", "--name-only", commit]);
  const names = listed.kind === "ended" ? listed.stdout.toString("utf8").split("\n") : [];
  return contextFileNames.filter((name) => names.includes(name));
}
