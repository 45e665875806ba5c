import { beforeAll, describe, expect, test } from "vitest";
import type { MergeAnswer, MergeStyle, Pull } from "../../../src/forge/model.ts";
import type { Forge } from "../../../src/forge/port.ts";
import type { Host } from "../../../src/git/port.ts";
import type { Api } from "../../e2e/servers/api.ts";
import type { Repo } from "../../e2e/servers/server.ts";
import { until } from "../../e2e/servers/until.ts";
import { makeCommits, pushNew, tipOf } from "../commits.ts";
import { aSha, openIssue, openPull, refusal, type Stage } from "../stage.ts";

/** Each one commit ahead of `main` with a file of its own, but `conflict-a` and `conflict-b` with the same. */
const names = [
  "by-merge",
  "by-rebase",
  "by-rebase-merge",
  "by-squash",
  "closed",
  "conflict-a",
  "conflict-b",
  "draft",
  "moved",
  "outsider",
  "style",
  "waiting",
] as const;

/** Merging. */
export function mergeContract(stage: () => Stage): void {
  describe("merging", () => {
    let repo: Repo;
    let host: Host;
    let forge: Forge;
    let rest: Api;
    const heads = new Map<string, string>();

    beforeAll(async () => {
      repo = await stage().repo("merging");
      forge = stage().forge(repo, stage().cast.bot);
      rest = stage().rest(repo, stage().cast.owner);
      host = await stage().host(repo, stage().cast.bot);
      const parent = await tipOf(host);
      const commits = names.map((name) => ({
        parent,
        message: name,
        files: { [name.startsWith("conflict") ? "conflict.txt" : `${name}.txt`]: `${name}\n` },
      }));
      const shas = await makeCommits(host, commits);
      names.forEach((name, index) => {
        heads.set(name, shas[index] ?? "");
      });
      await pushNew(host, {
        ...Object.fromEntries(names.map((name, index) => [`refs/heads/${name}`, shas[index] ?? ""])),
        "refs/heads/guarded": parent,
      });
    });

    const open = (head: (typeof names)[number], base = "main", title: string = head) =>
      openPull(forge, { head, base, title, body: "" });

    const merge = (pull: Pull, style: MergeStyle = "merge", by = forge): Promise<MergeAnswer> =>
      by.merge(pull.number, { style, head: pull.headSha });

    /** The first answer after the forge has looked whether it can be merged. */
    async function settled(pull: Pull, style: MergeStyle = "merge"): Promise<MergeAnswer> {
      return until(
        async () => {
          const answer = await merge(pull, style);
          const isLooking = answer.kind === "not-yet" && /try again later/i.test(answer.answer);
          return isLooking ? null : answer;
        },
        20_000,
        `#${pull.number} to be looked at`,
      );
    }

    test.each(["merge", "rebase", "rebase-merge", "squash"] as const)("by %s", async (style) => {
      const pull = await open(`by-${style}`);
      expect(await settled(pull, style)).toEqual({ kind: "merged" });
      expect(await forge.pull(pull.number)).toMatchObject({ merged: true, state: "closed", headSha: pull.headSha });
      // Again with the same head is the same; with another it is somebody else's merge.
      expect(await merge(pull, style)).toEqual({ kind: "merged" });
      const other = await forge.merge(pull.number, { style, head: aSha() });
      expect(other).toMatchObject({ kind: "refused", answer: expect.stringContaining("merged already") });
    });

    test("only the head that was named", async () => {
      const pull = await open("moved");
      const head = aSha();
      const answer = await until(
        async () => {
          const given = await forge.merge(pull.number, { style: "merge", head });
          return given.kind === "not-yet" ? null : given;
        },
        20_000,
        "an answer",
      );
      expect(answer).toEqual({ kind: "moved", answer: "head out of date" });
      expect(await forge.pull(pull.number)).toMatchObject({ merged: false });
    });

    test("a conflict", async () => {
      const first = await open("conflict-a");
      const second = await open("conflict-b");
      expect(await settled(first)).toEqual({ kind: "merged" });
      // Once the forge has seen it, its words are those of "still looking": `mergeable` tells them apart.
      const answer = await merge(second);
      expect(["conflict", "not-yet"]).toContain(answer.kind);
      await until(async () => (await forge.pull(second.number))?.mergeable === false, 20_000, "a conflict seen");
      expect((await merge(second)).kind).toBe("not-yet");
    });

    test("a style that is not allowed; which are", async () => {
      const pull = await open("style");
      expect((await forge.repository())?.mergeStyles.toSorted()).toEqual(
        ["merge", "rebase", "rebase-merge", "squash", "fast-forward-only"].sort(),
      );
      expect((await forge.repository())?.mergeStyles[0]).toBe("merge");
      await stage().ground.changeRepo(repo, { mergeStyles: ["squash", "merge"] });
      expect((await forge.repository())?.mergeStyles).toEqual(["squash", "merge"]);
      const answer = await settled(pull, "rebase");
      expect(answer).toMatchObject({ kind: "refused", answer: expect.stringContaining("not allowed") });
      await stage().ground.changeRepo(repo, { mergeStyles: ["merge", "squash"] });
      expect(await settled(pull, "squash")).toEqual({ kind: "merged" });
    });

    test("required checks and approvals, then merged", async () => {
      await rest.post("/branch_protections", {
        rule_name: "guarded",
        enable_push: true,
        required_approvals: 1,
        enable_status_check: true,
        status_check_contexts: ["ci/*"],
      });
      const pull = await open("waiting", "guarded");
      const sha = pull.headSha;
      const status = { context: "ci/test", description: "", targetUrl: "" };
      const lacks = (words: string) => ({ kind: "not-yet", answer: expect.stringContaining(words) });
      expect(await settled(pull)).toEqual(lacks("Not all required status checks successful"));
      await forge.setStatus(sha, { ...status, state: "failure" });
      expect(await merge(pull)).toEqual(lacks("Not all required status checks successful"));
      await forge.setStatus(sha, { ...status, state: "success" });
      expect(await merge(pull)).toEqual(lacks("Does not have enough approvals"));
      const keeper = stage().forge(repo, stage().cast.keeper);
      await keeper.createReview(pull.number, { event: "approve", body: "", commit: sha, comments: [] });
      expect(await settled(pull)).toEqual({ kind: "merged" });
    });

    test("a draft, an outsider, a closed one, none", async () => {
      const draft = await open("draft", "main", "WIP: draft");
      expect(await merge(draft)).toMatchObject({ kind: "refused", answer: expect.stringMatching(/in progress/i) });
      const pull = await open("outsider");
      const stranger = stage().forge(repo, stage().cast.stranger);
      expect(await merge(pull, "merge", stranger)).toMatchObject({
        kind: "refused",
        answer: "User not allowed to merge PR",
      });
      const closed = await open("closed");
      await forge.closeIssue(closed.number);
      expect(await merge(closed)).toMatchObject({ kind: "refused", answer: expect.stringContaining("closed") });
      expect((await forge.merge(4040, { style: "merge", head: aSha() })).kind).toBe("refused");
    });

    test("a token without the scope is an error", async () => {
      const token = await stage().ground.createToken(stage().cast.bot, ["read:repository"]);
      const blind = stage().forge(repo, { token });
      const error = await refusal(blind.merge(1, { style: "merge", head: heads.get("closed") ?? "" }));
      expect(error.message).toContain("lacks the scope write:repository");
    });

    test("an issue is closed, twice, and not while it waits for another", async () => {
      const number = await openIssue(rest, "to be closed");
      await forge.closeIssue(number);
      await forge.closeIssue(number);
      expect(await forge.issue(number)).toMatchObject({ state: "closed" });
      const [waits, other] = [await openIssue(rest, "waits"), await openIssue(rest, "other")];
      await rest.post(`/issues/${waits}/dependencies`, { owner: repo.owner, repo: repo.name, index: other });
      const error = await refusal(forge.closeIssue(waits));
      expect(error).toMatchObject({ mender: "workflow author", mayBeApplied: false });
      expect(error.message).toContain("waits for an open issue");
      expect((await refusal(forge.closeIssue(4040))).failure.status).toBe(404);
    });
  });
}
