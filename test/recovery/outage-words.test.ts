// What a run says and keeps when an outage outlasts its patience: no red run where the next one simply goes on, no wrong reason, no work lost
// without a word.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fault, SeenRequest } from "../support/forge/forge.ts";
import { playAgain } from "../support/outage/again.ts";
import { goOn, playOutage } from "../support/outage/away.ts";
import { type Played, play } from "../support/outage/played.ts";
import { issueScenes, pullScenes } from "../support/outage/scenes.ts";
import type { Sending } from "../support/outage/sendings.ts";
import { asked, type Scene } from "../support/scenes.ts";

type Scenes = Readonly<Record<string, () => Promise<Scene>>>;

function scene(scenes: Scenes, name: string): () => Played {
  let played: Played | null = null;
  beforeAll(async () => {
    const make = scenes[name];
    if (make === undefined) throw new Error(`there is no scene ${name}`);
    played = await play(await make());
  }, 60_000);
  afterAll(() => played?.scene.s.close());
  return () => {
    if (played === null) throw new Error("it was not played");
    return played;
  };
}

function sending({ sendings }: Played, label: RegExp): Sending {
  const found = sendings.find((one) => one.writes && label.test(one.label));
  if (found === undefined) throw new Error(`the run sends no ${label}`);
  return found;
}

const always = Number.POSITIVE_INFINITY;
const isPush = ({ path }: SeenRequest) => path.endsWith("/git-receive-pack");

describe("a tick that starts a run", () => {
  const played = scene(issueScenes, "a tick that starts a run");
  const isDispatch = ({ path }: SeenRequest) => path.endsWith("/dispatches");
  const waiting = () => {
    const { s } = played().scene;
    return s.forge.repo(s.repo).runs.filter((run) => run.status === "waiting").length;
  };

  it("and got no answer, nor one about the list of runs: says so, and has started one", async () => {
    const faults: Fault[] = [
      { when: isDispatch, times: 1, do: "apply-then-502" },
      { when: ({ path }) => waiting() > 0 && path.includes("/actions/tasks"), times: always, do: "503" },
    ];
    const { end } = await playAgain(played(), () => faults);
    expect(end.exitCode, end.lastLine).toBe(0);
    expect(end.lastLine).toContain("failed: the forge did not say whether it started a run for #1: ");
    expect(waiting()).toBe(1);
  });

  it("and was refused by a proxy: says the same, and started none", async () => {
    const { end } = await playAgain(played(), () => [{ when: isDispatch, times: 1, do: "502" }]);
    expect(end.exitCode, end.lastLine).toBe(0);
    expect(end.outcome).toMatchObject({ outcome: "failed", failure: "forge-error", item: 1 });
    expect(waiting()).toBe(0);
    expect(await goOn(played(), { end, differs: "" })).toBe("");
  });
});

describe("an order to pause", () => {
  const played = scene(issueScenes, "pause");

  it("whose record got no answer is not said to be another run's", async () => {
    const { end } = await playAgain(played(), () => [{ when: isPush, times: always, do: "502" }]);
    expect(end.exitCode, end.lastLine).toBe(0);
    expect(end.lastLine).toContain("failed: the forge did not say whether the order of @alice was written down: ");
    expect(await goOn(played(), { end, differs: "" })).toBe("");
  });

  it("that the token may not write down is for a person to mend", async () => {
    const { end } = await playAgain(played(), () => [{ when: isPush, times: always, do: { status: 403 } }]);
    expect(end.exitCode).toBe(1);
    expect(end.lastLine).toContain("The forge does not let this token write refs below");
  });
});

describe("a merge", () => {
  const played = scene(pullScenes, "land");

  it("is waited for while the forge is away, then left to the next run", async () => {
    const outage = { from: sending(played(), /merge$/), minutes: 60, how: "503" } as const;
    for (const applied of [false, true]) {
      const first = await playOutage(played(), { ...outage, applied });
      expect(first.end.exitCode, first.end.lastLine).toBe(0);
      expect(first.end.lastLine).toContain("The next run looks how far it came, and goes on.");
      expect(await goOn(played(), first), first.end.log).toBe("");
    }
  });
});

describe("an agent's work", () => {
  const played = scene({ implement: () => asked() }, "implement");
  const kept = async () => {
    const { s } = played().scene;
    return [(await s.record(1))?.kept?.head ?? null, await s.ref("refs/agent-dispatch/v1/wip/issue-1")];
  };

  it("is kept when the forge comes back too late to publish it, and early enough for that", async () => {
    const outage = { from: sending(played(), /^push wip/), applied: false, minutes: 13, how: "reset" } as const;
    const first = await playOutage(played(), outage);
    expect(first.end.outcome, first.end.log).toMatchObject({ outcome: "failed", failure: "forge-error" });
    const [head, wip] = await kept();
    expect(head).not.toBeNull();
    expect(wip).toBe(head);
    expect(played().scene.s.see(1).comments[0]).toContain("wip/issue-1");
    expect(await goOn(played(), first), first.end.log).toBe("");
  });

  it("is said to be lost when the forge stays away", async () => {
    const outage = { from: sending(played(), /^push wip/), applied: false, minutes: 60, how: "reset" } as const;
    const first = await playOutage(played(), outage);
    expect(first.end.exitCode, first.end.lastLine).toBe(0);
    expect(first.end.log).toContain("the work so far could not be kept: ");
    expect(await kept()).toEqual([null, null]);
    expect(await goOn(played(), first), first.end.log).toBe("");
  });

  it("whose publish was applied unheard is finished as published, not told as failed", async () => {
    const outage = { from: sending(played(), /agent\/issue-1$/), applied: true, minutes: 13, how: "503" } as const;
    const first = await playOutage(played(), outage);
    expect(first.end.outcome, first.end.log).toMatchObject({ outcome: "done", failure: null, pullRequest: 2 });
    expect(first.differs, first.end.log).toBe("");
  });
});
