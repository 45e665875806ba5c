import { test } from "vitest";
import { contract } from "./contract.ts";
import { realServers } from "./grounds/real.ts";

const servers = realServers();
for (const server of servers) contract(server);
if (servers.length === 0) test.skip("no real server: set GITEA_BIN, or GITEA_URL and GITEA_ADMIN_TOKEN", () => {});
