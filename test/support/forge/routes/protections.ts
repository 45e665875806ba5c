import { bind } from "../body.ts";
import type { Call } from "../call.ts";
import type { Protection } from "../model.ts";
import { empty, json, type Reply } from "../reply.ts";
import { type Route, route } from "../router.ts";
import { time } from "../views/time.ts";

const base = "/repos/{owner}/{repo}/branch_protections";

/** Rules for branches: only repository admins may even read them. */
export const protectionRoutes: Route[] = [
  route("GET", base, "repository", listRules, { needsToken: true }),
  route("POST", base, "repository", createRule),
  route("GET", `${base}/{rule}`, "repository", getRule, { needsToken: true }),
  route("PATCH", `${base}/{rule}`, "repository", editRule),
  route("DELETE", `${base}/{rule}`, "repository", deleteRule),
];

const fieldKinds = {
  rule_name: "string",
  branch_name: "string",
  enable_push: "boolean",
  required_approvals: "number",
  enable_status_check: "boolean",
  status_check_contexts: "strings",
  block_on_rejected_reviews: "boolean",
  dismiss_stale_approvals: "boolean",
} as const;

function listRules(call: Call): Reply {
  call.mustBeAdmin();
  return json(
    200,
    call.repo.protections.map((rule) => view(call, rule)),
  );
}

function createRule(call: Call): Reply {
  call.mustBeAdmin();
  const fields = bind(call, "CreateBranchProtectionOption", fieldKinds);
  const rule: Protection = {
    rule: fields.rule_name ?? fields.branch_name ?? "",
    priority: call.repo.protections.length + 1,
    enablePush: fields.enable_push ?? false,
    requiredApprovals: fields.required_approvals ?? 0,
    enableStatusCheck: fields.enable_status_check ?? false,
    statusContexts: fields.status_check_contexts ?? [],
    blockOnRejectedReviews: fields.block_on_rejected_reviews ?? false,
    dismissStaleApprovals: fields.dismiss_stale_approvals ?? false,
    createdAt: call.world.now(),
  };
  if (call.repo.protections.some((other) => other.rule === rule.rule)) {
    throw call.errors.error(403, "Branch protection already exist");
  }
  call.repo.protections.push(rule);
  return json(201, view(call, rule));
}

function ruleOf(call: Call): Protection {
  call.mustBeAdmin();
  const rule = call.repo.protections.find((candidate) => candidate.rule === call.param("rule"));
  if (!rule) throw call.errors.notFound();
  return rule;
}

function getRule(call: Call): Reply {
  return json(200, view(call, ruleOf(call)));
}

function editRule(call: Call): Reply {
  const rule = ruleOf(call);
  const fields = bind(call, "EditBranchProtectionOption", fieldKinds);
  rule.enablePush = fields.enable_push ?? rule.enablePush;
  rule.requiredApprovals = fields.required_approvals ?? rule.requiredApprovals;
  rule.enableStatusCheck = fields.enable_status_check ?? rule.enableStatusCheck;
  rule.statusContexts = fields.status_check_contexts ?? rule.statusContexts;
  rule.blockOnRejectedReviews = fields.block_on_rejected_reviews ?? rule.blockOnRejectedReviews;
  rule.dismissStaleApprovals = fields.dismiss_stale_approvals ?? rule.dismissStaleApprovals;
  return json(200, view(call, rule));
}

function deleteRule(call: Call): Reply {
  const rule = ruleOf(call);
  call.repo.protections = call.repo.protections.filter((other) => other !== rule);
  return empty(204);
}

function view(call: Call, rule: Protection): Record<string, unknown> {
  const bypass = { enable_bypass_allowlist: false, bypass_allowlist_usernames: [], bypass_allowlist_teams: [] };
  return {
    branch_name: rule.rule,
    rule_name: rule.rule,
    priority: rule.priority,
    enable_push: rule.enablePush,
    enable_push_whitelist: false,
    push_whitelist_usernames: [],
    push_whitelist_teams: [],
    push_whitelist_deploy_keys: false,
    enable_force_push: false,
    enable_force_push_allowlist: false,
    force_push_allowlist_usernames: [],
    force_push_allowlist_teams: [],
    force_push_allowlist_deploy_keys: false,
    enable_merge_whitelist: false,
    merge_whitelist_usernames: [],
    merge_whitelist_teams: [],
    ...(call.from27 ? bypass : {}),
    enable_status_check: rule.enableStatusCheck,
    status_check_contexts: rule.statusContexts,
    required_approvals: rule.requiredApprovals,
    enable_approvals_whitelist: false,
    approvals_whitelist_username: [],
    approvals_whitelist_teams: [],
    block_on_rejected_reviews: rule.blockOnRejectedReviews,
    block_on_official_review_requests: false,
    block_on_outdated_branch: false,
    dismiss_stale_approvals: rule.dismissStaleApprovals,
    ignore_stale_approvals: false,
    require_signed_commits: false,
    protected_file_patterns: "",
    unprotected_file_patterns: "",
    block_admin_merge_override: false,
    created_at: time(rule.createdAt),
    updated_at: time(rule.createdAt),
  };
}
