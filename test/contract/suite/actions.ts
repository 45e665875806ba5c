import { beforeAll, describe, expect, test } from "vitest";
import type { ForgeRun, StatusEntry } from "../../../src/forge/model.ts";
import type { Forge } from "../../../src/forge/port.ts";
import type { Repo } from "../../e2e/servers/server.ts";
import { until } from "../../e2e/servers/until.ts";
import { checksFile } from "../ground.ts";
import { refusal, type Stage } from "../stage.ts";
import { differencesOf } from "../versions.ts";

const job = "jobs: { work: { runs-on: ubuntu-latest, steps: [{ run: 'true' }] } }\n";
const workflows = {
  ".gitea/workflows/ci.yml": `name: CI of all\non: push\n${job}`,
  ".gitea/workflows/agent.yml": `name: Agent\non:\n  workflow_dispatch: { inputs: { item: { type: string } } }\n${job}`,
  ".gitea/workflows/off.yml": `name: Off\non: { workflow_dispatch: {} }\n${job}`,
};

/** How long a runner may take to take a run. */
const takenMs = 60_000;

/** Workflows and their runs. */
export function actionsContract(stage: () => Stage): void {
  describe("actions", () => {
    let repo: Repo;
    let forge: Forge;
    const facts = () => differencesOf(stage().ground.version);

    beforeAll(async () => {
      repo = await stage().repo("actions", { "README.md": "x\n", ...workflows });
      forge = stage().forge(repo, stage().cast.bot);
    });

    async function listed(what: string, matches: (run: ForgeRun) => boolean): Promise<ForgeRun> {
      return await until(async () => (await forge.recentRuns(20))?.find(matches), takenMs, what);
    }

    /** Runs `checksFile` and answers the statuses of its two jobs, by name. */
    async function checked(place: Repo, here: Forge): Promise<StatusEntry[]> {
      const sha = await stage().ground.startChecks(place);
      return until(
        async () => {
          const seen = (await here.statuses(sha)).toSorted((a, b) => a.context.localeCompare(b.context));
          return seen.length === 2 && seen.every((status) => status.state !== "pending") ? seen : null;
        },
        takenMs,
        "statuses of both jobs",
      );
    }

    test("whether workflows can be started", async () => {
      expect(await forge.canDispatch()).toBe(facts().dispatch);
      expect(await forge.dispatchCancels()).toBe(facts().dispatchCancels);
    });

    test("no run, no list without Actions", async () => {
      const blank = await stage().repo("actions-none");
      expect(await stage().forge(blank, stage().cast.bot).recentRuns(10)).toEqual(facts().listsRuns ? [] : null);
      const off = await stage().repo("actions-off", { "README.md": "x\n", ...workflows });
      await stage().ground.changeRepo(off, { actions: false });
      const onOff = stage().forge(off, stage().cast.bot);
      expect(await onOff.recentRuns(10)).toBeNull();
      expect(await onOff.canDispatch()).toBe(false);
      expect((await onOff.dispatch("agent.yml", "main", {})).kind).toBe("refused");
      expect(await onOff.runById(1)).toBeNull();
    });

    test("runs that a runner took, newest first, by the workflow's file and the event", async () => {
      await stage().ground.startCi(repo);
      if (!facts().listsRuns) return expect(await forge.recentRuns(20)).toBeNull();
      if (!stage().ground.hasRunner) return expect(await forge.recentRuns(20)).toEqual([]);
      const first = await listed("a run", (run) => run.state === "ended");
      expect(first).toMatchObject({ id: null, workflow: "ci.yml", event: "push" });
      await stage().ground.startCi(repo);
      const next = await listed("a second run", (run) => run.number > first.number && run.workflow === "ci.yml");
      const numbers = (await forge.recentRuns(20))?.map((run) => run.number) ?? [];
      expect(numbers).toEqual(numbers.toSorted((a, b) => b - a));
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(numbers).toContain(next.number);
      expect(await forge.recentRuns(1)).toHaveLength(1);
    });

    test("started by hand", async () => {
      const outcome = await forge.dispatch("agent.yml", "main", { item: "7" });
      if (!facts().dispatch) {
        expect(outcome).toMatchObject({ kind: "refused", answer: expect.stringContaining("1.24 can") });
        return;
      }
      expect(outcome).toEqual({ kind: "started" });
      if (!stage().ground.hasRunner) return;
      const run = await listed("the dispatched run", (run) => run.workflow === "agent.yml");
      expect(run).toMatchObject({ event: "workflow_dispatch", id: null });
    });

    test("a run by its id", async () => {
      expect(await forge.runById(987_654)).toBeNull();
      const answer = await stage().rest(repo, stage().cast.owner).request("GET", "/actions/runs?limit=10");
      expect(answer.status === 200).toBe(facts().runById);
      if (!facts().runById) return expect(await forge.runById(1)).toBeNull();
      const ids = idsOf(answer.body);
      for (const id of ids)
        expect(await forge.runById(id)).toMatchObject({ id, workflow: expect.stringMatching(/yml$/) });
      expect(ids.length).toBeGreaterThan(0);
    });

    test("when a run ended, and how", async () => {
      if (!stage().ground.hasRunner || !facts().dispatch) return;
      const { ground, cast } = stage();
      const long = "jobs: { work: { runs-on: ubuntu-latest, steps: [{ run: 'sleep 120' }] } }\n";
      const place = await stage().repo("actions-ends", {
        "README.md": "x\n",
        ".gitea/workflows/good.yml": `name: Good\non: { workflow_dispatch: {} }\n${job}`,
        ".gitea/workflows/long.yml": `name: Long\non: { workflow_dispatch: {} }\n${long}`,
        ".gitea/workflows/checks.yml": checksFile,
      });
      const here = stage().forge(place, cast.bot);
      const latest = (file: string, state: ForgeRun["state"]) =>
        until(
          async () => (await here.recentRuns(20))?.find((run) => run.workflow === file && run.state === state),
          takenMs,
          `${file} ${state}`,
        );
      await ground.startChecks(place);
      await here.dispatch("good.yml", "main", {});
      const begun = here.now() ?? 0;
      const ended = [await latest("checks.yml", "ended"), await latest("good.yml", "ended")];
      expect(ended.map((run) => run.conclusion)).toEqual(["failure", "success"]);
      await here.dispatch("long.yml", "main", {});
      const going = await latest("long.yml", "running");
      expect(going).toMatchObject({ endedAt: null, conclusion: null });
      await ground.cancelRun(place, going.number);
      const cancelled = await latest("long.yml", "ended");
      expect(cancelled).toMatchObject({ number: going.number, conclusion: "cancelled" });
      for (const run of [...ended, cancelled]) {
        expect(run.endedAt).toBeGreaterThan(begun - 60_000);
        expect(run.endedAt).toBeLessThanOrEqual((here.now() ?? 0) + 1_000);
      }
      if (!facts().runById) return;
      // The same of each run alone.
      const answer = await stage().rest(place, cast.owner).request("GET", "/actions/runs?limit=20");
      const alone = await Promise.all(idsOf(answer.body).map((id) => here.runById(id)));
      for (const run of [...ended, cancelled]) {
        const same = alone.find((one) => one?.number === run.number);
        expect(same).toMatchObject({ state: "ended", conclusion: run.conclusion, workflow: run.workflow });
        expect(Math.abs((same?.endedAt ?? 0) - (run.endedAt ?? 0))).toBeLessThan(15_000);
      }
    }, 120_000);

    test("a workflow, branch or trigger that is not there", async () => {
      expect((await forge.dispatch("absent.yml", "main", {})).kind).toBe("refused");
      expect((await forge.dispatch("agent.yml", "absent", {})).kind).toBe("refused");
      const { dispatch, refusesWithoutTrigger } = facts();
      const outcome = await forge.dispatch("ci.yml", "main", {});
      const possible = { yes: ["refused"], no: ["started"], either: ["refused", "started"] };
      expect(dispatch ? possible[refusesWithoutTrigger] : ["refused"]).toContain(outcome.kind);
      if (outcome.kind === "started" && stage().ground.hasRunner) {
        await listed("its run", (run) => run.workflow === "ci.yml" && run.event === "workflow_dispatch");
      }
      for (const refused of [outcome, await forge.dispatch("absent.yml", "main", {})]) {
        if (refused.kind === "refused") expect(refused.answer).not.toBe("");
      }
    });

    test("a workflow that is switched off", async () => {
      const answer = await stage().rest(repo, stage().cast.owner).request("PUT", "/actions/workflows/off.yml/disable");
      expect(answer.status).toBe(facts().dispatch ? 204 : 404);
      const outcome = await forge.dispatch("off.yml", "main", {});
      expect(outcome.kind).toBe("refused");
      if (facts().dispatch) expect(outcome).toMatchObject({ answer: expect.stringMatching(/disabled/) });
    });

    test("logs of jobs, by the status they leave", async () => {
      const place = await stage().repo("actions-logs", {
        "README.md": "x\n",
        ".gitea/workflows/checks.yml": checksFile,
        ".gitea/workflows/stuck.yml":
          "name: Stuck\non: { workflow_dispatch: {} }\njobs: { wait: { runs-on: nobody, steps: [{ run: 'true' }] } }\n",
      });
      const here = stage().forge(place, stage().cast.bot);
      const own = (at: string) => `/${place.fullName}/actions/runs/${at}`;
      for (const none of [
        "",
        "https://ci.example.invalid/1",
        own("1"),
        own("987654/jobs/0"),
        "/other/x/actions/runs/1/jobs/1",
      ]) {
        expect(await here.jobLog(none, 1000)).toBeNull();
        expect(await here.rerun(none)).toBe(false);
      }
      if (!stage().ground.hasRunner || !facts().givesLogs) return;
      // A job that nobody takes sets the ids of jobs and of what runners took apart.
      expect(await here.dispatch("stuck.yml", "main", {})).toEqual({ kind: "started" });
      const [, former] = await checked(place, here);
      const [alpha, beta] = await checked(place, here);
      // 1.24 lists no jobs: beside one that never started, it cannot be told which jobs are the run's.
      const before = await here.jobLog(former?.targetUrl ?? "", 1000);
      expect(before === null).toBe(!facts().listsJobs);
      expect(alpha).toMatchObject({ context: "Checks / alpha (push)", state: "success", creator: "" });
      expect(beta).toMatchObject({ context: "Checks / beta (push)", state: "failure", creator: "" });
      const at = beta?.targetUrl ?? "";
      expect(at).toMatch(/^\/.*\/actions\/runs\/\d+\/jobs\/\d+$/);
      const whole = (await here.jobLog(at, 100_000)) ?? "";
      expect(whole).toMatch(/^\d{4}-\d\d-\d\dT\S+Z .*\n/);
      for (let n = 1; n <= 9; n++) expect(whole).toContain(`Z beta says ${n}\n`);
      expect(await here.jobLog(alpha?.targetUrl ?? "", 100_000)).toContain("Z alpha says ü\n");
      // The end, from the first whole line on.
      const end = (await here.jobLog(at, 200)) ?? "";
      expect(whole.endsWith(`\n${end}`)).toBe(true);
      expect(end.length).toBeGreaterThan(50);
      expect(end.length).toBeLessThanOrEqual(200);
      expect(await here.jobLog(`${stage().ground.url}${at}`, 200)).toBe(end);
      expect(await here.jobLog(`https://elsewhere.example.invalid${at}`, 200)).toBeNull();
    }, 120_000);

    test("a failed run again", async () => {
      if (!stage().ground.hasRunner || !facts().givesLogs) return;
      const place = await stage().repo("actions-again", {
        "README.md": "x\n",
        ".gitea/workflows/checks.yml": checksFile,
      });
      const here = stage().forge(place, stage().cast.bot);
      const [, failed] = await checked(place, here);
      if (failed === undefined) throw new Error("no failed job");
      if (facts().reruns) await refusal(stage().forge(place, stage().cast.reader).rerun(failed.targetUrl));
      expect(await here.rerun(failed.targetUrl)).toBe(facts().reruns);
    }, 120_000);

    test("who may not write starts none, nor does a token without the scope", async () => {
      const outcome = await stage().forge(repo, stage().cast.reader).dispatch("agent.yml", "main", {});
      expect(outcome.kind).toBe("refused");
      const token = await stage().ground.createToken(stage().cast.bot, ["read:repository"]);
      expect((await stage().forge(repo, { token }).dispatch("agent.yml", "main", {})).kind).toBe("refused");
      const blind = await stage().ground.createToken(stage().cast.bot, ["write:issue"]);
      const error = await refusal(stage().forge(repo, { token: blind }).canDispatch()).catch(() => null);
      expect(error?.message ?? "").toContain(facts().dispatch ? "lacks the scope read:repository" : "");
    });
  });
}

function idsOf(body: unknown): number[] {
  if (typeof body !== "object" || body === null || !("workflow_runs" in body)) return [];
  const { workflow_runs: runs } = body;
  return Array.isArray(runs) ? runs.map((run: { id: number }) => run.id) : [];
}
