import type { Repo, WorkflowRun } from "./server.ts";

/**
 * Gitea 1.22 shows runs by web page alone, so they are read from there; a public repository's pages need no session. The page does not name
 * the event: that is in the first line of the log, hence unknown while a run waits.
 */
export async function readRunsPage(url: string, repo: Repo): Promise<WorkflowRun[]> {
  const page = await fetchText(`${url}/${repo.fullName}/actions`);
  const runs: WorkflowRun[] = [];
  for (const item of page?.split('<div class="flex-item ').slice(1) ?? []) {
    const status = /data-tooltip-content="([^"]+)"/.exec(item)?.[1] ?? "unknown";
    const [, title = "", number = "0"] = /title="([^"]*)" href="[^"]*\/actions\/runs\/(\d+)"/.exec(item) ?? [];
    const workflow = /<b>([^<]+?) #\d+<\/b>/.exec(item)?.[1] ?? "";
    const sha = /\/commit\/([0-9a-f]+)"/.exec(item)?.[1] ?? "";
    const log =
      status === "Waiting" ? null : await fetchText(`${url}/${repo.fullName}/actions/runs/${number}/jobs/0/logs`);
    const event = /be triggered by event: (\w+)/.exec(log ?? "")?.[1] ?? "unknown";
    runs.push({
      id: Number(number),
      number: Number(number),
      workflow,
      event,
      status: words[status] ?? status.toLowerCase(),
      title,
      sha,
    });
  }
  return runs;
}

const words: Readonly<Record<string, string>> = { Canceled: "cancelled" };

async function fetchText(url: string): Promise<string | null> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) });
  return answer.ok ? await answer.text() : null;
}
