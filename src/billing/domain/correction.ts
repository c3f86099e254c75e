import { usdMicros, type Micros, type UsdMicros } from '../../platform/money/index.js';
import type { TokenUsage } from '../../provider/index.js';
import type { PriceRates } from '../../router/index.js';
import { priceOf, usdOf } from './price.js';
import type { UsageRecord } from './usage.js';

/** Tokens, price version and amounts of a usage record, before or after a correction. */
export interface UsageSnapshot extends TokenUsage {
  priceId: string;
  creditsUsedMicros: Micros;
  creditsChargedMicros: Micros;
  shortfallMicros: Micros;
  usdCostMicros: UsdMicros;
  providerCostUsdMicros: UsdMicros;
}

/** One correction of a settled request. */
export interface Correction {
  accountId: string;
  requestId: string;
  /** From 1 for each request. */
  number: number;
  reason: string;
  /** Who asked for it. */
  actor: string;
  before: UsageSnapshot;
  after: UsageSnapshot;
  createdAt: Date;
}

/** What should have been recorded; what is absent stays as it is. The amounts follow from tokens and price. */
export interface CorrectionRequest {
  /** The gateway's own id. */
  requestId: string;
  tokens: { [Bucket in keyof TokenUsage]?: number | undefined };
  /** A version of the same model. */
  priceId?: string | undefined;
  /** What the provider really asks for. */
  providerCostUsdMicros?: UsdMicros | undefined;
  reason: string;
  actor: string;
  /** Counts once for the account, for ever. */
  idempotencyKey: string;
}

/** A record as it should be; what is charged of the price is up to the wallet. */
export type CorrectedUsage = TokenUsage &
  Pick<UsageSnapshot, 'priceId' | 'creditsUsedMicros' | 'usdCostMicros' | 'providerCostUsdMicros'>;

/** Prices the right tokens with the right version, and in USD at the rate that was pinned at the freeze. */
export function correctedUsage(
  record: UsageRecord,
  request: CorrectionRequest,
  price: PriceRates & { id: string },
  usdPerCredit: UsdMicros,
): CorrectedUsage {
  const { tokens } = request;
  const usage: TokenUsage = {
    inputTokens: tokens.inputTokens ?? record.inputTokens,
    outputTokens: tokens.outputTokens ?? record.outputTokens,
    cachedInputTokens: tokens.cachedInputTokens ?? record.cachedInputTokens,
    cachedOutputTokens: tokens.cachedOutputTokens ?? record.cachedOutputTokens,
  };
  const creditsUsedMicros = priceOf(usage, price);
  return {
    ...usage,
    priceId: price.id,
    creditsUsedMicros,
    usdCostMicros: usdOf(creditsUsedMicros, usdPerCredit),
    providerCostUsdMicros: usdMicros(request.providerCostUsdMicros ?? record.providerCostUsdMicros),
  };
}

const COMPARED = [
  'inputTokens',
  'outputTokens',
  'cachedInputTokens',
  'cachedOutputTokens',
  'priceId',
  'providerCostUsdMicros',
] as const;

/** Whether a record says already what a correction would write. */
export function saysTheSame(one: Pick<UsageSnapshot, (typeof COMPARED)[number]>, other: typeof one): boolean {
  return COMPARED.every((field) => one[field] === other[field]);
}

/** Whether a correction that was made is the one that is asked for again. */
export function isRepetition(made: Correction, request: CorrectionRequest): boolean {
  const { tokens, priceId, providerCostUsdMicros } = request;
  const asked = { ...tokens, priceId, providerCostUsdMicros };
  return (
    made.requestId === request.requestId &&
    made.reason === request.reason &&
    COMPARED.every((field) => asked[field] === undefined || asked[field] === made.after[field])
  );
}
