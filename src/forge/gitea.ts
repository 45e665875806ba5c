import { RunError } from "../errors.ts";
import { accessCalls } from "./access.ts";
import { actionsCalls } from "./actions.ts";
import { client } from "./client.ts";
import { commentCalls } from "./comments.ts";
import { type ForgeHttp, forgeHttp, type HttpOptions } from "./http.ts";
import { issueCalls } from "./issues.ts";
import { jobCalls } from "./jobs.ts";
import { mergeCalls } from "./merge.ts";
import type { Forge } from "./port.ts";
import { pullCalls } from "./pulls.ts";
import type { Place } from "./reason.ts";
import { isBefore } from "./release.ts";
import { repositoryCalls } from "./repository.ts";
import { reviewCalls } from "./reviews.ts";

export interface GiteaOptions extends HttpOptions {
  /** Owner of the repository. */
  owner: string;
  /** Name of the repository. */
  name: string;
}

/** A repository on a Gitea server, 1.22 or newer. Throws RunError for an address or a token that no request could be made with. */
export function giteaForge(options: GiteaOptions): Forge {
  const serverUrl = serverUrlOf(options.serverUrl);
  const token = tokenOf(options.token);
  const http = forgeHttp({ ...options, serverUrl, token });
  const place = { serverUrl, repository: `${options.owner}/${options.name}`, token };
  const { writeAccess } = accessCalls(client(http, place));
  return over(http, place, writeAccess);
}

/** `writeAccess` is handed on: its answers are kept for the whole run. */
function over(http: ForgeHttp, place: Place, writeAccess: Forge["writeAccess"]): Forge {
  const calls = client(http, place);
  const repository = repositoryCalls(calls);
  const defaultBranch = async () => (await repository.repository())?.defaultBranch ?? null;
  const htmlUrl = async () => (await repository.repository())?.htmlUrl ?? null;
  const pulls = pullCalls(calls, defaultBranch);
  return {
    url: place.serverUrl,
    now: http.now,
    requests: http.requests,
    under: (permit) => over(http.under(permit), place, writeAccess),
    writeAccess,
    ...repository,
    ...issueCalls(calls),
    ...commentCalls(calls),
    ...pulls,
    ...reviewCalls(calls, repository.me),
    ...mergeCalls(calls, pulls.pull),
    ...actionsCalls(calls),
    ...jobCalls(calls, { version: repository.version, htmlUrl }),
    // Seen on 1.24.7; from 1.26 on such runs go side by side. No probe could tell without starting runs.
    dispatchCancels: async () => isBefore(await repository.version(), 26),
  };
}

/** Addresses come with and without slash or `/api/v1`; a user name in one would end up in logs. */
function serverUrlOf(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw new RunError("`server-url` is no address of the kind `https://gitea.example.com`, without user name.", {
      remedy: "Set `server-url` to the address under which the runner reaches Gitea.",
      mender: "workflow author",
      retry: false,
    });
  }
  const path = url.pathname.replace(/\/+$/, "").replace(/\/api\/v1$/, "");
  return `${url.origin}${path}`;
}

/** Checked here since `fetch` refuses other characters with an error that prints them. */
function tokenOf(given: string): string {
  const token = given.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const what = token === "" ? "empty" : "not a token: it has blanks, line breaks or other characters that no token has";
  throw new RunError(`The forge token is ${what}.`, {
    remedy: "Put the bot account's token into the workflow's secret, and the secret into the action's input.",
    mender: "workflow author",
    retry: false,
  });
}
