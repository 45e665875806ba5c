import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { beforeAll, describe, expect, test } from "vitest";
import type { Repo } from "../../e2e/servers/server.ts";
import { refusal, type Stage } from "../stage.ts";

/** Token, version, clock, connections. */
export function connectionContract(stage: () => Stage): void {
  describe("connection", () => {
    let repo: Repo;
    const as = (token: string) => stage().forge(repo, { token });
    const scoped = async (...scopes: string[]) =>
      as(await stage().ground.createToken(stage().cast.bot, scopes.length === 0 ? ["read:misc"] : scopes));

    beforeAll(async () => {
      repo = await stage().repo("connection");
    });

    test("the token's own account", async () => {
      const { bot } = stage().cast;
      const me = await stage().forge(repo, bot).me();
      expect(me.login).toBe(bot.login);
      expect(me.id).toBeGreaterThan(0);
      expect(me.email).toMatch(/^[^@\s]+@[^@\s]+$/);
    });

    test("a wrong token is named, whatever is asked", async () => {
      const forge = as("0".repeat(40));
      const calls = [forge.me, forge.repository, () => forge.labelled("bot"), () => forge.deleteBranch("x")];
      for (const call of calls) {
        const error = await refusal(call());
        expect(error.failure.status).toBe(401);
        expect(error.message).toContain("The token is wrong, expired or revoked");
        expect(error.remedy).toContain("token of the bot account");
        expect(error).toMatchObject({ mender: "workflow author", retry: false, mayBeApplied: false });
      }
    });

    test("a missing scope is named", async () => {
      const issueOnly = await scoped("write:issue", "read:user");
      const readOnly = await scoped("read:repository", "read:issue", "read:user");
      const nobody = await scoped("write:repository", "write:issue");
      const cases = [
        { call: () => nobody.me(), lacks: "read:user" },
        { call: () => issueOnly.repository(), lacks: "read:repository" },
        { call: () => issueOnly.branch("main"), lacks: "read:repository" },
        { call: () => readOnly.setStatus(repo.name, aStatus), lacks: "write:repository" },
        { call: () => readOnly.deleteBranch("x"), lacks: "write:repository" },
        { call: () => readOnly.createIssueComment(1, "hi"), lacks: "write:issue" },
        {
          call: () => readOnly.createPull({ head: "x", base: "main", title: "x", body: "" }),
          lacks: "write:repository",
        },
        { call: () => readOnly.addLabels(1, [1]), lacks: "write:issue" },
      ];
      for (const { call, lacks } of cases) {
        const error = await refusal(call());
        expect(error.failure.status).toBe(403);
        expect(error.message).toContain(`The token lacks the scope ${lacks}`);
        expect(error.remedy).toContain("write:repository, write:issue and read:user");
        expect(error.mayBeApplied).toBe(false);
      }
    });

    test("the scopes that the documentation asks for are enough for all reads", async () => {
      const forge = await scoped("write:repository", "write:issue", "read:user");
      expect((await forge.me()).login).toBe(stage().cast.bot.login);
      expect(await forge.repository()).toMatchObject({ name: repo.name });
      expect(await forge.labels()).toEqual([]);
      expect(await forge.openPulls()).toEqual([]);
      expect((await forge.writeAccess(stage().cast.owner.login)).kind).toBe("yes");
      expect(await forge.refs("agent-dispatch/v1")).toEqual([]);
    });

    test("the server's version", async () => {
      expect(await stage().forge(repo, stage().cast.bot).version()).toBe(stage().ground.version);
    });

    test("the forge's clock is that of its Date headers", async () => {
      const forge = stage().forge(repo, stage().cast.bot);
      expect(forge.now()).toBeNull();
      expect(forge.requests()).toBe(0);
      await forge.version();
      const header = (await fetch(`${stage().ground.url}/api/v1/version`)).headers.get("date") ?? "";
      expect(Math.abs((forge.now() ?? 0) - Date.parse(header))).toBeLessThan(5_000);
      expect(forge.requests()).toBe(1);
    });

    test("times in answers are of the same clock", async () => {
      const forge = stage().forge(repo, stage().cast.bot);
      await stage().rest(repo, stage().cast.owner).post("/issues", { title: "when" });
      const issue = await forge.issue(1);
      expect(Math.abs((forge.now() ?? 0) - (issue?.createdAt ?? 0))).toBeLessThan(5_000);
      const comment = await forge.createIssueComment(1, "now");
      expect(Math.abs((forge.now() ?? 0) - comment.createdAt)).toBeLessThan(5_000);
    });

    test("connections are kept", async () => {
      const forge = stage().forge(repo, stage().cast.bot);
      const { host } = new URL(stage().ground.url);
      await forge.version();
      let connections = 0;
      const count = (message: unknown) => {
        if (JSON.stringify(message).includes(host)) connections += 1;
      };
      subscribe("undici:client:connected", count);
      for (let call = 0; call < 10; call++) await forge.branch(call % 2 === 0 ? "main" : "absent");
      unsubscribe("undici:client:connected", count);
      expect(connections).toBeLessThanOrEqual(1);
    });
  });
}

const aStatus = { context: "x", state: "success", description: "", targetUrl: "" } as const;
