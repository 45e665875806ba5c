// The calls of the forge's port as the server carries them out: at once, on what stands there, in the name of one account. Delay, loss and doubles
// are the line's matter (line.ts).

import type { MergeAnswer, NewReview } from "../../../src/forge/model.ts";
import type { Forge } from "../../../src/forge/port.ts";
import {
  addComment,
  addLabel,
  applyMoves,
  checkConflicts,
  createLabel,
  deleteComment,
  editBody,
  editComment,
  removeLabel,
  setAssignees,
  setState,
} from "./acts.ts";
import { deleteReview, mergePull, openPull, type PullIssue, review, setStatus } from "./pull-acts.ts";
import type { Actor, Entry, ForgeState, IssueRow, RunRow } from "./state.ts";
import { commentView, issueView, pullView, reviewView, runView, serverUrl, statusView, timelineView } from "./views.ts";

/** The server understood and refused. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, words: string) {
    super(words);
    this.status = status;
  }
}

/** What of the port asks the server. */
export type Name = Exclude<keyof Forge, "url" | "now" | "requests" | "under">;
export type Asked = { [K in Name]: Parameters<Forge[K]> };
export type Answered = { [K in Name]: Awaited<ReturnType<Forge[K]>> };
export type Calls = { [K in Name]: (...args: Asked[K]) => Answered[K] };

const newestFirst = (a: IssueRow, b: IssueRow) => b.number - a.number;

export function forgeCalls(forge: ForgeState, by: Actor): Calls {
  const mustIssue = (number: number): IssueRow => {
    const issue = forge.issue(number);
    if (issue === undefined) throw new Refused(404, "");
    return issue;
  };
  const pullOf = (number: number): PullIssue | null => {
    const issue = forge.issue(number);
    return issue === undefined || issue.pull === null ? null : Object.assign(issue, { pull: issue.pull });
  };
  const mustPull = (number: number): PullIssue => {
    const pull = pullOf(number);
    if (pull === null) throw new Refused(404, "");
    return pull;
  };
  const open = () => [...forge.issues.values()].filter((issue) => issue.state === "open");
  const commentOf = (id: number): { issue: IssueRow; entry: Entry } | null => {
    for (const issue of forge.issues.values()) {
      const entry = issue.entries.find((other) => other.id === id && other.type === "comment");
      if (entry !== undefined) return { issue, entry };
    }
    return null;
  };

  return {
    me: () => ({ id: idOf(by.login), login: by.login, fullName: "", email: `${by.login}@forge.invalid` }),
    version: () => forge.release.version,
    repository: () => ({
      ...{ id: 1, owner: "acme", name: "app", defaultBranch: "main", archived: false, empty: false, mirror: false },
      ...{ objectFormat: "sha1", private: false, hasIssues: true, hasPulls: true, hasActions: true },
      ...{ may: { admin: false, push: true, pull: true }, htmlUrl: `${serverUrl}/acme/app` },
      mergeStyles: [...forge.mergeStyles],
    }),
    branch(name) {
      const sha = forge.branch(name);
      const requiredContexts = name === "main" ? [...forge.requiredContexts] : [];
      return sha === null
        ? null
        : { name, sha, protected: requiredContexts.length > 0, requiredContexts, requiredApprovals: 0 };
    },
    file: () => null,

    labelled: (label) =>
      open()
        .filter((issue) => forge.hasLabel(issue, label))
        .map((issue) => issueView(forge, issue)),
    assigned: (login) =>
      open()
        .filter((issue) => issue.assignees.includes(login))
        .sort(newestFirst)
        .map((issue) => issueView(forge, issue)),
    issue(number) {
      const issue = forge.issue(number);
      return issue === undefined ? null : issueView(forge, issue);
    },
    openPulls: () =>
      forge
        .pulls()
        .filter((issue) => issue.state === "open")
        .sort(newestFirst)
        .map((issue) => pullView(forge, issue)),
    pull(number) {
      const pull = pullOf(number);
      return pull === null ? null : pullView(forge, pull);
    },
    pullsOf: (branch) =>
      forge
        .pulls()
        .filter((issue) => issue.pull.head === branch)
        .sort(newestFirst)
        .map((issue) => pullView(forge, issue)),
    comments(number) {
      const issue = mustIssue(number);
      return issue.entries.filter((entry) => entry.type === "comment").map((entry) => commentView(issue, entry));
    },
    timeline: (number) => mustIssue(number).entries.flatMap(timelineView),
    openDependencies: (number) =>
      mustIssue(number)
        .dependencies.filter((other) => forge.issue(other)?.state === "open")
        .map((other) => ({ repository: "acme/app", number: other })),
    writeAccess: (login) =>
      forge.mayWrite(login)
        ? { kind: "yes", evidence: `@${login} may write` }
        : { kind: "no", evidence: `@${login} may only read` },
    statuses(sha) {
      const latest = new Map(forge.statuses.filter((row) => row.sha === sha).map((row) => [row.context, row]));
      return [...latest.values()].map(statusView);
    },
    reviews(number) {
      const issue = mustPull(number);
      return issue.pull.reviews.map((row) => reviewView(issue, row)).sort((a, b) => a.at - b.at || a.id - b.id);
    },
    lineComments(number, id) {
      const row = mustPull(number).pull.reviews.find((other) => other.id === id);
      if (row === undefined) throw new Refused(404, "");
      return row.lines.map(({ by: author, ...line }) => ({ ...line, author, review: id }));
    },
    commentsSince(since, limit) {
      const found = [...forge.issues.values()].flatMap((issue) =>
        issue.entries
          .filter((entry) => entry.type === "comment" && entry.updatedAt >= since)
          .map((entry) => ({ ...commentView(issue, entry), issue: issue.number })),
      );
      return found.sort((a, b) => a.id - b.id).slice(-limit);
    },
    jobLog: () => null,

    refs: (prefix) => forge.refs.names(`refs/${prefix}`).map((name) => ({ name, sha: forge.refs.get(name) ?? "" })),
    commitMessage: (sha) => forge.commits.get(sha)?.message ?? null,

    createIssueComment(number, body) {
      const issue = forge.issue(number);
      if (issue === undefined) throw new Refused(500, "");
      if (issue.locked && !forge.mayWrite(by.login)) throw new Refused(403, "You cannot comment on a locked issue.");
      return commentView(issue, addComment(forge, issue, by, body));
    },
    editComment(id, body) {
      const found = commentOf(id);
      if (found === null) throw new Refused(404, "");
      editComment(forge, found.issue, by, found.entry, body);
    },
    deleteComment(id) {
      const found = commentOf(id);
      if (found !== null) deleteComment(forge, found.issue, by, found.entry);
    },
    react: () => undefined,
    labels: () => forge.labels.map((label) => ({ ...label })),
    createLabel: ({ name, exclusive }) => ({ ...createLabel(forge, name, exclusive) }),
    addLabels(number, ids) {
      const issue = mustIssue(number);
      for (const id of [...ids].sort((a, b) => nameOf(forge, a).localeCompare(nameOf(forge, b))))
        addLabel(forge, issue, by, id);
    },
    removeLabel: (number, id) => removeLabel(forge, mustIssue(number), by, id),
    assign(number, logins) {
      const issue = mustIssue(number);
      for (const login of logins) if (!forge.rights.has(login)) throw new Refused(500, "");
      setAssignees(forge, issue, by, [...new Set(logins)]);
      return issueView(forge, issue);
    },
    createPull(given) {
      if (forge.branch(given.head) === null || forge.branch(given.base) === null) throw new Refused(404, "");
      const same = forge.pulls().some((issue) => {
        return issue.state === "open" && issue.pull.head === given.head && issue.pull.base === given.base;
      });
      return same ? { kind: "exists" } : { kind: "created", pull: pullView(forge, openPull(forge, by, given)) };
    },
    editPull(number, { title, body }) {
      const issue = mustPull(number);
      if (title !== undefined) issue.title = title;
      if (body !== undefined) editBody(forge, issue, by, body);
    },
    setStatus(sha, status) {
      if (forge.commits.get(sha) === undefined) throw new Refused(500, "");
      setStatus(forge, by, sha, status);
    },
    deleteBranch(name) {
      const ref = `refs/heads/${name}`;
      const old = forge.refs.get(ref);
      if (name === "main") throw new Refused(403, "can not delete default branch");
      if (old !== null) applyMoves(forge, by, [{ ref, old, new: null }]);
    },
    createReview(number, given) {
      const issue = mustPull(number);
      mustBeAllowed(issue, by, given);
      return reviewView(issue, review(forge, issue, by, given));
    },
    deleteReview(number, id) {
      const issue = mustPull(number);
      const gone = issue.pull.reviews.find((row) => row.id === id);
      if (gone === undefined) return;
      if (gone.by !== by.login) throw new Refused(403, "");
      deleteReview(forge, issue, by, gone);
    },
    merge: (number, { head }) => merge(forge, mustPull(number), by, head),
    closeIssue(number) {
      const issue = mustIssue(number);
      if (issue.dependencies.some((other) => forge.issue(other)?.state === "open"))
        throw new Refused(412, "dependencies");
      setState(forge, issue, by, "closed");
    },
    rerun: () => false,

    recentRuns: (limit) =>
      forge.runs
        .filter((run) => run.state !== "waiting")
        .reverse()
        .slice(0, limit)
        .map((run) => ({ ...runView(forge, run), id: null })),
    runById(id) {
      const run = forge.release.hasRunById ? forge.runs.find((other) => other.id === id) : undefined;
      return run === undefined ? null : runView(forge, run);
    },
    canDispatch: () => forge.release.canDispatch,
    dispatchCancels: () => forge.release.version.startsWith("1.24"),
    dispatch(workflow, _ref, inputs) {
      if (!forge.release.canDispatch) return { kind: "refused", answer: "this server cannot start workflows" };
      const run = queueRun(forge, { workflow, event: "workflow_dispatch", actor: by.login, inputs });
      forge.changed({ kind: "dispatched", by, run });
      return { kind: "started" };
    },
  };
}

/** A run that waits for a runner. */
export function queueRun(forge: ForgeState, given: Pick<RunRow, "workflow" | "event" | "actor" | "inputs">): RunRow {
  const number = forge.runs.length + 1;
  const run: RunRow = { ...given, id: 1000 + number, number, state: "waiting", endedAt: null, conclusion: null };
  forge.runs.push(run);
  return run;
}

function nameOf(forge: ForgeState, id: number): string {
  return forge.labels.find((label) => label.id === id)?.name ?? "";
}

function idOf(login: string): number {
  return [...login].reduce((sum, char) => sum * 31 + char.charCodeAt(0), 7) % 10_000;
}

function mustBeAllowed(issue: PullIssue, by: Actor, given: NewReview): void {
  if (given.event === "comment") {
    if (given.body.trim() === "" && given.comments.length === 0) throw new Refused(422, "requires a body or a comment");
    return;
  }
  if (issue.state === "closed") throw new Refused(422, "can't submit review for a closed or merged PR");
  if (issue.author === by.login) throw new Refused(422, "approve your own pull is not allowed");
}

function merge(forge: ForgeState, issue: PullIssue, by: Actor, head: string): MergeAnswer {
  const { pull } = issue;
  if (pull.merged) {
    if (pull.headSha === head) return { kind: "merged" };
    return { kind: "refused", answer: "it is merged already, with another head" };
  }
  if (issue.state === "closed") return { kind: "refused", answer: "it is closed, or not there (status 404)" };
  checkConflicts(forge, issue);
  const tip = forge.branch(pull.head) ?? pull.headSha;
  if (!pull.mergeable || pull.mergeBase === tip) return { kind: "not-yet", answer: "Please try again later" };
  const green = forge.requiredContexts.every((context) => {
    return forge.statuses.findLast((row) => row.sha === tip && row.context === context)?.state === "success";
  });
  if (!green) return { kind: "not-yet", answer: "Not all required status checks successful" };
  if (head !== tip) return { kind: "moved", answer: "head out of date" };
  mergePull(forge, issue, by);
  return { kind: "merged" };
}
