// A profile that is out of quota, by whole runs: the next one takes over in the same run, and later runs do not start it before its limit is over.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseParking } from "../../src/ledger/profile.ts";
import { mends, type Stage, stage } from "../support/run.ts";

const inputs = { agents: "claude, command", "agent-command": mends };
const limit = (resetsAt: number) => [
  { type: "rate_limit_event", rate_limit_info: { status: "rejected", resetsAt } },
  {
    type: "result",
    subtype: "success",
    is_error: true,
    terminal_reason: "rate_limit",
    api_error_status: 429,
    result: "limit",
  },
];
const good = [{ type: "result", subtype: "success", is_error: false, result: "done" }];

/** A `claude` on the PATH that prints these events after this line, and writes down that it was started. */
async function claude(s: Stage, events: readonly object[], line = "true"): Promise<Record<string, string>> {
  const folder = join(s.dir, "bin");
  await mkdir(folder, { recursive: true });
  const said = events.map((event) => `echo '${JSON.stringify(event)}'`).join("\n");
  const text = `#!/bin/sh\ncat >/dev/null\necho x >> ${s.dir}/starts\n${line}\n${said}\n`;
  await writeFile(join(folder, "claude"), text, { mode: 0o755 });
  return { PATH: `${folder}:${process.env["PATH"] ?? ""}` };
}

const starts = async (s: Stage) => (await readFile(join(s.dir, "starts"), "utf8").catch(() => "")).length / 2;

async function parking(s: Stage, name = "claude") {
  const ref = `refs/agent-dispatch/v1/profile/${name}`;
  const found = await s.git("for-each-ref", "--format=%(objectname)", ref);
  return found === "" ? null : parseParking(found, await s.git("log", "-1", "--format=%B", ref));
}

const seconds = () => Math.floor(Date.now() / 1000);

it("the next profile takes over in the same run; later runs and other items pass the parked one over until its limit is over", async () => {
  const s = await stage({});
  await s.issue("sum subtracts");
  const resetsAt = seconds() + 3600;
  const env = await claude(s, limit(resetsAt));
  const first = await s.start({ inputs, env });
  expect(first.outcome).toMatchObject({ kind: "implement", outcome: "done", profile: "command", attempt: 1 });
  expect(await starts(s)).toBe(1);
  expect(await parking(s)).toMatchObject({ until: resetsAt * 1000, failure: "quota", times: 1 });
  await s.issue("another");
  expect((await s.start({ inputs: { ...inputs, mode: "implement" }, env })).outcome).toMatchObject({
    profile: "command",
  });
  expect(await starts(s)).toBe(1);
  // Over: it is tried again, works, and is free.
  s.forge.clockOffsetMs += 3_700_000;
  await claude(s, good, "sed -i 's/a - b/a + b/' sum.js");
  await s.issue("a third");
  const third = await s.start({ inputs: { ...inputs, mode: "implement" }, env });
  expect(third.outcome).toMatchObject({ outcome: "done", profile: "claude" });
  expect(await parking(s)).toBeNull();
});

it("where all are parked, items wait and nothing fails; an order ends the wait", async () => {
  const s = await stage({});
  await s.issue("sum subtracts");
  await s.issue("another");
  const env = await claude(s, limit(seconds() + 3600));
  const alone = { agents: "claude", "agent-command": "" };
  const first = await s.start({ inputs: alone, env });
  expect(first.outcome).toMatchObject({ outcome: "failed", failure: "quota", item: 1 });
  expect(await s.record(1)).toMatchObject({ attempt: 0, state: "released" });
  const second = await s.start({ inputs: alone, env });
  expect(second.outcome).toMatchObject({ kind: "idle", outcome: "idle" });
  expect(second.log).toMatch(/#2 another: its profile is parked: `claude` until .* UTC \(quota\)/);
  expect(await s.record(2)).toBeNull();
  expect(await starts(s)).toBe(1);
  s.forge.clockOffsetMs += 2_000;
  await claude(s, good, "sed -i 's/a - b/a + b/' sum.js");
  await s.forge.as("alice").post(`/repos/${s.repo}/issues/2/comments`, { body: "/agent run" });
  const ordered = await s.start({ inputs: alone, env });
  expect(ordered.outcome).toMatchObject({ outcome: "done", item: 2, profile: "claude" });
  expect(await parking(s)).toBeNull();
});
