import type { Tier } from '../../wallet/index.js';
import { IpSet } from './ip-set.js';
import { ModelPatterns } from './model-patterns.js';
import type { Policy, RoutingPreferences } from './policy.js';

/** A policy with its lists ready for look-ups. */
export interface CompiledPolicy {
  id: string;
  /** Empty does not restrict. */
  allowedTiers: readonly Tier[];
  ipAllowlist: IpSet;
  ipBlocklist: IpSet;
  modelBlacklist: ModelPatterns;
  routing: RoutingPreferences;
}

/** @throws InvalidIpRuleError for a rule that is neither an address nor a range. */
export function compilePolicy(policy: Policy): CompiledPolicy {
  return {
    id: policy.id,
    allowedTiers: policy.allowedTiers,
    ipAllowlist: new IpSet(policy.ipAllowlist),
    ipBlocklist: new IpSet(policy.ipBlocklist),
    modelBlacklist: new ModelPatterns(policy.modelBlacklist),
    routing: policy.routing,
  };
}
