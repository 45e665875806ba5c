import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Refs of a bare repository, read from its files: cheaper than a process, and always what is there now. */
export function readRefs(dir: string, prefix: string): Map<string, string> {
  const refs = new Map<string, string>();
  for (const [name, sha] of packedRefs(dir)) if (name.startsWith(prefix)) refs.set(name, sha);
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1) || "refs/";
  for (const name of looseNames(dir, folder.replace(/\/$/, ""))) {
    if (!name.startsWith(prefix)) continue;
    const sha = readLoose(dir, name);
    if (sha !== undefined) refs.set(name, sha);
  }
  return new Map([...refs].sort(([one], [other]) => (one < other ? -1 : 1)));
}

export function readRef(dir: string, name: string): string | undefined {
  return readLoose(dir, name) ?? packedRefs(dir).get(name);
}

function readLoose(dir: string, name: string): string | undefined {
  if (name.split("/").includes("..")) return undefined;
  const content = readText(join(dir, name))?.trim();
  return content !== undefined && /^[0-9a-f]{40}$/.test(content) ? content : undefined;
}

function looseNames(dir: string, folder: string): string[] {
  const names: string[] = [];
  let children: { name: string; isDirectory: () => boolean }[];
  try {
    children = readdirSync(join(dir, folder), { withFileTypes: true });
  } catch {
    return names;
  }
  for (const child of children) {
    const name = `${folder}/${child.name}`;
    if (child.isDirectory()) names.push(...looseNames(dir, name));
    else if (!name.endsWith(".lock")) names.push(name);
  }
  return names;
}

function packedRefs(dir: string): Map<string, string> {
  const refs = new Map<string, string>();
  for (const line of (readText(join(dir, "packed-refs")) ?? "").split("\n")) {
    const found = /^([0-9a-f]{40}) (refs\/.+)$/.exec(line);
    if (found) refs.set(found[2] ?? "", found[1] ?? "");
  }
  return refs;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
