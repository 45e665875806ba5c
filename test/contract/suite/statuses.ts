import { beforeAll, describe, expect, test } from "vitest";
import type { NewStatus } from "../../../src/forge/model.ts";
import type { Forge } from "../../../src/forge/port.ts";
import type { Repo } from "../../e2e/servers/server.ts";
import { makeCommits, pushNew, tipOf } from "../commits.ts";
import { aSha, refusal, type Stage, times } from "../stage.ts";

/** Statuses of commits. */
export function statusContract(stage: () => Stage): void {
  describe("statuses", () => {
    let repo: Repo;
    let forge: Forge;
    let shas: string[] = [];
    const aStatus = (over: Partial<NewStatus> = {}): NewStatus => ({
      context: "agent-dispatch",
      state: "pending",
      description: "Waits ✓",
      targetUrl: "https://example.invalid/run/1",
      ...over,
    });

    beforeAll(async () => {
      repo = await stage().repo("statuses");
      forge = stage().forge(repo, stage().cast.bot);
      const host = await stage().host(repo, stage().cast.bot);
      const parent = await tipOf(host);
      shas = await makeCommits(
        host,
        Array.from({ length: 5 }, (_, index) => ({ parent, message: `commit ${index}`, files: { a: `${index}\n` } })),
      );
      const branches = shas.slice(0, 4).map((sha, index) => [`refs/heads/branch-${index}`, sha]);
      await pushNew(host, { ...Object.fromEntries(branches), "refs/contract/kept": shas[4] ?? "" });
    });

    test("set and read", async () => {
      const [sha = ""] = shas;
      expect(await forge.statuses(sha)).toEqual([]);
      await forge.setStatus(sha, aStatus());
      const creator = stage().cast.bot.login;
      const seen = await forge.statuses(sha);
      expect(seen).toEqual([{ ...aStatus(), creator, updatedAt: seen[0]?.updatedAt }]);
      // By the forge's clock, in whole seconds.
      expect(Math.abs((seen[0]?.updatedAt ?? 0) - (forge.now() ?? 0))).toBeLessThan(30_000);
    });

    test("the latest of a context counts, contexts stand side by side", async () => {
      const sha = shas[1] ?? "";
      for (const state of ["pending", "failure", "error", "success"] as const)
        await forge.setStatus(sha, aStatus({ state }));
      await forge.setStatus(sha, aStatus({ context: "CI / test (push)", state: "failure", targetUrl: "" }));
      const seen = (await forge.statuses(sha)).map((status) => [status.context, status.state]);
      expect(seen.sort()).toEqual([
        ["CI / test (push)", "failure"],
        ["agent-dispatch", "success"],
      ]);
    });

    test("states that others set", async () => {
      const sha = shas[3] ?? "";
      const rest = stage().rest(repo, stage().cast.owner);
      await rest.post(`/statuses/${sha}`, { context: "lint", state: "warning" });
      const creator = stage().cast.owner.login;
      expect(await forge.statuses(sha)).toMatchObject([
        { context: "lint", state: "warning", description: "", creator, targetUrl: "" },
      ]);
    });

    test("all pages", async () => {
      const sha = shas[2] ?? "";
      await times(56, (index) => forge.setStatus(sha, aStatus({ context: `context ${index}`, state: "success" })));
      await forge.setStatus(sha, aStatus({ context: "context 7", state: "failure" }));
      const seen = await forge.statuses(sha);
      expect(new Set(seen.map((status) => status.context)).size).toBe(56);
      expect(seen.filter((status) => status.state !== "success").map((status) => status.context)).toEqual([
        "context 7",
      ]);
    });

    test("on a commit that only a custom ref holds", async () => {
      const sha = shas[4] ?? "";
      await forge.setStatus(sha, aStatus());
      expect(await forge.statuses(sha)).toHaveLength(1);
    });

    test("an unknown commit has none, and can be given none", async () => {
      const sha = aSha();
      expect(await forge.statuses(sha)).toEqual([]);
      const error = await refusal(forge.setStatus(sha, aStatus()));
      expect(error.message).toMatch(/Most likely the forge has no commit|It does not exist/);
    });

    test("who may not write sets none", async () => {
      const [sha = ""] = shas;
      for (const who of [stage().cast.reader, stage().cast.stranger]) {
        expect((await refusal(stage().forge(repo, who).setStatus(sha, aStatus()))).failure.status).toBe(403);
      }
    });
  });
}
