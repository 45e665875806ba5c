import { describe, expect, test } from "vitest";
import { ForgeError } from "../../src/errors.ts";
import { giteaForge } from "../../src/forge/gitea.ts";
import type { Forge } from "../../src/forge/port.ts";
import { forgeOn, type Loopback, token } from "./loopback.ts";
import { replay, sha, time, versions } from "./replay.ts";

/** The adapter for another recorded repository. */
function on(server: Loopback, name: string): Forge {
  return giteaForge({ serverUrl: server.url, token, owner: "acme", name, sleep: () => Promise.resolve() });
}

async function failureOf(promise: Promise<unknown>): Promise<ForgeError> {
  const thrown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof ForgeError) return thrown;
  throw new Error("expected a ForgeError", { cause: thrown });
}

describe.each(versions)("Gitea %s", (version) => {
  describe("account and repository", () => {
    test("me, version, repository of an organisation", async () => {
      const server = await replay(version, "version", "user", "repository", "teams");
      const forge = forgeOn(`${server.url}/`);
      expect(await forge.version()).toBe(version);
      expect(await forge.me()).toEqual({ id: 2, login: "bot", fullName: "", email: "bot@example.invalid" });
      expect(await forge.repository()).toEqual({
        id: 1,
        owner: "acme",
        name: "app",
        defaultBranch: "main",
        archived: false,
        empty: false,
        mirror: false,
        objectFormat: "sha1",
        private: false,
        hasIssues: true,
        hasPulls: true,
        hasActions: true,
        may: { admin: false, push: true, pull: true },
        htmlUrl: `${server.url}/acme/app`,
        mergeStyles: ["merge", "rebase", "rebase-merge", "squash", "fast-forward-only"],
      });
      expect(forge.requests()).toBe(3);
    });

    test("an unknown or hidden repository is null", async () => {
      expect(await on(await replay(version, "repository: unknown"), "nosuch").repository()).toBeNull();
      expect(await on(await replay(version, "repository: private, outsider"), "secret").repository()).toBeNull();
    });

    test("branches: protected, unknown, with a slash, of an empty repository", async () => {
      const forge = forgeOn(
        (
          await replay(
            version,
            "branches: get",
            "branches: get protected as writer",
            "branches: get with encoded slash",
            "branches: get unknown",
          )
        ).url,
      );
      expect(await forge.branch("stable")).toEqual({
        name: "stable",
        sha: sha("start"),
        protected: true,
        requiredContexts: ["ci/test", "lint / *"],
        requiredApprovals: 1,
      });
      expect(await forge.branch("main")).toMatchObject({
        protected: false,
        requiredContexts: [],
        requiredApprovals: 0,
      });
      expect(await forge.branch("agent/issue-1")).toMatchObject({ name: "agent/issue-1" });
      expect(await forge.branch("nosuch")).toBeNull();
      expect(await on(await replay(version, "empty: branch"), "empty").branch("main")).toBeNull();
    });

    test("files: text, absent, too long, a folder", async () => {
      const server = await replay(version, "contents: policy file", "contents: absent", "contents: directory");
      const forge = forgeOn(server.url);
      expect(await forge.file(".agent-dispatch.yml", "main", 1000)).toBe("label: bot\nmaxConcurrent: 2\n");
      expect(await forge.file("nosuch.yml", "main", 1000)).toBeNull();
      await expect(forge.file(".agent-dispatch.yml", "main", 10)).rejects.toThrow("it has 28 bytes, more than the 10");
      await expect(forge.file("docs", "main", 1000)).rejects.toThrow("it is a folder");
    });

    test("refs by prefix, none, of an empty repository; the list is not paginated", async () => {
      const server = await replay(version, "refs: by prefix", "refs: none", "refs: many");
      const forge = forgeOn(server.url);
      expect(await forge.refs("agent-dispatch/v1/item")).toEqual([
        { name: "refs/agent-dispatch/v1/item/issue-1", sha: sha("record-2") },
        { name: "refs/agent-dispatch/v1/item/issue-12", sha: sha("record-3") },
      ]);
      expect(await forge.refs("agent-dispatch/v1/nosuch")).toEqual([]);
      expect(await forge.refs("agent-dispatch/v1/many")).toHaveLength(60);
      expect(server.seen).toHaveLength(3);
      expect(await on(await replay(version, "empty: refs"), "empty").refs("agent-dispatch/v1")).toEqual([]);
    });

    test("commit messages", async () => {
      const server = await replay(version, "git commit: record without extras", "git commit: unknown");
      const forge = forgeOn(server.url);
      expect(await forge.commitMessage(sha("record-2"))).toBe('record record-2\n\n{"v":1,"nonce":"record-2"}\n');
      expect(server.seen[0]?.path).toContain("stat=false&verification=false&files=false");
      expect(await forge.commitMessage(sha("unknown"))).toBeNull();
    });

    test("deleting a branch: there, gone (500 on 1.24), protected", async () => {
      const gone = await replay(version, "branches: delete again");
      // 1.24 does not say that it is gone; the branch is looked up, which the replay answers with a stranger's 418.
      if (version === "1.24.7") await expect(forgeOn(gone.url).deleteBranch("made/by-rest")).rejects.toThrow("418");
      else await forgeOn(gone.url).deleteBranch("made/by-rest");
      const server = await replay(version, "branches: delete", "branches: delete default");
      await forgeOn(server.url).deleteBranch("made/by-rest");
      const failure = await failureOf(forgeOn(server.url).deleteBranch("main"));
      expect(failure.message).toContain("can not delete default");
      expect(failure.mayBeApplied).toBe(false);
    });
  });

  describe("issues", () => {
    test("trap 3: nobody assigned is null on an issue, and reads as an empty list", async () => {
      const server = await replay(version, "assignees: issue with nobody", "issues: get", "lock: issue");
      const forge = forgeOn(server.url);
      expect((await forge.issue(19))?.assignees).toEqual([]);
      expect(await forge.issue(1)).toEqual({
        number: 1,
        title: "Add hi",
        body: "Please say hi.",
        author: "owner",
        state: "open",
        locked: false,
        labels: [],
        assignees: [],
        isPull: false,
        htmlUrl: `${server.url}/acme/app/issues/1`,
        createdAt: time,
        updatedAt: time,
        comments: 0,
      });
      expect((await forge.issue(22))?.locked).toBe(true);
    });

    test("absent and deleted issues are null; a pull request is an issue too", async () => {
      const server = await replay(version, "issues: get unknown", "issue: deleted", "pulls: as an issue");
      const forge = forgeOn(server.url);
      expect(await forge.issue(9999)).toBeNull();
      expect(await forge.issue(22)).toBeNull();
      expect(await forge.issue(25)).toMatchObject({ isPull: true, labels: [{ id: 2, name: "bot" }] });
    });

    test("labelled: only what carries the label, oldest first", async () => {
      const forge = on(await replay(version, "list: label known"), "many");
      const issues = await forge.labelled("bot");
      expect(issues).toHaveLength(36);
      expect(issues.every((i) => i.labels.some((l) => l.name === "bot"))).toBe(true);
      expect(issues.map((i) => i.number)).toEqual(issues.map((i) => i.number).sort((a, b) => a - b));
      expect(forge.requests()).toBe(1);
    });

    test.each([
      ["unknown", "list: label unknown", "nope"],
      ["of another case", "list: label other case", "BOT"],
    ])("trap 1: a label %s drops the filter, and lists nothing here", async (_, step, label) => {
      const server = await replay(version, step);
      // The labels are then looked up, which was recorded for `app` only.
      await expect(on(server, "many").labelled(label)).rejects.toThrow("list the labels");
      expect(server.seen.map((s) => s.path.split("?")[0])).toEqual([
        "/repos/acme/many/issues",
        "/repos/acme/many/labels",
      ]);
    });

    test("a label with a comma is refused: it would be two", async () => {
      const server = await replay(version);
      await expect(forgeOn(server.url).labelled("a,b")).rejects.toThrow("Gitea separates label names by commas");
      expect(server.seen).toEqual([]);
    });

    test("issues switched off: a 404 with a reason, not an empty list", async () => {
      const failure = await failureOf(on(await replay(version, "issues off: list"), "noissues").labelled("bot"));
      expect(failure.failure.status).toBe(404);
      expect(failure.remedy).toContain("issues and pull requests are switched on");
    });

    test("comments come in one answer", async () => {
      const forge = forgeOn((await replay(version, "comments: list")).url);
      const comments = await forge.comments(21);
      expect(comments[0]).toMatchObject({ id: 56, author: "bot", body: "edited by a writer", createdAt: time });
      expect(comments.find((c) => c.author === "outsider")?.body).toBe("/agent run");
      expect(forge.requests()).toBe(1);
    });

    test("timeline: labels with who and whether added; two empty pages end it; what is not read is left out", async () => {
      const server = await replay(version, "timeline: edits and assignees", "timeline: beyond the end");
      const entries = await forgeOn(server.url).timeline(19);
      expect(server.seen.map((s) => s.path.split("?")[1])).toEqual([
        "page=1&limit=50",
        "page=2&limit=50",
        "page=3&limit=50",
      ]);
      expect(entries.slice(0, 5)).toEqual([
        { id: 37, by: "bot", at: time, kind: "close" },
        { id: 38, by: "bot", at: time, kind: "reopen" },
        { id: 42, by: "bot", at: time, kind: "assignee", login: "bot", added: true },
        { id: 43, by: "bot", at: time, kind: "assignee", login: "reviewer", added: true },
        { id: 44, by: "bot", at: time, kind: "assignee", login: "bot", added: false },
      ]);
    });

    test("timeline of labels and of a pull request", async () => {
      const issue = forgeOn((await replay(version, "timeline: labels")).url, { limits: { requestsMax: 1 } });
      // Only one page was recorded; the bound of requests ends the reading.
      await expect(issue.timeline(18)).rejects.toThrow("1 requests");
      const pull = await replay(version, "timeline: pull request", "timeline: merged pull request, page 2");
      const bounded = forgeOn(pull.url, { limits: { requestsMax: 2 } });
      await expect(bounded.timeline(25)).rejects.toThrow("2 requests");
    });

    test("dependencies: open ones, closed ones, none", async () => {
      const open = forgeOn((await replay(version, "dependencies: list")).url);
      expect(await open.openDependencies(23)).toEqual([{ repository: "acme/app", number: 24 }]);
      // 1.24 gives no total, so that only the next page shows the end.
      expect(open.requests()).toBe(version === "1.24.7" ? 2 : 1);
      const closed = forgeOn((await replay(version, "dependencies: list with a closed one")).url);
      expect(await closed.openDependencies(23)).toEqual([]);
      expect(await forgeOn((await replay(version, "dependencies: none")).url).openDependencies(23)).toEqual([]);
    });

    test("comments: create, edit, delete twice, react twice", async () => {
      const server = await replay(
        version,
        "comments: create",
        "comments: edit own",
        "comments: delete own",
        "comments: delete again",
        "reactions: comment",
        "reactions: comment again",
        "reactions: unknown comment",
      );
      const forge = forgeOn(server.url);
      expect(await forge.createIssueComment(21, "first <!-- agent-dispatch:status v1 -->")).toMatchObject({ id: 56 });
      await forge.editComment(56, "first, edited");
      await forge.deleteComment(56);
      await forge.deleteComment(56);
      await forge.react(61, "eyes");
      await forge.react(61, "eyes");
      await forge.react(999999, "eyes");
      expect(server.seen.map((s) => s.body)).toContainEqual({ content: "eyes" });
    });

    test("a comment on an issue that is gone is a 500 without words, and is explained", async () => {
      const failure = await failureOf(
        forgeOn((await replay(version, "comments: unknown issue")).url).createIssueComment(9999, "x"),
      );
      expect(failure.message).toBe(
        "Could not comment on #9999: POST repos/acme/app/issues/9999/comments answered 500. Most likely the issue does not exist.",
      );
      expect(failure.mayBeApplied).toBe(true);
    });
  });

  describe("labels and assignees", () => {
    test("labels: create, add by id, take off; absent ones are gone already", async () => {
      const server = await replay(
        version,
        "labels: create exclusive",
        "issue labels: add by id",
        "issue labels: delete by id",
        "issue labels: delete by id, not on the issue",
        "issue labels: delete by unknown id",
      );
      const forge = forgeOn(server.url);
      const label = { name: "agent/needs-review", color: "#0af", description: "", exclusive: true };
      expect(await forge.createLabel(label)).toEqual({ id: 3, name: "agent/needs-review", exclusive: true });
      await forge.addLabels(18, [7]);
      await forge.addLabels(18, []);
      await forge.removeLabel(18, 2);
      await forge.removeLabel(18, 2);
      await forge.removeLabel(18, 999);
      expect(server.seen).toHaveLength(5);
      expect(server.seen[1]?.body).toEqual({ labels: [7] });
    });

    test("trap 6: where DELETE is refused, the labels that stay are PUT by id", async () => {
      const server = await replay(
        version,
        "issue labels: delete by id as outsider",
        "issue labels: list",
        "issue labels: replace",
      );
      await forgeOn(server.url).removeLabel(18, 5);
      const put = server.seen.at(-1);
      expect(put?.method).toBe("PUT");
      expect(put?.body).toMatchObject({ labels: expect.not.arrayContaining([5]) });
    });

    test("assignees: replaced; unknown names are explained", async () => {
      const server = await replay(version, "assignees: bot", "assignees: unknown");
      const forge = forgeOn(server.url);
      expect((await forge.assign(19, ["bot"])).assignees).toEqual(["bot"]);
      const failure = await failureOf(forge.assign(19, ["nosuch"]));
      expect(failure.message).toContain("does not exist or may not be assigned");
      // Assignees are not written in one transaction, so part of the list may be there.
      expect(failure.mayBeApplied).toBe(true);
      expect(server.seen).toHaveLength(2);
    });
  });

  describe("pull requests", () => {
    test("the head's branch name outlives the branch", async () => {
      const server = await replay(version, "pulls: get after its branch was deleted", "pulls: get");
      const forge = forgeOn(server.url);
      expect(await forge.pull(34)).toMatchObject({
        headRef: "refs/pull/34/head",
        headSha: sha("closing-1"),
        headIsHere: true,
        state: "closed",
        closedAt: time,
      });
      expect(await forge.pull(25)).toMatchObject({
        headRef: "agent/issue-1",
        baseRef: "main",
        mergeable: true,
        merged: false,
        draft: false,
        closedAt: null,
      });
    });

    test("an issue or an unknown number is no pull request", async () => {
      const forge = forgeOn((await replay(version, "pulls: get unknown", "pulls: get an issue")).url);
      expect(await forge.pull(9999)).toBeNull();
      expect(await forge.pull(1)).toBeNull();
    });

    test("pullsOf finds open and closed ones, newest first", async () => {
      const server = await replay(version, "pulls: list of two for one branch", "pulls: list closed");
      const forge = forgeOn(server.url);
      expect((await forge.pullsOf("closing")).map((p) => p.number)).toEqual([34, 32]);
      expect(server.seen[0]?.path).toContain("state=all&sort=recentupdate");
    });

    test("openPulls; in an empty repository and where they are off, a 404 with the reason", async () => {
      const forge = forgeOn((await replay(version, "pulls: list")).url);
      expect((await forge.openPulls()).map((p) => p.number)).toContain(33);
      for (const [name, step] of [
        ["empty", "empty: pulls"],
        ["nopulls", "pull requests off: list"],
      ] as const) {
        const failure = await failureOf(on(await replay(version, step), name).openPulls());
        expect(failure.message).toContain("Pull requests are switched off there, or the repository is empty.");
      }
    });

    test("create: made, there already, nothing to merge, unknown branch", async () => {
      const wanted = { head: "agent/issue-1", base: "main", title: "Add hi", body: "Adds a file." };
      const server = await replay(
        version,
        "pulls: create",
        "pulls: create duplicate",
        "pulls: head is base",
        "pulls: unknown head",
        "pulls: no title",
      );
      const forge = forgeOn(server.url);
      expect(await forge.createPull(wanted)).toMatchObject({ kind: "created", pull: { number: 25 } });
      expect(await forge.createPull(wanted)).toEqual({ kind: "exists" });
      expect(await forge.createPull({ ...wanted, head: "main" })).toEqual({
        kind: "nothing-to-merge",
        answer: "Invalid PullRequest: There are no changes between the head and the base",
      });
      expect((await failureOf(forge.createPull({ ...wanted, head: "nosuch" }))).message).toContain(
        "Head or base branch does not exist",
      );
      expect((await failureOf(forge.createPull({ ...wanted, title: "" }))).failure.status).toBe(422);
    });

    test("create: somebody without the right gets the remedy for the automatic token", async () => {
      const wanted = { head: "conflict", base: "main", title: "x", body: "" };
      const failure = await failureOf(forgeOn((await replay(version, "pulls: outsider")).url).createPull(wanted));
      expect(failure.message).toBe(
        "Could not open the pull request: POST repos/acme/app/pulls answered 403 (user must be a collaborator). The token's account may not open pull requests here. A job's own token may not before Gitea 1.26.",
      );
      expect(failure.remedy).toBe("Use the token of a bot account that may write code in the repository.");
    });

    test("edit", async () => {
      const server = await replay(version, "pulls: edit title and body");
      await forgeOn(server.url).editPull(29, { title: "WIP: Draft, renamed" });
      expect(server.seen[0]?.body).toEqual({ title: "WIP: Draft, renamed" });
    });
  });

  describe("statuses", () => {
    test("trap 10: all pages of contexts; an unknown state is unknown", async () => {
      const many = await replay(version, "combined: 51 contexts, limit 50", "combined: 51 contexts, limit 50, page 2");
      const statuses = await forgeOn(many.url).statuses(sha("draft-1"));
      expect(statuses).toHaveLength(51);
      // The second page alone holds the failure.
      expect(statuses.filter((s) => s.state === "failure").map((s) => s.context)).toEqual(["many/01"]);
      const few = await forgeOn((await replay(version, "combined")).url).statuses(sha("clean-1"));
      expect(few.find((s) => s.context === "ci/skip")?.state).toBe("skipped");
      expect(few.find((s) => s.context === "agent-dispatch/review")).toEqual({
        context: "agent-dispatch/review",
        state: "success",
        description: "good",
        creator: "bot",
        targetUrl: "",
        updatedAt: time,
      });
    });

    test("none: null in the answer; an unknown commit has none", async () => {
      const server = await replay(version, "combined: none", "combined: unknown");
      expect(await forgeOn(server.url).statuses(sha("conflict-1"))).toEqual([]);
      expect(await forgeOn(server.url).statuses(sha("unknown"))).toEqual([]);
    });

    test("setting one on an unknown commit is a 500 without words, and is explained", async () => {
      const server = await replay(version, "statuses: pending", "statuses: unknown sha");
      const forge = forgeOn(server.url);
      const status = { context: "agent-dispatch/review", state: "pending", description: "", targetUrl: "" } as const;
      await forge.setStatus(sha("clean-1"), status);
      const failure = await failureOf(forge.setStatus(sha("unknown"), status));
      expect(failure.message).toContain(`Most likely the forge has no commit ${sha("unknown")}.`);
    });
  });

  describe("who may write code (trap 8)", () => {
    const writer = [
      "permission: writer about reviewer",
      "permission: writer about outsider",
      "permission: writer about owner",
    ];

    test("a plain writer sees nobody's permission: who may be assigned may be a reader of a team", async () => {
      const server = await replay(version, ...writer, "assignees list", "teams");
      const forge = forgeOn(server.url);
      expect(await forge.writeAccess("reviewer")).toMatchObject({ kind: "unknown" });
      expect(await forge.writeAccess("teamreader")).toMatchObject({ kind: "unknown" });
      expect(await forge.writeAccess("outsider")).toMatchObject({ kind: "no" });
      expect(await forge.writeAccess("OUTSIDER")).toMatchObject({ kind: "no" });
      // One 403, the teams, the list; then everything is known.
      expect(forge.requests()).toBe(3);
    });

    test("about itself it is exact", async () => {
      const server = await replay(version, "permission: writer about itself", "teams");
      expect(await forgeOn(server.url).writeAccess("bot")).toEqual({
        kind: "yes",
        evidence: "the forge says `write` of @bot",
      });
    });

    test("an administrator sees owners and collaborators; members of teams look like readers", async () => {
      const server = await replay(
        version,
        "permission: site admin about owner",
        "permission: site admin about reviewer",
        "permission: site admin about outsider",
        "permission: site admin about teamreader",
        "permission: site admin about teamcoder",
        "permission: site admin about nosuch",
        "assignees list",
        "teams",
      );
      const forge = forgeOn(server.url);
      expect(await forge.writeAccess("owner")).toMatchObject({ kind: "yes" });
      expect(await forge.writeAccess("reviewer")).toMatchObject({ kind: "yes" });
      expect(await forge.writeAccess("outsider")).toMatchObject({ kind: "no" });
      expect(await forge.writeAccess("nosuch")).toMatchObject({ kind: "no" });
      // Gitea says `read` of both, though the second writes code by their team.
      expect(await forge.writeAccess("teamreader")).toMatchObject({ kind: "unknown" });
      expect(await forge.writeAccess("teamcoder")).toMatchObject({ kind: "unknown" });
    });
  });

  describe("Actions", () => {
    const flows = async (...steps: string[]) => on(await replay(version, ...steps), "flows");
    const going = { endedAt: null, conclusion: null };

    test("recent runs, one entry per run", async () => {
      const server = await replay(version, "actions: tasks, one running");
      expect(await on(server, "flows").recentRuns(1)).toEqual([
        { ...going, id: null, number: 7, workflow: "slow.yml", event: "workflow_dispatch", state: "running" },
      ]);
      // 1.24 ignores a limit without page.
      expect(server.seen[0]?.path).toContain("limit=1&page=1");
      expect(await (await flows("actions: tasks, none")).recentRuns(5)).toEqual([]);
      expect((await (await flows("actions: tasks, done")).recentRuns(50))?.every((r) => r.state === "ended")).toBe(
        true,
      );
      expect(await on(await replay(version, "actions off: tasks"), "noactions").recentRuns(5)).toBeNull();
    });

    test("when a run ended, and how", async () => {
      const runs = (await (await flows("actions: tasks, done")).recentRuns(50)) ?? [];
      const how = new Map(runs.map((run) => [run.number, run.conclusion]));
      // 1.24 ended run 7 when the same workflow was dispatched again.
      expect(how.get(7)).toBe(version === "1.24.7" ? "cancelled" : "success");
      expect(runs.every((run) => run.endedAt !== null)).toBe(true);
      if (version === "1.24.7") return;
      expect(how.get(3)).toBe("failure");
      const done = await (await flows("actions: run, done")).runById(1);
      expect(done).toMatchObject({ state: "ended", conclusion: "success", endedAt: expect.any(Number) });
      // Started again: the time of its former end is gone.
      const again = await (await flows("actions: run, started again")).runById(1);
      expect(again).toMatchObject({ ...going, state: "waiting" });
    });

    test("a run by id, from 1.25", async () => {
      const waiting = await (await flows("actions: run, waiting")).runById(1);
      const running = await (await flows("actions: run, running")).runById(7);
      const done = await (await flows("actions: run, done")).runById(1);
      if (version === "1.24.7") expect([waiting, running, done]).toEqual([null, null, null]);
      else {
        expect(waiting).toEqual({
          id: 1,
          number: 1,
          workflow: "agent.yml",
          event: "workflow_dispatch",
          state: "waiting",
          ...going,
        });
        expect(running).toMatchObject({ id: 7, workflow: "slow.yml", state: "running" });
        expect(done).toMatchObject({ id: 1, state: "ended" });
      }
      expect(await (await flows("actions: run unknown")).runById(9999)).toBeNull();
    });

    test("whether dispatch exists: with Actions on, off, and without the scope", async () => {
      expect(await (await flows("actions: workflows")).canDispatch()).toBe(true);
      expect(await on(await replay(version, "actions off: workflows"), "noactions").canDispatch()).toBe(false);
      const blind = await flows("actions: workflows with scope write:issue");
      expect((await failureOf(blind.canDispatch())).message).toContain("lacks the scope read:repository");
    });

    test("dispatch: started (204 and 200), refused with the forge's words", async () => {
      const forge = await flows(
        "actions: dispatch",
        "actions: dispatch with run details",
        "actions: dispatch unknown ref",
        "actions: dispatch as outsider",
        "actions: dispatch a disabled workflow",
        "actions: dispatch unknown file",
      );
      expect(await forge.dispatch("agent.yml", "main", { item: "1" })).toEqual({ kind: "started" });
      expect(await forge.dispatch("agent.yml", "main", { item: "fail" })).toEqual({ kind: "started" });
      expect(await forge.dispatch("agent.yml", "nosuch", {})).toEqual({
        kind: "refused",
        answer: 'ref "nosuch" doesn\'t exist',
      });
      expect(await forge.dispatch("agent.yml", "main", {})).toMatchObject({ kind: "refused" });
      expect(await forge.dispatch("agent.yml", "main", {})).toEqual({
        kind: "refused",
        answer: "workflow is disabled",
      });
      expect(await forge.dispatch("nosuch.yml", "main", {})).toEqual({
        kind: "refused",
        answer: 'workflow "nosuch.yml" doesn\'t exist',
      });
    });

    test("dispatch of a workflow without that trigger: 1.24 starts it all the same", async () => {
      const answer = await (await flows("actions: dispatch no dispatch trigger")).dispatch("ci.yml", "main", {});
      expect(answer.kind).toBe(version === "1.24.7" ? "started" : "refused");
    });
  });

  describe("tokens", () => {
    test.each(["user: wrong token", "user: deleted token"])("%s", async (step) => {
      const server = await replay(version, step);
      const failure = await failureOf(forgeOn(server.url).me());
      expect(failure.message).toContain("The token is wrong, expired or revoked, or it belongs to another server.");
      expect(failure.remedy).toContain(`Put a token of the bot account on ${server.url} into the workflow's secret.`);
      expect(failure.retry).toBe(false);
      expect(server.seen).toHaveLength(1);
    });

    test("a missing scope is named with all that is needed", async () => {
      const failure = await failureOf(forgeOn((await replay(version, "user: token lacks the scope")).url).me());
      expect(failure.message).toBe(
        "Could not read the token's account: GET user answered 403 (token does not have at least one of required scope(s), required=[read:user], token scope=read:repository). The token lacks the scope read:user; it has read:repository.",
      );
      expect(failure.remedy).toBe("Give the token the scopes write:repository, write:issue and read:user.");
    });

    test("a missing scope in createPull is not taken for the automatic token", async () => {
      const server = await replay(version, "pulls: scope write:issue");
      const wanted = { head: "conflict", base: "main", title: "x", body: "" };
      const failure = await failureOf(forgeOn(server.url).createPull(wanted));
      expect(failure.message).toContain("The token lacks the scope write:repository; it has write:issue.");
      expect(failure.remedy).toContain("write:repository, write:issue and read:user");
    });

    test("an archived repository", async () => {
      const server = await replay(version, "archived: comment");
      const failure = await failureOf(on(server, "archived").createIssueComment(1, "x"));
      expect(failure.failure.status).toBe(423);
      expect(failure.message).toContain("acme/archived is archived: nothing can be written in it.");
      expect(failure.remedy).toBe("Un-archive the repository, or take the workflow out of it.");
    });
  });
});
