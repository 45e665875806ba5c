// From the trigger to the start of the agent, beside the bare sum of what cannot be left out: node, the requests, a push, a clone.

import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { withRunFolder } from "../test/support/executors/runFolder.ts";
import { bareNode, median, node, run } from "./measure.ts";
import { addIssues, addRepo, openPlace, type Place, runBundle } from "./place.ts";
import { type Report, times } from "./report.ts";
import { fillRepository } from "./repository.ts";

const rounds = 7;

const gets = fileURLToPath(new URL("gets.mjs", import.meta.url));

export async function start(report: Report): Promise<void> {
  report.title("From the trigger to the start of the agent");
  const place = await openPlace();
  const rows = [];
  try {
    for (const files of [1_000, 20_000]) rows.push(await measure(place, files));
  } finally {
    await place.forge.close();
  }
  report.table(
    [
      "files",
      "requests until then",
      "git processes until then",
      "wall / sum of parts",
      "node",
      "requests",
      "push",
      "clone",
    ],
    rows,
  );
  report.note("\nThe last four columns are the parts' shares of their sum.");
}

async function measure(place: Place, files: number): Promise<string[]> {
  const full = await addRepo(place, `files-${files}`, { empty: true });
  await fillRepository(place, full, files);
  await addIssues(place, full, rounds + 1, { labels: ["bot"] });
  const walls: number[] = [];
  const parts = { node: [] as number[], requests: [] as number[], push: [] as number[], clone: [] as number[] };
  let [requests, gits] = [0, 0];
  // The first round warms up caches for both sides and is not counted.
  for (let round = 0; round <= rounds; round++) {
    const begun = await toAgent(place, full, round + 1);
    [requests, gits] = [begun.requests, begun.gits];
    const bare = await bareParts(place, full, begun.requests, round);
    if (round === 0) continue;
    walls.push(begun.wallMs);
    parts.node.push(bare.node);
    parts.requests.push(bare.requests);
    parts.push.push(bare.push);
    parts.clone.push(bare.clone);
  }
  const medians = [parts.node, parts.requests, parts.push, parts.clone].map(median);
  const sum = medians.reduce((a, b) => a + b, 0);
  const shares = medians.map((part) => `${((100 * part) / sum).toFixed(0)} %`);
  return [files.toLocaleString("en"), String(requests), String(gits), times(median(walls) / sum), ...shares];
}

interface Begun {
  wallMs: number;
  requests: number;
  gits: number;
}

/** The agent marks its start by a file and says that there is nothing to do. */
async function toAgent(place: Place, full: string, issue: number): Promise<Begun> {
  return await withRunFolder("bench-mark", async (folder) => {
    const mark = path.join(folder.root, "started");
    const words = '{"status":"no-change-needed","summary":"measured"}';
    const agent = `touch '${mark}'; cp "$(command -v git | sed 's|/bin/git$|/gits|')" '${mark}.gits'; echo '${words}' >"$AGENT_DISPATCH_RESULT"`;
    const event = {
      name: "issues",
      payload: { action: "label_updated", issue: { number: issue }, sender: { login: "alice" } },
    };
    const run = await runBundle(place, full, event, { "agent-command": agent });
    const startedAt = await stat(mark).then(
      ({ mtimeMs }) => mtimeMs,
      () => null,
    );
    if (startedAt === null || run.code !== 0) throw new Error(`the agent did not start on ${full}:\n${run.output}`);
    const requests = run.requests.filter(({ kind, at }) => kind === "api" && at <= startedAt).length;
    const gits = (await readFile(`${mark}.gits`, "utf8")).trimEnd().split("\n").length;
    return { wallMs: startedAt - run.startedAt, requests, gits };
  });
}

async function bareParts(
  { forge, token }: Place,
  full: string,
  requests: number,
  round: number,
): Promise<{ node: number; requests: number; push: number; clone: number }> {
  return await withRunFolder("bench-parts", async (folder) => {
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: folder.home,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_COUNT: "3",
      GIT_CONFIG_KEY_0: "http.extraHeader",
      GIT_CONFIG_VALUE_0: `Authorization: Basic ${Buffer.from(`bot:${token}`).toString("base64")}`,
      GIT_CONFIG_KEY_1: "user.name",
      GIT_CONFIG_VALUE_1: "bot",
      GIT_CONFIG_KEY_2: "user.email",
      GIT_CONFIG_VALUE_2: "bot@example.invalid",
    };
    const git = async (...args: string[]): Promise<number> => {
      const ended = await run("git", args, env, folder.root);
      if (ended.code !== 0) throw new Error(`git ${args[0] ?? ""}: ${ended.output}`);
      return ended.wallMs;
    };
    const bare = await bareNode();
    const asked = await node(
      [gets, `${forge.url}/api/v1/repos/${full}`, String(requests)],
      { ...env, TOKEN: token },
      folder.root,
    );
    if (asked.code !== 0) throw new Error(asked.output);
    const clone = await git("clone", "--quiet", "--depth", "50", `${forge.url}/${full}.git`, "clone");
    await git("-C", "clone", "commit", "--quiet", "--allow-empty", "--message", `round ${round}`);
    const push = await git("-C", "clone", "push", "--quiet", "origin", `HEAD:refs/bench/${round}`);
    return { node: bare.wallMs, requests: Number(asked.output), push, clone };
  });
}
