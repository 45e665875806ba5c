import { setState } from "../acts/issues.ts";
import { checkConflicts, headOf, isChecking } from "../acts/mergeability.ts";
import { mergeIntoBase, updateHead } from "../acts/merging.ts";
import { globRegex, protectionOf } from "../acts/protection.ts";
import { referenceCommit } from "../acts/pushes.ts";
import { moveByServer } from "../acts/refs.ts";
import { subject } from "../acts/subject.ts";
import { addEntry, closedNumbers } from "../acts/timeline.ts";
import { bind } from "../body.ts";
import type { Call } from "../call.ts";
import { emit } from "../events.ts";
import type { MergeStyle, Protection, Pull } from "../model.ts";
import { empty, json, Refusal, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { isDraft } from "../views/issue.ts";
import { findIssue } from "../world.ts";
import { pullNamed, pullOf } from "./find.ts";
import { latestPerContext } from "./statuses.ts";

const one = "/repos/{owner}/{repo}/pulls/{index}";

/** Merging, scheduling a merge, bringing a branch up to date. */
export const mergeRoutes: Route[] = [
  route("GET", `${one}/merge`, "repository", isMerged),
  route("POST", `${one}/merge`, "repository", merge),
  route("DELETE", `${one}/merge`, "repository", cancelSchedule),
  route("POST", `${one}/update`, "repository", update),
];

function isMerged(call: Call): Reply {
  if (pullOf(call).merged) return empty(204);
  throw call.errors.notFound();
}

const styles: readonly string[] = ["merge", "rebase", "rebase-merge", "squash", "fast-forward-only", "manually-merged"];

function isStyle(given: string): given is MergeStyle {
  return styles.includes(given) && given !== "manually-merged";
}

async function merge(call: Call): Promise<Reply> {
  call.mustNotBeArchived();
  const fields = bind(
    call,
    "MergePullRequestOption",
    {
      Do: "string",
      MergeTitleField: "string",
      MergeMessageField: "string",
      head_commit_id: "string",
      delete_branch_after_merge: "boolean",
      force_merge: "boolean",
      merge_when_checks_succeed: "boolean",
    },
    ["Do"],
  );
  const style = fields.Do ?? "";
  if (!styles.includes(style)) throw call.errors.error(422, "[Do]: In");
  const pull = pullNamed(call);
  if (pull.merged) throw call.errors.error(405, call.from26 ? "The PR is already merged" : "");
  if (pull.issue.state === "closed") throw call.errors.notFound();
  if (!call.may("code", "write")) throw call.errors.error(405, "User not allowed to merge PR");
  if (isDraft(pull.issue.title)) throw call.errors.error(405, "Work in progress PRs cannot be merged");
  await mustBeMergeable(call, pull);
  const refusal = protectionRefusal(call, pull);
  if (refusal !== undefined && fields.merge_when_checks_succeed) return schedule(call, pull);
  const forced = fields.force_merge === true && call.isRepoAdmin();
  if (refusal !== undefined && !forced) throw call.errors.error(405, refusal);
  if (pull.issue.dependencies.some((other) => other.state === "open")) throw call.errors.internal();
  if (isStyle(style) && !call.repo.mergeStyles.has(style)) {
    throw call.errors.error(405, `${style} is not allowed an allowed merge style for this repository`);
  }
  const head = headOf(call.world, pull);
  if (fields.head_commit_id && fields.head_commit_id !== head) throw call.errors.error(409, "head out of date");
  const title = fields.MergeTitleField || defaultTitle(pull, style);
  const message = fields.MergeMessageField ? `${title}\n\n${fields.MergeMessageField}\n` : `${title}\n`;
  await carryOut(call, pull, isStyle(style) ? style : "merge", message);
  if (fields.delete_branch_after_merge) await deleteHead(call, pull);
  if (pull.mergeSha !== null) await referenceCommit(call.world, call.repo, pull.mergeSha, call.user);
  return empty(200);
}

/** Conflicts, a running check and nothing to merge get the same words. */
async function mustBeMergeable(call: Call, pull: Pull): Promise<void> {
  const later = call.errors.error(405, "Please try again later");
  if (isChecking(call.world, pull)) throw later;
  await checkConflicts(call.world, pull);
  if (!pull.mergeable || pull.mergeBase === headOf(call.world, pull)) throw later;
}

function defaultTitle(pull: Pull, style: string): string {
  const { title, number } = pull.issue;
  if (style === "squash") return `${title} (#${number})`;
  return `Merge pull request '${title}' (#${number}) from ${pull.headBranch} into ${pull.baseBranch}`;
}

/** The first rule of a protected base that is not fulfilled, in Gitea's words. */
function protectionRefusal(call: Call, pull: Pull): string | undefined {
  const rule = protectionOf(call.repo, pull.baseBranch);
  if (!rule) return undefined;
  if (rule.enableStatusCheck && !statusesGood(call, pull, rule)) return "Not all required status checks successful";
  const counted = pull.reviews.filter((review) => review.official && !review.dismissed);
  const approvals = counted.filter((review) => review.state === "APPROVED").length;
  if (approvals < rule.requiredApprovals) return "Does not have enough approvals";
  if (rule.blockOnRejectedReviews && counted.some((review) => review.state === "REQUEST_CHANGES")) {
    return "There are requested changes";
  }
  return undefined;
}

function statusesGood(call: Call, pull: Pull, rule: Protection): boolean {
  const head = headOf(call.world, pull);
  const latest = latestPerContext(call.repo.statuses.filter((status) => status.sha === head));
  return rule.statusContexts.every((pattern) => {
    const matching = latest.filter((status) => globRegex(pattern).test(status.context));
    return matching.length > 0 && matching.every((status) => status.state === "success");
  });
}

function schedule(call: Call, pull: Pull): Reply {
  if (pull.scheduled) {
    const text = `pull request is already scheduled to auto merge when checks succeed [pull_id: ${pull.id}]`;
    throw call.errors.error(409, text);
  }
  pull.scheduled = true;
  addEntry(call.world, pull.issue, "pull_scheduled_merge", call.user);
  return empty(201);
}

function cancelSchedule(call: Call): Reply {
  const pull = pullNamed(call);
  if (!pull.scheduled) throw call.errors.notFound();
  pull.scheduled = false;
  addEntry(call.world, pull.issue, "pull_cancel_scheduled_merge", call.user);
  return empty(204);
}

async function carryOut(call: Call, pull: Pull, style: MergeStyle, message: string): Promise<void> {
  const { world, repo, user } = call;
  const done = await mergeIntoBase(world, pull, style, message, user);
  // A conflict that shows only now is answered as git's own output, without a message.
  if (done.kind === "conflict") {
    throw new Refusal(json(409, { Style: style, StdOut: "CONFLICT (content)", StdErr: "", Err: { Stderr: null } }));
  }
  if (done.kind === "impossible") throw call.errors.internal();
  pull.headSha = headOf(world, pull);
  const issue = pull.issue;
  pull.merged = true;
  pull.mergedAt = world.now();
  pull.mergedBy = user;
  pull.mergeSha = done.tip;
  issue.state = "closed";
  issue.closedAt = world.now();
  await moveByServer(world, repo, pull.baseBranch, done.tip, user);
  addEntry(world, issue, "merge_pull", user);
  if (pull.baseBranch === repo.defaultBranch) {
    for (const number of closedNumbers(`${issue.title}\n${issue.body}`)) {
      const closed = findIssue(repo, number);
      if (closed && !closed.pull) setState(world, closed, "closed", user);
    }
  }
  emit(world, repo, "pull_request", user, { ...subject(world, issue), action: "closed" });
}

async function deleteHead(call: Call, pull: Pull): Promise<void> {
  if (protectionOf(call.repo, pull.headBranch) || pull.headBranch === call.repo.defaultBranch) return;
  await moveByServer(call.world, call.repo, pull.headBranch, null, call.user);
  addEntry(call.world, pull.issue, "delete_branch", call.user, { oldRef: pull.headBranch });
}

async function update(call: Call): Promise<Reply> {
  call.mustNotBeArchived();
  const pull = pullOf(call);
  if (pull.merged) throw call.errors.error(422, call.from27 ? "pull request is already merged" : "%!s(<nil>)");
  if (pull.issue.state === "closed") {
    throw call.errors.error(422, call.from27 ? "pull request is already closed" : "%!s(<nil>)");
  }
  if (!call.may("code", "write")) return empty(403);
  const style = call.query.get("style") === "rebase" ? "rebase" : "merge";
  const done = await updateHead(call.world, pull, style, call.user);
  if (done.kind === "conflict") throw call.errors.error(409, `${style} failed because of conflict`);
  if (done.kind === "impossible") {
    if (call.from26 && call.world.git(call.repo).branch(pull.headBranch) === undefined) pull.mergeable = false;
    throw call.errors.internal();
  }
  await moveByServer(call.world, call.repo, pull.headBranch, done.tip, call.user);
  return empty(200);
}
