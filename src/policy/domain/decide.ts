import { parseTier, TIERS, type Tier } from '../../wallet/index.js';
import { fixedModelOnly, ipBlocked, ipNotAllowed, modelBlacklisted, tierNotAllowed } from '../policy.errors.js';
import type { CompiledPolicy } from './compiled-policy.js';
import { parseIp } from './ip-set.js';
import type { ClientIp, PolicyDecision, PolicyRequest } from './policy.js';

/** What the gateway chooses the model for by itself. */
const AUTO = 'auto';
const SHOWN_CHARS_MAX = 200;

type Facts = Record<string, unknown>;

/**
 * Decides what a request may do: address, tiers, fixed model, blacklist, in this order; the first refusal wins.
 * @param policy `null` when the key has none.
 * @param defaultModel used when a request names no model; `null` means `auto`.
 * @throws AppError `policy_rejected`; its facts say which rule matched.
 */
export function decide(
  request: PolicyRequest,
  policy: CompiledPolicy | null,
  defaultModel: string | null,
): PolicyDecision {
  const facts: Facts = {
    client_ip: request.clientIp.address,
    client_ip_source: request.clientIp.source,
    ...(request.clientIp.ignoredHeader === undefined ? {} : { ignored_header: request.clientIp.ignoredHeader }),
    policy_id: policy?.id ?? null,
  };
  if (policy !== null) checkAddress(request.clientIp, policy, facts);
  const allowedTiers = checkTiers(request, policy, facts);
  const model = checkFixedModel(request, defaultModel, facts);
  const concrete = model !== AUTO;
  if (concrete) checkConcreteModel(model, request, { policy, allowedTiers, facts });
  return {
    model,
    concrete,
    allowedTiers,
    isBlacklisted: (candidate) => policy !== null && policy.modelBlacklist.match(candidate) !== null,
    facts,
  };
}

/** An address that cannot be read is in no list, and yet must not pass where there is one. */
function checkAddress(clientIp: ClientIp, policy: CompiledPolicy, facts: Facts): void {
  const { ipAllowlist, ipBlocklist } = policy;
  if (ipAllowlist.isEmpty && ipBlocklist.isEmpty) return;
  const address = parseIp(clientIp.address);
  if (address === null) throw ipNotAllowed({ ...facts, matched_rule: 'ip: unreadable address' });
  const blockedBy = ipBlocklist.match(address);
  if (blockedBy !== null) throw ipBlocked({ ...facts, matched_rule: `ip_blocklist: ${blockedBy}` });
  if (ipAllowlist.isEmpty) return;
  const allowedBy = ipAllowlist.match(address);
  if (allowedBy === null) throw ipNotAllowed({ ...facts, matched_rule: 'ip_allowlist: no match' });
  facts['ip_rule'] = `ip_allowlist: ${allowedBy}`;
}

/** Policy ∩ key ∩ request; lists that are empty or absent do not restrict. */
function checkTiers(request: PolicyRequest, policy: CompiledPolicy | null, facts: Facts): readonly Tier[] {
  const { key, requestedTier } = request;
  const ofPolicy = policy === null || policy.allowedTiers.length === 0 ? TIERS : policy.allowedTiers;
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

function ruleAgainst(requested: Tier | null, ofPolicy: readonly Tier[], ofKey: Tier | null): string {
  if (requested === null) return 'tier: policy and key have none in common';
  if (ofKey !== null && ofKey !== requested) return `tier: the key allows only ${ofKey}`;
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
  if (key.fixedModel !== null && requested !== AUTO && !isSameModel(requested, key.fixedModel, request)) {
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
  rules: { policy: CompiledPolicy | null; allowedTiers: readonly Tier[]; facts: Facts },
): void {
  const model = request.findModel(name);
  if (model === null) return;
  const { policy, allowedTiers, facts } = rules;
  facts['model_tier'] = model.tier;
  const pattern = policy?.modelBlacklist.match(model) ?? null;
  if (pattern !== null) throw modelBlacklisted({ ...facts, matched_rule: `model_blacklist: ${pattern}` });
  if (allowedTiers.includes(model.tier)) return;
  const hint = `The model is of tier ${model.tier}, which this request may not use; use a model of ${allowedTiers.join(' or ')}.`;
  throw tierNotAllowed('model', hint, { ...facts, matched_rule: `tier: the model is ${model.tier}` });
}
