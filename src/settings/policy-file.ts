// The policy file: YAML on the base branch. It is data of people with write access, still nothing in it is believed before it was checked.

import { parseDocument } from "yaml";
import { describe, type Problem } from "../errors.ts";
import { camel, catalogue, inputNames, limitNames, policyOnly, policyOnlyLater } from "./catalogue.ts";
import { nearest, showYaml } from "./reader.ts";

/** Largest policy file, in bytes. */
export const policyBytesMax = 64 * 1024;

/** Most nodes that one alias may stand for, counted as the YAML package does. */
const aliasesMax = 20;

export interface PolicyFile {
  values: Record<string, unknown>;
  problems: Problem[];
}

/** Top-level keys of a policy file with every unknown one reported. An empty file is an empty policy. */
export function parsePolicyFile(source: string, name: string): PolicyFile {
  const problem = (where: string, expected: string, got: string): PolicyFile => ({
    values: {},
    problems: [{ where, expected, got }],
  });
  let json: unknown;
  try {
    const document = parseDocument(source, { uniqueKeys: true, prettyErrors: true });
    const [error] = document.errors;
    if (error !== undefined) return problem(name, "YAML", error.message.split("\n")[0] ?? "something else");
    json = document.toJS({ maxAliasCount: aliasesMax });
  } catch (error) {
    // Thrown for aliases that multiply and for nesting deeper than the stack.
    return problem(name, "YAML", `something that cannot be read (${describe(error)})`);
  }
  if (json === null) return { values: {}, problems: [] };
  if (!isMapping(json)) return problem(name, "a mapping of settings", showYaml(json));

  const problems: Problem[] = [];
  const known = [...inputNames.filter((input) => catalogue[input].policy).map(camel), ...policyOnly];
  for (const key of Object.keys(json)) {
    if (policyOnlyLater.includes(key))
      problems.push({
        where: `${name}, ${key}`,
        expected: "nothing: it is not supported yet",
        got: showYaml(json[key]),
      });
    else if (!known.includes(key))
      problems.push({ where: name, expected: unknownKey(key, known), got: `the unknown key \`${key}\`` });
  }
  if (isMapping(json["limits"])) {
    const limits = limitNames;
    for (const key of Object.keys(json["limits"])) {
      if (!limits.includes(key)) {
        problems.push({
          where: `${name}, limits`,
          expected: unknownKey(key, limits),
          got: `the unknown key \`${key}\``,
        });
      }
    }
  } else if (json["limits"] !== undefined && json["limits"] !== null) {
    problems.push({ where: `${name}, limits`, expected: "a mapping of limits", got: showYaml(json["limits"]) });
  }
  return { values: json, problems };
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near === null ? `one of ${known.join(", ")}` : `\`${near}\`, perhaps`;
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
