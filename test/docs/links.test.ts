// The pages people read: every link leads somewhere, every input is explained, examples are accepted, and the repository stands alone.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { checksFailedPrompt } from "../../src/prompts/checks-failed.ts";
import { implementPrompt } from "../../src/prompts/implement.ts";
import { reviewPrompt } from "../../src/prompts/review.ts";
import { reworkPrompt } from "../../src/prompts/rework.ts";
import { inputNames, limitNames } from "../../src/settings/catalogue.ts";
import { readSettings } from "../../src/settings/settings.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
].sort();

describe.each(pages)("%s", (page) => {
  test("every relative link leads to an existing file and heading", () => {
    expect(brokenLinks(page, read(page))).toEqual([]);
  });

  test("tables have as many cells in every row as in their head", () => {
    expect(crookedRows(read(page))).toEqual([]);
  });
});

describe("the checks of this file", () => {
  test("see a link that leads nowhere, and one to a heading that is not there", () => {
    expect(
      brokenLinks("docs/README.md", "[a](none.md) [b](setup.md#nowhere) [c](#gone) [d](https://x.example)"),
    ).toEqual(["none.md", "setup.md#nowhere", "#gone"]);
  });

  test("see links over two lines and pictures, and none in code", () => {
    expect(
      brokenLinks("docs/README.md", "[a\nb](none.md) ![p](none.png)\n\n```\n[c](no.md)\n```\n`[d](no.md)`"),
    ).toEqual(["none.md", "none.png"]);
  });

  test("name headings as Gitea does", () => {
    expect([...anchors("# Not yet\n## `mode: setup`, 1.22+\n## Not yet\n```\n# no\n```")]).toEqual([
      "not-yet",
      "mode-setup-122",
      "not-yet-1",
    ]);
  });

  test("see a row with a cell too many", () => {
    expect(crookedRows("| a | b |\n|---|---|\n| 1 | 2 | 3 |\n| `x \\| y` | 2 |")).toEqual(["| 1 | 2 | 3 |"]);
  });
});

describe("docs/configuration.md", () => {
  const page = read("docs/configuration.md");
  const action: { inputs: Record<string, unknown>; outputs: Record<string, unknown> } = parse(read("action.yml"));

  test("names every input of action.yml, and every output", () => {
    const names = [...Object.keys(action.inputs), ...Object.keys(action.outputs)];
    expect(names.filter((name) => !explainedIn(page, name))).toEqual([]);
  });

  test("names every input and limit of the program", () => {
    expect([...inputNames, ...limitNames].filter((name) => !explainedIn(page, name))).toEqual([]);
  });

  test("names every placeholder of the built-in prompts", () => {
    const section = /^## Prompts\n([\s\S]*?)^## /m.exec(page)?.[1] ?? "";
    const prompts = [implementPrompt, reviewPrompt, reworkPrompt, checksFailedPrompt].join("\n");
    const names = [...prompts.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? "");
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !namedIn(section, name))).toEqual([]);
  });

  test("its example of a policy file is accepted, with an input given or without", () => {
    const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
    expect(example).not.toBe("");
    const settings = readSettings({}, new Map(), example, ".agent-dispatch.yml", "main");
    expect(settings.profiles.map((profile) => profile.name)).toEqual(["opus", "local"]);
    expect(settings.policy.trusted).toEqual(["ann", "ben"]);
    expect(
      readSettings({}, new Map([["agents", "local"]]), example, ".agent-dispatch.yml", "main").profiles,
    ).toHaveLength(1);
  });
});

describe("docs/setup.md", () => {
  test("quotes in its troubleshooting table only what the program says", () => {
    expect(quotedTexts(read("docs/setup.md")).length).toBeGreaterThan(20);
    expect(quotedTexts(read("docs/setup.md")).filter((text) => !isSaid(text))).toEqual([]);
    expect(isSaid("the moon is not in reach of this runner")).toBe(false);
  });
});

describe("the repository stands alone", () => {
  test("no file mentions a folder beside it", () => {
    // Written in two halves, so that this file is not found.
    const beside = ["../", "shared"].join("");
    expect(filesOfRepository().filter((file) => readFileSync(join(root, file), "latin1").includes(beside))).toEqual([]);
  });

  test("every file of src is named in docs/architecture.md, or its folder is", () => {
    const page = read("docs/architecture.md");
    const unnamed = filesOfRepository()
      .filter((file) => file.startsWith("src/"))
      .map((file) => relative("src", file))
      .filter((file) => !isOnMap(page, file));
    expect(unnamed).toEqual([]);
  });
});

/** Named in the first cell of a table, or in the section about what is not there yet. */
function explainedIn(page: string, name: string): boolean {
  const firstCells = page.split("\n").flatMap((line) => /^\| ([^|]*) \|/.exec(line)?.[1] ?? []);
  const later = /^### Not yet\n([\s\S]*?)^#/m.exec(page)?.[1] ?? "";
  return namedIn([...firstCells, later].join("\n"), name);
}

/** Named in code, as `name` or with more in the same span. */
function namedIn(page: string, name: string): boolean {
  return new RegExp(`\`(?:[^\`\\n]*[^\`\\n\\w-])?${name}(?:[^\`\\n\\w-][^\`\\n]*)?\``).test(page);
}

/** Code in the first cells of the troubleshooting table, but for words like `idle`. */
function quotedTexts(page: string): string[] {
  const section = /^## Troubleshooting\n([\s\S]*?)^## /m.exec(page)?.[1] ?? "";
  const cells = section.split("\n").flatMap((line) => /^\| ([^|]*) \|/.exec(line)?.[1] ?? []);
  return cells
    .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ""))
    .filter((t) => / /.test(t));
}

/** Whether the sources have the text: all of its parts between what stands for a value (names, numbers, `…`). */
function isSaid(text: string): boolean {
  const values =
    /…|: expected |, got |(?<=Not started): | run |#?\d+|ORG\/app|@\w+|agent\.yml|agent\/issue-|write:issue|text\/html|\bbot\b|\bclaude\b|refs\/agent-dispatch\//;
  const parts = text.split(values).map((part) => part.replace(/^[^a-z]+|[^a-z]+$/gi, ""));
  return parts.every((part) => spoken().includes(part));
}

let words: string | null = null;

/** All sources without what only code has, so that a text over several lines reads as one. */
function spoken(): string {
  const sources = () => filesOfRepository().filter((file) => file.startsWith("src/"));
  words ??= sources()
    .map((file) => read(file).replace(/[`\\]/g, ""))
    .join("\n");
  return words;
}

/** Folders whose files are described together. */
const together = ["settings/", "ledger/", "forge/", "prompts/", "agent/presets/"];

function isOnMap(page: string, file: string): boolean {
  return (
    together.some((folder) => file.startsWith(folder)) ||
    namedIn(page, file) ||
    namedIn(page, file.split("/").at(-1) ?? "")
  );
}

function withoutCode(text: string): string {
  return text
    .replace(/^ *(```+|~~~+)[\s\S]*?^ *\1 *$/gm, "")
    .replace(/^ {4,}(?![-*]|\d+\.).*$/gm, "")
    .replace(/`[^`\n]*`/g, "`");
}

function brokenLinks(page: string, text: string): string[] {
  const targets = [...withoutCode(text).matchAll(/\[[^\]]*\]\(\s*<?([^)>\s]+)>?[^)]*\)/g)].flatMap(
    (match) => match[1] ?? [],
  );
  return targets.filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target) && !isThere(page, decodeURIComponent(target)));
}

function isThere(page: string, target: string): boolean {
  const [path = "", heading] = target.split("#");
  const file = path === "" ? join(root, page) : resolve(root, dirname(page), path);
  if (relative(root, file).startsWith("..") || !existsSync(file)) return false;
  if (heading === undefined) return true;
  return statSync(file).isFile() && anchors(readFileSync(file, "utf8")).has(heading);
}

function anchors(text: string): Set<string> {
  const found = new Set<string>();
  const prose = text.replace(/^ *(```+|~~~+)[\s\S]*?^ *\1 *$/gm, "");
  for (const [, heading = ""] of prose.matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const name = words
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-");
    let unique = name;
    for (let count = 1; found.has(unique); count++) unique = `${name}-${count}`;
    found.add(unique);
  }
  return found;
}

function crookedRows(text: string): string[] {
  const cells = (row: string) => row.replace(/\\\|/g, "").split("|").length;
  let head = "";
  return text.split("\n").filter((line) => {
    const isRow = line.startsWith("|");
    if (!isRow) head = "";
    else if (head === "") head = line;
    return isRow && cells(line) !== cells(head);
  });
}

function filesOfRepository(): string[] {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  return listed
    .toString("utf8")
    .split("\0")
    .filter((file) => file !== "" && existsSync(join(root, file)));
}
