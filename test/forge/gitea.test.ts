import { describe, expect, test } from "vitest";
import { ForgeError, RunError } from "../../src/errors.ts";
import { forgeOn, json, type Seen, serve } from "./loopback.ts";

// What no recording can show: long lists, sliding lists, servers with settings of their own, teams of other kinds.

const at = "2026-01-01T00:00:00Z";
const label = (id: number, name: string) => ({ id, name, exclusive: false });

function anIssue(number: number, labels: object[] = [], more: object = {}) {
  const day = new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString();
  return {
    number,
    title: `issue ${number}`,
    body: "",
    user: { login: "owner" },
    state: "open",
    is_locked: false,
    labels,
    assignees: null,
    pull_request: null,
    html_url: "",
    created_at: day,
    updated_at: day,
    comments: 0,
    ...more,
  };
}

function aPull(number: number, head: string, more: object = {}) {
  return {
    ...anIssue(number),
    merged: false,
    draft: false,
    head: { label: head, ref: head, sha: "1".repeat(40), repo_id: 1 },
    base: { ref: "main", repo_id: 1 },
    merge_base: "",
    mergeable: true,
    closed_at: null,
    ...more,
  };
}

function queryOf(seen: Seen): URLSearchParams {
  return new URL(seen.path, "http://x").searchParams;
}

/** One page of a list, as Gitea cuts it. */
function pageOf<T>(seen: Seen, all: readonly T[], most = 50): T[] {
  const query = queryOf(seen);
  const limit = Math.min(most, Number(query.get("limit")));
  const start = (Number(query.get("page")) - 1) * limit;
  return all.slice(start, start + limit);
}

const total = (all: readonly unknown[]) => ({ "x-total-count": String(all.length) });

describe("labelled", () => {
  const bot = label(2, "bot");

  /** A server that filters by the labels of the repository alone, as Gitea does. */
  function labelServer(issues: ReturnType<typeof anIssue>[], own: object[], shared: object[] | null, most = 50) {
    return serve((seen, response) => {
      if (seen.path.startsWith("/orgs/")) {
        if (shared === null) return json(response, 403, { message: "required scope(s), required=[read:organization]" });
        return json(response, 200, pageOf(seen, shared), total(shared));
      }
      if (seen.path.includes("/labels")) return json(response, 200, pageOf(seen, own), total(own));
      const wanted = queryOf(seen).get("labels");
      const isKnown = own.some((l) => "name" in l && l.name === wanted);
      const found = isKnown ? issues.filter((i) => i.labels.some((l) => "name" in l && l.name === wanted)) : issues;
      json(response, 200, pageOf(seen, found.toReversed(), most), total(found));
    });
  }

  test("all pages, oldest first, pull requests too", async () => {
    const issues = Array.from({ length: 120 }, (_, n) => anIssue(n + 1, [bot], n === 7 ? { pull_request: {} } : {}));
    const server = await labelServer(issues, [bot], []);
    const found = await forgeOn(server.url).labelled("bot");
    expect(found.map((i) => i.number)).toEqual(issues.map((i) => i.number));
    expect(found[7]?.isPull).toBe(true);
    expect(server.seen.map((s) => queryOf(s).get("page"))).toEqual(["1", "2", "3"]);
  });

  test("trap 4: a server with a lower maximum does not cut the list", async () => {
    const issues = Array.from({ length: 45 }, (_, n) => anIssue(n + 1, [bot]));
    const server = await labelServer(issues, [bot], [], 20);
    expect(await forgeOn(server.url).labelled("bot")).toHaveLength(45);
    expect(server.seen).toHaveLength(3);
  });

  test("trap 1: a label that does not exist is found out with three requests, however long the list", async () => {
    const issues = Array.from({ length: 1000 }, (_, n) => anIssue(n + 1));
    const server = await labelServer(issues, [label(3, "other")], []);
    expect(await forgeOn(server.url).labelled("bot")).toEqual([]);
    expect(server.seen).toHaveLength(3);
    const blind = await labelServer(issues, [], null);
    expect(await forgeOn(blind.url).labelled("bot")).toEqual([]);
  });

  test("a label of the organisation does not filter; then the whole list is read", async () => {
    const issues = Array.from({ length: 70 }, (_, n) => anIssue(n + 1, n % 30 === 0 ? [bot] : []));
    const server = await labelServer(issues, [], [bot]);
    expect((await forgeOn(server.url).labelled("bot")).map((i) => i.number)).toEqual([1, 31, 61]);
  });

  test("an item that lost the label between filter and answer is not taken", async () => {
    const server = await serve((seen, response) =>
      seen.path.includes("/labels")
        ? json(response, 200, pageOf(seen, [bot]), { "x-total-count": "1" })
        : json(response, 200, [anIssue(2), anIssue(1, [bot])], { "x-total-count": "2" }),
    );
    expect((await forgeOn(server.url).labelled("bot")).map((i) => i.number)).toEqual([1]);
  });

  test("imported text is nobody's order", async () => {
    const imported = { original_author: "admin" };
    const server = await serve((_, response) => json(response, 200, anIssue(1, [], imported)));
    expect((await forgeOn(server.url).issue(1))?.author).toBe("admin (imported)");
  });

  test("an account that is gone has no name", async () => {
    const server = await serve((_, response) => json(response, 200, anIssue(1, [], { user: null })));
    const forge = forgeOn(server.url);
    expect((await forge.issue(1))?.author).toBe("");
    expect(await forge.writeAccess("")).toEqual({ kind: "no", evidence: "its account is gone" });
  });
});

describe("lists", () => {
  test("an item that slid to the next page while reading is there once", async () => {
    const server = await serve((seen, response) => {
      const page = Number(queryOf(seen).get("page"));
      const numbers = page === 1 ? [60, 59, 58] : [58, 57];
      json(
        response,
        200,
        numbers.map((n) => aPull(n, "x")),
        { "x-total-count": "5" },
      );
    });
    expect((await forgeOn(server.url).openPulls()).map((p) => p.number)).toEqual([60, 59, 58, 57]);
  });

  test("a list without end is an error, not a short list", async () => {
    const server = await serve((seen, response) => {
      const page = Number(queryOf(seen).get("page"));
      json(
        response,
        200,
        Array.from({ length: 50 }, (_, n) => aPull(page * 50 + n, "x")),
      );
    });
    await expect(forgeOn(server.url).openPulls()).rejects.toThrow(
      "Could not list the open pull requests: the list has more than 200 pages of 50, the most that are read.",
    );
    expect(server.seen).toHaveLength(200);
  });

  test("a server that ignores `page` does not keep us reading", async () => {
    const server = await serve((_, response) => json(response, 200, [aPull(1, "x")]));
    expect(await forgeOn(server.url).openPulls()).toHaveLength(1);
    expect(server.seen).toHaveLength(2);
  });

  test("timeline: an empty page in the middle is not its end; unknown and broken entries", async () => {
    const entry = (id: number, more: object) => ({ id, user: { login: "owner" }, created_at: at, body: "", ...more });
    const pages = [
      [
        entry(1, { type: "label", body: "1", label: label(2, "bot") }),
        entry(2, { type: "label", body: "1", label: null }),
        entry(3, { type: "assignees", assignee: null }),
        entry(4, { type: "something_new", created_at: 5 }),
      ],
      null,
      [entry(9, { type: "label", body: "", label: label(2, "bot"), user: null })],
    ];
    const server = await serve((seen, response) =>
      json(response, 200, pages[Number(queryOf(seen).get("page")) - 1] ?? [], { "x-total-count": "4" }),
    );
    expect(await forgeOn(server.url).timeline(1)).toEqual([
      { id: 1, by: "owner", at: Date.parse(at), kind: "label", label: "bot", added: true },
      { id: 9, by: "", at: Date.parse(at), kind: "label", label: "bot", added: false },
    ]);
    expect(server.seen).toHaveLength(5);
    const broken = await serve((_, response) =>
      json(response, 200, [entry(1, { type: "close", created_at: "yesterday" })]),
    );
    await expect(forgeOn(broken.url).timeline(1)).rejects.toThrow("`[0].created_at` is not as expected");
  });
});

describe("pullsOf", () => {
  /** All pull requests by number, the newest touched last. */
  function pullServer(pulls: ReturnType<typeof aPull>[], byHead: object | null = null) {
    return serve((seen, response) => {
      const query = queryOf(seen);
      if (seen.path.startsWith("/repos/acme/app/teams")) return json(response, 405, { message: "" });
      if (/^\/repos\/acme\/app\/pulls\//.test(seen.path)) {
        return byHead === null ? json(response, 404, { message: "" }) : json(response, 200, byHead);
      }
      if (/^\/repos\/acme\/app$/.test(seen.path)) return json(response, 200, aRepository);
      const state = query.get("state");
      const found = pulls.filter((p) => state === "all" || p.state === state).toReversed();
      json(response, 200, pageOf(seen, found), total(found));
    });
  }

  const aRepository = {
    id: 1,
    name: "app",
    owner: { login: "acme" },
    default_branch: "main",
    archived: false,
    empty: false,
    mirror: false,
    private: false,
    has_issues: true,
    has_pull_requests: true,
    html_url: "",
  };
  const closed = { state: "closed", closed_at: at };
  const others = (count: number, from: number) =>
    Array.from({ length: count }, (_, n) => aPull(from + n, `other-${n}`, closed));

  test("every state and base, branch there or gone; not a fork's branch of the same name", async () => {
    const gone = { label: "agent/issue-1", ref: "refs/pull/1/head", sha: "", repo_id: 1 };
    const fork = { label: "agent/issue-1", ref: "agent/issue-1", sha: "", repo_id: 9 };
    const lost = { label: "agent/issue-1", ref: "refs/pull/4/head", sha: "", repo_id: -1 };
    const server = await pullServer([
      aPull(1, "", { ...closed, head: gone, merged: true }),
      aPull(2, "agent/issue-1", { ...closed, base: { ref: "stable", repo_id: 1 } }),
      aPull(3, "agent/issue-1", { head: fork }),
      aPull(4, "agent/issue-1", { ...closed, head: lost }),
      aPull(5, "agent/issue-1"),
      aPull(6, "agent/issue-11"),
    ]);
    const found = await forgeOn(server.url).pullsOf("agent/issue-1");
    expect(found.map((p) => p.number)).toEqual([5, 2, 1]);
    expect(server.seen).toHaveLength(1);
  });

  test("in a large repository: all open ones, the recent ones, and the old one that the base names", async () => {
    const old = aPull(1, "mine", closed);
    const server = await pullServer([old, aPull(2, "mine"), ...others(300, 10), aPull(400, "mine", closed)], old);
    const found = await forgeOn(server.url).pullsOf("mine");
    expect(found.map((p) => p.number)).toEqual([400, 2, 1]);
    // Four pages, one of open ones, repository, base and head.
    expect(server.seen).toHaveLength(7);
    expect(server.seen.at(-1)?.path).toBe("/repos/acme/app/pulls/main/mine");
  });

  test("none in a large repository", async () => {
    const server = await pullServer(others(300, 10));
    expect(await forgeOn(server.url).pullsOf("mine")).toEqual([]);
  });
});

describe("who may write code", () => {
  type World = {
    permission?: string;
    assignable?: string[];
    teams?: object[] | number;
  };

  function accessServer(world: World) {
    return serve((seen, response) => {
      if (seen.path.endsWith("/permission")) {
        if (world.permission === undefined)
          return json(response, 403, { message: "Only admins can query all permissions" });
        return json(response, 200, { permission: world.permission });
      }
      if (seen.path.endsWith("/assignees"))
        return json(
          response,
          200,
          (world.assignable ?? []).map((login) => ({ login })),
        );
      const teams = world.teams ?? 405;
      return typeof teams === "number" ? json(response, teams, { message: "" }) : json(response, 200, teams);
    });
  }

  const coders = { name: "coders", permission: "none", units_map: { "repo.code": "write" } };
  const owners = { name: "Owners", permission: "owner", units_map: null };
  const triage = { name: "triage", permission: "none", units_map: { "repo.code": "read", "repo.issues": "write" } };
  const oldTriage = { name: "triage", permission: "write", units_map: { "repo.issues": "write" } };

  test.each<[string, World, "yes" | "no" | "unknown"]>([
    ["an administrator", { permission: "admin" }, "yes"],
    ["a collaborator of a person's repository", { permission: "write" }, "yes"],
    ["a reader of a person's repository", { permission: "read", assignable: ["ann"] }, "no"],
    ["a word we do not know", { permission: "maintain" }, "no"],
    ["a collaborator beside teams that may not write code", { permission: "write", teams: [owners, triage] }, "yes"],
    [
      "`write` where a team of issues has it too",
      { permission: "write", teams: [oldTriage], assignable: ["ann"] },
      "unknown",
    ],
    ["`write` with hidden teams", { permission: "write", teams: 403, assignable: ["ann"] }, "unknown"],
    [
      "`read` of a team that may write code, all teams may",
      { permission: "read", teams: [owners, coders], assignable: ["ann"] },
      "yes",
    ],
    ["`read` in mixed teams", { permission: "read", teams: [coders, triage], assignable: ["ann"] }, "unknown"],
    ["`read` and not assignable", { permission: "read", teams: [coders, triage], assignable: [] }, "no"],
    ["hidden permission, a person's repository", { assignable: ["Ann"] }, "yes"],
    ["hidden permission, a stranger", { assignable: ["bob"] }, "no"],
    ["hidden permission, all teams may write code", { assignable: ["ann"], teams: [owners, coders] }, "yes"],
    ["hidden permission, mixed teams", { assignable: ["ann"], teams: [owners, coders, triage] }, "unknown"],
    ["hidden permission, hidden teams", { assignable: ["ann"], teams: 403 }, "unknown"],
    [
      "hidden permission, a team without units",
      { assignable: ["ann"], teams: [{ name: "t", permission: "write" }] },
      "unknown",
    ],
  ])("%s", async (_, world, kind) => {
    const server = await accessServer(world);
    expect((await forgeOn(server.url).writeAccess("ann")).kind).toBe(kind);
  });

  test("what is unknown says why and what to do", async () => {
    const server = await accessServer({ assignable: ["ann"], teams: [coders, triage] });
    expect(await forgeOn(server.url).writeAccess("ann")).toEqual({
      kind: "unknown",
      why: "@ann may be in a team that may not write code (triage), and the forge does not say who is. Name people in `trusted`, or make the bot account an administrator of the repository and these people its collaborators.",
    });
  });

  test("asked once a run, for all people together; a failure is asked again", async () => {
    const server = await accessServer({ assignable: ["ann", "bob"], teams: [coders] });
    const forge = forgeOn(server.url);
    await Promise.all([forge.writeAccess("ann"), forge.writeAccess("Ann")]);
    await forge.writeAccess("bob");
    await forge.writeAccess("eve");
    expect(forge.requests()).toBe(3);
    let broken = true;
    const moody = await serve((_, response) => {
      if (broken) json(response, 500, { message: "database is broken" });
      else json(response, 200, { permission: "admin" });
    });
    const again = forgeOn(moody.url);
    await expect(again.writeAccess("ann")).rejects.toBeInstanceOf(ForgeError);
    broken = false;
    expect(await again.writeAccess("ann")).toMatchObject({ kind: "yes" });
  });

  test("a person's repository is none of an organisation", async () => {
    const server = await accessServer({});
    const forge = forgeOn(server.url);
    expect(await forge.writeAccess("ann")).toMatchObject({ kind: "no" });
  });
});

describe("Actions", () => {
  test("a run with a job still going on is going on; unknown states are no end", async () => {
    const job = (run_number: number, status: string) => ({ run_number, workflow_id: "a.yml", event: "push", status });
    const tasks = [
      job(9, "success"),
      job(9, "running"),
      job(9, "success"),
      job(8, "failure"),
      job(8, "odd"),
      job(7, "blocked"),
      job(6, "skipped"),
    ];
    const server = await serve((_, response) => json(response, 200, { workflow_runs: tasks, total_count: 6 }));
    const runs = await forgeOn(server.url).recentRuns(10);
    expect(runs?.map((r) => `${r.number} ${r.state}`)).toEqual(["9 running", "8 unknown", "7 waiting", "6 ended"]);
  });

  test("a run ends with the last of its jobs, and how its jobs ended last", async () => {
    const job = (run_number: number, name: string, status: string, minute: number | null) => ({
      ...{ run_number, name, workflow_id: "a.yml", event: "push", status },
      updated_at: minute === null ? "1970-01-01T00:00:00Z" : `2026-03-01T12:0${minute}:00Z`,
    });
    const tasks = [
      job(9, "work", "success", 5),
      job(9, "test", "failure", 3),
      job(9, "work", "cancelled", 1),
      job(8, "work", "failure", 1),
      job(8, "test", "cancelled", 2),
      job(7, "work", "skipped", null),
      job(6, "work", "odd", 1),
    ];
    const server = await serve((_, response) => json(response, 200, { workflow_runs: tasks, total_count: 7 }));
    const at = (minute: number) => Date.parse(`2026-03-01T12:0${minute}:00Z`);
    const runs = await forgeOn(server.url).recentRuns(10);
    expect(runs?.map((run) => [run.number, run.endedAt, run.conclusion])).toEqual([
      [9, at(5), "failure"],
      [8, at(2), "cancelled"],
      [7, null, "skipped"],
      [6, null, null],
    ]);
  });

  test("a server that has no runs by id is asked once", async () => {
    const server = await serve((_, response) => {
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" });
      response.end("404 page not found\n");
    });
    const forge = forgeOn(server.url);
    for (const id of [1, 2, 3]) expect(await forge.runById(id)).toBeNull();
    expect(server.seen).toHaveLength(1);
  });

  test("a server before 1.24 cannot dispatch", async () => {
    const server = await serve((_, response) => {
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" });
      response.end("404 page not found\n");
    });
    const forge = forgeOn(server.url);
    expect(await forge.canDispatch()).toBe(false);
    expect(await forge.runById(1)).toBeNull();
    expect(await forge.recentRuns(1)).toBeNull();
    expect(await forge.dispatch("a.yml", "main", {})).toEqual({
      kind: "refused",
      answer: "this server cannot start workflows by REST (Gitea 1.24 can)",
    });
  });

  test("a dispatch without answer is sent once and may have started", async () => {
    const server = await serve((_, _response, request) => request.socket.resetAndDestroy());
    const thrown = await forgeOn(server.url)
      .dispatch("a.yml", "main", {})
      .catch((error: unknown) => error);
    expect(thrown).toMatchObject({ mayBeApplied: true });
    expect(server.seen).toHaveLength(1);
  });
});

test("required contexts count only where checking is switched on", async () => {
  const branch = { name: "b", commit: { id: "1" }, protected: true, status_check_contexts: ["ci/*"] };
  for (const [enable_status_check, required] of [
    [true, ["ci/*"]],
    [false, []],
    [null, []],
  ] as const) {
    const server = await serve((_, response) => json(response, 200, { ...branch, enable_status_check }));
    expect((await forgeOn(server.url).branch("b"))?.requiredContexts).toEqual(required);
  }
});

test("a status in a state that we do not know is no success", async () => {
  const at = "2026-01-02T03:04:05Z";
  const status = { context: "ci", status: "great", description: null, target_url: null, creator: null, updated_at: at };
  const server = await serve((_, response) => json(response, 200, { state: "success", statuses: [status] }));
  expect(await forgeOn(server.url).statuses("1")).toEqual([
    { context: "ci", state: "unknown", description: "", creator: "", targetUrl: "", updatedAt: Date.parse(at) },
  ]);
});

describe("writes", () => {
  test("a branch that is gone on 1.24: 500, then looked up", async () => {
    const server = await serve((seen, response) =>
      seen.method === "DELETE" ? json(response, 500, { message: "" }) : json(response, 404, { message: "" }),
    );
    await forgeOn(server.url).deleteBranch("agent/issue-1");
    expect(server.seen.map((s) => s.method)).toEqual(["DELETE", "GET"]);
  });

  test("a branch that is still there was not deleted", async () => {
    const there = { name: "b", commit: { id: "1" }, protected: false, status_check_contexts: null };
    const server = await serve((seen, response) =>
      seen.method === "DELETE" ? json(response, 500, { message: "" }) : json(response, 200, there),
    );
    await expect(forgeOn(server.url).deleteBranch("b")).rejects.toThrow("Could not delete the branch `b`");
  });

  test("a label cannot be taken off for want of rights: the refusal of the second way is told", async () => {
    const server = await serve((seen, response) =>
      seen.method === "GET" ? json(response, 200, [label(5, "hold")]) : json(response, 403, { message: "no" }),
    );
    await expect(forgeOn(server.url).removeLabel(1, 5)).rejects.toThrow(
      "PUT repos/acme/app/issues/1/labels answered 403 (no)",
    );
  });

  test("a 404 that is not about the label is a failure", async () => {
    const server = await serve((_, response) => json(response, 404, { message: "not found" }));
    await expect(forgeOn(server.url).removeLabel(1, 5)).rejects.toThrow("answered 404 (not found)");
    expect(server.seen).toHaveLength(1);
  });
});

test("files that are links, and files without text in the answer", async () => {
  const server = await serve((seen, response) => {
    if (seen.path.includes("link")) json(response, 200, { type: "symlink", size: 4, content: null, target: "/etc" });
    else if (seen.path.includes("empty")) json(response, 200, { type: "file", size: 0, content: "" });
    else json(response, 200, { type: "file", size: 900, content: null });
  });
  const forge = forgeOn(server.url);
  await expect(forge.file("link", "main", 1000)).rejects.toThrow("it is a symlink, not a file");
  await expect(forge.file("huge", "main", 1000)).rejects.toBeInstanceOf(RunError);
  expect(await forge.file("empty", "main", 1000)).toBe("");
});
