import { Inject, Injectable } from '@nestjs/common';
import { priceOf, SettlementQueue, type Outcome } from '../../billing/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { formatDecimal, ZERO_MICROS } from '../../platform/money/index.js';
import { providerCostOf, type CallSummary, type TokenUsage } from '../../provider/index.js';
import { WalletService } from '../../wallet/index.js';
import { filled, type RequestContext } from '../pipeline/context.js';
import { RoutingFeedback } from './routing-feedback.js';
import { UsageEstimator } from './usage-estimator.js';

export type EndReason =
  'complete' | 'caller_gone' | 'free_hangup' | 'upstream_cut' | 'quota_stop' | 'provider_failed' | 'nothing_delivered';

/** How a call ended, as far as the bill is concerned. */
export interface CallEnd {
  reason: EndReason;
  /** `null` when the provider never answered. */
  summary: CallSummary | null;
  /** Output text that reached the caller (or that the provider finished, for a whole answer). */
  delivered: () => string;
  status: number;
}

type Measured = Pick<Outcome, 'disposition' | 'usage' | 'usageSource'>;

const NO_USAGE: TokenUsage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, cachedOutputTokens: 0 };
const UNCHARGED: ReadonlySet<EndReason> = new Set(['free_hangup', 'provider_failed', 'nothing_delivered']);

/** Stage 8: decides what is charged for an end, and makes it durable before the caller sees that end. */
@Injectable()
export class OutcomeRecorder {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly wallets: WalletService,
    private readonly settlement: SettlementQueue,
    private readonly estimator: UsageEstimator,
    private readonly feedback: RoutingFeedback,
  ) {}

  /** The outcome of an end, priced with the version pinned at the freeze. Nothing is written yet. */
  outcomeOf(context: RequestContext, end: CallEnd): Outcome {
    const { price } = filled(context.route, 'route');
    const measured = this.measure(context, end);
    const creditsUsed = measured.disposition === 'charge' ? priceOf(measured.usage, price) : ZERO_MICROS;
    const { summary } = end;
    context.finishReason = summary?.finishReason ?? null;
    return {
      ...measured,
      reason: end.reason,
      creditsUsedMicros: creditsUsed.toString(),
      priceId: price.id,
      providerCostUsdMicros: this.providerCost(context, end, measured).toString(),
      providerName: summary?.endpoint.providerName ?? null,
      endpointId: summary?.endpoint.id ?? null,
      attempts: summary?.attempts ?? context.attempts,
      rescued: summary?.rescued ?? null,
      firstTokenMs: summary?.firstTokenMs ?? null,
      durationMs: context.elapsedMs(Date.now()),
      status: end.status,
    };
  }

  /**
   * Writes the outcome onto the freeze.
   * @throws AppError `unavailable` when it could not be made durable; the freeze expires then and nothing is charged.
   */
  async capture(context: RequestContext, outcome: Outcome): Promise<void> {
    const key = filled(context.key, 'key');
    const result = await this.wallets.capture(key.billingAccountId, context.requestId, outcome);
    context.outcome = outcome;
    this.feedback.note(context, outcome);
    this.settlement.notify();
    context.close('capture', 'passed', {
      result,
      disposition: outcome.disposition,
      reason: outcome.reason,
      usage_source: outcome.usageSource,
      input_tokens: outcome.usage.inputTokens,
      output_tokens: outcome.usage.outputTokens,
      credits_used: formatDecimal(BigInt(outcome.creditsUsedMicros)),
    });
  }

  /** What all providers of the request ask: also for output that nobody is charged for, and for attempts that broke after some. */
  private providerCost(context: RequestContext, end: CallEnd, measured: Measured): bigint {
    const { summary } = end;
    if (summary === null) return 0n;
    const broken = summary.attempts.reduce((sum, { costUsdMicros = '0' }) => sum + BigInt(costUsdMicros), 0n);
    return broken + providerCostOf(summary.servedUsage ?? this.servedUsage(context, end, measured), summary.endpoint);
  }

  private servedUsage(context: RequestContext, end: CallEnd, { usage, usageSource }: Measured): TokenUsage {
    if (usageSource !== 'unavailable') return usage;
    const delivered = end.delivered();
    return delivered === '' ? NO_USAGE : this.estimator.estimate(filled(context.body, 'body'), delivered);
  }

  private measure(context: RequestContext, end: CallEnd): Measured {
    const usage = end.summary?.usage ?? null;
    if (UNCHARGED.has(end.reason)) {
      return {
        disposition: 'release',
        usage: usage ?? NO_USAGE,
        usageSource: usage === null ? 'unavailable' : 'provider',
      };
    }
    const isStoppedHere = end.reason === 'quota_stop' && end.summary?.complete !== true;
    const isWhole = end.reason === 'complete' || (end.reason === 'quota_stop' && !isStoppedHere);
    if (isWhole && usage !== null) return { disposition: 'charge', usage, usageSource: 'provider' };
    const delivered = end.delivered();
    // What the gateway itself has stopped misses no usage by a fault of the provider: it is always paid as delivered.
    const isReleased = this.config.INCOMPLETE_STREAM_BILLING === 'release' && !isStoppedHere;
    if (delivered === '' || isReleased) {
      return { disposition: 'release', usage: NO_USAGE, usageSource: 'unavailable' };
    }
    const estimated = this.estimator.estimate(filled(context.body, 'body'), delivered);
    return { disposition: 'charge', usage: estimated, usageSource: 'estimated' };
  }
}
