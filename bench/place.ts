// A forge with people and repositories, and runs of the bundle on it, counted.

import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { bundle, parseFileCommands, prepareStep } from "../demo/step.ts";
import { withRunFolder } from "../test/support/executors/runFolder.ts";
import { type Forge, type LoggedRequest, startForge } from "../test/support/forge/forge.ts";
import { type Measured, node } from "./measure.ts";

export interface Place {
  forge: Forge;
  /** Token of the bot account. */
  token: string;
}

export async function openPlace(): Promise<Place> {
  const forge = await startForge({ version: "1.26.4" });
  forge.addUser({ login: "owner", admin: true });
  forge.addUser({ login: "alice" });
  const { token } = forge.addUser({ login: "bot" });
  forge.addOrg("acme", ["owner"]);
  return { forge, token };
}

/** A repository of `acme` with its people and labels. */
export async function addRepo(
  place: Place,
  name: string,
  options: { empty?: boolean; labels?: readonly string[] } = {},
): Promise<string> {
  const { forge } = place;
  const full = `acme/${name}`;
  await forge.addRepo({ owner: "acme", name, ...(options.empty === true ? { empty: true } : {}) });
  forge.addCollaborator(full, "alice", "write");
  forge.addCollaborator(full, "bot", "admin");
  for (const label of options.labels ?? ["bot", "hold", "wontfix"])
    await demanded(forge.as("owner").post(`/repos/${full}/labels`, { name: label, color: "#aaaaaa" }));
  return full;
}

export async function addIssues(
  { forge }: Place,
  full: string,
  count: number,
  of: { labels: readonly string[]; assignee?: string },
): Promise<void> {
  const ids = of.labels.map((name) => forge.repo(full).labels.find((label) => label.name === name)?.id ?? 0);
  for (let n = 1; n <= count; n++) {
    const body = { title: `Issue ${n}`, body: `Text of issue ${n}.\n\n${"More of it. ".repeat(40)}` };
    await demanded(forge.as("alice").post(`/repos/${full}/issues`, { ...body, labels: ids }));
  }
  if (of.assignee === undefined) return;
  // Later than the label, which would be an order to work all the same; times have a resolution of a second.
  forge.clockOffsetMs += 60_000;
  for (let n = 1; n <= count; n++)
    await demanded(forge.as("alice").patch(`/repos/${full}/issues/${n}`, { assignees: [of.assignee] }));
}

export async function demanded(answer: Promise<{ status: number; body: unknown }>): Promise<unknown> {
  const { status, body } = await answer;
  if (status > 299) throw new Error(`the forge answered ${status}: ${JSON.stringify(body)?.slice(0, 300)}`);
  return body;
}

export interface BundleRun extends Measured {
  requests: readonly LoggedRequest[];
  /** Arguments of each git process, one line each. */
  gits: readonly string[];
  outputs: ReadonlyMap<string, string>;
}

export interface Event {
  name: string;
  payload: Readonly<Record<string, unknown>>;
}

/** Starts the bundle once as a runner does, and ends its `post` state with it: nothing of a benchmark needs it. */
export async function runBundle(
  { forge, token }: Place,
  full: string,
  event: Event,
  inputs: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<BundleRun> {
  const started = await forge.startRun({ repo: full, workflow: "agent.yml", event: event.name, actor: "alice" });
  return await withRunFolder("bench", async (folder) => {
    const counted = await countingGit(folder.root);
    const step = await prepareStep(
      {
        serverUrl: forge.url,
        repository: full,
        workflowName: "agent",
        event,
        inputs: { token, chain: "false", ...inputs },
        token: started.token,
        identity: {
          id: started.id,
          number: started.number,
          attempt: 1,
          actor: "alice",
          ref: "refs/heads/main",
          sha: "",
        },
        env: { PATH: counted.path, ...env },
      },
      folder,
    );
    forge.requests.length = 0;
    const measured = await node([bundle], step.env, step.cwd);
    forge.endRun(started.id, measured.code === 0 ? "success" : "failure");
    const outputs = parseFileCommands(await readFile(step.env["GITHUB_OUTPUT"] ?? "", "utf8"));
    return { ...measured, requests: [...forge.requests], gits: await counted.calls(), outputs };
  });
}

/** A `git` in front of the real one that writes down each start. */
async function countingGit(folder: string): Promise<{ path: string; calls(): Promise<string[]> }> {
  const bin = path.join(folder, "bin");
  const list = path.join(folder, "gits");
  await mkdir(bin);
  await writeFile(list, "");
  const plain = process.env["PATH"] ?? "/usr/bin:/bin";
  const wrapper = path.join(bin, "git");
  await writeFile(wrapper, `#!/bin/sh\necho "$*" >>'${list}'\nPATH='${plain}' exec git "$@"\n`);
  await chmod(wrapper, 0o755);
  const calls = async () => (await readFile(list, "utf8")).split("\n").filter((line) => line !== "");
  return { path: `${bin}${path.delimiter}${plain}`, calls };
}
