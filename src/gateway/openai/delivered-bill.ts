import { priceOf } from '../../billing/index.js';
import type { Micros } from '../../platform/money/index.js';
import type { PriceRates } from '../../router/index.js';
import type { ChatRequest } from './chat-request.schema.js';
import type { UsageEstimator } from './usage-estimator.js';

/** What one stream would cost if it ended here, by the gateway's own count. The prompt is counted once. */
export class DeliveredBill {
  private inputTokens: number | null = null;

  constructor(
    private readonly estimator: UsageEstimator,
    private readonly body: ChatRequest,
    private readonly rates: PriceRates,
  ) {}

  /** @param delivered text that has reached the caller, or would. */
  costOf(delivered: string): Micros {
    this.inputTokens ??= this.estimator.inputTokens(this.body);
    const usage = { cachedInputTokens: 0, cachedOutputTokens: 0, outputTokens: this.estimator.outputTokens(delivered) };
    return priceOf({ ...usage, inputTokens: this.inputTokens }, this.rates);
  }
}
