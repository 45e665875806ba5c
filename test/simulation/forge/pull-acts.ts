// What can happen to pull requests of the simulated forge.

import type { NewPull, NewReview, NewStatus } from "../../../src/forge/model.ts";
import { addEntry, applyMoves, checkConflicts, openIssue, pullRef, setState } from "./acts.ts";
import type { Actor, ForgeState, IssueRow, PullRow, ReviewRow } from "./state.ts";

export type PullIssue = IssueRow & { pull: PullRow };

export function openPull(forge: ForgeState, by: Actor, { head, base, title, body }: NewPull): PullIssue {
  const [headSha, baseSha] = [forge.branch(head), forge.branch(base)];
  if (headSha === null || baseSha === null) throw new Error(`no branch ${head} or ${base}`);
  const mergeBase = forge.commits.mergeBase(baseSha, headSha) ?? baseSha;
  const pull: PullRow = { head, headSha, base, mergeBase, merged: false, mergeable: true, reviews: [] };
  const issue = Object.assign(openIssue(forge, by, title, body), { pull });
  forge.refs.set(pullRef(issue.number), headSha);
  const ids = forge.commits.range(baseSha, headSha).map((commit) => commit.sha);
  const pushed = JSON.stringify({ is_force_push: false, commit_ids: ids });
  if (ids.length > 0) addEntry(forge, issue, "push", by, { body: pushed });
  checkConflicts(forge, issue);
  forge.changed({ kind: "pull", by, issue: issue.number });
  return issue;
}

/** A new judgement by the same person ends the former one. */
export function review(forge: ForgeState, issue: PullIssue, by: Actor, given: NewReview): ReviewRow {
  const state = ({ approve: "approved", "request-changes": "changes-requested", comment: "comment" } as const)[
    given.event
  ];
  const made: ReviewRow = {
    ...{ id: forge.id(), by: by.login, state, body: given.body, commit: given.commit || issue.pull.headSha },
    ...{ official: state !== "comment" && forge.mayWrite(by.login), dismissed: false, at: forge.now() },
    lines: given.comments.map(({ path, line, body }) => ({
      id: forge.id(),
      by: by.login,
      body,
      path,
      line,
      at: forge.now(),
    })),
  };
  if (state !== "comment") {
    for (const other of issue.pull.reviews) {
      if (other.by !== by.login || other.state === "comment") continue;
      other.dismissed = true;
      other.official = false;
    }
  }
  issue.pull.reviews.push(made);
  addEntry(forge, issue, "review", by, { body: given.body, review: made.id });
  forge.changed({ kind: "review", by, issue: issue.number, review: made, act: "created" });
  return made;
}

export function deleteReview(forge: ForgeState, issue: PullIssue, by: Actor, gone: ReviewRow): void {
  issue.pull.reviews = issue.pull.reviews.filter((other) => other !== gone);
  issue.entries = issue.entries.filter((entry) => entry.review !== gone.id);
  forge.changed({ kind: "review", by, issue: issue.number, review: gone, act: "deleted" });
}

const closing = /\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)/gi;

/** A merge commit on the base; issues that the text closes are closed. The caller has looked whether it can be merged. */
export function mergePull(forge: ForgeState, issue: PullIssue, by: Actor): void {
  const { pull } = issue;
  const ref = `refs/heads/${pull.base}`;
  const old = forge.refs.get(ref);
  const head = forge.branch(pull.head) ?? pull.headSha;
  if (old === null) throw new Error(`no branch ${pull.base}`);
  const message = `Merge pull request '${issue.title}' (#${issue.number}) from ${pull.head} into ${pull.base}`;
  const seconds = Math.floor(forge.now() / 1000);
  const made = forge.commits.add({ parents: [old, head], author: by.login, message, seconds });
  pull.headSha = head;
  pull.merged = true;
  issue.state = "closed";
  issue.closedAt = forge.now();
  applyMoves(forge, by, [{ ref, old, new: made.sha }]);
  addEntry(forge, issue, "other", by);
  for (const found of `${issue.title}\n${issue.body}`.matchAll(closing)) {
    const target = forge.issue(Number(found[1]));
    if (target !== undefined && target.pull === null) setState(forge, target, by, "closed");
  }
  forge.changed({ kind: "merged", by, issue: issue.number });
}

export function setStatus(forge: ForgeState, by: Actor, sha: string, status: NewStatus): void {
  const { context, state, description, targetUrl } = status;
  const row = { sha, context, state, description, targetUrl, by: by.login, at: forge.now() };
  forge.statuses.push(row);
  forge.changed({ kind: "status", by, status: row });
}
