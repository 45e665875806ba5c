// Names of calls, the same whenever a story is played: no commit ids, random names or addresses in them.

import type { SpawnOptions } from "node:child_process";
import type { CallKind } from "./gate.ts";

const sha = /\b[0-9a-f]{40}\b/g;
const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;

/** `POST issues/1/labels`, below the repository where it is there. */
export function requestLabel(method: string, url: string): string {
  const path = new URL(url).pathname.replace(/^\/api\/v1\//, "").replace(/^repos\/[^/]+\/[^/]+\//, "");
  return `${method} ${path.replace(sha, "<sha>")}`;
}

export interface Started {
  kind: Extract<CallKind, "network" | "local" | "process">;
  label: string;
}

/** What a process is: `git push item/issue-1 slot`, `agent implement`, `command`. */
export function processLabel(file: string, args: readonly string[], options: SpawnOptions): Started {
  const env = options.env ?? {};
  // Its own session, so that it can be ended with all it started: an agent, or a command of the policy.
  if (options.detached === true) {
    const kind = env["AGENT_DISPATCH_KIND"];
    return { kind: "process", label: kind === undefined ? "command" : `agent ${kind}` };
  }
  const command = [file, ...args];
  const url = command.findIndex((arg) => /^https?:\/\//.test(arg));
  // Before git's own words come a shell, its one line, and names of files.
  const script = command.indexOf("-c");
  const verb = command.findIndex((arg, at) => at > script + 2 && /^(--)?[a-z][a-z-]+$/.test(arg));
  const label = `git ${command[verb] ?? "?"}`;
  if (url < 0) return { kind: "local", label };
  const refs = command.slice(url + 1).flatMap(refOf);
  return { kind: "network", label: [label, ...refs].join(" ") };
}

/** The ref of a refspec or pattern in short; a deletion has a `-`. */
function refOf(arg: string): string[] {
  const ref = /refs\/.+$/.exec(arg)?.[0];
  if (ref === undefined) return [];
  const short = ref
    .replace(/^refs\/(agent-dispatch\/v1|heads)\//, "")
    .replace(/:.*$/, "")
    // Which place a run takes is left to chance.
    .replace(/^slot\/\d+$/, "slot");
  return [`${arg.startsWith(":") ? "-" : ""}${short}`];
}

/** `writeFile temp/agent-dispatch-host-*\/scratch/input-*`. */
export function fileLabel(operation: string, path: string, folders: Readonly<Record<string, string>>): string {
  const folder = Object.entries(folders).find(([, at]) => path.startsWith(`${at}/`));
  const short = folder === undefined ? path : `${folder[0]}${path.slice(folder[1].length)}`;
  return `${operation} ${short.replace(uuid, "*").replace(sha, "*").replace(/\d+/g, "*")}`;
}
