import { describe, expect, it } from "vitest";
import type { ForgeVersion } from "../support/forge/forge.ts";
import { listedButConforming, unlisted } from "./deviations.ts";
import { replay } from "./replay.ts";

const versions: ForgeVersion[] = ["1.24.7", "1.26.4", "1.27.0"];

describe.each(versions)("recorded answers of Gitea %s", (version) => {
  it("are those of the embedded forge, call by call", async () => {
    const results = await replay(version);
    expect(results.length).toBe(802);
    expect(unlisted(results, version)).toEqual([]);
    expect(listedButConforming(results, version)).toEqual([]);
  });
});
