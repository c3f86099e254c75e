import { Inject, Injectable } from '@nestjs/common';
import type { Stage } from '../../billing/index.js';
import {
  counterFamily,
  histogramFamily,
  METRICS,
  type CounterSeries,
  type Family,
  type HistogramSeries,
  type Registry,
} from '../../platform/metrics/index.js';
import { MICROS_PER_UNIT } from '../../platform/money/index.js';
import type { RequestContext } from './context.js';

/** From a fast stage to a long answer. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/**
 * What `/metrics` says of model calls. Labels have few values: stages, verdicts, statuses, tiers, kinds of tokens; never a
 * key, an account or a model, of which there may be any number.
 */
@Injectable()
export class RequestMetrics {
  private readonly requests: Family<CounterSeries>;
  private readonly stages: Family<HistogramSeries>;
  private readonly firstToken: HistogramSeries;
  private readonly tokens: Family<CounterSeries>;
  private readonly credits: Family<CounterSeries>;

  constructor(@Inject(METRICS) registry: Registry) {
    this.requests = counterFamily({
      name: 'gateway_requests_total',
      help: 'Model calls by the stage that ended them, its verdict and the status that the caller saw.',
      labelNames: ['stage', 'outcome', 'status'],
      registry,
    });
    this.stages = histogramFamily({
      name: 'gateway_stage_seconds',
      help: 'Duration of each stage of model calls.',
      labelNames: ['stage'],
      buckets: SECONDS,
      registry,
    });
    this.firstToken = histogramFamily({
      name: 'gateway_first_token_seconds',
      help: 'From the receipt of a stream to its first content.',
      buckets: SECONDS,
      registry,
    }).of();
    this.tokens = counterFamily({
      name: 'gateway_tokens_total',
      help: 'Tokens of captured outcomes, in disjoint buckets.',
      labelNames: ['bucket'],
      registry,
    });
    this.credits = counterFamily({
      name: 'gateway_credits_total',
      help: 'Credits of captured outcomes, by the tier of the wallet.',
      labelNames: ['tier'],
      registry,
    });
  }

  /** Counts a request that has ended. */
  ended(context: RequestContext, stage: Stage, status: number): void {
    const outcome = context.stages.find((record) => record.stage === stage)?.status ?? 'not_reached';
    this.requests.of(stage, outcome, status.toString()).add();
    for (const record of context.stages) {
      if (record.ms !== null && record.stage !== 'settle') this.stages.of(record.stage).observe(record.ms / 1000);
    }
    if (context.outcome !== null) this.captured(context, context.outcome);
  }

  private captured(context: RequestContext, outcome: NonNullable<RequestContext['outcome']>): void {
    if (outcome.firstTokenMs !== null) this.firstToken.observe(outcome.firstTokenMs / 1000);
    const { usage } = outcome;
    this.countTokens('input', usage.inputTokens);
    this.countTokens('output', usage.outputTokens);
    this.countTokens('cached_input', usage.cachedInputTokens);
    this.countTokens('cached_output', usage.cachedOutputTokens);
    if (context.freeze !== null && outcome.creditsUsedMicros !== '0') {
      this.credits.of(context.freeze.tier).add(Number(outcome.creditsUsedMicros) / Number(MICROS_PER_UNIT));
    }
  }

  private countTokens(bucket: string, tokens: number): void {
    if (tokens > 0) this.tokens.of(bucket).add(tokens);
  }
}
