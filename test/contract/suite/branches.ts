import { beforeAll, describe, expect, test } from "vitest";
import type { Forge } from "../../../src/forge/port.ts";
import type { Host } from "../../../src/git/port.ts";
import type { Repo } from "../../e2e/servers/server.ts";
import { makeCommits, pushNew, tipOf } from "../commits.ts";
import { aSha, refusal, type Stage } from "../stage.ts";

/** Branches, custom refs, commits. */
export function branchContract(stage: () => Stage): void {
  describe("branches and refs", () => {
    let repo: Repo;
    let forge: Forge;
    let host: Host;
    let main = "";
    const protect = (rule: object) => stage().rest(repo, stage().cast.owner).post("/branch_protections", rule);

    beforeAll(async () => {
      repo = await stage().repo("branches");
      forge = stage().forge(repo, stage().cast.bot);
      host = await stage().host(repo, stage().cast.bot);
      main = await tipOf(host);
    });

    test("a branch", async () => {
      expect(await forge.branch("main")).toEqual({
        name: "main",
        sha: main,
        protected: false,
        requiredContexts: [],
        requiredApprovals: 0,
      });
    });

    test("null for one that is not there", async () => {
      expect(await forge.branch("absent")).toBeNull();
      expect(await forge.branch("agent/issue-404")).toBeNull();
    });

    test("names with slashes and signs", async () => {
      const names = ["agent/issue-1", "odd/a+b#c%d&e=f", "ü/é"];
      await pushNew(host, Object.fromEntries(names.map((name) => [`refs/heads/${name}`, main])));
      for (const name of names) expect(await forge.branch(name)).toMatchObject({ name, sha: main });
      for (const name of names) await forge.deleteBranch(name);
      for (const name of names) expect(await forge.branch(name)).toBeNull();
    });

    test("a protected one with what it requires, as a writer sees it", async () => {
      await pushNew(host, { "refs/heads/release": main, "refs/heads/loose": main });
      const contexts = ["ci/*", "build"];
      const required = { enable_status_check: true, status_check_contexts: contexts, required_approvals: 2 };
      await protect({ rule_name: "release", ...required });
      await protect({ rule_name: "loose", enable_push: true, status_check_contexts: contexts });
      expect(await forge.branch("release")).toMatchObject({
        protected: true,
        requiredContexts: contexts,
        requiredApprovals: 2,
      });
      expect(await forge.branch("loose")).toMatchObject({
        protected: true,
        requiredContexts: [],
        requiredApprovals: 0,
      });
    });

    test("deleting a branch twice", async () => {
      await pushNew(host, { "refs/heads/agent/issue-2": main });
      await forge.deleteBranch("agent/issue-2");
      expect(await forge.branch("agent/issue-2")).toBeNull();
      await forge.deleteBranch("agent/issue-2");
      await forge.deleteBranch("never-was");
    });

    test("the default branch and a protected one are not deleted", async () => {
      await pushNew(host, { "refs/heads/kept": main });
      await protect({ rule_name: "kept" });
      for (const name of ["main", "kept"]) {
        const error = await refusal(forge.deleteBranch(name));
        expect(error.failure.status).toBe(403);
        expect(error.mayBeApplied).toBe(false);
        expect(await forge.branch(name)).toMatchObject({ sha: main });
      }
    });

    test("who may not write deletes no branch", async () => {
      await pushNew(host, { "refs/heads/agent/issue-3": main });
      for (const who of [stage().cast.reader, stage().cast.stranger]) {
        expect((await refusal(stage().forge(repo, who).deleteBranch("agent/issue-3"))).failure.status).toBe(403);
      }
      expect(await forge.branch("agent/issue-3")).toMatchObject({ sha: main });
    });

    test("refs below a prefix, in the order of their names", async () => {
      const [one = "", two = ""] = await makeCommits(host, [{ message: "one" }, { message: "two" }]);
      const refs = {
        "refs/contract/v1/control": one,
        "refs/contract/v1/item/issue-1": two,
        "refs/contract/v1/item/issue-10": one,
        "refs/contract/v2": two,
      };
      await pushNew(host, refs);
      const below = async (prefix: string) => (await forge.refs(prefix)).map((ref) => [ref.name, ref.sha]);
      expect(await below("contract/v1")).toEqual(Object.entries(refs).slice(0, 3));
      expect(await below("contract/v1/item")).toEqual(Object.entries(refs).slice(1, 3));
      expect(await below("contract/v1/item/issue-1")).toEqual(Object.entries(refs).slice(1, 3));
      expect(await below("contract/v3")).toEqual([]);
      expect((await forge.refs("heads")).map((ref) => ref.name)).toContain("refs/heads/main");
    });

    test("the message of a commit, also of one that only a custom ref holds", async () => {
      const message = "Subject\n\nBody with ünïcode\n\nTrailer: yes";
      const [record = ""] = await makeCommits(host, [{ message }]);
      await pushNew(host, { "refs/contract/message": record });
      expect((await forge.commitMessage(record))?.trimEnd()).toBe(message);
      expect(await forge.commitMessage(main)).not.toBeNull();
    });

    test("null for a commit that is not there", async () => {
      expect(await forge.commitMessage(aSha())).toBeNull();
    });
  });
}
