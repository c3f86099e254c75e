import { usdMicros, type Micros } from '../../platform/money/index.js';
import type { TokenUsage } from '../../provider/index.js';
import type { PriceRates } from '../../router/index.js';
import type { ClaimedFreeze } from '../../wallet/index.js';
import type { Outcome } from './outcome.js';
import { priceOf, usdOf } from './price.js';

/** One priced outcome, as the settlement function of the database takes it. Amounts are decimal text of micro-units. */
export interface SettlementItem {
  account_id: string;
  id: string;
  kind: 'settle' | 'release';
  used: string;
  status: 'settled' | 'released' | 'failed';
  provider: string | null;
  input_tokens: number;
  output_tokens: number;
  cached_input_tokens: number;
  cached_output_tokens: number;
  usd_cost: string;
  provider_cost_usd: string;
  usage_source: string;
}

/** An outcome that cannot be settled as it is; counted against it, and after ten times it is released. */
export class UnsettleableOutcome extends Error {
  override readonly name = 'UnsettleableOutcome';
}

const DISPOSITIONS: ReadonlySet<unknown> = new Set(['charge', 'release']);
const SOURCES: ReadonlySet<unknown> = new Set(['provider', 'estimated', 'unavailable']);
const BUCKETS = ['inputTokens', 'outputTokens', 'cachedInputTokens', 'cachedOutputTokens'] as const;
const TOKENS_MAX = 2_147_483_647;
const AMOUNT = /^\d{1,18}$/;

/**
 * Calculates the price of a captured outcome again, with the price version pinned at its freeze. It must be the one that
 * was captured, because the caller has been told that one.
 * @throws UnsettleableOutcome when the outcome is malformed or the two prices differ.
 */
export function settlementItem(freeze: ClaimedFreeze, rates: PriceRates): SettlementItem {
  const outcome = checkedOutcome(freeze.outcome);
  const isCharge = outcome.disposition === 'charge';
  const used = isCharge ? priceOf(outcome.usage, rates) : (0n as Micros);
  if (used.toString() !== outcome.creditsUsedMicros) {
    throw new UnsettleableOutcome(
      `price drift: ${outcome.creditsUsedMicros} was captured, ${String(used)} was calculated`,
    );
  }
  const usdPerCredit = usdMicros(BigInt(amountText(freeze.facts['usdPerCreditMicros'] ?? '0', 'usdPerCreditMicros')));
  return {
    account_id: freeze.accountId,
    id: freeze.id,
    kind: isCharge ? 'settle' : 'release',
    used: used.toString(),
    status: isCharge ? 'settled' : 'released',
    provider: outcome.providerName,
    input_tokens: outcome.usage.inputTokens,
    output_tokens: outcome.usage.outputTokens,
    cached_input_tokens: outcome.usage.cachedInputTokens,
    cached_output_tokens: outcome.usage.cachedOutputTokens,
    usd_cost: usdOf(used, usdPerCredit).toString(),
    provider_cost_usd: amountText(outcome.providerCostUsdMicros, 'providerCostUsdMicros'),
    usage_source: outcome.usageSource,
  };
}

/** The end of an outcome that could not be settled ten times: nothing is charged, the record says so. */
export function failedItem(freeze: ClaimedFreeze): SettlementItem {
  return {
    account_id: freeze.accountId,
    id: freeze.id,
    kind: 'release',
    used: '0',
    status: 'failed',
    provider: null,
    input_tokens: 0,
    output_tokens: 0,
    cached_input_tokens: 0,
    cached_output_tokens: 0,
    usd_cost: '0',
    provider_cost_usd: '0',
    usage_source: 'unavailable',
  };
}

/** The row was written by this program, perhaps by another version of it: it is checked before money moves. */
function checkedOutcome(value: unknown): Outcome {
  const outcome = value as Partial<Outcome> | null;
  if (typeof outcome !== 'object' || outcome === null) throw new UnsettleableOutcome('the outcome is not an object');
  if (!DISPOSITIONS.has(outcome.disposition)) throw new UnsettleableOutcome('unknown disposition');
  if (!SOURCES.has(outcome.usageSource)) throw new UnsettleableOutcome('unknown usage source');
  const usage: Partial<TokenUsage> = outcome.usage ?? {};
  for (const bucket of BUCKETS) {
    const tokens = usage[bucket];
    if (!Number.isInteger(tokens) || (tokens ?? -1) < 0 || (tokens ?? 0) > TOKENS_MAX) {
      throw new UnsettleableOutcome(`${bucket} is not a token count`);
    }
  }
  return outcome as Outcome;
}

function amountText(value: unknown, name: string): string {
  if (typeof value !== 'string' || !AMOUNT.test(value)) throw new UnsettleableOutcome(`${name} is not an amount`);
  return value;
}
