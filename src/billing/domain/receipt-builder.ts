import { formatDecimal } from '../../platform/money/index.js';
import type { Price } from '../../router/index.js';
import type { Freeze, LedgerEntry } from '../../wallet/index.js';
import { outcomeOf } from './outcome.js';
import { calculationOf, usdStepsOf } from './receipt-arithmetic.js';
import { receiptIdOf, type Receipt, type ReceiptRow } from './receipt.js';
import type { UsageRecord } from './usage.js';

/** Everything that a receipt is made of. */
export interface ReceiptEvidence {
  freeze: Freeze;
  /** `null` until the freeze has ended. */
  usage: UsageRecord | null;
  price: Price;
  /** Rows of this request, in their order. */
  entries: readonly LedgerEntry[];
}

const PENDING = 'The request is not settled yet: nothing has been charged so far. Ask again in a second.';

/** A receipt without a signature. */
export function buildReceipt({ freeze, usage, price, entries }: ReceiptEvidence, issuedAt: Date): Receipt {
  const { modelKey } = freeze.facts;
  const common = {
    object: 'receipt' as const,
    version: 1 as const,
    id: receiptIdOf(freeze.id),
    request_id: freeze.id,
    client_request_id: freeze.clientRequestId,
    account_id: freeze.accountId,
    api_key_id: freeze.apiKeyId,
    status: usage?.status ?? 'pending',
    ...(usage === null ? { message: PENDING } : {}),
    model: { id: freeze.modelId, key: usage?.modelKey ?? (typeof modelKey === 'string' ? modelKey : '') },
    provider: usage?.provider ?? null,
    tier: freeze.tier,
    stream: freeze.stream,
    created_at: freeze.createdAt.toISOString(),
    price: priceOfReceipt(price),
    freeze: {
      amount: formatDecimal(freeze.amountMicros),
      extensions: freeze.extensions,
      state: freeze.state,
    },
    ledger: entries.map(rowOf),
    issued_at: issuedAt.toISOString(),
    signature: null,
  };
  if (usage === null) return { ...common, usage: null, calculation: null, usd: null, settlement: null };
  return { ...common, ...chargeOf(usage, freeze, price, entries) };
}

function chargeOf(
  usage: UsageRecord,
  freeze: Freeze,
  price: Price,
  entries: readonly LedgerEntry[],
): Pick<Receipt, 'usage' | 'calculation' | 'usd' | 'settlement'> {
  const tokens = {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    cached_output_tokens: usage.cachedOutputTokens,
    source: usage.usageSource,
  };
  const end = entries.find(({ kind }) => kind === 'settle' || kind === 'release' || kind === 'expire');
  const creditsUsed = formatDecimal(usage.creditsUsedMicros);
  const { usdPerCreditMicros } = freeze.facts;
  const usdPerCredit = typeof usdPerCreditMicros === 'string' ? BigInt(usdPerCreditMicros) : 0n;
  return {
    usage: tokens,
    calculation: calculationOf(tokens, priceOfReceipt(price).credits_per_mtok),
    usd: usdStepsOf(creditsUsed, formatDecimal(usdPerCredit)),
    settlement: {
      ...endingOf(usage, freeze),
      credits_used: creditsUsed,
      credits_charged: formatDecimal(usage.creditsChargedMicros),
      shortfall: formatDecimal(usage.shortfallMicros),
      returned: formatDecimal(end?.availableDeltaMicros ?? 0n),
      corrections: usage.corrections,
      settled_at: (usage.settledAt ?? usage.createdAt).toISOString(),
    },
  };
}

/** An outcome that could not be settled was given up; one that is not there yet asks for nothing. */
function endingOf(
  usage: UsageRecord,
  freeze: Freeze,
): Pick<NonNullable<Receipt['settlement']>, 'disposition' | 'reason'> {
  if (usage.status === 'failed') return { disposition: 'release', reason: 'settlement_failed' };
  const outcome = outcomeOf(freeze);
  return { disposition: outcome?.disposition ?? null, reason: outcome?.reason ?? null };
}

function priceOfReceipt(price: Price): Receipt['price'] {
  return {
    id: price.id,
    version: price.version,
    effective_at: price.effectiveAt.toISOString(),
    credits_per_mtok: {
      input: formatDecimal(price.inputPerMtok),
      output: formatDecimal(price.outputPerMtok),
      cached_input: formatDecimal(price.cacheReadPerMtok),
      cached_output: formatDecimal(price.cacheWritePerMtok),
    },
  };
}

function rowOf(entry: LedgerEntry): ReceiptRow {
  return {
    id: entry.id,
    kind: entry.kind as ReceiptRow['kind'],
    available_delta: formatDecimal(entry.availableDeltaMicros),
    frozen_delta: formatDecimal(entry.frozenDeltaMicros),
    available_after: formatDecimal(entry.availableAfterMicros),
    frozen_after: formatDecimal(entry.frozenAfterMicros),
    created_at: entry.createdAt.toISOString(),
  };
}
