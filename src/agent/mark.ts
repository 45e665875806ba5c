// The mark of a run in the environment of everything that it starts: agents, `prepare` and checks. It says which repository of which server the
// run works for and which process holds its claim, so that what a dead run left can be told from what a living one is doing.

import { createHash } from "node:crypto";
import { readProcess, variableOf } from "./processes.ts";

/** `<16 hex digits of the repository's place>-<owner of the claim>`. */
const runVariable = "AGENT_DISPATCH_RUN";
/** `<pid>.<start time in ticks>` of the program itself, where the machine tells them. */
const hostVariable = "AGENT_DISPATCH_HOST";

/** A repository on a server as 16 hex digits. `serverUrl` without a slash at its end, `repository` as `owner/name`. */
export function placeOf(serverUrl: string, repository: string): string {
  return createHash("sha256").update(`${serverUrl}/${repository}`.toLowerCase()).digest("hex").slice(0, 16);
}

export interface RunMark {
  place: string;
  /** UUID of the claiming process, as records of the ledger name it. */
  owner: string;
}

export function formatMark({ place, owner }: RunMark): string {
  return `${place}-${owner}`;
}

/** Null for every text of another form. */
export function parseMark(text: string): RunMark | null {
  const [, place, owner] = /^([0-9a-f]{16})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(text) ?? [];
  return place === undefined || owner === undefined ? null : { place, owner };
}

/** Entry of the environment by which processes of the run are found. */
export function markEntry(mark: RunMark): string {
  return `${runVariable}=${formatMark(mark)}`;
}

/** What everything that this process starts for the run gets into its environment. */
export function markVariables(mark: RunMark): Record<string, string> {
  const own = readProcess(process.pid);
  const host = own === null ? {} : { [hostVariable]: `${own.pid}.${own.startedTicks}` };
  return { [runVariable]: formatMark(mark), ...host };
}

/** Mark that a process was started with; null without one, or where we may not look. */
export function markOf(pid: number): RunMark | null {
  return parseMark(variableOf(pid, runVariable) ?? "");
}

/** Whether the program that started it is still there, be it suspended. */
export function hasHost(pid: number): boolean {
  const [, host, ticks] = /^(\d{1,10})\.(\d{1,20})$/.exec(variableOf(pid, hostVariable) ?? "") ?? [];
  return host !== undefined && readProcess(Number(host))?.startedTicks === Number(ticks);
}
