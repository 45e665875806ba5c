import { ensure, ignoreRefusal, type Run } from "./run.ts";

/** Closes the issue. A pull request of that number stays open: closing one is never this effect's meaning. */
export async function ensureClosed(run: Run): Promise<void> {
  const { forge } = run.ports;
  const isDone = async () => {
    const issue = await forge.issue(run.issue);
    return issue === null || issue.isPull || issue.state === "closed";
  };
  // 412: it waits for another issue that is open; who set that decides.
  await ignoreRefusal(run, () => ensure(run, isDone, () => forge.closeIssue(run.issue)), [403, 404, 412]);
}
