/**
 * Builds the programs that the end-to-end stories run workflow files with: act and the Gitea runner.
 *
 *     node scripts/tools.mjs [--require] [name …]
 *
 * Versions and checksums are pinned by `tools/<name>/go.mod` and `go.sum`; nothing is installed outside one folder, `.cache/tools/` below
 * the repository or `$AGENT_DISPATCH_TOOLS`. Without Go nothing is built and the exit status is 0, so that a checkout without Go can still
 * run everything else; `--require` makes that an error. Up to date means: built from the same pins with the same flags for this platform,
 * which is read from a stamp beside the binary, so that a second call starts no compiler.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Longest time for one build, in ms. The first build of both downloads about 200 modules and compiles them: minutes on a slow machine. */
const buildTimeoutMs = 30 * 60_000;

/** `versionVariable` is the linker variable that carries the version; act embeds its own. */
const tools = [
  { name: "act", module: "github.com/nektos/act", versionVariable: undefined },
  {
    name: "gitea-runner",
    module: "gitea.com/gitea/runner",
    versionVariable: "gitea.com/gitea/runner/internal/pkg/ver.version",
  },
];

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const cache = path.resolve(process.env.AGENT_DISPATCH_TOOLS || path.join(root, ".cache", "tools"));

process.exitCode = main(process.argv.slice(2));

function main(args) {
  const required = args.includes("--require");
  const names = args.filter((arg) => arg !== "--require");
  const unknown = names.filter((name) => !tools.some((tool) => tool.name === name));
  if (unknown.length > 0) {
    console.error(
      `tools: unknown: ${unknown.join(", ")}; known: ${tools.map((tool) => tool.name).join(", ")}, --require`,
    );
    return 1;
  }
  const plans = tools.filter((tool) => names.length === 0 || names.includes(tool.name)).map(plan);
  const missing = plans.filter((planned) => !planned.upToDate);
  if (missing.length > 0) {
    const reason = whyGoCannotBuild(missing);
    if (reason !== null) {
      const skipped = missing.map((planned) => `${planned.tool.name} ${planned.version}`).join(", ");
      console.log(`tools: skipped ${skipped}: ${reason}; end-to-end stories that need them are skipped too`);
      return required ? 1 : 0;
    }
  }
  for (const planned of plans) {
    const started = Date.now();
    if (!planned.upToDate && !build(planned)) return 1;
    const megabytes = (statSync(planned.binary).size / 1e6).toFixed(1);
    const how = planned.upToDate ? "up to date" : `built in ${((Date.now() - started) / 1000).toFixed(1)} s`;
    console.log(`${planned.tool.name} ${planned.version}  ${planned.binary}  ${megabytes} MB  ${how}`);
  }
  return 0;
}

/** What has to be done for one tool, without starting anything. */
function plan(tool) {
  const folder = path.join(root, "tools", tool.name);
  const goMod = readFileSync(path.join(folder, "go.mod"), "utf8");
  const version = new RegExp(`^\\s*(?:require )?${escapeForRegExp(tool.module)} (v\\S+)`, "m").exec(goMod)?.[1];
  const goVersion = /^go (\S+)/m.exec(goMod)?.[1];
  if (version === undefined || goVersion === undefined) throw new Error(`${folder}/go.mod does not pin ${tool.module}`);
  const binary = path.join(cache, tool.name + (process.platform === "win32" ? ".exe" : ""));
  const flags = ["-trimpath", "-buildvcs=false", "-ldflags", linkerFlags(tool, version)];
  const stamp = createHash("sha256")
    .update(
      JSON.stringify([goMod, readFileSync(path.join(folder, "go.sum"), "utf8"), flags, process.platform, process.arch]),
    )
    .digest("hex");
  const stampFile = `${binary}.stamp`;
  const upToDate = existsSync(binary) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp;
  return { tool, folder, version, goVersion, binary, flags, stamp, stampFile, upToDate };
}

function linkerFlags(tool, version) {
  const strip = "-s -w";
  return tool.versionVariable === undefined ? strip : `${strip} -X ${tool.versionVariable}=${version}`;
}

/** Null when the Go on PATH can build all of them. A Go allowed to fetch a newer toolchain (GOTOOLCHAIN=auto, its default) can build any. */
function whyGoCannotBuild(plans) {
  const answer = spawnSync("go", ["env", "GOVERSION", "GOTOOLCHAIN"], { cwd: root, encoding: "utf8" });
  if (answer.error !== undefined || answer.status !== 0) return "no Go on PATH";
  const [goVersion = "", toolchain = ""] = answer.stdout.split("\n");
  const tooNew = plans.filter((planned) => isOlder(goVersion, planned.goVersion));
  if (tooNew.length === 0 || !/^(local|path)$/.test(toolchain)) return null;
  return `${goVersion} on PATH is older than ${tooNew.map((planned) => `go${planned.goVersion}`).join(", ")}`;
}

function isOlder(goVersion, wanted) {
  const numbers = (text) => (/\d+(\.\d+)*/.exec(text)?.[0] ?? "0").split(".").map(Number);
  const [have, want] = [numbers(goVersion), numbers(wanted)];
  for (let i = 0; i < want.length; i++) {
    if ((have[i] ?? 0) !== want[i]) return (have[i] ?? 0) < want[i];
  }
  return false;
}

/** Built beside its place and renamed, so that two calls at once and a stopped one leave either the old binary or the new. */
function build(planned) {
  const { tool, folder, version, binary, flags, stamp, stampFile } = planned;
  console.log(`${tool.name} ${version}: building (minutes when nothing is cached) …`);
  mkdirSync(cache, { recursive: true });
  const fresh = `${binary}.${process.pid}.tmp`;
  const result = spawnSync("go", ["build", ...flags, "-o", fresh, tool.module], {
    cwd: folder,
    env: { ...process.env, GOFLAGS: "-mod=readonly", GOWORK: "off", CGO_ENABLED: "0" },
    stdio: ["ignore", "inherit", "inherit"],
    timeout: buildTimeoutMs,
  });
  if (result.error !== undefined || result.status !== 0) {
    rmSync(fresh, { force: true });
    console.error(
      `tools: go build of ${tool.name} ${version} failed: ${result.error?.message ?? `exit ${result.status}`}`,
    );
    return false;
  }
  rmSync(stampFile, { force: true });
  renameSync(fresh, binary);
  writeFileSync(stampFile, stamp);
  return true;
}

function escapeForRegExp(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
