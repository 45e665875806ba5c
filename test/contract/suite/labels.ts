import { beforeAll, describe, expect, test } from "vitest";
import type { Forge } from "../../../src/forge/port.ts";
import type { Api } from "../../e2e/servers/api.ts";
import type { Repo } from "../../e2e/servers/server.ts";
import { makeLabel, openIssue, refusal, type Stage, times } from "../stage.ts";

/** Labels of the repository and on issues. */
export function labelContract(stage: () => Stage): void {
  describe("labels", () => {
    let repo: Repo;
    let forge: Forge;
    let rest: Api;
    const on = async (number: number) => ((await forge.issue(number))?.labels ?? []).map((label) => label.name).sort();

    beforeAll(async () => {
      repo = await stage().repo("labels");
      forge = stage().forge(repo, stage().cast.bot);
      rest = stage().rest(repo, stage().cast.owner);
    });

    test("made as asked for", async () => {
      expect(await forge.labels()).toEqual([]);
      const wanted = { color: "#0e8a16", description: "What it is ✓" };
      const made = await forge.createLabel({ name: "agent/needs-review", exclusive: true, ...wanted });
      expect(made).toMatchObject({ name: "agent/needs-review", exclusive: true });
      const plain = await forge.createLabel({ name: "bot", exclusive: false, ...wanted });
      expect((await forge.labels()).toSorted((a, b) => a.id - b.id)).toEqual([made, plain]);
    });

    test("all pages", async () => {
      const crowded = await stage().repo("labels-many");
      await times(54, (index) => makeLabel(stage().rest(crowded, stage().cast.owner), `label-${index}`));
      expect(await stage().forge(crowded, stage().cast.bot).labels()).toHaveLength(54);
    });

    test("a reader makes none", async () => {
      const attempt = { name: "x", color: "#aaaaaa", description: "", exclusive: false };
      const error = await refusal(stage().forge(repo, stage().cast.reader).createLabel(attempt));
      expect(error.failure.status).toBe(403);
    });

    test("put on, also again, and on a pull request's number alike", async () => {
      const [a, b] = [await makeLabel(rest, "a"), await makeLabel(rest, "b")];
      const number = await openIssue(rest, "labels");
      await forge.addLabels(number, [a]);
      await forge.addLabels(number, [a, b]);
      expect(await on(number)).toEqual(["a", "b"]);
      await forge.addLabels(number, []);
      expect(await on(number)).toEqual(["a", "b"]);
    });

    test("an exclusive label takes its scope's other one off, and leaves other scopes", async () => {
      const [one, two] = [await makeLabel(rest, "stage/one"), await makeLabel(rest, "stage/two")];
      const [other, plain] = [await makeLabel(rest, "else/one"), await makeLabel(rest, "plain")];
      const number = await openIssue(rest, "swap");
      await forge.addLabels(number, [one, other, plain]);
      await forge.addLabels(number, [two]);
      expect(await on(number)).toEqual(["else/one", "plain", "stage/two"]);
    });

    test("taken off, also twice, also one that was never on", async () => {
      const [gone, kept] = [await makeLabel(rest, "gone"), await makeLabel(rest, "kept")];
      const never = await makeLabel(rest, "never");
      const number = await openIssue(rest, "remove", { labels: [gone, kept] });
      await forge.removeLabel(number, gone);
      await forge.removeLabel(number, gone);
      await forge.removeLabel(number, never);
      expect(await on(number)).toEqual(["kept"]);
    });

    test("taking off a label that the repository has not changes nothing and is no error", async () => {
      const number = await openIssue(rest, "remove unknown", { labels: [await makeLabel(rest, "stays")] });
      await forge.removeLabel(number, 987_654);
      expect(await on(number)).toEqual(["stays"]);
    });

    test("an unknown label put on changes nothing", async () => {
      const number = await openIssue(rest, "add unknown", { labels: [await makeLabel(rest, "there")] });
      await forge.addLabels(number, [987_654]).catch((error: unknown) => error);
      expect(await on(number)).toEqual(["there"]);
    });

    test("an issue that is not there", async () => {
      const id = await makeLabel(rest, "lost");
      expect((await refusal(forge.addLabels(4040, [id]))).failure.status).toBe(404);
      expect((await refusal(forge.removeLabel(4040, id))).failure.status).toBe(404);
    });

    test("a reader labels nothing", async () => {
      const id = await makeLabel(rest, "order");
      const number = await openIssue(stage().rest(repo, stage().cast.reader), "mine");
      const mine = stage().forge(repo, stage().cast.reader);
      expect((await refusal(mine.addLabels(number, [id]))).failure.status).toBe(403);
      await forge.addLabels(number, [id]);
      expect((await refusal(mine.removeLabel(number, id))).failure.status).toBe(403);
      expect(await on(number)).toEqual(["order"]);
    });
  });
}
