import { Inject, Injectable } from '@nestjs/common';
import { doubtOf, priceOf, SettlementQueue, type Outcome, type UsageDoubt } from '../../billing/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { formatDecimal, ZERO_MICROS } from '../../platform/money/index.js';
import {
  isSilent,
  providerCostOf,
  type CallSummary,
  type DeliveredOutput,
  type TokenUsage,
} from '../../provider/index.js';
import { HiddenOutputs } from '../../router/index.js';
import { WalletService } from '../../wallet/index.js';
import { filled, type RequestContext } from '../pipeline/context.js';
import { boundsOf } from './call-bounds.js';
import { RoutingFeedback } from './routing-feedback.js';
import { UsageEstimator } from './usage-estimator.js';

export type EndReason =
  | 'complete'
  | 'caller_gone'
  | 'free_hangup'
  | 'upstream_cut'
  | 'quota_stop'
  | 'maximum_exceeded'
  | 'provider_failed'
  | 'nothing_delivered';

type Measured = Pick<Outcome, 'disposition' | 'usage' | 'usageSource' | 'doubt'>;

/** How a call ended, as far as the bill is concerned. */
export interface CallEnd {
  reason: EndReason;
  /** `null` when the provider never answered. */
  summary: CallSummary | null;
  /** Output that reached the caller (or that the provider finished, for a whole answer). */
  delivered: () => DeliveredOutput;
  status: number;
}

const NO_USAGE: TokenUsage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, cachedOutputTokens: 0 };
/** The gateway has ended the answer. */
const STOPS: ReadonlySet<EndReason> = new Set(['quota_stop', 'maximum_exceeded']);
const UNCHARGED: ReadonlySet<EndReason> = new Set(['free_hangup', 'provider_failed', 'nothing_delivered']);

/** What the provider said that does not count, for the explanation. */
function doubtFactsOf({ doubt }: Outcome): Record<string, unknown> {
  if (doubt === undefined) return {};
  return { doubt: doubt.kind, reported_input_tokens: doubt.inputTokens, reported_output_tokens: doubt.outputTokens };
}

/** Stage 8: decides what is charged for an end, and makes it durable before the caller sees that end. */
@Injectable()
export class OutcomeRecorder {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly wallets: WalletService,
    private readonly settlement: SettlementQueue,
    private readonly estimator: UsageEstimator,
    private readonly feedback: RoutingFeedback,
    private readonly hidden: HiddenOutputs,
  ) {}

  /** The outcome of an end, priced with the version pinned at the freeze. Nothing is written yet. */
  outcomeOf(context: RequestContext, end: CallEnd): Outcome {
    const { price } = filled(context.route, 'route');
    const measured = this.measure(context, end);
    const creditsUsed = measured.disposition === 'charge' ? priceOf(measured.usage, price) : ZERO_MICROS;
    const { summary } = end;
    context.finishReason = summary?.finishReason ?? null;
    if (summary !== null && measured.usageSource === 'provider') this.learn(context, summary);
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
      ...doubtFactsOf(outcome),
      input_tokens: outcome.usage.inputTokens,
      output_tokens: outcome.usage.outputTokens,
      credits_used: formatDecimal(BigInt(outcome.creditsUsedMicros)),
    });
  }

  /** What all providers of the request ask: also for output that the caller is not charged for, and for attempts that broke after some. */
  private providerCost(context: RequestContext, end: CallEnd, measured: Measured): bigint {
    const { summary } = end;
    if (summary === null) return 0n;
    const broken = summary.attempts.reduce((sum, { costUsdMicros = '0' }) => sum + BigInt(costUsdMicros), 0n);
    return broken + providerCostOf(this.servedUsage(context, end, measured), summary.endpoint);
  }

  /** What the attempt that served the end used; a count that cannot be true is none there either. */
  private servedUsage(context: RequestContext, end: CallEnd, { usage, usageSource }: Measured): TokenUsage {
    const served = end.summary?.servedUsage ?? null;
    const bounds = boundsOf(context, end.summary?.endpoint ?? null);
    if (served !== null && doubtOf(served, bounds)?.kind !== 'implausible_usage') return served;
    if (usageSource !== 'unavailable') return usage;
    const delivered = end.delivered();
    return isSilent(delivered) ? NO_USAGE : this.estimator.estimate(filled(context.body, 'body'), delivered);
  }

  private measure(context: RequestContext, end: CallEnd): Measured {
    const reported = end.summary?.usage ?? null;
    const doubt = this.doubtOf(context, end);
    const usage = doubt === null ? reported : null;
    const doubtField = doubt === null ? {} : { doubt };
    if (UNCHARGED.has(end.reason)) {
      const usageSource = usage === null ? 'unavailable' : 'provider';
      return { disposition: 'release', usage: usage ?? NO_USAGE, usageSource, ...doubtField };
    }
    const isStoppedHere = STOPS.has(end.reason) && end.summary?.complete !== true;
    const isWhole = end.reason === 'complete' || (STOPS.has(end.reason) && !isStoppedHere);
    if (isWhole && usage !== null) return { disposition: 'charge', usage, usageSource: 'provider' };
    const delivered = end.delivered();
    // What the gateway itself has stopped misses no usage by a fault of the provider: it is always paid as delivered.
    const isReleased = this.config.INCOMPLETE_STREAM_BILLING === 'release' && !isStoppedHere;
    if (isSilent(delivered) || isReleased) {
      return { disposition: 'release', usage: NO_USAGE, usageSource: 'unavailable', ...doubtField };
    }
    const estimated = this.estimator.estimate(filled(context.body, 'body'), delivered);
    return { disposition: 'charge', usage: estimated, usageSource: 'estimated', ...doubtField };
  }

  /** What the model has hidden is frozen for in its next calls. */
  private learn(context: RequestContext, { hiddenTokens, endpoint }: CallSummary): void {
    const { model } = filled(context.route, 'route');
    const { choices } = filled(context.freeze, 'freeze').estimate;
    if (hiddenTokens > 0 && endpoint.modelId === model.id) this.hidden.note(model, Math.ceil(hiddenTokens / choices));
  }

  /** Why the provider's own count is not charged; `null` when it may be, or when there is none. */
  private doubtOf(context: RequestContext, { reason, summary }: CallEnd): UsageDoubt | null {
    const usage = summary?.usage ?? null;
    const doubt = usage === null ? null : doubtOf(usage, boundsOf(context, summary?.endpoint ?? null));
    if (doubt !== null || reason !== 'maximum_exceeded') return doubt;
    return { kind: 'maximum_exceeded', inputTokens: null, outputTokens: usage?.outputTokens ?? null };
  }
}
