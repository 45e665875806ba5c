import { describe, expect, test } from "vitest";
import { lastLines } from "../../src/forge/jobs.ts";
import { forgeOn, json, type Loopback, serve } from "./loopback.ts";

const page = "/repos/acme/app/actions";

/** A server of a version with these answers, by path without query; everything else is a call that it does not know. */
function server(version: string, answers: Record<string, unknown>): Promise<Loopback> {
  return serve((seen, response) => {
    const path = (seen.path.split("?")[0] ?? "").replace(page, "");
    const answer = path === "/version" ? { version } : answers[path];
    if (answer === undefined) {
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" });
      response.end("404 page not found\n");
    } else if (typeof answer === "string") {
      const [name = "", text = ""] = answer.split("|");
      const disposition = `attachment; filename="${name}"; filename*=UTF-8''${name}`;
      response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "content-disposition": disposition });
      response.end(text);
    } else if (typeof answer === "number") json(response, answer, { message: "" });
    else json(response, 200, answer);
  });
}

const at = (run: number, job: number) => `/acme/app/actions/runs/${run}/jobs/${job}`;
const asked = (on: Loopback) => on.seen.map((seen) => seen.path.replace(page, "").split("?")[0]);
const notStarted = { status: 404, errors: ["job not started"] };

describe("the end of a text", () => {
  test.each([
    ["a\nb\n", 4, "a\nb\n"],
    ["a\nb\nc\n", 5, "b\nc\n"],
    ["a\nb\nc\n", 4, "b\nc\n"],
    ["a\nb\nc\n", 3, "c\n"],
    ["one long line", 4, "line"],
    ["one long line\n", 4, "ine\n"],
    ["xüü", 3, "ü"],
    ["", 4, ""],
  ])("of %j, %i bytes", (text, bytesMax, end) => {
    expect(lastLines(text, bytesMax)).toBe(end);
    expect(Buffer.byteLength(lastLines(text, bytesMax))).toBeLessThanOrEqual(bytesMax);
  });
});

describe("logs", () => {
  test("from 1.26 the address has the id", async () => {
    const on = await server("1.26.4", { "/jobs/77/logs": "ci-a-1.log|text\n" });
    expect(await forgeOn(on.url).jobLog(at(5, 77), 1000)).toBe("text\n");
    expect(asked(on)).toEqual(["/version", "/jobs/77/logs"]);
    expect(on.seen[1]?.headers.range).toBe("bytes=-1001");
  });

  test("1.25: run by its number, job by its place", async () => {
    const runs = {
      workflow_runs: [
        { id: 40, run_number: 6 },
        { id: 38, run_number: 5 },
      ],
    };
    const jobs = { jobs: [{ id: 92 }, { id: 91 }] };
    const on = await server("1.25.3", { "/runs": runs, "/runs/38/jobs": jobs, "/jobs/92/logs": "x-2.log|second\n" });
    expect(await forgeOn(on.url).jobLog(at(5, 1), 1000)).toBe("second\n");
    expect(await forgeOn(on.url).jobLog(at(4, 0), 1000)).toBeNull();
    expect(await forgeOn(on.url).jobLog(at(5, 2), 1000)).toBeNull();
  });

  describe("1.24 lists tasks, and a log's file name proves the job", () => {
    const run = (id: number, name: string, number = 5) => ({ id, name, run_number: number });
    const tasks = (...all: object[]) => ({ "/tasks": { workflow_runs: all } });

    test("ids that were set apart are found", async () => {
      const on = await server("1.24.7", {
        ...tasks(run(12, "b"), run(11, "a"), run(10, "z", 4)),
        "/jobs/11/logs": "ci-y-8.log|",
        "/jobs/13/logs": "ci-z-10.log|",
        "/jobs/14/logs": "ci-a-11.log|first\n",
        "/jobs/15/logs": "ci-b-12.log|second\n",
      });
      expect(await forgeOn(on.url).jobLog(at(5, 1), 1000)).toBe("second\n");
      expect(await forgeOn(on.url).jobLog(at(5, 0), 1000)).toBe("first\n");
      expect(await forgeOn(on.url).jobLog(at(5, 2), 1000)).toBeNull();
    });

    test("the only job is found beside one that never started, two are not", async () => {
      const never = { "/jobs/1/logs": notStarted };
      const answers = { ...never, "/jobs/2/logs": "ci-a-1.log|first\n", "/jobs/3/logs": "ci-b-2.log|second\n" };
      const on = (all: object) => serveNotStarted(all);
      const one = await on({ ...tasks(run(1, "a")), ...answers });
      expect(await forgeOn(one.url).jobLog(at(5, 0), 1000)).toBe("first\n");
      expect(await forgeOn(one.url).jobLog(at(5, 1), 1000)).toBeNull();
      const two = await on({ ...tasks(run(2, "b"), run(1, "a")), ...answers });
      expect(await forgeOn(two.url).jobLog(at(5, 1), 1000)).toBeNull();
    });

    function serveNotStarted(answers: object): Promise<Loopback> {
      const known = new Map<string, unknown>(Object.entries(answers));
      return serve((seen, response) => {
        const path = (seen.path.split("?")[0] ?? "").replace(page, "");
        const answer = path === "/version" ? { version: "1.24.7" } : known.get(path);
        if (typeof answer === "string") {
          const [name = "", text = ""] = answer.split("|");
          const headers = { "content-type": "text/plain", "content-disposition": `attachment; filename="${name}"` };
          response.writeHead(200, headers);
          response.end(text);
        } else if (answer === notStarted) json(response, 404, { message: "gone", errors: notStarted.errors });
        else if (answer === undefined) {
          response.writeHead(404, { "content-type": "text/plain" });
          response.end("404 page not found\n");
        } else json(response, 200, answer);
      });
    }

    test("a run that is not among the tasks, or a job that leads elsewhere, is none; the search ends", async () => {
      const none = await server("1.24.7", tasks(run(3, "a", 4)));
      expect(await forgeOn(none.url).jobLog(at(5, 0), 1000)).toBeNull();
      const wild = await server("1.24.7", {
        ...tasks(run(3, "a")),
        "/jobs/3/logs": "ci-x-1.log|",
        "/jobs/5/logs": 500,
      });
      expect(await forgeOn(wild.url).jobLog(at(5, 0), 1000)).toBeNull();
      const circle = await server("1.24.7", {
        ...tasks(run(3, "a")),
        "/jobs/3/logs": "ci-x-2.log|",
        "/jobs/4/logs": "ci-x-4.log|",
      });
      expect(await forgeOn(circle.url).jobLog(at(5, 0), 1000)).toBeNull();
      expect(circle.seen.length).toBeLessThan(20);
    });
  });

  test("a missing scope is an error, a log that is gone or lost none", async () => {
    const answers = { "/jobs/1/logs": 404, "/jobs/2/logs": 500 };
    const on = await server("1.26.4", answers);
    expect(await forgeOn(on.url).jobLog(at(1, 1), 10)).toBeNull();
    expect(await forgeOn(on.url).jobLog(at(1, 2), 10)).toBeNull();
    const words = "token does not have at least one of required scope(s), required=[read:repository], token scope=x";
    const blind = await serve((seen, response) =>
      seen.path === "/version" ? json(response, 200, { version: "1.26.4" }) : json(response, 403, { message: words }),
    );
    await expect(forgeOn(blind.url).jobLog(at(1, 1), 10)).rejects.toThrow("lacks the scope read:repository");
  });

  test("an address of something else is never asked for", async () => {
    const html_url = "https://shown.example/git/acme/app";
    const on = await server("1.26.4", { "/jobs/1/logs": "x-1.log|text\n" });
    const forge = forgeOn(on.url);
    for (const other of [
      "",
      "//evil.example/acme/app/actions/runs/1/jobs/1",
      "/x/y/actions/runs/1/jobs/1",
      at(1, 1).slice(0, -1),
    ]) {
      expect(await forge.jobLog(other, 10)).toBeNull();
      expect(await forge.rerun(other)).toBe(false);
    }
    expect(on.seen).toEqual([]);
    // Below a path of its own, and by the address that the runner uses.
    expect(await forge.jobLog(`/git${at(1, 1)}`, 10)).toBe("text\n");
    expect(await forge.jobLog(`${on.url}${at(1, 1)}`, 10)).toBe("text\n");
    const repository = await serve((seen, response) =>
      seen.path === "/repos/acme/app"
        ? json(response, 200, { ...plainRepository, html_url })
        : json(response, 404, { message: "not found" }),
    );
    expect(await forgeOn(repository.url).rerun(`${html_url}/actions/runs/1/jobs/1`)).toBe(false);
    expect(repository.seen.map((seen) => seen.method)).toEqual(["GET", "POST"]);
  });
});

const plainRepository = {
  id: 1,
  name: "app",
  owner: { login: "acme" },
  archived: false,
  empty: false,
  mirror: false,
  private: false,
  has_issues: true,
  has_pull_requests: true,
};

describe("again", () => {
  test("the failed jobs; all where there is no such call; not one that goes on; sent once", async () => {
    const posts = (status: number, text = "") =>
      serve((_, response) =>
        text === ""
          ? json(response, status, { message: "x" })
          : response.writeHead(status, { "content-type": "text/plain" }).end(text),
      );
    const done = await posts(201);
    expect(await forgeOn(done.url).rerun(at(5, 77))).toBe(true);
    expect(asked(done)).toEqual(["/runs/5/rerun-failed-jobs"]);
    const busy = await posts(400);
    expect(await forgeOn(busy.url).rerun(at(5, 77))).toBe(false);
    expect(busy.seen).toHaveLength(1);
    const old = await posts(404, "404 page not found\n");
    expect(await forgeOn(old.url).rerun(at(5, 0))).toBe(false);
    expect(asked(old)).toEqual(["/runs/5/rerun-failed-jobs", "/runs/5/rerun"]);
    const broken = await posts(502);
    await expect(forgeOn(broken.url).rerun(at(5, 0))).rejects.toMatchObject({ mayBeApplied: true });
    expect(broken.seen).toHaveLength(1);
  });
});
