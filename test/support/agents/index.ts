// The stand-in agents as values: where they lie, and the shell line that runs one as the profile `command`.

import { fileURLToPath } from "node:url";

export type StandIn =
  | "good"
  | "nothing"
  | "fails"
  | "hangs"
  | "silent"
  | "floods"
  | "commands"
  | "kills-group"
  | "leaves-child"
  | "daemonises"
  | "bad-result"
  | "deletes-clone"
  | "replays"
  | "plays";

export function standIn(name: StandIn): string {
  return fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
}

/** For `agent-command`: quoted for the shell. */
export function commandLine(name: StandIn, ...args: string[]): string {
  const quoted = [process.execPath, standIn(name), ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  return quoted.join(" ");
}
