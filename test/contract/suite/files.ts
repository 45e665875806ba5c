import { beforeAll, describe, expect, test } from "vitest";
import { RunError } from "../../../src/errors.ts";
import type { Forge } from "../../../src/forge/port.ts";
import { makeCommits, pushNew, tipOf } from "../commits.ts";
import type { Stage } from "../stage.ts";

/** One file at a branch or commit. */
export function fileContract(stage: () => Stage): void {
  describe("files", () => {
    let forge: Forge;
    let main = "";
    let other = "";
    const odd = "docs/a b+c#d%e/ü.md";

    beforeAll(async () => {
      const repo = await stage().repo("files", { "README.md": "first\n" });
      const host = await stage().host(repo, stage().cast.bot);
      forge = stage().forge(repo, stage().cast.bot);
      main = await tipOf(host);
      const files = {
        "README.md": "second — ünïcode ✓\r\n",
        "docs/deep/note.md": "deep\n",
        [odd]: "odd\n",
        empty: "",
        large: "x".repeat(2_000_000),
        link: { link: "README.md" },
        dangling: { link: "/etc/passwd" },
        module: { submodule: main },
      };
      [other = ""] = await makeCommits(host, [{ parent: main, files }]);
      await pushNew(host, { "refs/heads/agent/other": other });
    });

    test("its text at a branch, at a commit", async () => {
      expect(await forge.file("README.md", "main", 1000)).toBe("first\n");
      expect(await forge.file("README.md", main, 1000)).toBe("first\n");
      expect(await forge.file("README.md", "agent/other", 1000)).toBe("second — ünïcode ✓\r\n");
      expect(await forge.file("README.md", other, 1000)).toBe("second — ünïcode ✓\r\n");
    });

    test("an empty file, one in folders, one with signs in its name", async () => {
      expect(await forge.file("empty", other, 1000)).toBe("");
      expect(await forge.file("docs/deep/note.md", other, 1000)).toBe("deep\n");
      expect(await forge.file(odd, other, 1000)).toBe("odd\n");
    });

    test("null where it is not: file, folder, branch, commit", async () => {
      expect(await forge.file("absent", "main", 1000)).toBeNull();
      expect(await forge.file("no/such/folder", "main", 1000)).toBeNull();
      expect(await forge.file("README.md/below", "main", 1000)).toBeNull();
      expect(await forge.file("README.md", "no-branch", 1000)).toBeNull();
      expect(await forge.file("README.md", "1".repeat(40), 1000)).toBeNull();
    });

    test("what is no file is refused", async () => {
      await expect(forge.file("docs", other, 1000)).rejects.toThrow(/it is a folder/);
      await expect(forge.file("link", other, 1000)).rejects.toThrow(/it is a symlink, not a file/);
      await expect(forge.file("dangling", other, 1000)).rejects.toThrow(/it is a symlink, not a file/);
      await expect(forge.file("module", other, 1000)).rejects.toThrow(/it is a submodule, not a file/);
    });

    test("too large a file is refused with its size", async () => {
      await expect(forge.file("large", other, 1_000_000)).rejects.toThrow(
        /it has 2000000 bytes, more than the 1000000/,
      );
      expect(await forge.file("large", other, 2_000_000)).toHaveLength(2_000_000);
      await expect(forge.file("README.md", "main", 5)).rejects.toThrow(RunError);
    });
  });
}
