import { beforeAll, describe, expect, test } from "vitest";
import type { Account, Repo } from "../../e2e/servers/server.ts";
import type { Stage } from "../stage.ts";
import { differencesOf } from "../versions.ts";

/** Who may write code, as far as a writer and an administrator are told. */
export function accessContract(stage: () => Stage): void {
  describe("write access", () => {
    let people: Record<"coder" | "teamReader" | "issueWriter", Account>;
    let own: Repo;
    let ofOrg: Repo;
    let ofCoders: Repo;

    beforeAll(async () => {
      const { ground } = stage();
      people = {
        coder: await ground.createUser("coder"),
        teamReader: await ground.createUser("team-reader"),
        issueWriter: await ground.createUser("issue-writer"),
      };
      own = await stage().repo("access");
      const org = await ground.createOrg("access-org");
      const read = { code: "read", issues: "read", pulls: "read" } as const;
      const write = { code: "write", issues: "write", pulls: "write" } as const;
      await ground.createTeam(org, { name: "coders", units: write, members: [people.coder] });
      await ground.createTeam(org, { name: "readers", units: read, members: [people.teamReader] });
      await ground.createTeam(org, {
        name: "triage",
        units: { ...read, issues: "write" },
        members: [people.issueWriter],
      });
      ofOrg = await stage().repo("access", undefined, { org });
      const coders = await ground.createOrg("access-coders");
      await ground.createTeam(coders, { name: "coders", units: write, members: [people.coder] });
      ofCoders = await stage().repo("access", undefined, { org: coders });
    });

    /** What the forge says of each, asked as an account. */
    async function told(repo: Repo, as: Account, logins: Record<string, string>): Promise<Record<string, string>> {
      const forge = stage().forge(repo, as);
      const answers: Record<string, string> = {};
      for (const [who, login] of Object.entries(logins)) answers[who] = (await forge.writeAccess(login)).kind;
      return answers;
    }

    const everybody = () => {
      const { owner, bot, keeper, reader, stranger } = stage().cast;
      return {
        owner: owner.login,
        writer: bot.login,
        keeper: keeper.login,
        reader: reader.login,
        stranger: stranger.login,
        unknown: "nobody-at-all",
        actions: "gitea-actions",
        coder: people.coder.login,
        teamReader: people.teamReader.login,
        issueWriter: people.issueWriter.login,
        shouting: bot.login.toUpperCase(),
      };
    };
    const facts = () => differencesOf(stage().ground.version);
    const strangers = { coder: "no", teamReader: "no", issueWriter: "no" };
    const nobodies = { reader: "no", stranger: "no", unknown: "no", actions: "no" };

    test("in a person's repository a writer and an administrator know everybody", async () => {
      const wanted = { ...nobodies, ...strangers, owner: "yes", writer: "yes", keeper: "yes", shouting: "yes" };
      expect(await told(own, stage().cast.bot, everybody())).toEqual(wanted);
      expect(await told(own, stage().cast.keeper, everybody())).toEqual(wanted);
    });

    test("in an organisation with teams of several kinds a writer knows only who may not", async () => {
      const answers = await told(ofOrg, stage().cast.bot, { ...everybody(), owner: stage().ground.admin.login });
      expect(answers).toEqual({
        ...nobodies,
        owner: "unknown",
        writer: "unknown",
        shouting: "unknown",
        keeper: "unknown",
        coder: "unknown",
        teamReader: "unknown",
        issueWriter: "unknown",
      });
      // Once refused about others it does not ask again, not even about itself.
      const { login } = stage().cast.bot;
      const itself = facts().knowsItself ? "yes" : "unknown";
      expect(await told(ofOrg, stage().cast.bot, { writer: login, shouting: login.toUpperCase() })).toEqual({
        writer: itself,
        shouting: itself,
      });
    });

    test("an administrator there knows owners and collaborators too", async () => {
      const answers = await told(ofOrg, stage().cast.keeper, { ...everybody(), owner: stage().ground.admin.login });
      expect(answers).toEqual({
        ...nobodies,
        owner: "yes",
        writer: "yes",
        shouting: "yes",
        keeper: "yes",
        coder: facts().permissionCountsUnits ? "yes" : "unknown",
        teamReader: "unknown",
        issueWriter: "unknown",
      });
    });

    test("where every team may write code, all is known", async () => {
      const wanted = { ...nobodies, owner: "yes", writer: "yes", shouting: "yes", keeper: "yes", coder: "yes" };
      const asked = { ...everybody(), owner: stage().ground.admin.login };
      const answers = await told(ofCoders, stage().cast.bot, asked);
      expect(answers).toEqual({ ...wanted, teamReader: "no", issueWriter: "no" });
      expect(await told(ofCoders, stage().cast.keeper, asked)).toEqual(answers);
    });

    test("the same in a private repository", async () => {
      const org = await stage().ground.createOrg("access-private");
      const read = { code: "read", issues: "read", pulls: "read" } as const;
      const write = { code: "write", issues: "write", pulls: "write" } as const;
      await stage().ground.createTeam(org, { name: "coders", units: write, members: [people.coder] });
      await stage().ground.createTeam(org, { name: "readers", units: read, members: [people.teamReader] });
      const repo = await stage().repo("access", undefined, { org });
      await stage().ground.changeRepo(repo, { private: true });
      const { bot, keeper, reader, stranger } = stage().cast;
      const asked = {
        writer: bot.login,
        reader: reader.login,
        stranger: stranger.login,
        unknown: "nobody-at-all",
        coder: people.coder.login,
        teamReader: people.teamReader.login,
      };
      const wanted = { writer: "yes", reader: "no", stranger: "no", unknown: "no", teamReader: "unknown" };
      const writer = facts().knowsItself ? "yes" : "unknown";
      expect(await told(repo, bot, asked)).toEqual({ ...wanted, writer, coder: "unknown" });
      const coder = facts().permissionCountsUnits ? "yes" : "unknown";
      expect(await told(repo, keeper, asked)).toEqual({ ...wanted, coder });
    });

    test("asked again it makes no request", async () => {
      const forge = stage().forge(own, stage().cast.bot);
      const first = await forge.writeAccess(stage().cast.keeper.login);
      const requests = forge.requests();
      expect(await forge.writeAccess(stage().cast.keeper.login.toUpperCase())).toEqual(first);
      expect(forge.requests()).toBe(requests);
    });
  });
}
