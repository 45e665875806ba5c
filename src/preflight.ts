// What must hold before anything is decided: else the run cannot work, and says who can mend what.

import { sameLogin } from "./core/model.ts";
import { RunError } from "./errors.ts";
import type { Account, Repository } from "./forge/model.ts";
import type { Forge } from "./forge/port.ts";
import { isBefore } from "./forge/release.ts";
import { policyBytesMax } from "./settings/policy-file.ts";
import type { Connection } from "./settings/settings.ts";

export interface Reached {
  me: Account;
  /** The second account; null where no `reviewer-token` is given. */
  reviewer: Account | null;
  repository: Repository;
  /** Text of the policy file; null where there is none. */
  policy: string | null;
}

/** First look at the forge: who we are, what the repository is, and its policy. Throws RunError with the remedy. */
export async function reach(forge: Forge, second: Forge | null, connection: Connection): Promise<Reached> {
  const [me, repository, reviewer] = await Promise.all([forge.me(), forge.repository(), second?.me() ?? null]);
  const full = `${connection.owner}/${connection.name}`;
  if (repository === null) {
    throw problem(
      `${full} does not exist on ${connection.serverUrl}, or @${me.login} may not see it.`,
      "Check the name, and give the bot account access to the repository.",
    );
  }
  if (repository.archived) throw problem(`${full} is archived.`, "Unarchive it, or remove the workflow.");
  if (repository.objectFormat === "sha256") {
    throw problem(
      `${full} uses SHA-256 object ids, which this version cannot push.`,
      "Use a repository with SHA-1 object ids.",
    );
  }
  if (repository.mirror)
    throw problem(
      `${full} is a mirror; nothing can be pushed to it.`,
      "Run the action in the repository that it mirrors.",
    );
  if (repository.empty) throw problem(`${full} is empty.`, "Push a first commit to its default branch.");
  if (!repository.hasIssues)
    throw problem(`Issues are turned off in ${full}.`, "Turn them on in the repository's settings.");
  if (!repository.hasPulls)
    throw problem(`Pull requests are turned off in ${full}.`, "Turn them on in the repository's settings.");
  if (!repository.may.push) {
    throw problem(
      `@${me.login} may not write code in ${full}.`,
      "Make the bot account a collaborator with write access; its token needs `write:repository` and `write:issue`.",
    );
  }
  if (reviewer !== null && sameLogin(reviewer.login, me.login)) {
    throw problem(
      `\`reviewer-token\` belongs to @${me.login}, as \`token\` does: nobody can approve their own pull request.`,
      "Give the token of a second account, or leave `reviewer-token` out.",
    );
  }
  if (me.id < 0) await refuseAutomaticToken(forge);
  const base = connection.base ?? repository.defaultBranch;
  const policy = await forge.file(connection.policyPath, base, policyBytesMax);
  if (policy === null && connection.policyGiven) {
    throw problem(
      `The policy file ${connection.policyPath} is not on the branch ${base}.`,
      "Add it, or leave the input `policy` out.",
    );
  }
  return { me, reviewer, repository, policy };
}

/** Before Gitea 1.26 the automatic token cannot open pull requests: found out before any work is spent. */
async function refuseAutomaticToken(forge: Forge): Promise<void> {
  const version = await forge.version();
  if (!isBefore(version, 26)) return;
  throw problem(
    `This server (${version}) does not let the automatic token of a run open pull requests.`,
    "Give the access token of a bot account as the input `token`, or use Gitea 1.26 or later.",
  );
}

function problem(message: string, remedy: string): RunError {
  return new RunError(message, { remedy, mender: "workflow author", retry: false });
}
