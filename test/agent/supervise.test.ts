import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { OutputReader } from "../../src/agent/output.ts";
import { claude } from "../../src/agent/presets/claude.ts";
import { listProcesses } from "../../src/agent/processes.ts";
import { type Heartbeat, supervise } from "../../src/agent/supervise.ts";
import { endSurvivors, endTree, look } from "../../src/agent/tree.ts";
import { RunError } from "../../src/errors.ts";
import { aStage, quick, someLimits } from "./stage.ts";

const read = (file: string) => readFileSync(file, "utf8");

/** Whether a process runs; a zombie that nobody collects does not. */
function runs(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return !/^\d+ \(.*\) [ZX] /.test(read(`/proc/${pid}/stat`));
}

describe.concurrent("an agent that ends by itself", () => {
  test("its work, its exit and both outputs are kept, and nothing survived", async (context) => {
    const stage = aStage(context);
    const plan = { write: { "src/a.txt": "new\n" }, result: { status: "implemented" }, say: "all done" };
    const started: unknown[] = [];
    const ended = await supervise(
      stage.agent("good", stage.file("plan.json", JSON.stringify(plan))),
      stage.outputFile,
      someLimits(),
      { ...quick, onStarted: (agent) => started.push(agent) },
    );
    expect(ended).toMatchObject({ how: "exit", code: 0, survivors: 0, unkillable: [], bytes: 9 });
    expect(ended.dead?.by).toBe("scan");
    expect(started).toEqual([{ pid: expect.any(Number), pgid: expect.any(Number) }]);
    expect(read(`${stage.clone}/src/a.txt`)).toBe("new\n");
    expect(read(stage.outputFile)).toBe("all done\n");
    expect(statSync(stage.outputFile).mode & 0o077).toBe(0);
    expect(JSON.parse(read(stage.resultFile))).toEqual({ status: "implemented" });
  });

  test("a non-zero exit and its words on standard error are kept", async (context) => {
    const stage = aStage(context);
    const ended = await supervise(stage.agent("fails", "3", "no such luck"), stage.outputFile, someLimits(), quick);
    expect(ended).toMatchObject({ how: "exit", code: 3 });
    expect(read(ended.errorFile)).toBe("no such luck\n");
  });

  test("a prompt that is never read is no error, however long", async (context) => {
    const stage = aStage(context);
    const agent = { ...stage.agent("nothing"), stdin: "x".repeat(3_000_000) };
    expect(await supervise(agent, stage.outputFile, someLimits(), quick)).toMatchObject({ how: "exit", code: 0 });
  });

  test("a prompt that is turned away is no error", async (context) => {
    const stage = aStage(context);
    const args = ["-e", "require('fs').closeSync(0); setTimeout(() => console.log('done'), 200)"];
    const agent = { ...stage.agent("nothing"), args, stdin: "x".repeat(3_000_000) };
    expect(await supervise(agent, stage.outputFile, someLimits(), quick)).toMatchObject({
      how: "exit",
      code: 0,
      bytes: 5,
    });
  });

  test("killing its whole group ends only itself", async (context) => {
    const stage = aStage(context);
    const ended = await supervise(stage.agent("kills-group"), stage.outputFile, someLimits(), quick);
    expect(ended).toMatchObject({ how: "signal", signal: "SIGKILL", dead: { by: "scan" } });
  });

  test("deleting its clone does no harm to the supervisor", async (context) => {
    const stage = aStage(context);
    const ended = await supervise(stage.agent("deletes-clone"), stage.outputFile, someLimits(), quick);
    expect(ended).toMatchObject({ how: "exit", code: 0 });
    expect(existsSync(stage.clone)).toBe(false);
  });
});

describe.concurrent("a program that cannot be started", () => {
  test.for([
    ["that is not there", { file: "no-such-agent" }, "ENOENT", /no-such-agent/],
    ["that is no program", { file: import.meta.filename }, "EACCES", /EACCES/],
    ["in a folder that is not there", { cwd: "/no/such/clone" }, "ENOENT", /working directory/],
    ["with an argument that no system takes", { args: ["x".repeat(3_000_000)] }, "E2BIG", /E2BIG/],
  ] as const)("%s", async ([, change, errno, text], context) => {
    const stage = aStage(context);
    const ended = await supervise({ ...stage.agent("nothing"), ...change }, stage.outputFile, someLimits(), quick);
    expect(ended).toMatchObject({ how: "spawn-error", errno, text: expect.stringMatching(text), dead: { by: "scan" } });
  });
});

describe.concurrent("limits", () => {
  test("wall: also an agent that ignores SIGTERM is gone after the grace", async (context) => {
    const stage = aStage(context);
    let pid = 0;
    const ended = await supervise(stage.agent("hangs"), stage.outputFile, someLimits({ wallMs: 300 }), {
      ...quick,
      onStarted: (agent) => {
        pid = agent.pid;
      },
    });
    expect(ended).toMatchObject({
      how: "killed",
      reason: "wall",
      text: "The agent was stopped at its time limit of 0.3 s.",
    });
    expect(ended.durationMs).toBeLessThan(15_000);
    expect(ended.dead).not.toBeNull();
    expect(runs(pid)).toBe(false);
  });

  test("start-up: not one byte", async (context) => {
    const stage = aStage(context);
    const limits = someLimits({ startUpMs: 200, silenceMs: 150_000 });
    const ended = await supervise(stage.agent("silent"), stage.outputFile, limits, quick);
    expect(ended).toMatchObject({ how: "killed", reason: "start-up", bytes: 0 });
  });

  test("silence begins anew with every byte", async (context) => {
    const stage = aStage(context);
    const limits = someLimits({ startUpMs: 1_000, silenceMs: 600 });
    const agent = {
      ...stage.agent("nothing"),
      args: [
        "-e",
        "let n = 0; const t = setInterval(() => { console.log(n); if (++n === 4) clearInterval(t), setTimeout(() => 0, 60000) }, 150)",
      ],
    };
    const ended = await supervise(agent, stage.outputFile, limits, quick);
    expect(ended).toMatchObject({ how: "killed", reason: "silence", bytes: 8 });
    expect(ended.durationMs).toBeGreaterThan(1_000);
  });

  test("a limit of 0 is none", async (context) => {
    const stage = aStage(context);
    const limits = someLimits({ wallMs: 0, silenceMs: 0, startUpMs: 0 });
    const agent = { ...stage.agent("nothing"), args: ["-e", "setTimeout(() => 0, 200)"] };
    expect(await supervise(agent, stage.outputFile, limits, quick)).toMatchObject({ how: "exit", code: 0 });
  });

  test("output: 200 MB are cut at the cap and the agent is ended", async (context) => {
    const stage = aStage(context);
    const ended = await supervise(stage.agent("floods", "200000000"), stage.outputFile, someLimits(), quick);
    expect(ended).toMatchObject({
      how: "killed",
      reason: "output",
      text: "The agent printed more than 1 MB and was stopped.",
    });
    expect(ended.bytes).toBeGreaterThan(1_000_000);
    expect(statSync(ended.outputFile).size).toBe(1_000_000);
  });

  test("time that the machine slept through counts", async (context) => {
    const stage = aStage(context);
    let wall = 1_000_000;
    const clock = { wall: () => wall, monotonic: () => performance.now() };
    const running = supervise(stage.agent("silent"), stage.outputFile, someLimits({ wallMs: 3_600_000 }), {
      ...quick,
      clock,
      onStarted: () => {
        wall += 3_600_000;
      },
    });
    expect(await running).toMatchObject({ how: "killed", reason: "wall" });
  });
});

describe("a machine that stands still", () => {
  /** The wall clock says that an hour has passed while nothing of ours ran. */
  function asleep(stop: AbortController) {
    let wall = 1_000_000;
    const clock = { wall: () => wall, monotonic: () => performance.now() };
    const onStarted = () => {
      setTimeout(() => {
        wall += 3_600_000;
      }, 100);
      setTimeout(() => stop.abort("enough"), 600);
    };
    return { ...quick, clock, onStarted, stop: stop.signal };
  }

  test.each([
    ["silence", { silenceMs: 600_000 }],
    ["start-up", { startUpMs: 120_000 }],
  ])("calls nobody's agent silent for it (%s)", async (_, limit) => {
    const stage = aStage({ onTestFinished });
    const limits = someLimits({ wallMs: 0, silenceMs: 0, startUpMs: 0, ...limit });
    const ended = await supervise(stage.agent("silent"), stage.outputFile, limits, asleep(new AbortController()));
    expect(ended).toMatchObject({ how: "killed", reason: "stopped", text: "enough" });
  });

  test("believes an agent that ended meanwhile, whatever limit is over since", async (context) => {
    const stage = aStage(context);
    let wall = 1_000_000;
    const clock = { wall: () => wall, monotonic: () => performance.now() };
    const limits = someLimits({ wallMs: 60_000, silenceMs: 1_000 });
    const brief = { ...stage.agent("nothing"), file: "sh", args: ["-c", "sleep 0.4"] };
    const running = supervise(brief, stage.outputFile, limits, {
      ...quick,
      clock,
      onStarted: ({ pid }) => {
        setTimeout(() => {
          // Nothing of ours runs until the agent has ended, as when this process alone was stopped.
          while (runs(pid));
          wall += 3_600_000;
        }, 100);
      },
    });
    expect(await running).toMatchObject({ how: "exit" });
  });
});

describe.concurrent("hooks", () => {
  test("stop ends the agent with the reason that people read", async (context) => {
    const stage = aStage(context);
    const controller = new AbortController();
    const ended = await supervise(stage.agent("hangs"), stage.outputFile, someLimits(), {
      ...quick,
      stop: controller.signal,
      onStarted: () => setTimeout(() => controller.abort("anna put the label hold on the issue"), 50),
    });
    expect(ended).toMatchObject({ how: "killed", reason: "stopped", text: "anna put the label hold on the issue" });
  });

  test("a stop that came before the start still counts", async (context) => {
    const stage = aStage(context);
    const stop = AbortSignal.abort("too late");
    const ended = await supervise(stage.agent("silent"), stage.outputFile, someLimits(), { ...quick, stop });
    expect(ended).toMatchObject({ how: "killed", reason: "stopped", text: "too late" });
  });

  test("heartbeats tell time, silence and bytes", async (context) => {
    const stage = aStage(context);
    const beats: Heartbeat[] = [];
    const controller = new AbortController();
    await supervise(stage.agent("hangs"), stage.outputFile, someLimits(), {
      ...quick,
      heartbeatMs: 100,
      stop: controller.signal,
      onHeartbeat: (beat) => {
        beats.push(beat);
        // Two beats after its one line.
        if (beats.filter(({ bytes }) => bytes > 0).length === 3) controller.abort("enough");
      },
    });
    const last = beats.at(-1);
    expect(last?.bytes).toBe("working\n".length);
    expect(last?.elapsedMs).toBeGreaterThanOrEqual(300);
    expect(last?.silentMs).toBeGreaterThanOrEqual(200);
  });

  test.for(["onStarted", "onHeartbeat"] as const)(
    "what %s throws is thrown on, and the agent is gone",
    async (name, context) => {
      const stage = aStage(context);
      let pid = 0;
      const fail = () => {
        throw new Error("the hook is broken");
      };
      const onStarted = (agent: { pid: number }) => {
        pid = agent.pid;
        if (name === "onStarted") fail();
      };
      const hooks = { ...quick, heartbeatMs: 50, onStarted, ...(name === "onHeartbeat" ? { onHeartbeat: fail } : {}) };
      const running = supervise(stage.agent("silent"), stage.outputFile, someLimits(), hooks);
      await expect(running).rejects.toThrow("the hook is broken");
      expect(runs(pid)).toBe(false);
    },
  );

  test("an agent that has finished but does not end is ended, its output kept", async (context) => {
    const stage = aStage(context);
    const events = new URL("../fixtures/agents/claude/success.jsonl", import.meta.url).pathname;
    const output = new OutputReader(claude);
    const ended = await supervise(stage.agent("replays", events, "0", "hang"), stage.outputFile, someLimits(), {
      ...quick,
      output,
    });
    expect(ended).toMatchObject({ how: "killed", reason: "lingered", dead: { by: "scan" } });
    expect(output.end("").finalText).toMatch(/^STUB-FINAL: done/);
  });

  test("a file that is there already is refused before anything starts", async (context) => {
    const stage = aStage(context);
    writeFileSync(stage.outputFile, "somebody else's");
    const started: unknown[] = [];
    const running = supervise(stage.agent("nothing"), stage.outputFile, someLimits(), {
      onStarted: (agent) => started.push(agent),
    });
    await expect(running).rejects.toThrow(RunError);
    expect(started).toEqual([]);
    expect(read(stage.outputFile)).toBe("somebody else's");
  });
});

describe.concurrent("what an agent leaves behind is ended too, after a good run as well", () => {
  test("a child in a session of its own that holds the output open", async (context) => {
    const stage = aStage(context);
    const ended = await supervise(
      stage.agent("leaves-child", stage.file("pid")),
      stage.outputFile,
      someLimits(),
      quick,
    );
    expect(ended).toMatchObject({ how: "exit", code: 0, survivors: 1, dead: { by: "scan" } });
    expect(ended.durationMs).toBeLessThan(5_000);
    expect(runs(Number(read(stage.file("pid"))))).toBe(false);
  });

  test("a daemon without parent and outputs", async (context) => {
    const stage = aStage(context);
    const ended = await supervise(stage.agent("daemonises", stage.file("pid")), stage.outputFile, someLimits(), quick);
    expect(ended).toMatchObject({ how: "exit", code: 0, survivors: 1, dead: { by: "scan" } });
    expect(runs(Number(read(stage.file("pid"))))).toBe(false);
  });

  test("a daemon that also cleared its environment, seen while it had a parent", async (context) => {
    const stage = aStage(context);
    const ended = await supervise(
      stage.agent("daemonises", stage.file("pid"), "clean"),
      stage.outputFile,
      someLimits(),
      quick,
    );
    expect(ended).toMatchObject({ how: "exit", code: 0, survivors: 1, dead: { by: "scan" } });
    expect(runs(Number(read(stage.file("pid"))))).toBe(false);
  });

  test("post finds it by the result file alone", async (context) => {
    const stage = aStage(context);
    const agent = stage.agent("silent");
    // The first variable of an environment has nothing before it.
    const env = { AGENT_DISPATCH_RESULT: agent.resultFile };
    const child = spawn(agent.file, agent.args, { env, detached: true, stdio: "ignore" });
    const end = await endSurvivors(agent.resultFile, { graceMs: 50 });
    expect(end).toMatchObject({ kind: "dead", killed: 1 });
    expect(runs(child.pid ?? 0)).toBe(false);
  });

  test("a path that merely begins alike is another run's, and so is another variable", async (context) => {
    const stage = aStage(context);
    const agent = stage.agent("silent");
    const env = {
      ...agent.env,
      AGENT_DISPATCH_RESULT: `${agent.resultFile}.other`,
      OLD_AGENT_DISPATCH_RESULT: agent.resultFile,
    };
    const child = spawn(agent.file, agent.args, { env, detached: true, stdio: "ignore" });
    expect(await endSurvivors(agent.resultFile, { graceMs: 0 })).toMatchObject({ kind: "dead", killed: 0 });
    expect(runs(child.pid ?? 0)).toBe(true);
    expect(await endSurvivors(`${agent.resultFile}.other`, { graceMs: 0 })).toMatchObject({ kind: "dead", killed: 1 });
  });

  test("what no pass can end is said, and there is no proof", async (context) => {
    const stage = aStage(context);
    const agent = stage.agent("silent");
    const child = spawn(agent.file, agent.args, { env: { ...agent.env }, detached: true, stdio: "ignore" });
    const marks = [`AGENT_DISPATCH_RESULT=${agent.resultFile}`];
    const tree = { marks, folder: null, leader: () => null, seen: new Map() };
    expect(await endTree(tree, { graceMs: 0, passesMin: 0, forMs: 0 })).toEqual({
      kind: "survivors",
      pids: [child.pid],
      killed: 0,
    });
  });

  test("our own process is never part of a tree, nor what it started for other reasons", (context) => {
    const stage = aStage(context);
    const agent = stage.agent("silent");
    const child = spawn(agent.file, agent.args, { env: {}, detached: true, stdio: "ignore" });
    // As if the agent had somehow started us, which is so where the program works on itself.
    const seen = new Map((listProcesses() ?? []).filter((at) => at.pid === process.pid).map((at) => [at.pid, at]));
    expect(seen.size).toBe(1);
    const marks = [`AGENT_DISPATCH_RESULT=${stage.resultFile}`];
    expect(look({ marks, folder: null, leader: () => process.pid, seen })).toEqual([]);
    child.kill("SIGKILL");
  });
});

test("nothing that an agent prints reaches our own outputs", async (context) => {
  const stage = aStage(context);
  // In a process of its own, because what matters are the file descriptors.
  const script = `
    import { supervise } from ${JSON.stringify(new URL("../../src/agent/supervise.ts", import.meta.url).href)};
    const agent = JSON.parse(process.argv[1]);
    await supervise(agent, ${JSON.stringify(stage.outputFile)}, ${JSON.stringify(someLimits())}, ${JSON.stringify(quick)});`;
  const agent = JSON.stringify(stage.agent("commands"));
  mkdirSync(stage.file("run"));
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script, agent], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  await new Promise((resolve) => child.once("close", resolve));
  expect(printed).toBe("");
  expect(read(stage.outputFile)).toContain("::set-output name=verdict::approved");
  expect(read(`${stage.outputFile}.stderr`)).toContain("::warning::");
});
