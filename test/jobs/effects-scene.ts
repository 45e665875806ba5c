// A repository with an issue (#1) and the bot's pull request for it (#2) on the embedded forge, and effects carried out through the real adapter.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Effect, Effects } from "../../src/core/effects.ts";
import { giteaForge } from "../../src/forge/gitea.ts";
import type { Forge as Port } from "../../src/forge/port.ts";
import { openHost } from "../../src/git/host.ts";
import type { Host } from "../../src/git/port.ts";
import { applyEffects, type EffectPorts, type EffectsOutcome } from "../../src/jobs/effects.ts";
import { type Fault, type Forge, type ForgeVersion, type Issue, startForge } from "../support/forge/forge.ts";

export const repo = "acme/app";

/** All deeds after which the forge has done what was asked and nobody was told. */
export const lost = ["apply-then-502", "apply-then-reset", "cut"] as const;

export function request(method: string, path: RegExp): Fault["when"] {
  return (seen) => seen.kind === "api" && seen.method === method && path.test(seen.path.split("?")[0] ?? "");
}

export interface SceneOptions {
  version?: ForgeVersion;
  private?: boolean;
  /** Who opens the pull request; default the bot. */
  author?: string;
}

export interface Place {
  issue: number;
  pull: number | null;
}

export interface Scene {
  forge: Forge;
  /** Head of the pull request. */
  head: string;
  log: string[];
  /** The adapter with this account's token. */
  as(login: string): Port;
  /** The bot's, `change` replaces some. */
  ports(change?: Partial<EffectPorts>): EffectPorts;
  /** By the bot, once. `ports` replaces some of its own; `at` the item and its pull request. */
  apply(effects: readonly Effect[], ports?: Partial<EffectPorts>, at?: Place): Promise<EffectsOutcome>;
  at(number: number): Issue;
}

/** Closed by itself when the test ends. */
export async function scene(options: SceneOptions = {}): Promise<Scene> {
  const forge = await startForge(options.version === undefined ? {} : { version: options.version });
  onTestFinished(() => forge.close());
  forge.addUser({ login: "owner", admin: true });
  const tokens = new Map(["bot", "alice", "judge"].map((login) => [login, forge.addUser({ login }).token]));
  forge.addOrg("acme", ["owner"]);
  await forge.addRepo({ owner: "acme", name: "app", files: { "a.txt": "one\n" }, private: options.private ?? false });
  forge.addCollaborator(repo, "bot", "write");
  forge.addCollaborator(repo, "alice", "write");
  if (options.private !== true) forge.addCollaborator(repo, "judge", "write");
  const head = await forge.commitFiles(repo, { "a.txt": "one\ntwo\n" }, { branch: "work", author: "bot" });
  const author = forge.as(options.author ?? "bot");
  await forge.as("alice").post(`/repos/${repo}/issues`, { title: "it is wrong" });
  await author.post(`/repos/${repo}/pulls`, { head: "work", base: "main", title: "mend it" });
  const log: string[] = [];
  const as = (login: string) =>
    giteaForge({
      ...{ serverUrl: forge.url, token: tokens.get(login) ?? "none", owner: "acme", name: "app" },
      ...{ timeoutMs: 5_000, backoffMs: 5, backoffMsMax: 20 },
    });
  const own: EffectPorts = {
    host: () => hostOf(`${forge.url}/${repo}.git`, tokens.get("bot") ?? "none"),
    ...{ forge: as("bot"), program: ["bot", "gitea-actions"], automatic: false },
    fence: async () => {},
    log: (line) => log.push(line),
  };
  return {
    ...{ forge, head, log, as },
    ports: (change = {}) => ({ ...own, ...change }),
    apply: (effects, ports = {}, { issue, pull } = { issue: 1, pull: 2 }) => {
      const wanted: Effects = { v: 1, issue, effects: [...effects] };
      return applyEffects({ ...own, ...ports }, wanted, pull);
    },
    at: (number) => {
      const found = forge.repo(repo).issues.find((issue) => issue.number === number);
      if (found === undefined) throw new Error(`there is no #${number}`);
      return found;
    },
  };
}

async function hostOf(url: string, token: string): Promise<Host> {
  const dir = await mkdtemp(join(tmpdir(), "agent-dispatch-effects-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return openHost({
    dir,
    url,
    token,
    bot: { name: "bot", email: "bot@example.org" },
    env: { PATH: process.env["PATH"] },
  });
}

/** As `login: text`, in order. */
export function commentsOf(issue: Issue): string[] {
  return issue.entries.filter((e) => e.type === "comment").map((e) => `${e.user.login}: ${e.body}`);
}

export function labelsOf(issue: Issue): string[] {
  return issue.labels.map((label) => label.name).sort();
}

/** As `login STATE, lines` with the number of comments on lines. */
export function reviewsOf(issue: Issue): string[] {
  return (issue.pull?.reviews ?? []).map((r) => `${r.user?.login ?? "?"} ${r.state}, ${r.comments.length}`);
}
