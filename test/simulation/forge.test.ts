// The simulated forge beside the embedded one, which the contract suite keeps equal to recorded answers of real servers: the same calls of the port,
// at random, and after each the same answer, after every few the same sight of everything. SIMULATED_SEQUENCES: how many, where it matters more.

import { describe, expect, onTestFinished, test } from "vitest";
import { ForgeError } from "../../src/errors.ts";
import { giteaForge } from "../../src/forge/gitea.ts";
import type { Review } from "../../src/forge/model.ts";
import type { Forge } from "../../src/forge/port.ts";
import { startForge } from "../support/forge/forge.ts";
import { applyMoves, createLabel, openIssue } from "./forge/acts.ts";
import { type Calls, forgeCalls, Refused } from "./forge/calls.ts";
import { ForgeState } from "./forge/state.ts";
import { Random } from "./random.ts";

const repo = "acme/app";
const people = ["bot", "alice", "bob"] as const;
const branches = ["agent/issue-1", "agent/issue-2"] as const;
const labels = ["bot", "hold", "agent/needs-review", "agent/needs-rework", "agent/blocked"] as const;
type Login = (typeof people)[number];

/** One of the two, as a test moves and reads it. */
interface Side {
  as(login: Login): { [K in keyof Calls]: (...args: Parameters<Forge[K]>) => Promise<unknown> };
  /** A commit on a branch that touches one file; made from the base where there is no such branch. */
  push(login: Login, branch: string, file: number): Promise<string>;
}

async function embedded(): Promise<Side> {
  const forge = await startForge({ version: "1.27.0" });
  onTestFinished(() => forge.close());
  forge.world.mergeCheckMs = 0;
  forge.addUser({ login: "owner", admin: true });
  const tokens = new Map(people.map((login) => [login, forge.addUser({ login }).token]));
  forge.addOrg("acme", ["owner"]);
  await forge.addRepo({ owner: "acme", name: "app", files: { "a.txt": "one\n" } });
  for (const login of people) forge.addCollaborator(repo, login, "write");
  for (const name of labels)
    await forge.as("owner").post(`/repos/${repo}/labels`, { name, color: "#123456", exclusive: name.includes("/") });
  for (const title of ["one", "two"]) await forge.as("alice").post(`/repos/${repo}/issues`, { title, body: "" });
  let made = 0;
  const as = (login: Login) =>
    giteaForge({
      ...{ serverUrl: forge.url, token: tokens.get(login) ?? "", owner: "acme", name: "app" },
      ...{ timeoutMs: 20_000, backoffMs: 5, backoffMsMax: 20 },
    });
  return {
    // A new one each time: a run makes a bounded number of requests.
    as,
    push: (author, branch, file) => forge.commitFiles(repo, { [`${file}.txt`]: `${++made}\n` }, { branch, author }),
  };
}

function simulated(): Side {
  const rights = new Map([["owner", "admin"], ...people.map((login) => [login, "write"])] as ["owner", "admin"][]);
  let now = Date.parse("2026-03-02T08:00:00Z");
  const release = { version: "1.27.0", canDispatch: true, hasRunById: true };
  const forge = new ForgeState(
    rights,
    release,
    () => now,
    () => undefined,
  );
  for (const name of labels) createLabel(forge, name, name.includes("/"));
  const commit = (author: string, parents: readonly string[], touches: number[]) => {
    now += 1000;
    return forge.commits.add({ parents, author, message: "change", touches, patch: `${now}`, seconds: now / 1000 }).sha;
  };
  applyMoves(forge, { login: "owner", machine: null }, [
    { ref: "refs/heads/main", old: null, new: commit("owner", [], []) },
  ]);
  for (const title of ["one", "two"]) openIssue(forge, { login: "alice", machine: null }, title, "");
  return {
    as: (login) => {
      const calls = forgeCalls(forge, { login, machine: null });
      const asked = Object.entries(calls).map(([name, call]) => [
        name,
        async (...args: unknown[]) => {
          now += 1000;
          return Reflect.apply(call, null, args) as unknown;
        },
      ]);
      return Object.fromEntries(asked) as ReturnType<Side["as"]>;
    },
    async push(login, branch, file) {
      const ref = `refs/heads/${branch}`;
      const old = forge.refs.get(ref);
      const made = commit(login, [old ?? forge.branch("main") ?? ""], [file]);
      applyMoves(forge, { login, machine: null }, [{ ref, old, new: made }]);
      return made;
    },
  };
}

/** What one side calls a thing that both have: commits, comments and reviews by the order in which they appeared. */
class Names {
  readonly #known = new Map<string, string>();

  of(value: string): string {
    const name = this.#known.get(value) ?? `#${this.#known.size}`;
    this.#known.set(value, name);
    return name;
  }
}

/** Times, addresses and ids are each side's own; of commits only which is which counts. */
const own = new Set([
  "createdAt",
  "updatedAt",
  "closedAt",
  "at",
  "htmlUrl",
  "id",
  "review",
  "color",
  "mergeable",
  "targetUrl",
]);
const commits = new Set(["headSha", "mergeBase", "sha", "commit"]);

function plain(value: unknown, names: Names, key = ""): unknown {
  if (Array.isArray(value)) return value.map((one) => plain(one, names, key));
  if (typeof value === "string") return commits.has(key) && value !== "" ? names.of(value) : value;
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !own.has(name));
  return Object.fromEntries(kept.map(([name, one]) => [name, plain(one, names, name)]));
}

/** Everything of the repository that the program reads. */
async function sight(side: Side, names: Names): Promise<unknown> {
  const bot = side.as("bot");
  const seen: Record<string, unknown> = {};
  for (const branch of ["main", ...branches]) seen[branch] = await bot.branch(branch);
  seen["open"] = await bot.openPulls();
  for (const label of labels) seen[label] = await bot.labelled(label);
  for (const login of people) seen[`assigned ${login}`] = await bot.assigned(login);
  for (let number = 1; (await bot.issue(number)) !== null; number++) {
    seen[`issue ${number}`] = await bot.issue(number);
    seen[`comments ${number}`] = await bot.comments(number);
    const timeline = (await bot.timeline(number)) as { kind: string }[];
    // Rows of pushes name commits; how many there are and in which place is what counts here.
    seen[`timeline ${number}`] = timeline.map((entry) => (entry.kind === "push" ? { kind: "push" } : entry));
    const pull = (await bot.pull(number)) as { headSha: string } | null;
    seen[`pull ${number}`] = pull;
    if (pull === null) continue;
    seen[`reviews ${number}`] = await bot.reviews(number);
    seen[`statuses ${number}`] = await bot.statuses(pull.headSha);
  }
  return plain(seen, names);
}

/** One call, drawn without a look at either side; what it needs to know it reads there. */
type Act = (side: Side) => Promise<unknown>;

function draw(random: Random): [what: string, act: Act] {
  const login = random.pick(people) ?? "bot";
  const number = random.whole(1, 4);
  const branch = random.pick(branches) ?? "agent/issue-1";
  const names = [random.pick(labels) ?? "bot", random.pick(labels) ?? "hold"];
  const place = random.whole(0, 2);
  const acts = {
    push: (side: Side) => side.push(login, drawn.branch, drawn.file),
    pushMain: (side: Side) => side.push(login, "main", drawn.file),
    addLabels: async (side: Side) => {
      const all = (await side.as("bot").labels()) as { id: number; name: string }[];
      const ids = all.filter(({ name }) => names.some((one) => one === name)).map(({ id }) => id);
      return side.as(login).addLabels(number, ids);
    },
    removeLabel: async (side: Side) => {
      const all = (await side.as("bot").labels()) as { id: number; name: string }[];
      return side.as(login).removeLabel(number, all.find(({ name }) => name === names[0])?.id ?? 0);
    },
    assign: (side: Side) => side.as(login).assign(number, drawn.logins),
    comment: (side: Side) => side.as(login).createIssueComment(number, `said, see #${drawn.file}`),
    editComment: async (side: Side) => {
      const id = await commentAt(side, number, place);
      return id === null ? null : side.as("bot").editComment(id, `edited ${drawn.file}`);
    },
    deleteComment: async (side: Side) => {
      const id = await commentAt(side, number, place);
      return id === null ? null : side.as("bot").deleteComment(id);
    },
    createPull: (side: Side) =>
      side.as(login).createPull({ head: branch, base: "main", title: "mend it", body: `Closes #${place + 1}` }),
    editPull: (side: Side) => side.as(login).editPull(number, { body: `Refs #${place}` }),
    status: async (side: Side) => {
      const at = (await side.as("bot").branch(branch)) as { sha: string } | null;
      if (at === null) return null;
      const status = { context: "agent-dispatch/review", state: drawn.state, description: `${place}`, targetUrl: "" };
      return side.as(login).setStatus(at.sha, status);
    },
    review: (side: Side) =>
      side.as(login).createReview(number, { event: drawn.event, body: "a word", commit: "", comments: [] }),
    deleteReview: async (side: Side) => {
      const all = ((await side.as("bot").reviews(number)) as Review[]).filter(({ author }) => author === login);
      const [first] = all;
      return first === undefined ? null : side.as(login).deleteReview(number, first.id);
    },
    close: (side: Side) => side.as(login).closeIssue(number),
    merge: async (side: Side) => {
      const pull = (await side.as("bot").pull(number)) as { headSha: string } | null;
      if (pull === null) return null;
      const answer = (await side.as(login).merge(number, { style: "merge", head: pull.headSha })) as { kind: string };
      return answer.kind;
    },
    deleteBranch: (side: Side) => side.as(login).deleteBranch(branch),
  };
  const drawn = {
    ...{ branch, file: random.whole(1, 4), logins: random.chance(0.5) ? [login] : ["bot", login] },
    state: random.pick(["pending", "success", "failure"] as const) ?? "pending",
    event: random.pick(["approve", "request-changes", "comment"] as const) ?? "comment",
  };
  const what = random.weighted({
    ...{ push: 5, pushMain: 1, addLabels: 5, removeLabel: 3, assign: 3, comment: 3, editComment: 2, deleteComment: 1 },
    ...{ createPull: 5, editPull: 1, status: 3, review: 3, deleteReview: 1, close: 0.7, merge: 1.5, deleteBranch: 0.7 },
  });
  return [`${what} #${number} by ${login} (${branch})`, acts[what]];
}

async function commentAt(side: Side, number: number, place: number): Promise<number | null> {
  const all = (await side.as("bot").comments(number)) as { id: number; author: string }[];
  return all.filter(({ author }) => author === "bot")[place]?.id ?? null;
}

/** The answer, or the status of the refusal. */
async function answerOf(act: Act, side: Side, names: Names): Promise<unknown> {
  try {
    return plain(await act(side), names, "sha") ?? null;
  } catch (error) {
    if (error instanceof Refused) return `refused ${error.status}`;
    if (error instanceof ForgeError) return `refused ${error.failure.status}`;
    throw error;
  }
}

describe("the simulated forge answers as the embedded one", () => {
  test.each(Array.from({ length: Number(process.env["SIMULATED_SEQUENCES"] ?? "4") }, (_, at) => at + 1))(
    "sequence %i",
    { timeout: 60_000 },
    async (seed) => {
      const sides = [await embedded(), simulated()] as const;
      const names = [new Names(), new Names()] as const;
      const done: string[] = [];
      for (let step = 0; step < 40; step++) {
        const [what, act] = draw(new Random(seed, `step ${step}`));
        done.push(what);
        const answers = [await answerOf(act, sides[0], names[0]), await answerOf(act, sides[1], names[1])];
        expect(answers[1], done.join("\n")).toEqual(answers[0]);
        if (step % 4 !== 3) continue;
        expect(await sight(sides[1], names[1]), done.join("\n")).toEqual(await sight(sides[0], names[0]));
      }
    },
  );
});
