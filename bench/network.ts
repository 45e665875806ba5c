// Nothing is fetched at run time but the repository and the forge's answers: every socket of the program leads to the forge, every git process
// would be caught by a proxy if it went elsewhere.

import { createServer } from "node:net";
import { addIssues, addRepo, openPlace, runBundle } from "./place.ts";
import type { Report } from "./report.ts";

export async function network(report: Report): Promise<void> {
  report.title("Places that a run speaks to");
  const place = await openPlace();
  const trap = await openTrap();
  try {
    const full = await addRepo(place, "network");
    await addIssues(place, full, 1, { labels: ["bot"] });
    const agent = `echo hi >hi.txt; echo '{"status":"implemented","title":"Say hi"}' >"$AGENT_DISPATCH_RESULT"`;
    const event = {
      name: "issues",
      payload: { action: "label_updated", issue: { number: 1 }, sender: { login: "alice" } },
    };
    const inputs = { "agent-command": agent, checks: "test -f hi.txt" };
    const worked = await runBundle(place, full, event, inputs, trap.env);
    if (worked.outputs.get("outcome") !== "done") throw new Error(`no pull request came out:\n${worked.output}`);
    const idle = await runBundle(place, full, { name: "schedule", payload: {} }, inputs, trap.env);
    const forgePlace = new URL(place.forge.url).host;
    const rows = [];
    for (const [name, run] of [
      ["issue to pull request", worked],
      ["idle after it", idle],
    ] as const) {
      const others = Object.keys(run.places).filter((where) => where !== forgePlace);
      if (others.length > 0) report.note(`${name}: ${others.join(", ")}`);
      const api = run.requests.filter(({ kind }) => kind === "api").length;
      rows.push([
        name,
        `${api} + ${run.requests.length - api}`,
        String(run.gits.length),
        report.bound(`other places, ${name}`, others.length, 0),
        report.bound(`connections caught by the proxy, ${name}`, trap.caught(), 0),
      ]);
    }
    report.table(["run", "requests (REST + git)", "git processes", "other places", "caught by the proxy"], rows);
  } finally {
    trap.close();
    await place.forge.close();
  }
}

interface Trap {
  env: Record<string, string>;
  /** Connections since the last question. */
  caught(): number;
  close(): void;
}

/** A proxy for every address but the loopback's, which counts who comes and lets nobody through. */
async function openTrap(): Promise<Trap> {
  let count = 0;
  const server = createServer((socket) => {
    count++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  const names = ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
  const direct = { no_proxy: "127.0.0.1", NO_PROXY: "127.0.0.1" };
  return {
    env: { ...Object.fromEntries(names.map((name) => [name, url])), ...direct },
    caught() {
      const before = count;
      count = 0;
      return before;
    },
    close: () => server.close(),
  };
}
