// Prompts of one item: the repository's own template from the base branch, else the built-in one, filled with what was read from the forge.

import type { ImplementPlan } from "../core/decision.ts";
import { type Details, isProgram } from "../core/model.ts";
import { trustInLogin } from "../core/orders.ts";
import { contextFileNames, fill, promptValues, quotable } from "../core/prompt.ts";
import { fenced, tail } from "../core/text.ts";
import { RunError } from "../errors.ts";
import { checksFailedPrompt } from "../prompts/checks-failed.ts";
import { implementPrompt } from "../prompts/implement.ts";
import type { Workspace } from "../workspace.ts";
import type { Job } from "./job.ts";
import type { ShellEnd } from "./shell.ts";

/** Longest template of a repository, in bytes. */
const templateBytesMax = 100_000;

export async function implementText(
  job: Job,
  plan: ImplementPlan,
  workspace: Workspace,
  base: string,
): Promise<string> {
  const { item, snapshot, settings, claim } = job;
  const { issue } = item;
  const details = await withRights(job);
  const comments =
    details === null
      ? []
      : quotable(details.comments, {
          isProgram: (login) => isProgram(snapshot, login),
          right: (login) => {
            const trusted = trustInLogin(login, details, settings.policy).kind === "yes";
            return { trusted, words: trusted ? "may write code here" : "not known to be allowed to write code here" };
          },
          orderAt: plan.orderAt,
        });
  const values = promptValues({
    ...{ item: issue.number, title: issue.title, body: issue.body, author: issue.author, comments },
    ...{ instruction: plan.instruction, attempt: plan.attempt, attemptsMax: settings.policy.maxAttempts },
    ...{ lastFailure: plan.attempt > 1 ? claim.record.lastFailure : null, checks: settings.checks, base },
    ...{
      minutes: settings.timeoutMs / 60_000,
      resultFile: workspace.resultFile,
      contextFiles: await contextFiles(job, base),
    },
  });
  return render(job, base, "implement", implementPrompt, values);
}

/** Most people whose right is asked for the labels on their comments. */
const commentersMax = 20;

async function withRights(job: Job): Promise<Details | null> {
  const { item, settings, snapshot, ports } = job;
  const { details } = item;
  if (details === null || settings.policy.trusted !== "writers") return details;
  const people = new Set(details.comments.map((comment) => comment.author.toLowerCase()));
  const unknown = [...people]
    .filter((login) => details.access[login] === undefined && !isProgram(snapshot, login))
    .slice(0, commentersMax);
  const asked = await Promise.all(unknown.map(async (login) => [login, await ports.forge.writeAccess(login)] as const));
  return { ...details, access: { ...details.access, ...Object.fromEntries(asked) } };
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

async function render(
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

async function contextFiles(job: Job, commit: string): Promise<string[]> {
  const listed = await (await job.ports.host()).run(["ls-tree", "--name-only", commit]);
  const names = listed.kind === "ended" ? listed.stdout.toString("utf8").split("\n") : [];
  return contextFileNames.filter((name) => names.includes(name));
}
