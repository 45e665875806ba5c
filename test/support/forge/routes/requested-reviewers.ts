import { atLeast, unitAccess } from "../access.ts";
import { subject } from "../acts/subject.ts";
import { addEntry } from "../acts/timeline.ts";
import { bind } from "../body.ts";
import type { Call } from "../call.ts";
import { emit } from "../events.ts";
import type { Pull, Review, Team, User } from "../model.ts";
import { empty, json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { reviewView } from "../views/pull.ts";
import { pullNamed } from "./find.ts";

const path = "/repos/{owner}/{repo}/pulls/{index}/requested_reviewers";

/** Asking people and teams for a review. */
export const requestedReviewerRoutes: Route[] = [
  route("POST", path, "repository", add),
  route("DELETE", path, "repository", remove),
];

interface Wanted {
  pull: Pull;
  users: User[];
  teams: Team[];
}

function read(call: Call): Wanted {
  const fields = bind(call, "PullReviewRequestOptions", { reviewers: "strings", team_reviewers: "strings" });
  const pull = pullNamed(call);
  const users = (fields.reviewers ?? []).map((login) => {
    const user = call.world.findUser(login);
    if (user) return user;
    throw call.errors.notFoundText(call.from27 ? `user doesn't exist: ${login}` : `User '${login}' not exist`);
  });
  for (const user of users) {
    const ids = `[user_id: ${user.id}, repo_id: ${call.repo.id}]`;
    if (user === pull.issue.poster) throw call.errors.error(422, `poster of pr can't be reviewer ${ids}`);
  }
  if (!call.may("pulls", "write")) {
    const ids = `[user_id: ${call.user.id}, repo_id: ${call.repo.id}]`;
    throw call.errors.error(422, `Doer can't choose reviewer ${ids}`);
  }
  const teams = (fields.team_reviewers ?? []).map((name) => {
    const team = call.world.teams.find((candidate) => candidate.org === call.repo.owner && candidate.name === name);
    if (team) return team;
    throw call.errors.notFoundText(call.from27 ? `team doesn't exist: ${name}` : `Team '${name}' not exist`);
  });
  return { pull, users, teams };
}

function isFor(review: Review, who: { user: User } | { team: Team }): boolean {
  if (review.state !== "REQUEST_REVIEW") return false;
  return "user" in who ? review.user === who.user : review.team === who.team;
}

function add(call: Call): Reply {
  const { pull, users, teams } = read(call);
  const made: Review[] = [];
  for (const who of [...users.map((user) => ({ user })), ...teams.map((team) => ({ team }))]) {
    if (pull.reviews.some((review) => isFor(review, who))) continue;
    made.push(request(call, pull, who));
  }
  return json(
    201,
    made.map((review) => reviewView(call.world, review, call.user)),
  );
}

function request(call: Call, pull: Pull, who: { user: User } | { team: Team }): Review {
  const at = call.world.now();
  const user = "user" in who ? who.user : null;
  const review: Review = {
    id: call.world.next("review"),
    pull,
    user,
    team: "team" in who ? who.team : null,
    state: "REQUEST_REVIEW",
    body: "",
    sha: "",
    official: user !== null && atLeast(unitAccess(call.world, call.repo, user, "code"), "write"),
    stale: false,
    dismissed: false,
    createdAt: at,
    updatedAt: at,
    entryId: 0,
    comments: [],
  };
  if (review.official) for (const other of judgements(pull, user)) other.official = false;
  pull.reviews.push(review);
  const whom = "user" in who ? { assignee: who.user } : { assigneeTeam: who.team };
  addEntry(call.world, pull.issue, "review_request", call.user, { review, ...whom });
  const action = "review_requested";
  emit(call.world, call.repo, "pull_request", call.user, { ...subject(call.world, pull.issue), action });
  return review;
}

/** What somebody has judged so far; a request takes the last one out of force, taking it back restores it. */
function judgements(pull: Pull, user: User | null): Review[] {
  return pull.reviews.filter(
    (review) => review.user === user && (review.state === "APPROVED" || review.state === "REQUEST_CHANGES"),
  );
}

function remove(call: Call): Reply {
  const { pull, users, teams } = read(call);
  for (const who of [...users.map((user) => ({ user })), ...teams.map((team) => ({ team }))]) {
    const present = pull.reviews.find((review) => isFor(review, who));
    if (!present) continue;
    pull.reviews = pull.reviews.filter((review) => review !== present);
    const last = present.official ? judgements(pull, present.user).at(-1) : undefined;
    if (last) last.official = true;
    const whom = "user" in who ? { assignee: who.user } : { assigneeTeam: who.team };
    addEntry(call.world, pull.issue, "review_request", call.user, { removed: true, ...whom });
  }
  return empty(204);
}
