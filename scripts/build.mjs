// Type check, compile, bundle, collect licences: `npm run build`. The result in dist/ is committed and must equal a fresh build.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = process.argv[2] ?? join(root, "dist");
const bin = (name) => join(root, "node_modules", ".bin", name);
const lib = join(root, "lib");

rmSync(lib, { recursive: true, force: true });
execFileSync(bin("tsc"), ["-p", join(root, "tsconfig.json"), "--outDir", lib], { stdio: "inherit" });
writeFileSync(join(lib, "package.json"), '{ "type": "module" }\n');
// ncc resolves packages from where the compiled files lie.
cpSync(join(root, "package.json"), join(lib, "package.json"));
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
execFileSync(
  bin("ncc"),
  ["build", join(lib, "main.js"), "-o", out, "--license", "licenses.txt", "--target", "es2022"],
  { stdio: "inherit" },
);
rmSync(lib, { recursive: true, force: true });
if (!existsSync(join(out, "package.json")))
  throw new Error("ncc wrote no package.json: the bundle would not be read as a module");
const size = readFileSync(join(out, "index.js")).length;
console.log(`dist/index.js: ${(size / 1024).toFixed(0)} KiB`);
