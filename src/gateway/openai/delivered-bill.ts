import { priceOf } from '../../billing/index.js';
import type { Micros } from '../../platform/money/index.js';
import type { DeliveredOutput } from '../../provider/index.js';
import type { PriceRates } from '../../router/index.js';
import type { ChatRequest } from './chat-request.schema.js';
import type { UsageEstimator } from './usage-estimator.js';

/** What one answer would cost if it ended here, by the gateway's own count. The prompt is counted once. */
export class DeliveredBill {
  private inputTokens: number | null = null;

  constructor(
    private readonly estimator: UsageEstimator,
    private readonly body: ChatRequest,
    private readonly rates: PriceRates,
  ) {}

  outputTokens(delivered: DeliveredOutput): number {
    return this.estimator.outputTokens(delivered);
  }

  /** Price of the prompt and so many tokens that have reached the caller, or would. */
  costOf(outputTokens: number): Micros {
    this.inputTokens ??= this.estimator.inputTokens(this.body);
    const usage = { inputTokens: this.inputTokens, outputTokens, cachedInputTokens: 0, cachedOutputTokens: 0 };
    return priceOf(usage, this.rates);
  }

  /** Most output tokens, up to a limit, that an amount pays for beside the prompt. */
  tokensFor(amountMicros: Micros, limitTokens: number): number {
    let paid = 0;
    let beyond = limitTokens;
    while (paid < beyond) {
      const middle = Math.ceil((paid + beyond) / 2);
      if (this.costOf(middle) <= amountMicros) paid = middle;
      else beyond = middle - 1;
    }
    return paid;
  }
}
