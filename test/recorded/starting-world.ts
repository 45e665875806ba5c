import { type Forge, type ForgeVersion, startForge } from "../support/forge/forge.ts";
import { Placeholders } from "./placeholders.ts";

/** A forge in the state that the servers were in before the first recorded call. */
export interface StartingWorld {
  forge: Forge;
  names: Placeholders;
  /** Values of the `as` column that are tokens. */
  tokens: Map<string, string>;
}

const writers = ["bot", "reviewer"];

export async function makeStartingWorld(version: ForgeVersion): Promise<StartingWorld> {
  const forge = await startForge({ version });
  // Lists are sorted by whole seconds: a second must only change where it did in the recording.
  forge.freezeClock();
  const names = new Placeholders(forge.url);
  const tokens = addPeople(forge);
  await addRepositories(forge);
  await fillApp(forge, names);
  await fillFlows(forge, names);
  return { forge, names, tokens };
}

function addPeople(forge: Forge): Map<string, string> {
  const tokens = new Map<string, string>();
  for (const login of ["owner", "bot", "reviewer", "outsider", "teamreader", "teamwriter", "teamcoder"]) {
    tokens.set(login, forge.addUser({ login, admin: login === "owner" }).token);
  }
  tokens.set("bot, scope read:repository", forge.addToken("bot", ["read:repository"], "ro"));
  tokens.set("bot, scope write:issue", forge.addToken("bot", ["write:issue"], "wi"));
  const deleted = forge.addToken("bot", ["all"], "gone");
  forge.deleteToken(deleted);
  tokens.set("deleted token", deleted);
  tokens.set("wrong token", "0123456789012345678901234567890123456789");
  forge.addOrg("acme", ["owner"]);
  const read = { code: "read", issues: "read", pulls: "read", actions: "read" } as const;
  forge.addTeam({ org: "acme", name: "readers", units: read, members: ["teamreader"] });
  const label = { code: "read", issues: "write", pulls: "read" } as const;
  forge.addTeam({ org: "acme", name: "issuewriters", units: label, members: ["teamwriter"] });
  const code = { code: "write", issues: "write", pulls: "write" } as const;
  forge.addTeam({ org: "acme", name: "coders", units: code, members: ["teamcoder"] });
  return tokens;
}

async function addRepositories(forge: Forge): Promise<void> {
  const owner = "acme";
  await forge.addRepo({ owner, name: "app", description: "an app", empty: true });
  await forge.addRepo({ owner, name: "many" });
  await forge.addRepo({ owner, name: "empty", empty: true });
  await forge.addRepo({ owner, name: "archived" });
  await forge.addRepo({ owner, name: "noissues", units: { issues: false } });
  await forge.addRepo({ owner, name: "nopulls", units: { pulls: false } });
  await forge.addRepo({ owner, name: "noactions", units: { actions: false } });
  await forge.addRepo({ owner, name: "secret", private: true });
  await forge.addRepo({ owner, name: "flows", empty: true });
  await forge.addRepo({ owner, name: "ledger", empty: true });
  await forge.addRepo({ owner, name: "blocked", empty: true });
  for (const repo of forge.world.repos) {
    if (repo.name === "secret") continue;
    for (const login of writers) forge.addCollaborator(`acme/${repo.name}`, login, "write");
  }
  forge.addCollaborator("acme/secret", "bot", "admin");
  await forge.as("owner").post("/repos/acme/archived/issues", { title: "old" });
  forge.setArchived("acme/archived", true);
}

interface Entry {
  name: string;
  minute: number;
  parent?: string;
  second?: string;
  files: Record<string, string>;
  refs: string[];
  message?: string;
  /** Starts with no files, as the records of the ledger. */
  bare?: boolean;
}

const add = (sign: string) => `export const add = (a, b) => a ${sign} b;\n`;

const appHistory: Entry[] = [
  {
    name: "start",
    minute: 1,
    files: {
      ".agent-dispatch.yml": "label: bot\nmaxConcurrent: 2\n",
      "README.md": "# app\n\nAdds numbers.\n",
      "docs/a.md": "a\n",
      "docs/b.md": "b\n",
      "src/add.js": "export const add = (a,b) => a - b;\n\n",
    },
    refs: ["refs/heads/stable", "refs/heads/same"],
  },
  {
    name: "main-2",
    minute: 2,
    parent: "start",
    files: { "src/add.js": `${add("+")}\n` },
    refs: ["refs/heads/main", "refs/heads/at-tip"],
  },
  {
    name: "clean-1",
    minute: 3,
    parent: "start",
    files: { "hi.txt": "hi\nthere\n" },
    refs: ["refs/heads/agent/issue-1"],
  },
  {
    name: "conflict-1",
    minute: 4,
    parent: "start",
    files: { "src/add.js": `${add("*")}\n` },
    refs: ["refs/heads/conflict"],
  },
  { name: "draft-1", minute: 5, parent: "start", files: { "draft.txt": "d\n" }, refs: ["refs/heads/draft"] },
  { name: "protected-1", minute: 6, parent: "start", files: { "p.txt": "p\n" }, refs: ["refs/heads/protected-work"] },
  { name: "scheduled-1", minute: 7, parent: "start", files: { "s.txt": "s\n" }, refs: ["refs/heads/scheduled"] },
  { name: "closing-1", minute: 8, parent: "start", files: { "c.txt": "c\n" }, refs: ["refs/heads/closing"] },
  { name: "depends-1", minute: 9, parent: "start", files: { "d.txt": "d\n" }, refs: ["refs/heads/depends"] },
  { name: "record-1", minute: 10, bare: true, files: {}, refs: [] },
  {
    name: "record-2",
    minute: 11,
    parent: "record-1",
    bare: true,
    files: {},
    refs: ["refs/agent-dispatch/v1/item/issue-1"],
  },
  {
    name: "record-3",
    minute: 12,
    bare: true,
    files: {},
    refs: [
      "refs/agent-dispatch/v1/item/issue-12",
      ...Array.from({ length: 60 }, (_, at) => `refs/agent-dispatch/v1/many/${String(at + 1).padStart(2, "0")}`),
    ],
  },
  { name: "record-4", minute: 13, bare: true, files: {}, refs: ["refs/agent-dispatch/v1/control"] },
  {
    name: "clean-2",
    minute: 14,
    parent: "clean-1",
    files: { "hi.txt": "hi\nthere\nyou\n" },
    refs: ["refs/lab/clean-2"],
  },
  { name: "main-3", minute: 15, parent: "main-2", files: { "docs/c.md": "c\n" }, refs: ["refs/lab/main-3"] },
  { name: "protected-2", minute: 16, parent: "protected-1", files: { "p.txt": "q\n" }, refs: ["refs/lab/protected-2"] },
  {
    name: "conflict-resolved",
    minute: 17,
    parent: "conflict-1",
    second: "main-2",
    files: { "src/add.js": `${add("*")}// both\n` },
    refs: ["refs/lab/conflict-resolved"],
  },
  {
    name: "clean-again",
    minute: 18,
    parent: "main-3",
    files: { "again.txt": "again\n" },
    refs: ["refs/lab/clean-again"],
  },
];

async function fillApp(forge: Forge, names: Placeholders): Promise<void> {
  await importHistory(forge, "acme/app", names, appHistory);
  const git = forge.world.git(forge.repo("acme/app"));
  const start = names.sha("start") ?? "";
  const tag = await git.run(["tag", "-a", "-m", "v1", "v1", start]);
  if (tag.exit !== 0) throw new Error(tag.stderr);
  names.bind("tag v1", git.ref("refs/tags/v1") ?? "");
  for (const path of [".agent-dispatch.yml", "README.md", "docs/a.md", "docs/b.md", "src/add.js"]) {
    names.bind(`blob ${path} of start`, (await git.object(`${start}:${path}`))?.oid ?? "");
  }
  names.bind("blob hi.txt of clean-1", (await git.object(`${names.sha("clean-1")}:hi.txt`))?.oid ?? "");
  names.bind("tree docs of start", (await git.object(`${start}:docs`))?.oid ?? "");
  names.bind("tree src of start", (await git.object(`${start}:src`))?.oid ?? "");
  names.bind("tree src of main-2", (await git.object(`${names.sha("main-2")}:src`))?.oid ?? "");
  // Pushed later; until then only the commits are there.
  for (const ref of [...git.refs("refs/lab/").keys(), "refs/heads/at-tip"]) await git.deleteRef(ref);
}

/** Writes commits in one go, with the minutes of 2026-01-01 as their dates. */
async function importHistory(forge: Forge, full: string, names: Placeholders, history: Entry[]): Promise<void> {
  const git = forge.world.git(forge.repo(full));
  const marks = new Map(history.map((entry, index) => [entry.name, index + 1]));
  const lines: string[] = [];
  for (const entry of history) {
    const message = entry.bare ? `record ${entry.name}\n\n{"v":1,"nonce":"${entry.name}"}\n` : `${entry.name}\n`;
    const at = `${Date.UTC(2026, 0, 1, 0, entry.minute) / 1000} +0000`;
    lines.push(`commit refs/lab/${entry.name}`, `mark :${marks.get(entry.name)}`);
    lines.push(`author lab <lab@example.invalid> ${at}`, `committer lab <lab@example.invalid> ${at}`);
    lines.push(`data ${Buffer.byteLength(message)}`, message);
    if (entry.parent) lines.push(`from :${marks.get(entry.parent)}`);
    if (entry.second) lines.push(`merge :${marks.get(entry.second)}`);
    for (const [path, content] of Object.entries(entry.files)) {
      lines.push(`M 100644 inline ${path}`, `data ${Buffer.byteLength(content)}`, content);
    }
    lines.push("");
    for (const ref of entry.refs) lines.push(`reset ${ref}`, `from :${marks.get(entry.name)}`, "");
  }
  const done = await git.run(["fast-import", "--quiet", "--force"], { input: lines.join("\n") });
  if (done.exit !== 0) throw new Error(done.stderr);
  for (const entry of history) {
    names.bind(entry.name, git.ref(`refs/lab/${entry.name}`) ?? "");
    if (!entry.refs.includes(`refs/lab/${entry.name}`)) await git.deleteRef(`refs/lab/${entry.name}`);
  }
}

async function fillFlows(forge: Forge, names: Placeholders): Promise<void> {
  const job = (name: string, run: string) =>
    `jobs:\n  ${name}:\n    runs-on: ubuntu-latest\n    steps:\n      - run: ${run}\n`;
  const input = (name: string) => `$\{{ inputs.${name} }}`;
  const folder = ".gitea/workflows";
  const inputs =
    "on:\n  workflow_dispatch:\n    inputs:\n      item: { default: '' }\n      mode: { type: choice, options: [auto] }\n";
  const entry: Entry = {
    name: "flows-1",
    minute: 22,
    files: {
      [`${folder}/agent.yml`]: `name: agent\n${inputs}${job("go", `"echo \\"item is ${input("item")}\\""`)}`,
      [`${folder}/ci.yml`]: `name: ci\non: pull_request\n${job("test", "echo ok")}`,
      [`${folder}/needs.yml`]: `name: needs\non:\n  workflow_dispatch:\n    inputs:\n      it: { required: true }\n${job("go", "echo")}`,
      [`${folder}/slow.yml`]: `name: slow\non:\n  workflow_dispatch:\n    inputs:\n      seconds: {}\n${job("go", `sleep ${input("seconds")}`)}`,
    },
    refs: ["refs/heads/main"],
  };
  await importHistory(forge, "acme/flows", names, [entry]);
}
