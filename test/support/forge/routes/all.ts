import type { Route } from "../router.ts";
import { actionRoutes } from "./actions.ts";
import { branchRoutes } from "./branches.ts";
import { commentRoutes } from "./comments.ts";
import { contentRoutes } from "./contents.ts";
import { dependencyRoutes } from "./dependencies.ts";
import { gitDataRoutes } from "./git-data.ts";
import { issueListRoutes } from "./issue-lists.ts";
import { issueRoutes } from "./issues.ts";
import { labelRoutes } from "./labels.ts";
import { mergeRoutes } from "./merge.ts";
import { miscRoutes } from "./misc.ts";
import { protectionRoutes } from "./protections.ts";
import { pullListRoutes } from "./pull-lists.ts";
import { pullByBranchesRoutes, pullRoutes } from "./pulls.ts";
import { reactionRoutes } from "./reactions.ts";
import { repositoryRoutes } from "./repository.ts";
import { requestedReviewerRoutes } from "./requested-reviewers.ts";
import { reviewRoutes } from "./reviews.ts";
import { runRoutes } from "./runs.ts";
import { statusRoutes } from "./statuses.ts";

/** Every path of the interface, the greedy ones last. */
export const allRoutes: Route[] = [
  ...miscRoutes,
  ...issueListRoutes,
  ...repositoryRoutes,
  ...labelRoutes,
  ...commentRoutes,
  ...reactionRoutes,
  ...dependencyRoutes,
  ...issueRoutes,
  ...protectionRoutes,
  ...branchRoutes,
  ...contentRoutes,
  ...statusRoutes,
  ...gitDataRoutes,
  ...pullListRoutes,
  ...pullRoutes,
  ...mergeRoutes,
  ...reviewRoutes,
  ...requestedReviewerRoutes,
  ...pullByBranchesRoutes,
  ...actionRoutes,
  ...runRoutes,
];
