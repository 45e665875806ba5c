import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ForgeVersion } from "../support/forge/forge.ts";
import { GitRepository } from "../support/forge/git/repository.ts";
import { makeStartingWorld, type StartingWorld } from "./starting-world.ts";

/** One command's end. */
export interface Ended {
  exit: number;
  stdout: string;
  stderr: string;
}

/** The forge with the repositories of the git recording, and a client with the commits that are pushed. */
export class GitWorld {
  readonly world: StartingWorld;
  readonly #folder = mkdtempSync(join(tmpdir(), "git-replay-"));
  readonly #client: GitRepository;

  private constructor(world: StartingWorld) {
    this.world = world;
    this.#client = GitRepository.create(join(this.#folder, "client.git"), "main");
  }

  static async make(version: ForgeVersion): Promise<GitWorld> {
    const made = new GitWorld(await makeStartingWorld(version));
    await made.#writeCommits();
    const { forge, names } = made.world;
    await forge.commitFiles("acme/blocked", { "README.md": "# blocked\n" }, { author: "owner" });
    const blocked = forge.world.git(forge.repo("acme/blocked"));
    await blocked.moveRef("refs/heads/agent", blocked.branch("main") ?? "");
    names.mark = "";
    return made;
  }

  async close(): Promise<void> {
    this.#client.close();
    await this.world.forge.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Moves a ref of the ledger repository behind everybody's back, sending the commit along. */
  async place(ref: string, name: string): Promise<void> {
    const dir = this.world.forge.gitDir("acme/ledger");
    const sha = this.world.names.sha(name) ?? "";
    const done = await this.#client.run(["push", "--quiet", "--force", dir, `${sha}:${ref}`], {
      env: { FORGE_MAY_WRITE: "yes", FORGE_PUSHED: "/dev/null" },
    });
    if (done.exit !== 0) throw new Error(done.stderr);
  }

  /** Runs a recorded command as an account; fetches get an empty folder, so that nothing is there already. */
  async run(as: string, args: readonly string[]): Promise<Ended> {
    const { names, tokens } = this.world;
    const token = tokens.get(as);
    const filled = args.map((arg) => names.fill(arg));
    return this.#start(filled, token, await this.#placeFor(args));
  }

  async #placeFor(args: readonly string[]): Promise<string> {
    if (args[0] === "for-each-ref") return join(this.#folder, "f8");
    if (args[0] === "clone") return this.#folder;
    if (args[0] !== "fetch") return this.#client.dir;
    const dir = mkdtempSync(join(this.#folder, "fetch-"));
    GitRepository.create(dir, "main");
    return dir;
  }

  #start(args: string[], token: string | undefined, cwd: string): Promise<Ended> {
    const basic = token === undefined ? "" : `Authorization: Basic ${Buffer.from(`x:${token}`).toString("base64")}`;
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: this.#folder,
      LC_ALL: "C",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_TERMINAL_PROMPT: "0",
      ...(basic === ""
        ? {}
        : { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "http.extraHeader", GIT_CONFIG_VALUE_0: basic }),
    };
    return new Promise((resolve) => {
      execFile("git", args, { cwd, env }, (error, stdout, stderr) => {
        const exit = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ exit, stdout, stderr });
      });
    });
  }

  async #writeCommits(): Promise<void> {
    mkdirSync(join(this.#folder, "work"), { recursive: true });
    const tree = (await this.#client.run(["mktree"], { input: "" })).stdout.toString().trim();
    const commit = async (name: string, parent?: string) => {
      const sha = await this.#client.writeCommit({
        tree,
        parents: parent === undefined ? [] : [this.world.names.sha(parent) ?? ""],
        message: `${name}\n`,
        author: { name: "lab", email: "lab@example.invalid" },
        at: Date.UTC(2026, 0, 1),
      });
      this.world.names.bind(name, sha);
    };
    await commit("base-1");
    await commit("base-2", "base-1");
    await commit("base-3", "base-1");
    await commit("base-4", "base-2");
    for (const number of ["one", "two", "three", "four", "five", "six", "seven", "eight"])
      await commit(`rec-${number}`);
    await commit("rec-child", "rec-one");
    await commit("rec-grandchild", "rec-child");
    for (const race of ["race for one ref", "race for two refs, atomic"]) {
      for (const end of ["winner", "loser"]) await commit(`${race}, ${end}`);
    }
    for (const race of ["race to move one ref", "race to move two refs, atomic"]) {
      for (const end of ["winner", "loser"]) await commit(`${race}, ${end}`, "rec-one");
    }
  }
}
