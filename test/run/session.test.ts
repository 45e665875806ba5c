// Work that the checks send back goes to the agent's own session, where its CLI can go on with one.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Stage, stage } from "../support/run.ts";

const event = (session: string) =>
  JSON.stringify({ type: "result", subtype: "success", is_error: false, result: "done", session_id: session });

/** A `claude` that mends only what it is told about a second time; `resumed` is the line that it runs when it shall go on with a session. */
async function claude(s: Stage, resumed: string): Promise<Record<string, string>> {
  const folder = join(s.dir, "bin");
  await mkdir(folder, { recursive: true });
  const text = `#!/bin/sh
cat > ${s.dir}/prompt
echo "$@" >> ${s.dir}/starts
case "$*" in *--resume*) ${resumed};; esac
if [ $(wc -l < ${s.dir}/starts) -ge 2 ]; then sed -i 's/a - b/a + b/' sum.js; else echo >> sum.js; fi
echo '${event("s1")}'
`;
  await writeFile(join(folder, "claude"), text, { mode: 0o755 });
  return { PATH: `${folder}:${process.env["PATH"] ?? ""}` };
}

const starts = async (s: Stage) => (await readFile(join(s.dir, "starts"), "utf8")).trim().split("\n");
const inputs = { agents: "claude", "agent-command": "" };

it("the second start names the session of the first", async () => {
  const s = await stage({});
  await s.issue("sum subtracts");
  const end = await s.start({ inputs, env: await claude(s, ":") });
  expect(end.outcome).toMatchObject({ outcome: "done", attempt: 1 });
  const [first, second, ...rest] = await starts(s);
  expect(first).not.toContain("--resume");
  expect(second).toContain("--resume s1");
  expect(rest).toEqual([]);
});

it("a session that cannot be gone on with is left, and a new one gets the same words", async () => {
  const s = await stage({});
  await s.issue("sum subtracts");
  const end = await s.start({ inputs, env: await claude(s, "echo 'No conversation found' >&2; exit 1") });
  expect(end.outcome).toMatchObject({ outcome: "done", attempt: 1 });
  expect((await starts(s)).map((line) => line.includes("--resume"))).toEqual([false, true, false]);
  expect(end.log).toContain("could not be gone on with");
});
