// What a preset's templates become for one start of one profile: values, settings as JSON, and their files in the agent's home.

import { lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { baseUrlOf, type Task } from "./environment.ts";
import { type ConfigPart, fill, fillJson, laidOver, type PromptWay, type TemplateValues } from "./preset.ts";
import type { Profile } from "./profile.ts";

/** All that templates of this start may name. */
export function templateValues(profile: Profile, task: Task): TemplateValues {
  const baseUrl = baseUrlOf(profile);
  return {
    ...{ home: task.home, clone: task.cwd, promptFile: task.promptFile },
    prompt: promptArgument(profile.preset.prompt, task),
    ...(profile.model === null ? {} : { model: profile.model }),
    ...(profile.effort === null ? {} : { effort: profile.effort }),
    ...(baseUrl === null ? {} : { baseUrl }),
    ...(profile.command === null ? {} : { command: profile.command }),
    ...(task.session === null ? {} : { session: task.session }),
  };
}

function promptArgument(way: PromptWay, task: Task): string {
  if (way.via !== "argument" || Buffer.byteLength(task.prompt) <= way.bytesMax) return task.prompt;
  return `Read the file ${task.promptFile} and do what it says.`;
}

/** Variables that hold settings, by name. */
export function settingVariables(profile: Profile, task: Task): Record<string, string> {
  const values = templateValues(profile, task);
  return Object.fromEntries(
    profile.preset.config.flatMap((part) =>
      "env" in part.place ? [[part.place.env, JSON.stringify(jsonOf(part, task, values))]] : [],
    ),
  );
}

/**
 * Writes the preset's settings into the private home. An earlier agent of this run may have left anything there: a link on the way is taken away
 * and never followed. No process of it lives any more.
 */
export async function writeSettings(profile: Profile, task: Task): Promise<void> {
  const values = templateValues(profile, task);
  for (const part of profile.preset.config) {
    if (!("file" in part.place)) continue;
    const file = join(task.home, fill(part.place.file, values));
    await ownFolder(task.home, dirname(file));
    await rm(file, { recursive: true, force: true });
    await writeFile(file, `${JSON.stringify(jsonOf(part, task, values), null, 2)}\n`, { flag: "wx", mode: 0o600 });
  }
}

function jsonOf(part: ConfigPart, { role }: Task, values: TemplateValues) {
  const over = [
    values.model === undefined ? undefined : part.withModel,
    values.baseUrl === undefined ? undefined : part.withBaseUrl,
    role === "reviewer" ? part.forReviewer : undefined,
  ];
  const json = over.reduce<ConfigPart["json"]>((all, one) => (one === undefined ? all : laidOver(all, one)), part.json);
  return fillJson(json, values);
}

/** Every part of the way is a folder, and no link. */
async function ownFolder(root: string, folder: string): Promise<void> {
  let path = root;
  for (const name of folder.slice(root.length).split(sep)) {
    path = join(path, name);
    const found = await lstat(path).catch(() => null);
    if (found?.isDirectory() === false) await rm(path, { force: true });
    if (found?.isDirectory() !== true) await mkdir(path);
  }
}
