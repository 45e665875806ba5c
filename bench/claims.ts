// What one step of the ledger costs, beside one bare `git push` of a commit to the same server: claim, life sign, upload, publish, end.

import { randomBytes, randomUUID } from "node:crypto";
import path from "node:path";
import process from "node:process";
import { systemClock } from "../src/clock.ts";
import type { Effects } from "../src/core/effects.ts";
import { openHost } from "../src/git/host.ts";
import type { Host } from "../src/git/port.ts";
import type { Claim, LedgerPorts } from "../src/ledger/claim.ts";
import { claimItem } from "../src/ledger/take.ts";
import { upload } from "../src/ledger/wip.ts";
import { openWire } from "../test/e2e/reliability/wire.ts";
import { giteaBinaries, startGitea } from "../test/e2e/servers/gitea.ts";
import { aPolicy, aRecord } from "../test/support/builders.ts";
import { type RunFolder, withRunFolder } from "../test/support/executors/runFolder.ts";
import { median, run } from "./measure.ts";
import { addRepo, openPlace } from "./place.ts";
import { type Report, times } from "./report.ts";

const rounds = 9;

/** A repository with one commit, and who writes to it. */
interface Target {
  name: string;
  url: string;
  token: string;
}

/** The embedded forge, and each real Gitea that `GITEA_BIN` names. */
export async function claims(report: Report): Promise<void> {
  report.title("One step of the ledger, beside one bare push");
  const rows: string[][] = [];
  const place = await openPlace();
  try {
    const full = await addRepo(place, "claims");
    rows.push(
      ...(await measure(report, { name: "embedded forge", url: `${place.forge.url}/${full}.git`, token: place.token })),
    );
  } finally {
    await place.forge.close();
  }
  for (const binary of giteaBinaries()) {
    const server = await startGitea(binary, { runners: 0 });
    try {
      const owner = await server.createOrg("bench");
      const repo = await server.createRepo(owner, "claims", { "README.md": "# claims\n" });
      const url = `${server.url}/${repo.fullName}.git`;
      rows.push(...(await measure(report, { name: server.name, url, token: server.admin.token })));
    } finally {
      await server.close();
    }
  }
  report.table(["server", "step", "requests", "wall / one push"], rows);
  report.note("\nEach step is one push. The bare push brings its password at once, so it makes one request less.");
}

/**
 * Steps of one claim in order, with the requests that each may make: one that is told to bring a password, one for the refs, one that sends. A
 * large pack has a fourth: git asks with an empty one whether it may.
 */
const steps = [
  { name: "claim: record and slot", most: 3 },
  { name: "life sign", most: 3 },
  { name: "upload of the work, 4 MiB", most: 4 },
  { name: "publish: record, branch, effects", most: 3 },
  { name: "end: record, slot and upload", most: 3 },
] as const;

async function measure(report: Report, target: Target): Promise<string[][]> {
  const { origin, pathname } = new URL(target.url);
  const wire = await openWire(origin);
  const url = `${wire.url}${pathname}`;
  try {
    return await withRunFolder("bench-claims", async (folder) => {
      const host = await openHost({
        dir: path.join(folder.root, "host"),
        url,
        token: target.token,
        bot: { name: "bot", email: "bot@example.invalid" },
        env: process.env,
      });
      const push = await barePush(folder, url, target.token);
      const pushes: number[] = [];
      const walls: number[][] = steps.map(() => []);
      const requests: number[] = steps.map(() => 0);
      // The first round warms up caches for both sides and is not counted.
      for (let round = 0; round <= rounds; round++) {
        const pushed = await push(round);
        for (const [at, step] of (await oneClaim(host, round + 1)).entries()) {
          const before = wire.passed.requests;
          const begun = performance.now();
          await step();
          if (round > 0) walls[at]?.push(performance.now() - begun);
          requests[at] = Math.max(requests[at] ?? 0, wire.passed.requests - before);
        }
        if (round > 0) pushes.push(pushed);
      }
      return steps.map(({ name, most }, at) => [
        ...[target.name, name, report.bound(`requests, ${name}, ${target.name}`, requests[at] ?? 0, most)],
        times(median(walls[at] ?? []) / median(pushes)),
      ]);
    });
  } finally {
    await wire.close();
  }
}

/** The steps of one item's claim, to be taken one after the other. */
async function oneClaim(host: Host, item: number): Promise<(() => Promise<void>)[]> {
  const ports: LedgerPorts = { host, clock: systemClock(), now: Date.now, limits: aPolicy().limits };
  const key = `issue-${item}`;
  const record = aRecord({
    ...{ key, state: "held", attempt: 1, epoch: 1, slot: item, branch: `agent/${key}`, expect: null, pull: null },
    ...{ owner: randomUUID(), nonce: randomUUID(), at: new Date().toISOString(), run: null },
  });
  const head = await work(host, item);
  const effects: Effects = {
    v: 1,
    issue: item,
    effects: [
      { id: "said", do: "comment", on: "issue", purpose: "status", key: "", mode: "edit", body: "words ".repeat(500) },
    ],
  };
  let claim: Claim | null = null;
  const held = (): Claim => {
    if (claim === null) throw new Error("nothing is claimed");
    return claim;
  };
  const demand = async (what: string, outcome: Promise<string>): Promise<void> => {
    const kind = await outcome;
    if (kind !== "ok") throw new Error(`${what} of ${key} was ${kind}`);
  };
  return [
    async () => {
      const claimed = await claimItem(ports, record, null, { number: item, old: null }, null);
      if (claimed.kind !== "claimed") throw new Error(`the claim of ${key} was ${claimed.kind}`);
      claim = claimed.claim;
    },
    () => demand("the life sign", held().renew()),
    () =>
      demand(
        "the upload",
        upload(ports, held(), head, { deadlineMs: 60_000 }).then(({ kind }) => kind),
      ),
    () =>
      demand(
        "the publish",
        held()
          .publish({ after: "done", stage: "needs-review" }, effects, head)
          .then(({ kind }) => kind),
      ),
    () =>
      demand(
        "the end",
        held()
          .finish({ state: "done" })
          .then(({ kind }) => kind),
      ),
  ];
}

/** A commit on main with one file of 4 MiB that nothing can be left out of. */
async function work(host: Host, item: number): Promise<string> {
  const main = await host.fetchBranch("main");
  if (main === null) throw new Error("the repository has no branch main");
  const text = (out: Buffer) => out.toString("utf8").trim();
  const noise = randomBytes(4 * 1024 * 1024);
  const blob = text(await host.must(["hash-object", "-w", "--stdin"], { input: noise }));
  const tree = text(await host.must(["mktree"], { input: `100644 blob ${blob}\tfile-${item}\n` }));
  const names = {
    GIT_AUTHOR_NAME: "bot",
    GIT_AUTHOR_EMAIL: "b@x",
    GIT_COMMITTER_NAME: "bot",
    GIT_COMMITTER_EMAIL: "b@x",
  };
  return text(await host.must(["commit-tree", tree, "-p", main, "-m", `work on ${item}`], { env: names }));
}

/** A clone of its own, whose next commit is pushed to a ref that is not there yet; answers how long the push alone took. */
async function barePush(folder: RunFolder, url: string, token: string): Promise<(round: number) => Promise<number>> {
  const basic = Buffer.from(`bot:${token}`).toString("base64");
  const settings = { "http.extraHeader": `Authorization: Basic ${basic}`, "user.name": "bot", "user.email": "b@x" };
  const env: Record<string, string> = {
    ...{ PATH: process.env["PATH"] ?? "", HOME: folder.home, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_COUNT: "3" },
    ...Object.fromEntries(
      Object.entries(settings).flatMap(([key, value], at) => [
        [`GIT_CONFIG_KEY_${at}`, key],
        [`GIT_CONFIG_VALUE_${at}`, value],
      ]),
    ),
  };
  const git = async (...args: string[]): Promise<number> => {
    const ended = await run("git", args, env, folder.root);
    if (ended.code !== 0) throw new Error(`git ${args[0] ?? ""}: ${ended.output}`);
    return ended.wallMs;
  };
  await git("clone", "--quiet", url, "clone");
  return async (round) => {
    await git("-C", "clone", "commit", "--quiet", "--allow-empty", "--message", `round ${round}`);
    return await git("-C", "clone", "push", "--quiet", "origin", `HEAD:refs/bench/${round}`);
  };
}
