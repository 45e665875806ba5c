import { beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { RunError } from "../../../src/errors.ts";
import type { RefChange } from "../../../src/git/host.ts";
import type { Host } from "../../../src/git/port.ts";
import { compareAndSwap } from "../../../src/ledger/cas.ts";
import type { Repo } from "../../e2e/servers/server.ts";
import { makeCommits, pushNew, tipOf } from "../commits.ts";
import { aSha, type Stage } from "../stage.ts";

const ledger = "refs/agent-dispatch/v1/";
const item = `${ledger}item/issue-1`;

/** What the ledger relies on: refs outside of branches, moved by atomic pushes that name what they replace. */
export function gitContract(stage: () => Stage): void {
  describe("git", () => {
    let repo: Repo;
    let host: Host;
    let keeper: Host;
    let rivals: Host[] = [];
    let main = "";
    let serial = 0;
    const record = (parent: string | null = null, on: Host = host) => {
      serial += 1;
      return on.writeRecord({ parent, message: `record ${serial}\n\nnonce: ${aSha()}`, effects: null });
    };
    /** Where refs are, as somebody else sees them. */
    const at = async (...refs: string[]) => {
      const found = await keeper.remoteRefs(refs);
      return refs.map((ref) => found.get(ref) ?? null);
    };

    beforeAll(async () => {
      repo = await stage().repo("git");
      host = await stage().host(repo, stage().cast.bot);
      keeper = await stage().host(repo, stage().cast.keeper);
      rivals = await Promise.all(Array.from({ length: 4 }, () => stage().host(repo, stage().cast.bot)));
      main = await tipOf(host);
    });

    test("an empty ledger", async () => {
      expect(await host.fetchLedger()).toEqual(new Map());
      expect(await host.listRefs(ledger)).toEqual(new Map());
      expect(await host.fetchRef(item)).toBeNull();
      expect(await host.fetchBranch("absent")).toBeNull();
    });

    test("a custom ref and a branch in one push, created, moved, read, deleted", async () => {
      const branch = "refs/heads/agent/issue-1";
      const first = await host.writeRecord({ parent: null, message: "first ✓\n\na: 1", effects: '{"one":1}' });
      const created = [
        { ref: item, old: null, new: first },
        { ref: branch, old: null, new: main },
      ];
      expect(await host.push(created)).toEqual({ kind: "ok", upToDate: [] });
      const reader = await stage().host(repo, stage().cast.reader);
      expect(await reader.fetchLedger()).toEqual(
        new Map([[item, { sha: first, message: "first ✓\n\na: 1", effects: '{"one":1}' }]]),
      );
      const second = await record(first);
      const [work = ""] = await makeCommits(host, [{ parent: main, files: { a: "1\n" } }]);
      const moved = [
        { ref: item, old: first, new: second },
        { ref: branch, old: main, new: work },
      ];
      expect(await host.push(moved)).toEqual({ kind: "ok", upToDate: [] });
      expect(await at(item, branch)).toEqual([second, work]);
      expect(await host.holds(item, first)).toBe(true);
      expect(await host.holds(item, main)).toBe(false);
      expect(await stage().forge(repo, stage().cast.bot).branch("agent/issue-1")).toMatchObject({ sha: work });
      const deleted = [
        { ref: item, old: second, new: null },
        { ref: branch, old: work, new: null },
      ];
      expect(await host.push(deleted)).toEqual({ kind: "ok", upToDate: [] });
      expect(await at(item, branch)).toEqual([null, null]);
    });

    test("history is rewritten where the lease fits", async () => {
      const ref = "refs/heads/agent/rewritten";
      const [one = "", two = ""] = await makeCommits(host, [
        { parent: main, files: { a: "1\n" } },
        { parent: main, files: { a: "2\n" } },
      ]);
      await pushNew(host, { [ref]: one });
      expect(await host.push([{ ref, old: one, new: two }])).toMatchObject({ kind: "ok" });
      expect(await at(ref)).toEqual([two]);
    });

    test("one stale lease of two refs: nothing is applied", async () => {
      const [ref, branch] = [`${ledger}item/issue-2`, "refs/heads/agent/issue-2"];
      const [one, two, three] = [await record(), await record(), await record()];
      await pushNew(host, { [ref]: one });
      const cases: RefChange[][] = [
        [
          { ref, old: two, new: three },
          { ref: branch, old: null, new: main },
        ],
        [
          { ref, old: one, new: three },
          { ref: branch, old: main, new: null },
        ],
        [
          { ref, old: null, new: three },
          { ref: branch, old: null, new: main },
        ],
        [{ ref, old: two, new: null }],
      ];
      for (const changes of cases) {
        expect(await host.push(changes)).toMatchObject({ kind: "lost", sent: false });
        expect(await at(ref, branch)).toEqual([one, null]);
      }
    });

    test("the same commit twice is there already, and says so", async () => {
      const ref = `${ledger}item/issue-3`;
      const one = await record();
      await pushNew(host, { [ref]: one });
      expect(await host.push([{ ref, old: null, new: one }])).toEqual({ kind: "ok", upToDate: [ref] });
    });

    test("four push at once: one wins, both refs are the winner's, the others have lost", async () => {
      await Promise.all(rivals.map((each) => each.fetchBranch("main")));
      for (let round = 0; round < 2; round++) {
        const [ref, branch] = [`${ledger}item/issue-4${round}`, `refs/heads/agent/issue-4${round}`];
        const heads = await Promise.all(
          rivals.map(async (each, index) => {
            const [head = ""] = await makeCommits(each, [{ parent: main, files: { a: `${round} ${index}\n` } }]);
            return { record: await record(null, each), head };
          }),
        );
        const outcomes = await Promise.all(
          rivals.map((each, index) =>
            each.push([
              { ref, old: null, new: heads[index]?.record ?? "" },
              { ref: branch, old: null, new: heads[index]?.head ?? "" },
            ]),
          ),
        );
        expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual(["lost", "lost", "lost", "ok"]);
        const winner = heads[outcomes.findIndex((outcome) => outcome.kind === "ok")];
        expect(await at(ref, branch)).toEqual([winner?.record, winner?.head]);
      }
    });

    test("four swap one record: one wins, the others are told by whom", async () => {
      const ref = `${ledger}control`;
      const start = await record();
      await pushNew(host, { [ref]: start });
      const swaps = await Promise.all(
        rivals.map(async (own) => {
          await own.fetchRef(ref);
          return { own, next: await record(start, own) };
        }),
      );
      const outcomes = await Promise.all(
        swaps.map(({ own, next }) =>
          compareAndSwap(own, [{ ref, old: start, new: next }], { clock: systemClock(), deadlineMs: 30_000 }),
        ),
      );
      const winner = swaps[outcomes.findIndex((outcome) => outcome.kind === "ok")];
      expect(await at(ref)).toEqual([winner?.next]);
      for (const [index, outcome] of outcomes.entries()) {
        if (swaps[index] === winner) continue;
        expect(outcome).toMatchObject({ kind: "lost", applied: false, found: new Map([[ref, winner?.next]]) });
      }
    });

    test("a protected branch refuses the whole push with its words", async () => {
      const [ref, branch] = [`${ledger}item/issue-5`, "refs/heads/guarded"];
      await pushNew(host, { [branch]: main });
      await stage().rest(repo, stage().cast.owner).post("/branch_protections", { rule_name: "guarded" });
      const [work = ""] = await makeCommits(host, [{ parent: main, files: { a: "5\n" } }]);
      const both = [
        { ref, old: null, new: await record() },
        { ref: branch, old: main, new: work },
      ];
      const outcome = await host.push(both);
      expect(outcome).toMatchObject({ kind: "refused", text: expect.stringMatching(/protected branch/i) });
      expect(await at(ref, branch)).toEqual([null, main]);
      expect(await compareAndSwap(host, both, { clock: systemClock(), deadlineMs: 30_000 })).toMatchObject({
        kind: "refused",
      });
      const deletion = await host.push([{ ref: branch, old: main, new: null }]);
      expect(deletion).toMatchObject({ kind: "refused" });
      expect(await at(branch)).toEqual([main]);
    });

    test("the default branch is not deleted", async () => {
      expect(await host.push([{ ref: "refs/heads/main", old: main, new: null }])).toMatchObject({ kind: "refused" });
      expect(await at("refs/heads/main")).toEqual([main]);
    });

    test("a branch that stands in the way of a name", async () => {
      await pushNew(host, { "refs/heads/wall": main });
      const ref = `${ledger}item/issue-6`;
      const outcome = await host.push([
        { ref, old: null, new: await record() },
        { ref: "refs/heads/wall/door", old: null, new: main },
      ]);
      expect(outcome).toMatchObject({ kind: "refused", text: expect.stringContaining("refs/heads/wall") });
      expect(await at(ref, "refs/heads/wall/door")).toEqual([null, null]);
    });

    test("who may not write moves no ref, of no kind", async () => {
      const token = await stage().ground.createToken(stage().cast.bot, ["read:repository"]);
      const { reader, stranger } = stage().cast;
      for (const who of [reader, stranger, { token }, { token: "0".repeat(40) }]) {
        const outsider = await stage().host(repo, who);
        const ref = `${ledger}item/issue-7`;
        const outcome = await outsider.push([{ ref, old: null, new: await record(null, outsider) }]);
        expect(["refused", "denied"]).toContain(outcome.kind);
        expect(outcome).toMatchObject({ text: expect.stringMatching(/./) });
        expect(await at(ref)).toEqual([null]);
      }
    });

    test("an archived repository can be read and not written", async () => {
      const old = await stage().repo("git-archived");
      const before = await stage().host(old, stage().cast.bot);
      await pushNew(before, { [item]: await record(null, before) });
      await stage().ground.changeRepo(old, { archived: true });
      const after = await stage().host(old, stage().cast.bot);
      expect((await after.fetchLedger()).size).toBe(1);
      const outcome = await after.push([{ ref: `${ledger}control`, old: null, new: await record(null, after) }]);
      expect(outcome).toMatchObject({ kind: "denied", text: expect.stringMatching(/archived|403/) });
    });

    test("a repository that is hidden or not there cannot be read, and the error says what to do", async () => {
      const secret = await stage().repo("git-secret");
      await stage().ground.changeRepo(secret, { private: true });
      const hidden = await stage().host(secret, stage().cast.stranger);
      const nowhere = await stage().host({ ...repo, fullName: `${repo.owner}/nowhere` }, stage().cast.bot);
      for (const blind of [hidden, nowhere]) {
        await expect(blind.fetchLedger()).rejects.toThrow(RunError);
        await expect(blind.fetchBranch("main")).rejects.toMatchObject({ mender: "workflow author", retry: false });
        const outcome = await blind.push([{ ref: item, old: null, new: await record(null, blind) }]);
        expect(["refused", "denied"]).toContain(outcome.kind);
      }
    });

    // What a server has when it died between the refs of one push.
    test("a commit that no ref holds any more, by its id; one that was never there", async () => {
      const lost = "refs/heads/lost";
      const [sha = ""] = await makeCommits(host, [{ parent: main, files: { lost: "1\n" } }]);
      await pushNew(host, { [lost]: sha });
      expect(await host.push([{ ref: lost, old: sha, new: null }])).toMatchObject({ kind: "ok" });
      const other = await stage().host(repo, stage().cast.bot);
      expect(await other.deepen([sha], 50)).toBeNull();
      expect((await other.must(["cat-file", "-t", sha])).toString("utf8").trim()).toBe("commit");
      // It can be pushed from there to where it should have been.
      expect(await other.push([{ ref: lost, old: null, new: sha }])).toMatchObject({ kind: "ok" });
      expect(await at(lost)).toEqual([sha]);
      expect(await other.deepen([aSha()], 50)).toMatch(/not our ref|unadvertised object/);
    });

    test("a ref by its history's depth", async () => {
      const names = ["1", "2", "3", "4"];
      const tips: string[] = [];
      for (const name of names) {
        const [sha = ""] = await makeCommits(host, [{ parent: tips.at(-1) ?? main, message: name }]);
        tips.push(sha);
      }
      await pushNew(host, { "refs/heads/deep": tips.at(-1) ?? "" });
      const fresh = await stage().host(repo, stage().cast.reader);
      expect(await fresh.fetchBranch("deep", 2)).toBe(tips.at(-1));
      const log = (await fresh.must(["log", "--format=%s", "refs/host/heads/deep"]))
        .toString("utf8")
        .trim()
        .split("\n");
      expect(log).toEqual(["4", "3"]);
    });
  });
}
