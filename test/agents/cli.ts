// npm run test:agents [-- --all] [-- --record] [PRESET…]: the real CLIs against a scripted model server.

import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  options: { all: { type: "boolean" }, record: { type: "boolean" }, scenario: { type: "string", multiple: true } },
  allowPositionals: true,
});
const env = {
  ...process.env,
  ...(values.all === true ? { AGENTS_ALL: "1" } : {}),
  ...(values.record === true ? { RECORD: "1" } : {}),
  ...(positionals.length > 0 ? { AGENTS: positionals.join(",") } : {}),
  ...(values.scenario === undefined ? {} : { SCENARIOS: values.scenario.join(",") }),
};
const ran = spawnSync("npx", ["vitest", "run", "--config", "vitest.agents.config.ts"], { env, stdio: "inherit" });
process.exit(ran.status ?? 1);
