// What others could see of a run so far: as long as it stays the same, it makes no difference to them where the run stands.

import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
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

/** Folders with random names are the run's own: nobody finds them again. */
function filesOf(machine: Machine | null): object {
  if (machine === null) return { files: [], state: [] };
  const folders = [machine.temp, machine.workspace];
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(folder, entry.name)),
  );
  return { files, state: [...machine.state] };
}
