import { parseTier, TIERS, type Tier } from '../../wallet/index.js';
import { fixedModelOnly, ipBlocked, ipNotAllowed, modelBlacklisted, tierNotAllowed } from '../policy.errors.js';
import type { CompiledPolicy } from './compiled-policy.js';
import { parseIp } from './ip-set.js';
import type { ClientIp, PolicyDecision, PolicyRequest, RoutingPreferences } from './policy.js';

/** What the gateway chooses the model for by itself. */
const AUTO = 'auto';
const isAuto = (model: string): boolean => model === AUTO || model.startsWith(`${AUTO}:`);
const SHOWN_CHARS_MAX = 200;
const NO_PREFERENCES: RoutingPreferences = { weights: {}, tags: [] };

type Facts = Record<string, unknown>;

/**
 * Decides what a request may do: address, tiers, fixed model, blacklist, in this order; the first refusal wins.
 * @param policies those of the key and of its accounts; each of them must allow it. Empty does not restrict.
 * @param defaultModel used when a request names no model; `null` means `auto`.
 * @throws AppError `policy_rejected`; its facts say which rule matched.
 */
export function decide(
  request: PolicyRequest,
  policies: readonly CompiledPolicy[],
  defaultModel: string | null,
): PolicyDecision {
  const facts = factsOf(request.key, request.clientIp);
  checkAddress(request.clientIp, policies, facts);
  const allowedTiers = checkTiers(request, policies, facts);
  const model = checkFixedModel(request, defaultModel, facts);
  const concrete = !isAuto(model);
  if (concrete) checkConcreteModel(model, request, { policies, allowedTiers, facts });
  return {
    model,
    concrete,
    allowedTiers,
    routing: policies.map(({ routing }) => routing).find(hasPreferences) ?? NO_PREFERENCES,
    isBlacklisted: (candidate) => policies.some((policy) => policy.modelBlacklist.match(candidate) !== null),
    facts,
  };
}

/** Of several policies the first one that says how to weigh is followed. */
function hasPreferences({ weights, tags }: RoutingPreferences): boolean {
  return tags.length > 0 || Object.keys(weights).length > 0;
}

function hasAddresses({ ipAllowlist, ipBlocklist }: CompiledPolicy): boolean {
  return !ipAllowlist.isEmpty || !ipBlocklist.isEmpty;
}

/** What an explanation says of the caller, before any rule is asked. */
export function factsOf({ policyId, accountPolicyIds }: PolicyRequest['key'], clientIp: ClientIp): Facts {
  return {
    client_ip: clientIp.address,
    client_ip_source: clientIp.source,
    ...(clientIp.ignoredHeader === undefined ? {} : { ignored_header: clientIp.ignoredHeader }),
    policy_id: policyId,
    ...(accountPolicyIds.length === 0 ? {} : { account_policy_ids: accountPolicyIds }),
  };
}

/**
 * No blocklist may hold the address, and every allowlist must. An address that cannot be read is in no list, and yet must
 * not pass where there is one.
 * @throws AppError `policy_rejected`.
 */
export function checkAddress(clientIp: ClientIp, policies: readonly CompiledPolicy[], facts: Facts): void {
  if (!policies.some(hasAddresses)) return;
  const address = parseIp(clientIp.address);
  if (address === null) throw ipNotAllowed({ ...facts, matched_rule: 'ip: unreadable address' });
  for (const { id, ipBlocklist } of policies) {
    const blockedBy = ipBlocklist.match(address);
    if (blockedBy !== null) throw ipBlocked({ ...facts, ...matched(id, `ip_blocklist: ${blockedBy}`) });
  }
  for (const { id, ipAllowlist } of policies) {
    if (ipAllowlist.isEmpty) continue;
    const allowedBy = ipAllowlist.match(address);
    if (allowedBy === null) throw ipNotAllowed({ ...facts, ...matched(id, 'ip_allowlist: no match') });
    facts['ip_rule'] = `ip_allowlist: ${allowedBy}`;
  }
}

function matched(policyId: string, rule: string): Facts {
  return { matched_rule: rule, matched_policy_id: policyId };
}

/** Policies ∩ key ∩ request; lists that are empty or absent do not restrict. */
function checkTiers(request: PolicyRequest, policies: readonly CompiledPolicy[], facts: Facts): readonly Tier[] {
  const { key, requestedTier } = request;
  const ofPolicy = tiersOf(policies);
  const ofRequest = requestedTier === null ? null : parseTier(requestedTier);
  facts['policy_tiers'] = ofPolicy;
  facts['key_tier'] = key.tier;
  facts['requested_tier'] = shown(requestedTier);
  if (requestedTier !== null && ofRequest === null) {
    const hint = 'Send `economy`, `standard` or `premium` (or `E`, `S`, `P`), or leave `tier` out.';
    throw tierNotAllowed('tier', hint, { ...facts, matched_rule: 'tier: unknown' });
  }
  const allowed = TIERS.filter(
    (tier) =>
      ofPolicy.includes(tier) && (key.tier === null || key.tier === tier) && (ofRequest === null || ofRequest === tier),
  );
  facts['allowed_tiers'] = allowed;
  if (allowed.length > 0) return allowed;
  const hint =
    requestedTier === null
      ? 'The tier of this key and its policy have nothing in common; ask an administrator.'
      : 'This key may not use the tier; leave `tier` out to use any that it may.';
  throw tierNotAllowed('tier', hint, { ...facts, matched_rule: ruleAgainst(ofRequest, ofPolicy, key.tier) });
}

/** What every policy allows; empty when they have nothing in common. */
function tiersOf(policies: readonly CompiledPolicy[]): readonly Tier[] {
  const restricting = policies.filter(({ allowedTiers }) => allowedTiers.length > 0);
  if (restricting.length === 0) return TIERS;
  return TIERS.filter((tier) => restricting.every(({ allowedTiers }) => allowedTiers.includes(tier)));
}

function ruleAgainst(requested: Tier | null, ofPolicy: readonly Tier[], ofKey: Tier | null): string {
  if (requested === null) return 'tier: policy and key have none in common';
  if (ofKey !== null && ofKey !== requested) return `tier: the key allows only ${ofKey}`;
  if (ofPolicy.length === 0) return 'tier: the policies have none in common';
  return `tier: the policy allows only ${ofPolicy.join(', ')}`;
}

/** @returns the model to go on with: the fixed one, the requested one, the default one, or `auto`. */
function checkFixedModel(request: PolicyRequest, defaultModel: string | null, facts: Facts): string {
  const { key, requestedModel } = request;
  const requested = requestedModel ?? AUTO;
  facts['requested_model'] = shown(requestedModel);
  facts['fixed_model'] = key.fixedModel;
  const model = key.fixedModel ?? requestedModel ?? defaultModel ?? AUTO;
  facts['model'] = shown(model);
  if (key.fixedModel !== null && !isAuto(requested) && !isSameModel(requested, key.fixedModel, request)) {
    throw fixedModelOnly({ ...facts, matched_rule: `fixed_model: ${key.fixedModel}` });
  }
  return model;
}

/** What a caller wrote, short enough to be kept with the explanation of the request. */
function shown(text: string | null): string | null {
  return text === null ? null : text.slice(0, SHOWN_CHARS_MAX);
}

/** A model may be named by key or by id. */
function isSameModel(left: string, right: string, { findModel }: PolicyRequest): boolean {
  if (left === right) return true;
  const found = findModel(left);
  return found !== null && found.id === findModel(right)?.id;
}

/** A model that does not exist is left to the router, which answers 404. */
function checkConcreteModel(
  name: string,
  request: PolicyRequest,
  rules: { policies: readonly CompiledPolicy[]; allowedTiers: readonly Tier[]; facts: Facts },
): void {
  const model = request.findModel(name);
  if (model === null) return;
  const { policies, allowedTiers, facts } = rules;
  facts['model_tier'] = model.tier;
  for (const { id, modelBlacklist } of policies) {
    const pattern = modelBlacklist.match(model);
    if (pattern !== null) throw modelBlacklisted({ ...facts, ...matched(id, `model_blacklist: ${pattern}`) });
  }
  if (allowedTiers.includes(model.tier)) return;
  const hint = `The model is of tier ${model.tier}, which this request may not use; use a model of ${allowedTiers.join(' or ')}.`;
  throw tierNotAllowed('model', hint, { ...facts, matched_rule: `tier: the model is ${model.tier}` });
}
