import * as z from "zod";
import { RunError } from "../errors.ts";
import type { Client } from "./client.ts";
import type { StatusEntry } from "./model.ts";
import { allPages, pageSize } from "./paging.ts";
import type { Forge } from "./port.ts";
import { account, branch, commitMessage, refs, repository, statuses, version } from "./schemas.ts";

type RepositoryCalls = Pick<
  Forge,
  | "me"
  | "version"
  | "repository"
  | "branch"
  | "file"
  | "statuses"
  | "setStatus"
  | "refs"
  | "commitMessage"
  | "deleteBranch"
>;

/** The token's account, the repository, its branches, files, refs, commits. */
export function repositoryCalls(client: Client): RepositoryCalls {
  const { owner, name, once, repeat, ask, parse, read, find, failed, place } = client;

  const readBranch = (b: string) =>
    find(`read the branch \`${b}\``, branch, () => once.repos.repoGetBranch(owner, name, encodeURIComponent(b)));

  return {
    me: () => read("read the token's account", account, () => once.user.userGetCurrent()),

    version: async () => (await read("read the server's version", version, () => once.version.getVersion())).version,

    repository: () => find(`read ${place.repository}`, repository, () => once.repos.repoGet(owner, name)),

    branch: readBranch,

    // `contents`, not `raw`: it tells a file from a folder, a link and a submodule.
    async file(path, ref, bytesMax) {
      const what = `read ${path} at ${ref}`;
      const encoded = path.split("/").map(encodeURIComponent).join("/");
      const found = await find(what, content, () => once.repos.repoGetContents(owner, name, encoded, { ref }));
      if (found === null) return null;
      // 1.22 lists every path of an empty repository as an empty folder, which git has not.
      if (Array.isArray(found) && found.length === 0) return null;
      if (Array.isArray(found)) throw unfit(what, "it is a folder.");
      if (found.type !== "file") throw unfit(what, `it is a ${found.type}, not a file.`);
      // The server leaves the text out where it finds it too long to send.
      if (found.size > bytesMax || (found.content === null && found.size > 0)) {
        throw unfit(what, `it has ${found.size} bytes, more than the ${bytesMax} that are read.`);
      }
      return Buffer.from(found.content ?? "", "base64").toString("utf8");
    },

    async statuses(sha) {
      const what = `read the statuses of ${sha}`;
      const all = await allPages<StatusEntry>({
        what,
        // 404: the commit is not there, and so has none.
        page: (page) =>
          ask(
            what,
            () =>
              once.repos.repoGetCombinedStatusByRef(owner, name, encodeURIComponent(sha), { page, limit: pageSize }),
            { also: [404] },
          ),
        items: (answer) => (answer.status === 404 ? [] : parse(what, statuses, answer)),
        key: (s) => s.context,
        trueTotal: true,
      });
      return all.items;
    },

    // May be sent twice: the latest of a context counts.
    async setStatus(sha, { context, state, description, targetUrl }) {
      const status = { context, state, description, target_url: targetUrl };
      await ask(`set the status ${context}`, () => repeat.repos.repoCreateStatus(owner, name, sha, status), {
        hint: (answer, words) =>
          answer.status === 500 && words === "" ? { says: `Most likely the forge has no commit ${sha}.` } : null,
      });
    },

    // Not paginated, in no version.
    async refs(prefix) {
      const encoded = prefix.split("/").map(encodeURIComponent).join("/");
      const what = `list the refs below ${prefix}`;
      return (await find(what, refs, () => once.repos.repoListGitRefs(owner, name, encoded))) ?? [];
    },

    commitMessage: (sha) =>
      find(`read the commit ${sha}`, commitMessage, () =>
        once.repos.repoGetSingleCommit(owner, name, encodeURIComponent(sha), {
          stat: false,
          verification: false,
          files: false,
        }),
      ),

    async deleteBranch(b) {
      const what = `delete the branch \`${b}\``;
      const call = () => repeat.repos.repoDeleteBranch(owner, name, encodeURIComponent(b));
      const answer = await ask(what, call, { also: [404, 500] });
      // 1.24 answers 500 without words for a branch that is gone.
      if (answer.status === 500 && (await readBranch(b)) !== null) throw failed(what, answer);
    },
  };
}

const entry = z.object({
  type: z.string(),
  size: z.number(),
  content: z
    .string()
    .nullish()
    .transform((c) => c ?? null),
});
const content = z.union([z.array(z.unknown()), entry]);

function unfit(what: string, why: string): RunError {
  return new RunError(`Could not ${what}: ${why}`, {
    remedy: "Put a file of ordinary length there, or name another path.",
    mender: "workflow author",
    retry: false,
  });
}
