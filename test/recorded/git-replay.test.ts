import { describe, expect, it } from "vitest";
import type { ForgeVersion } from "../support/forge/forge.ts";
import { unlisted } from "./deviations.ts";
import { replayGit } from "./git-replay.ts";

const versions: ForgeVersion[] = ["1.24.7", "1.26.4", "1.27.0"];

describe.each(versions)("recorded git commands against Gitea %s", (version) => {
  it("end the same against the embedded forge, races included", async () => {
    const results = await replayGit(version);
    expect(results.length).toBe(80);
    expect(unlisted(results, version)).toEqual([]);
  });
});
