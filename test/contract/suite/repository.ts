import { beforeAll, describe, expect, test } from "vitest";
import type { Repo } from "../../e2e/servers/server.ts";
import type { Stage } from "../stage.ts";

/** The repository as the token sees it. */
export function repositoryContract(stage: () => Stage): void {
  describe("repository", () => {
    let repo: Repo;
    const seenBy = (place: Repo, who: "owner" | "bot" | "keeper" | "reader" | "stranger") =>
      stage().forge(place, stage().cast[who]).repository();

    beforeAll(async () => {
      repo = await stage().repo("plain");
    });

    test("its facts", async () => {
      const seen = await seenBy(repo, "bot");
      expect(seen).toMatchObject({
        owner: repo.owner,
        name: repo.name,
        defaultBranch: "main",
        archived: false,
        empty: false,
        mirror: false,
        private: false,
        hasIssues: true,
        hasPulls: true,
        hasActions: true,
      });
      expect(seen?.id).toBeGreaterThan(0);
      expect(seen?.htmlUrl).toMatch(new RegExp(`/${repo.fullName}$`));
    });

    test("what the token may do", async () => {
      const may = async (who: "owner" | "bot" | "keeper" | "reader" | "stranger") => (await seenBy(repo, who))?.may;
      expect(await may("owner")).toEqual({ admin: true, push: true, pull: true });
      expect(await may("keeper")).toEqual({ admin: true, push: true, pull: true });
      expect(await may("bot")).toEqual({ admin: false, push: true, pull: true });
      expect(await may("reader")).toEqual({ admin: false, push: false, pull: true });
      expect(await may("stranger")).toEqual({ admin: false, push: false, pull: true });
    });

    test("null where it is not, or nobody of that name", async () => {
      expect(await seenBy({ ...repo, name: "nowhere" }, "bot")).toBeNull();
      expect(await seenBy({ ...repo, owner: "nobody-at-all" }, "bot")).toBeNull();
    });

    test("a private one is not there for an outsider", async () => {
      const secret = await stage().repo("secret");
      await stage().ground.changeRepo(secret, { private: true });
      expect(await seenBy(secret, "bot")).toMatchObject({ private: true, may: { push: true } });
      expect(await seenBy(secret, "stranger")).toBeNull();
    });

    test("an archived one", async () => {
      const old = await stage().repo("old");
      await stage().ground.changeRepo(old, { archived: true });
      expect(await seenBy(old, "bot")).toMatchObject({ archived: true, empty: false });
    });

    test("an empty one", async () => {
      const blank = await stage().ground.createEmptyRepo(stage().cast.owner.login, "blank");
      const forge = stage().forge(blank, stage().cast.owner);
      expect(await forge.repository()).toMatchObject({ empty: true, defaultBranch: "main" });
      expect(await forge.branch("main")).toBeNull();
      expect(await forge.file(".agent-dispatch.yml", "main", 1000)).toBeNull();
      expect(await forge.refs("agent-dispatch/v1")).toEqual([]);
      expect(await forge.labelled("bot")).toEqual([]);
    });

    test("one with its units off", async () => {
      const bare = await stage().repo("bare");
      await stage().ground.changeRepo(bare, { issues: false, pulls: false, actions: false });
      expect(await seenBy(bare, "bot")).toMatchObject({ hasIssues: false, hasPulls: false, hasActions: false });
    });

    test("an organisation's", async () => {
      const org = await stage().ground.createOrg("plain-org");
      const shared = await stage().repo("shared", undefined, { org });
      expect(await seenBy(shared, "bot")).toMatchObject({ owner: org });
    });
  });
}
