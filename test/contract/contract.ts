import { describe } from "vitest";
import type { Choice } from "./ground.ts";
import { useStage } from "./stage.ts";
import { accessContract } from "./suite/access.ts";
import { actionsContract } from "./suite/actions.ts";
import { branchContract } from "./suite/branches.ts";
import { commentContract } from "./suite/comments.ts";
import { connectionContract } from "./suite/connection.ts";
import { fileContract } from "./suite/files.ts";
import { gitContract } from "./suite/git.ts";
import { issueContract } from "./suite/issues.ts";
import { labelContract } from "./suite/labels.ts";
import { mergeContract } from "./suite/merge.ts";
import { pullContract } from "./suite/pulls.ts";
import { repositoryContract } from "./suite/repository.ts";
import { reviewContract } from "./suite/reviews.ts";
import { statusContract } from "./suite/statuses.ts";
import { timelineContract } from "./suite/timeline.ts";

/**
 * What the program asks of a forge and what it relies on in the answers, chapter by chapter, on one server. Servers `besideOthers` run at the
 * same time: they wait for git most of the time, and share nothing.
 */
export function contract(choice: Choice, options: { besideOthers?: boolean } = {}): void {
  describe(choice.name, { concurrent: options.besideOthers === true }, () => {
    describe.sequential("contract", () => {
      const stage = useStage(choice);
      for (const chapter of chapters) chapter(stage);
    });
  });
}

const chapters = [
  connectionContract,
  repositoryContract,
  branchContract,
  fileContract,
  issueContract,
  labelContract,
  commentContract,
  timelineContract,
  pullContract,
  reviewContract,
  mergeContract,
  statusContract,
  accessContract,
  actionsContract,
  gitContract,
];
