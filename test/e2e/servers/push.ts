import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { basic } from "./api.ts";

export interface Remote {
  /** Clone URL without credentials. */
  url: string;
  login: string;
  password: string;
}

/** Git as nobody in particular: no configuration of the machine; credentials by environment, so that they are in no argument and on no disk. */
function gitEnvironment(home: string, remote: Remote): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: home,
    LANG: "C.UTF-8",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: "story",
    GIT_AUTHOR_EMAIL: "story@localhost",
    GIT_COMMITTER_NAME: "story",
    GIT_COMMITTER_EMAIL: "story@localhost",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "http.extraHeader",
    GIT_CONFIG_VALUE_0: `Authorization: ${basic(remote.login, remote.password)}`,
  };
}

type Git = (...args: string[]) => Promise<string>;

async function inClone<T>(remote: Remote, use: (folder: string, git: Git) => Promise<T>): Promise<T> {
  const root = await mkdtemp(path.join(os.tmpdir(), "agent-dispatch-push-"));
  const folder = path.join(root, "clone");
  const env = gitEnvironment(root, remote);
  try {
    await mkdir(folder);
    const git: Git = async (...args) => {
      const { stdout } = await promisify(execFile)("git", args, { cwd: folder, env, timeout: 60_000 });
      return stdout.trim();
    };
    await git("init", "--quiet", "--initial-branch=main");
    await git("remote", "add", "origin", remote.url);
    return await use(folder, git);
  } finally {
    await rm(root, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Adds a commit to a branch, from `main` where the branch is new, from nothing where the repository is. Answers its id. */
export async function pushCommit(
  remote: Remote,
  branch: string,
  message: string,
  files: Readonly<Record<string, string | null>>,
): Promise<string> {
  return await inClone(remote, async (folder, git) => {
    const refs = await git("ls-remote", "origin", `refs/heads/${branch}`, "refs/heads/main");
    const start = [branch, "main"].find((name) => refs.includes(`refs/heads/${name}`));
    if (start !== undefined) {
      await git("fetch", "--quiet", "--depth=1", "origin", `refs/heads/${start}`);
      await git("reset", "--quiet", "--hard", "FETCH_HEAD");
    }
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(folder, name);
      await mkdir(path.dirname(file), { recursive: true });
      if (content === null) await rm(file, { force: true });
      else await writeFile(file, content);
    }
    await git("add", "--all", "--force");
    await git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", message);
    await git("push", "--quiet", "origin", `HEAD:refs/heads/${branch}`);
    return await git("rev-parse", "HEAD");
  });
}

/** The parts of a checkout that a runner needs, as one commit on `main` with a tag, replacing what was there. */
export async function pushCheckout(remote: Remote, checkout: string, tag: string): Promise<string> {
  return await inClone(remote, async (folder, git) => {
    for (const part of ["action.yml", "package.json", "dist"]) {
      const source = path.join(checkout, part);
      if (part !== "package.json" || (await exists(source)))
        await cp(source, path.join(folder, part), { recursive: true });
    }
    await git("add", "--all", "--force");
    await git("commit", "--quiet", "--no-verify", "--message", `agent-dispatch ${tag}`);
    await git("push", "--quiet", "--force", "origin", "HEAD:refs/heads/main", `HEAD:refs/tags/${tag}`);
    return await git("rev-parse", "HEAD");
  });
}

async function exists(file: string): Promise<boolean> {
  return await stat(file).then(
    () => true,
    () => false,
  );
}
