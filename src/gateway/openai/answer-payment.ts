import { Injectable } from '@nestjs/common';
import { doubtOf, maximumOf, outputLimitOf, priceOf } from '../../billing/index.js';
import { micros, type Micros } from '../../platform/money/index.js';
import { completionOutput, type CallSummary, type DeliveredOutput, type JsonAnswer } from '../../provider/index.js';
import { WalletService } from '../../wallet/index.js';
import { filled, type RequestContext } from '../pipeline/context.js';
import { keyLimitsOf } from '../pipeline/key-limits.js';
import { boundsOf } from './call-bounds.js';
import { cutCompletion } from './cut-completion.js';
import { DeliveredBill } from './delivered-bill.js';
import type { EndReason } from './outcome-recorder.js';
import { UsageEstimator } from './usage-estimator.js';

/** What of a whole answer is delivered. */
export interface PaidAnswer {
  body: Record<string, unknown>;
  /** `complete: false` when it was cut: then the provider's count is of more than was delivered. */
  summary: CallSummary;
  reason: Extract<EndReason, 'complete' | 'quota_stop' | 'maximum_exceeded'>;
  delivered: () => DeliveredOutput;
}

/**
 * Has a whole answer paid for before it is delivered. One that costs more than its freeze, because its provider did not keep to a
 * maximum or was sent none, takes an extension; without one it is cut to what is paid for. None is longer than a step past its
 * maximum.
 */
@Injectable()
export class AnswerPayment {
  constructor(
    private readonly wallets: WalletService,
    private readonly estimator: UsageEstimator,
  ) {}

  async pay(context: RequestContext, { body, summary }: JsonAnswer): Promise<PaidAnswer> {
    const { price } = filled(context.route, 'route');
    const bounds = boundsOf(context, summary.endpoint);
    const whole: PaidAnswer = { body, summary, reason: 'complete', delivered: () => completionOutput(body) };
    const usage = summary.usage !== null && doubtOf(summary.usage, bounds) === null ? summary.usage : null;
    if (usage !== null && (await this.covers(context, priceOf(usage, price)))) return whole;
    const bill = new DeliveredBill(this.estimator, filled(context.body, 'body'), price);
    const maximumTokens = maximumOf(bounds);
    const limitTokens = outputLimitOf(maximumTokens);
    const tokens = bill.outputTokens(whole.delivered());
    const isPaid = await this.covers(context, bill.costOf(Math.min(tokens, limitTokens)));
    // What has been written unseen is not undone by a cut.
    if (isPaid && tokens <= limitTokens) return whole;
    const { amountMicros } = filled(context.freeze, 'freeze');
    const cut = cutCompletion(body, bill.tokensFor(amountMicros, limitTokens), (part) => bill.outputTokens(part));
    return {
      body: cut.body,
      // The provider asks for all that it has written.
      summary: { ...summary, complete: false, servedUsage: summary.usage },
      reason: tokens > maximumTokens ? 'maximum_exceeded' : 'quota_stop',
      delivered: () => cut.delivered,
    };
  }

  /** Whether the freeze pays for so much, extended if need be; as far as the wallet goes if it cannot. */
  private async covers(context: RequestContext, costMicros: Micros): Promise<boolean> {
    const freeze = filled(context.freeze, 'freeze');
    const missingMicros = costMicros - freeze.amountMicros;
    if (missingMicros <= 0n || (await this.extend(context, micros(missingMicros)))) return true;
    const seenMicros = this.wallets.lastSeenMicros(filled(context.key, 'key').billingAccountId, freeze.tier) ?? 0n;
    if (seenMicros > 0n && seenMicros < missingMicros) await this.extend(context, micros(seenMicros));
    return false;
  }

  private async extend(context: RequestContext, extraMicros: Micros): Promise<boolean> {
    const freeze = filled(context.freeze, 'freeze');
    const key = filled(context.key, 'key');
    const base = { id: context.requestId, accountId: key.billingAccountId, limits: keyLimitsOf(key, false) };
    try {
      const result = await this.wallets.extend({ ...base, extraMicros });
      if (result.ok) freeze.amountMicros = result.frozenMicros;
      return result.ok;
    } catch {
      // Without a database nothing more can be promised, and the outcome cannot be written either.
      return false;
    }
  }
}
