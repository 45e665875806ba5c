// What others could see of a run so far: as long as it stays the same, it makes no difference to them where the run stands.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./gate/gate.ts";
import type { Stage } from "./run.ts";

/** The forge, refs, living agents of the run, and, with its machine, what is kept there for a later step. */
export function outerState(s: Stage, machine: Machine | null, agents: number): string {
  const repo = s.forge.repo(s.repo);
  const known = new Map<object, number>();
  const text = JSON.stringify(
    { repo, refs: [...s.forge.world.git(repo).refs()], agents, ...filesOf(machine) },
    (_, value: unknown) => {
      const plain = value instanceof Map || value instanceof Set ? [...value] : value;
      if (typeof plain !== "object" || plain === null) return plain;
      const at = known.get(plain);
      if (at !== undefined) return `seen ${at}`;
      known.set(plain, known.size);
      return plain;
    },
  );
  return createHash("sha1").update(text).digest("hex");
}

/**
 * What a later step reads there: what was kept by name, and the trace of processes. Whether one of the run's own folders is there makes no
 * difference to who removes it.
 */
function filesOf(machine: Machine | null): object {
  if (machine === null) return { traces: [], state: [] };
  const folders = readdirSync(machine.temp).map((name) => join(machine.temp, name, "processes.json"));
  const traces = folders.filter((at) => existsSync(at)).map((at) => readFileSync(at, "utf8"));
  return { traces, state: [...machine.state] };
}
