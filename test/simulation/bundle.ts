// Program and simulation in one file that starts fast. On the way the program's random ids are made the seed's, and, for a broken variant, named
// places of its text are replaced: the product itself has no switch for that.

import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mutant } from "./mutants.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..", "..");
/** esbuild is what tsx is made of. */
const esbuild: typeof import("esbuild") = createRequire(createRequire(import.meta.url).resolve("tsx"))("esbuild");

/** Path of the bundle, whose entry is worker.ts. Throws where a place to be replaced is not there exactly once. */
export async function bundle(mutant: Mutant | null): Promise<string> {
  const folder = join(root, "node_modules", ".cache", "agent-dispatch-simulation");
  await mkdir(folder, { recursive: true });
  const outfile = join(folder, `${mutant?.name ?? "program"}-${process.pid}.mjs`);
  const left = new Set((mutant?.edits ?? []).map((edit) => edit.file));
  await esbuild.build({
    ...{ entryPoints: [join(here, "worker.ts")], outfile, bundle: true, platform: "node", format: "esm" },
    ...{ target: "node20", sourcemap: "inline", logLevel: "silent" },
    banner: { js: 'import { createRequire as __make } from "node:module"; const require = __make(import.meta.url);' },
    plugins: [
      {
        name: "ids of the seed",
        setup(build) {
          build.onResolve({ filter: /^node:crypto$/ }, ({ importer }) => {
            const isProgram = relative(join(root, "src"), importer).startsWith("..") === false;
            return isProgram ? { path: join(here, "ids.ts") } : { path: "node:crypto", external: true };
          });
          build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
            const name = relative(root, path);
            const edits = (mutant?.edits ?? []).filter((edit) => edit.file === name);
            if (edits.length === 0) return undefined;
            left.delete(name);
            return { contents: edits.reduce(edited, await readFile(path, "utf8")), loader: "ts" };
          });
        },
      },
    ],
  });
  if (left.size > 0) throw new Error(`${mutant?.name} edits ${[...left].join(", ")}, which is not part of the program`);
  return outfile;
}

function edited(text: string, { file, find, replace }: Mutant["edits"][number]): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once:\n${find}`);
  return parts.join(replace);
}
