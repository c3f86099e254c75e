import { z } from 'zod';
import { ROUTING_FACTORS, type PolicyInput, type PolicyPatch, type PolicyRecord } from '../../policy/index.js';
import { name, patchOf, plainText, tier, timeOut, uuid } from '../http/fields.js';
import { pageQuery } from '../http/pagination.js';

const ITEMS_MAX = 10_000;
const PATTERNS_MAX = 1_000;
const ITEM_LENGTH_MAX = 200;

const item = plainText(ITEM_LENGTH_MAX).trim().min(1);
const addresses = z.array(item).max(ITEMS_MAX);

const weight = z.number().min(0).max(10);

const routing = z.strictObject({
  weights: z
    .strictObject(Object.fromEntries(ROUTING_FACTORS.map((factor) => [factor, weight.optional()])))
    .default({})
    .describe('From 0 to 10; only their ratio counts. A factor that is left out keeps its usual weight.'),
  tags: z.array(item).max(50).default([]).describe('SKU or scenario tags of models to prefer.'),
});

/** Which addresses are well formed is the policy module's to say. */
const lists = {
  allowed_tiers: z.array(tier).describe('Empty: every tier.'),
  ip_allowlist: addresses.describe('IPv4 and IPv6 addresses and CIDR ranges. Empty: every address.'),
  ip_blocklist: addresses.describe('Beats the allowlist.'),
  model_blacklist: z
    .array(item)
    .max(PATTERNS_MAX)
    .describe('`model_key` or `model_id`; `*` matches any run of characters.'),
  routing: routing.describe('How `auto` weighs; replaced as a whole. Empty: as usual.'),
};

export const createPolicySchema = z.strictObject({ name, ...z.object(lists).partial().shape });
export type CreatePolicy = z.output<typeof createPolicySchema>;

export const patchPolicySchema = patchOf({ name, ...lists });
export type PatchPolicy = z.output<typeof patchPolicySchema>;

export const policyQuerySchema = z.strictObject(pageQuery);
export type PolicyQuery = z.output<typeof policyQuerySchema>;

export const policySchema = z
  .object({
    id: uuid,
    name: z.string(),
    allowed_tiers: z.array(tier),
    ip_allowlist: z.array(z.string()),
    ip_blocklist: z.array(z.string()),
    model_blacklist: z.array(z.string()),
    routing: z.object({ weights: z.record(z.string(), z.number()), tags: z.array(z.string()) }),
    created_at: timeOut,
    updated_at: timeOut,
  })
  .meta({ id: 'Policy' });
export type PolicyView = z.output<typeof policySchema>;

/** The fields of a body as the policy module takes them. */
export function policyFields(body: PatchPolicy): Omit<PolicyInput, 'name'> & PolicyPatch {
  return {
    allowedTiers: body.allowed_tiers,
    ipAllowlist: body.ip_allowlist,
    ipBlocklist: body.ip_blocklist,
    modelBlacklist: body.model_blacklist,
    routing: body.routing,
  };
}

export function policyView(policy: PolicyRecord): PolicyView {
  return {
    id: policy.id,
    name: policy.name,
    allowed_tiers: [...policy.allowedTiers],
    ip_allowlist: [...policy.ipAllowlist],
    ip_blocklist: [...policy.ipBlocklist],
    model_blacklist: [...policy.modelBlacklist],
    routing: { weights: { ...policy.routing.weights }, tags: [...policy.routing.tags] },
    created_at: policy.createdAt.toISOString(),
    updated_at: policy.updatedAt.toISOString(),
  };
}
