// `prepare` and `checks` on a fresh tree of exactly one commit: what is published is what was checked.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { markVariables } from "../agent/mark.ts";
import type { CheckResult } from "../core/report.ts";
import { makeCheckout } from "../git/clone.ts";
import type { Workspace } from "../workspace.ts";
import type { Job } from "./job.ts";
import { runShell, type ShellEnd } from "./shell.ts";

export type Checked =
  | { kind: "green"; results: CheckResult[] }
  | { kind: "red"; results: CheckResult[]; failed: ShellEnd }
  /** The work was stopped meanwhile. */
  | { kind: "stopped" };

let trees = 0;

/** Runs them on a commit. Stops at the first that fails. Nothing they write in the tree is published. */
export async function check(job: Job, workspace: Workspace, commit: string, stop: AbortSignal): Promise<Checked> {
  const { settings, ports } = job;
  const checks = settings.checks === "statuses" ? [] : settings.checks;
  if (checks.length === 0) return { kind: "green", results: [] };
  const name = `check-${++trees}`;
  const dir = join(workspace.root, name);
  await makeCheckout(await ports.host(), { dir, commit });
  // A home of their own: what the agent left in its own (`.npmrc`, `.gitconfig`, caches) must not decide how they end.
  const own = { ...workspace, home: join(workspace.root, `${name}-home`), tmp: join(workspace.root, `${name}-tmp`) };
  await Promise.all([mkdir(own.home), mkdir(own.tmp)]);
  const results: CheckResult[] = [];
  for (const [index, command] of [...settings.prepare, ...checks].entries()) {
    if (stop.aborted) return { kind: "stopped" };
    const end = await runInTree(job, own, dir, command, stop);
    if (stop.aborted) return { kind: "stopped" };
    const { killed, ...result } = end;
    if (index >= settings.prepare.length) results.push(result);
    ports.log.line(
      `${end.exitCode === 0 ? "passed" : "failed"}: ${command} (exit code ${end.exitCode ?? `none: ${killed ?? "?"}`})`,
    );
    if (end.exitCode !== 0) return { kind: "red", results, failed: end };
  }
  return { kind: "green", results };
}

/** `prepare` in the agent's clone, before the agent. */
export async function prepare(job: Job, workspace: Workspace, stop: AbortSignal): Promise<ShellEnd | null> {
  for (const command of job.settings.prepare) {
    const end = await runInTree(job, workspace, workspace.clone, command, stop);
    if (end.exitCode !== 0) return end;
  }
  return null;
}

function runInTree(job: Job, workspace: Workspace, cwd: string, command: string, stop: AbortSignal): Promise<ShellEnd> {
  const { root, home, tmp, kept } = workspace;
  const path = job.ports.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
  const marks = markVariables({ place: job.ports.place, owner: job.who.owner });
  return runShell({ command, cwd, root, home, tmp, kept, policy: job.settings.policy, path, marks, stop });
}
