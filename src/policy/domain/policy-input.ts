import { TIERS, type Tier } from '../../wallet/index.js';
import { invalidPolicyField } from '../policy.errors.js';
import { InvalidIpRuleError, IpSet } from './ip-set.js';
import { ROUTING_FACTORS, type Policy, type RoutingPreferences } from './policy.js';

/** What an operator may set; absent lists are empty and do not restrict. */
export interface PolicyInput {
  name: string;
  allowedTiers?: readonly Tier[] | undefined;
  ipAllowlist?: readonly string[] | undefined;
  ipBlocklist?: readonly string[] | undefined;
  modelBlacklist?: readonly string[] | undefined;
  /** How `auto` weighs; replaced as a whole. */
  routing?: RoutingPreferences | undefined;
}

/** Absent and `undefined` fields stay as they are. */
export type PolicyPatch = { [Name in keyof PolicyInput]?: PolicyInput[Name] | undefined };

const NAME_CHARS_MAX = 200;
const LIST_ITEMS_MAX = 10_000;
const PATTERNS_MAX = 1_000;
const PATTERN_CHARS_MAX = 200;

/**
 * The fields that are present, checked and trimmed, without duplicates.
 * @throws AppError `unprocessable` naming the field and the item that cannot be taken.
 */
export function checkedPolicyFields(input: PolicyPatch): Partial<Omit<Policy, 'id'>> {
  const { name, allowedTiers, ipAllowlist, ipBlocklist, modelBlacklist, routing } = input;
  return {
    ...(name === undefined ? {} : { name: checkedName(name) }),
    ...(allowedTiers === undefined ? {} : { allowedTiers: checkedTiers(allowedTiers) }),
    ...(ipAllowlist === undefined ? {} : { ipAllowlist: checkedAddresses('ip_allowlist', ipAllowlist) }),
    ...(ipBlocklist === undefined ? {} : { ipBlocklist: checkedAddresses('ip_blocklist', ipBlocklist) }),
    ...(modelBlacklist === undefined ? {} : { modelBlacklist: checkedPatterns(modelBlacklist) }),
    ...(routing === undefined ? {} : { routing: checkedRouting(routing) }),
  };
}

function checkedName(name: string): string {
  const trimmed = name.trim();
  if (trimmed !== '' && trimmed.length <= NAME_CHARS_MAX) return trimmed;
  throw invalidPolicyField('name', `name must have 1 to ${NAME_CHARS_MAX} characters`);
}

function checkedTiers(tiers: readonly Tier[]): Tier[] {
  const unknown = tiers.find((tier) => !TIERS.includes(tier));
  if (unknown === undefined) return TIERS.filter((tier) => tiers.includes(tier));
  throw invalidPolicyField('allowed_tiers', `${shown(unknown)} is no tier; there are ${TIERS.join(', ')}`);
}

function checkedAddresses(param: string, rules: readonly string[]): string[] {
  const checked = distinct(param, rules, LIST_ITEMS_MAX);
  try {
    new IpSet(checked);
    return checked;
  } catch (error) {
    if (!(error instanceof InvalidIpRuleError)) throw error;
    throw invalidPolicyField(param, `${shown(error.rule)} is no IP address and no CIDR range`);
  }
}

function checkedPatterns(patterns: readonly string[]): string[] {
  const checked = distinct('model_blacklist', patterns, PATTERNS_MAX);
  const bad = checked.find((pattern) => pattern === '' || pattern.length > PATTERN_CHARS_MAX);
  if (bad === undefined) return checked;
  throw invalidPolicyField(
    'model_blacklist',
    `a pattern must have 1 to ${PATTERN_CHARS_MAX} characters: ${shown(bad)}`,
  );
}

const WEIGHT_MAX = 10;
const TAGS_MAX = 50;

function checkedRouting({ weights, tags }: RoutingPreferences): RoutingPreferences {
  for (const [factor, weight] of Object.entries(weights)) {
    if (!ROUTING_FACTORS.some((name) => name === factor)) {
      throw invalidPolicyField(
        `routing.weights.${factor}`,
        `${shown(factor)} is no factor; there are ${ROUTING_FACTORS.join(', ')}`,
      );
    }
    if (!Number.isFinite(weight) || weight < 0 || weight > WEIGHT_MAX) {
      throw invalidPolicyField(`routing.weights.${factor}`, `a weight must be a number from 0 to ${WEIGHT_MAX}`);
    }
  }
  const { quality, price, latency } = weights;
  if (quality === 0 && price === 0 && latency === 0) {
    throw invalidPolicyField('routing.weights', 'one of quality, price and latency must be greater than 0');
  }
  const checked = distinct('routing.tags', tags, TAGS_MAX);
  const bad = checked.find((tag) => tag === '' || tag.length > PATTERN_CHARS_MAX);
  if (bad === undefined) return { weights: { ...weights }, tags: checked };
  throw invalidPolicyField('routing.tags', `a tag must have 1 to ${PATTERN_CHARS_MAX} characters: ${shown(bad)}`);
}

function distinct(param: string, items: readonly string[], itemsMax: number): string[] {
  if (items.length > itemsMax) throw invalidPolicyField(param, `${param} must have at most ${itemsMax} entries`);
  return [...new Set(items.map((item) => item.trim()))];
}

/** An item in an error message, quoted and shortened. */
function shown(item: string): string {
  return JSON.stringify(item.length > 60 ? `${item.slice(0, 60)}…` : item);
}
