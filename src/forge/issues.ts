import { RunError } from "../errors.ts";
import type { Client } from "./client.ts";
import type { Issue, Label, TimelineEntry } from "./model.ts";
import { allPages, pageSize, totalOf } from "./paging.ts";
import type { Forge } from "./port.ts";
import { label as labelSchema, labels as labelsSchema } from "./schemas.ts";
import { comment, comments, dependencies, issue, issues, timeline } from "./schemas-issues.ts";

type IssueCalls = Pick<
  Forge,
  | "labelled"
  | "assigned"
  | "issue"
  | "comments"
  | "timeline"
  | "openDependencies"
  | "createIssueComment"
  | "editComment"
  | "deleteComment"
  | "react"
  | "labels"
  | "createLabel"
  | "addLabels"
  | "removeLabel"
  | "assign"
  | "closeIssue"
>;

/** Issues, and what pull requests share with them: labels, comments, timeline, assignees. */
export function issueCalls(client: Client): IssueCalls {
  const { owner, name, once, repeat, ask, parse, read, find, failed } = client;

  /** The organisation's are left out where the owner is none or the token may not see them. */
  async function allLabels(): Promise<Label[]> {
    const own = await allPages({
      what: "list the labels",
      page: (page) => ask("list the labels", () => once.repos.issueListLabels(owner, name, { page, limit: pageSize })),
      items: (answer) => parse("list the labels", labelsSchema, answer),
      key: (l) => l.id,
      trueTotal: true,
    });
    const what = "list the organisation's labels";
    const shared = await allPages({
      what,
      // 404: the owner is a person. 403: the token has no scope `read:organization`, which setup does not ask for.
      page: (page) => ask(what, () => once.orgs.orgListLabels(owner, { page, limit: pageSize }), { also: [403, 404] }),
      items: (answer) => (answer.status < 300 ? parse(what, labelsSchema, answer) : []),
      key: (l) => l.id,
      trueTotal: true,
    });
    return [...own.items, ...shared.items];
  }

  return {
    labels: allLabels,

    async labelled(label) {
      if (label.includes(",")) throw commaInLabel(label);
      const what = `list what is labelled \`${label}\``;
      const page = (number: number) =>
        ask(what, () =>
          once.repos.issueListIssues(owner, name, { state: "open", labels: label, limit: pageSize, page: number }),
        );
      const carries = (i: Issue) => i.labels.some((l) => l.name === label);
      const first = await page(1);
      // Gitea drops the filter for a name that is no label of the repository itself and lists everything. Then only an organisation's
      // label makes it worth reading on.
      const listed = parse(what, issues, first);
      const isFiltered = listed.every(carries);
      // All on one page: then it does not matter whether it was filtered.
      if (totalOf(first) === listed.length) return listed.filter(carries).sort(oldestFirst);
      if (!isFiltered && !(await allLabels()).some((l) => l.name === label)) return [];
      const all = await allPages({
        what,
        page: (number) => (number === 1 ? Promise.resolve(first) : page(number)),
        items: (answer) => parse(what, issues, answer),
        key: (i) => i.number,
        trueTotal: true,
      });
      return all.items.filter(carries).sort(oldestFirst);
    },

    async assigned(login) {
      const what = `list what is assigned to @${login}`;
      const all = await allPages({
        what,
        page: (page) =>
          // 404: an account that does not exist (any more).
          ask(
            what,
            () => once.repos.issueListIssues(owner, name, { state: "open", assigned_by: login, limit: pageSize, page }),
            { also: [404] },
          ),
        items: (answer) => (answer.status === 404 ? [] : parse(what, issues, answer)),
        key: (i) => i.number,
        trueTotal: true,
      });
      return all.items.filter((i) => i.assignees.some((name) => name.toLowerCase() === login.toLowerCase()));
    },

    issue: (number) => find(`read #${number}`, issue, () => once.repos.issueGetIssue(owner, name, number)),

    // Not paginated: all comments come at once, bounded by the length of the answer.
    comments: (number) =>
      read(`read the comments of #${number}`, comments, () => once.repos.issueGetComments(owner, name, number)),

    async timeline(number) {
      const what = `read the timeline of #${number}`;
      const all = await allPages({
        what,
        page: (page) =>
          ask(what, () => once.repos.issueGetCommentsAndTimeline(owner, name, number, { page, limit: pageSize })),
        items: (answer) => parse(what, timeline, answer),
        key: (line) => line.id,
        // Entries that are not shown are taken out after paging, so that a page in the middle may be short or empty.
        trueTotal: false,
      });
      return all.items.map((line) => line.entry).filter((entry): entry is TimelineEntry => entry !== null);
    },

    async openDependencies(number) {
      const what = `read the dependencies of #${number}`;
      const all = await allPages({
        what,
        // 404: dependencies are switched off.
        page: (page) =>
          ask(what, () => once.repos.issueListIssueDependencies(owner, name, `${number}`, { page, limit: pageSize }), {
            also: [404],
          }),
        items: (answer) => (answer.status === 404 ? [] : parse(what, dependencies, answer)),
        key: (d) => `${d.repository}#${d.number}`,
        trueTotal: true,
      });
      return all.items.filter((d) => d.state === "open").map((d) => ({ repository: d.repository, number: d.number }));
    },

    createIssueComment: (number, body) =>
      read(`comment on #${number}`, comment, () => once.repos.issueCreateComment(owner, name, number, { body }), {
        hint: (answer, words) =>
          answer.status === 500 && words === "" ? { says: "Most likely the issue does not exist." } : null,
      }),

    async editComment(id, body) {
      await ask(`edit comment ${id}`, () => repeat.repos.issueEditComment(owner, name, id, { body }));
    },

    async deleteComment(id) {
      await ask(`delete comment ${id}`, () => repeat.repos.issueDeleteComment(owner, name, id), { also: [404] });
    },

    async react(id, content) {
      const call = () => repeat.repos.issuePostCommentReaction(owner, name, id, { content });
      // 404: the comment was deleted meanwhile; nobody waits for the sign.
      await ask(`react to comment ${id}`, call, { also: [404] });
    },

    // Sent once: labels are not unique, a second one would be made.
    createLabel: ({ name: label, color, description, exclusive }) =>
      read(`create the label \`${label}\``, labelSchema, () =>
        once.repos.issueCreateLabel(owner, name, { name: label, color, description, exclusive }),
      ),

    // Sent once: a repeated addition starts workflows again although nothing changed.
    async addLabels(number, ids) {
      if (ids.length === 0) return;
      await ask(`label #${number}`, () => once.repos.issueAddLabel(owner, name, number, { labels: ids }));
    },

    async removeLabel(number, id) {
      const what = `take a label off #${number}`;
      const also = [403, 404, 422];
      const gone = await ask(what, () => repeat.repos.issueRemoveLabel(owner, name, number, id), { also });
      if (gone.status < 300 || isNoLabel(gone.json)) return;
      if (gone.status !== 403) throw failed(what, gone);
      // The automatic token may not DELETE a label before Gitea 1.26, but PUT. What a person adds between reading and writing is lost
      // then, so this is the second way only.
      const present = await read(what, labelsSchema, () => once.repos.issueGetLabels(owner, name, number));
      if (!present.some((l) => l.id === id)) return;
      const wanted = present.filter((l) => l.id !== id).map((l) => l.id);
      await ask(what, () => repeat.repos.issueReplaceLabels(owner, name, number, { labels: wanted }));
    },

    async closeIssue(number) {
      await read(
        `close #${number}`,
        issue,
        () => repeat.repos.issueEditIssue(owner, name, number, { state: "closed" }),
        { hint: (answer) => (answer.status === 412 ? keptOpen : null) },
      );
    },

    // Sent once: somebody who assigned themselves between two sendings would be taken off unseen.
    assign: (number, logins) =>
      read(
        `assign ${logins.length === 0 ? "nobody" : logins.map((l) => `@${l}`).join(", ")} to #${number}`,
        issue,
        () => once.repos.issueEditIssue(owner, name, number, { assignees: logins }),
        {
          hint: (answer, words) =>
            answer.status === 422 || (answer.status === 500 && words === "")
              ? {
                  says: "One of these accounts does not exist or may not be assigned here.",
                  remedy: "Name accounts that have write access to the repository; a job's own token is no account.",
                  mender: "workflow author",
                  retry: false,
                }
              : null,
        },
      ),
  };
}

const keptOpen = {
  says: "It still waits for an open issue.",
  remedy: "Close what it depends on first.",
  mender: "workflow author",
  retry: false,
} as const;

function oldestFirst(a: Issue, b: Issue): number {
  return a.createdAt - b.createdAt || a.number - b.number;
}

function isNoLabel(json: unknown): boolean {
  const message = typeof json === "object" && json !== null && "message" in json ? json.message : "";
  return typeof message === "string" && message.includes("label does not exist");
}

function commaInLabel(label: string): RunError {
  return new RunError(`Could not list what is labelled \`${label}\`: Gitea separates label names by commas.`, {
    remedy: "Choose a label without a comma.",
    mender: "workflow author",
    retry: false,
  });
}
